import { base64url } from 'jose'

/**
 * True when `text` is the one base64url spelling of its bytes (RFC 4648 §3.5). Decoders ignore the unused bits of the
 * last character, so without this check several texts stand for the same bytes.
 */
export function isCanonicalBase64url(text: string): boolean {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return false
  return base64url.encode(base64url.decode(text)) === text
}
