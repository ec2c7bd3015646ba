/** @module What n8n authenticates with: `whk_` and 256 random bits, of which only the SHA-256 is kept. */
import { base64url } from 'jose'

export interface WebhookToken {
  /** Shown once, never stored. */
  token: string
  /** SHA-256, hex. */
  hash: string
}

export async function newWebhookToken(): Promise<WebhookToken> {
  const token = `whk_${base64url.encode(crypto.getRandomValues(new Uint8Array(32)))}`
  return { token, hash: await hashWebhookToken(token) }
}

export async function hashWebhookToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
