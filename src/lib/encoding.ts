/** @module Base64, base64url (by jose) and hex of bytes, and hashes as hex. */
import { base64url } from 'jose'

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

/** Of UTF-8 text. */
export const textToBase64 = (text: string): string => toBase64(new TextEncoder().encode(text))

/** Accepts base64 and base64url. Null for anything else. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}

/**
 * Whether `text` is the canonical base64url encoding of its bytes (RFC 4648 §3.5). Decoders ignore the unused bits of
 * the last character, so several texts decode to the same bytes.
 */
export function isCanonicalBase64url(text: string): boolean {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return false
  return base64url.encode(base64url.decode(text)) === text
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

/** Lower-case hex. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** The first `sizeBytes` of the SHA-256 of bytes or UTF-8 text, in hex. */
export async function sha256Hex(content: string | Uint8Array<ArrayBuffer>, sizeBytes = 32): Promise<string> {
  return toHex(await sha256(content, sizeBytes))
}

/** The first `sizeBytes` of the SHA-256 of bytes or UTF-8 text. */
export async function sha256(content: string | Uint8Array<ArrayBuffer>, sizeBytes = 32): Promise<Uint8Array> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes), 0, sizeBytes)
}
