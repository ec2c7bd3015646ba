/** @module The token n8n authenticates with: `whk_` and 256 random bits. Only its SHA-256 is stored. */
import { dayMs } from '../lib/time.ts'
import { sha256Hex } from '../lib/encoding.ts'
import { base64url } from 'jose'

/** How long a token stays valid after its rotation, because n8n may still use it. */
export const tokenOverlapMs = dayMs

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

export const hashWebhookToken = (token: string): Promise<string> => sha256Hex(token)
