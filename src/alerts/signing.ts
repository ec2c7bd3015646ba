/** @module Webhook signatures according to Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 of ID, time and body. */
import { fromBase64, toBase64 } from '../lib/encoding.ts'

const prefix = 'whsec_'

export const newSigningSecret = (): string =>
  prefix + toBase64(crypto.getRandomValues(new Uint8Array(new ArrayBuffer(32))))

/** @param secrets the current one first; during a rotation also the previous one */
export async function signatureHeaders(
  secrets: readonly string[],
  { id, at, body }: { id: string; at: Date; body: string },
): Promise<Record<string, string>> {
  const seconds = Math.floor(at.getTime() / 1000)
  const content = new TextEncoder().encode(`${id}.${seconds}.${body}`)
  const signatures = await Promise.all(secrets.map((secret) => sign(secret, content)))
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.map((signature) => `v1,${signature}`).join(' '),
  }
}

async function sign(secret: string, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = fromBase64(secret.slice(prefix.length)) ?? new Uint8Array(0)
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, content)))
}
