/** @module Reads ECDSA signatures in the worker, in place of an ASN.1 library. */

/**
 * The two integers of a DER-encoded signature (RFC 3279 §2.2.3): SEQUENCE { INTEGER r, INTEGER s }.
 * @throws {Error} for anything else
 */
export function readEcdsaSignature(bytes: Uint8Array): { r: Uint8Array; s: Uint8Array } {
  // The sequence of P-521, the longest one, has 139 bytes: its length is one byte, or 0x81 and one byte.
  const start = bytes[1] === 0x81 ? 3 : 2
  if (bytes[0] !== 0x30 || bytes[start - 1] !== bytes.length - start)
    throw new Error('Not an ECDSA signature')
  const r = integerAt(bytes, start)
  const s = integerAt(bytes, start + 2 + r.length)
  if (start + 4 + r.length + s.length !== bytes.length) throw new Error('Not an ECDSA signature')
  return { r, s }
}

function integerAt(bytes: Uint8Array, at: number): Uint8Array {
  const length = bytes[at + 1] ?? 0
  const value = bytes.subarray(at + 2, at + 2 + length)
  if (bytes[at] !== 2 || length === 0 || length > 0x7f || value.length !== length) {
    throw new Error('Not an ECDSA signature')
  }
  return value
}
