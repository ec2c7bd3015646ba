import { base64url } from 'jose'

/**
 * Whether `text` is the canonical base64url encoding of its bytes (RFC 4648 §3.5). Decoders ignore the unused bits of
 * the last character, so several texts decode to the same bytes.
 */
export function isCanonicalBase64url(text: string): boolean {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return false
  return base64url.encode(base64url.decode(text)) === text
}
