import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readEcdsaSignature } from '../../src/worker/ecdsa-signature.ts'

const message = Buffer.from('signed by an authenticator')

/** An integer as Web Crypto expects it: without a sign, padded to the size of the curve. */
function padded(integer: Uint8Array, size: number): Uint8Array {
  const digits = integer.subarray(integer.findIndex((byte) => byte !== 0))
  expect(digits.length).toBeLessThanOrEqual(size)
  return Buffer.concat([Buffer.alloc(size - digits.length), digits])
}

describe('a DER-encoded signature', () => {
  test.each([
    ['P-256', 'SHA-256', 32],
    ['P-384', 'SHA-384', 48],
    ['P-521', 'SHA-512', 66],
  ] as const)('of %s contains what Web Crypto verifies', async (namedCurve, hash, size) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
    const jwk = publicKey.export({ format: 'jwk' })
    const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve }, false, ['verify'])
    const lengths = new Set<number>()
    // Enough for integers with and without a leading zero, and for shorter ones.
    for (let each = 0; each < 400; each += 1) {
      const der = sign(hash, message, privateKey)
      const { r, s } = readEcdsaSignature(der)
      lengths.add(r.length).add(s.length)
      const raw = Buffer.concat([padded(r, size), padded(s, size)])
      expect(await crypto.subtle.verify({ name: 'ECDSA', hash }, key, raw, message)).toBe(true)
    }
    expect(lengths.size).toBeGreaterThan(1)
  })

  const der = (...bytes: number[]) => Uint8Array.from(bytes)
  const valid = der(0x30, 6, 2, 1, 5, 2, 1, 7)

  test('is read', () => {
    expect(readEcdsaSignature(valid)).toEqual({ r: der(5), s: der(7) })
  })

  test.each([
    ['no bytes', der()],
    ['another type', der(0x31, 6, 2, 1, 5, 2, 1, 7)],
    ['a length that is too short', der(0x30, 5, 2, 1, 5, 2, 1, 7)],
    ['a length that is too long', der(0x30, 7, 2, 1, 5, 2, 1, 7)],
    ['bytes after the sequence', der(0x30, 6, 2, 1, 5, 2, 1, 7, 0)],
    ['bytes after the integers', der(0x30, 7, 2, 1, 5, 2, 1, 7, 0)],
    ['one integer', der(0x30, 3, 2, 1, 5)],
    ['a third integer', der(0x30, 9, 2, 1, 5, 2, 1, 7, 2, 1, 9)],
    ['an empty integer', der(0x30, 5, 2, 0, 2, 1, 7)],
    ['an integer that reaches beyond the end', der(0x30, 6, 2, 1, 5, 2, 9, 7)],
    ['a text instead of an integer', der(0x30, 6, 4, 1, 5, 2, 1, 7)],
    ['an indefinite length', der(0x30, 0x80, 2, 1, 5, 2, 1, 7, 0, 0)],
  ])('is refused with %s', (_, bytes) => {
    expect(() => readEcdsaSignature(bytes)).toThrow('Not an ECDSA signature')
  })

  test('is refused if any byte is missing', () => {
    for (let length = 0; length < valid.length; length += 1) {
      expect(() => readEcdsaSignature(valid.subarray(0, length))).toThrow('Not an ECDSA signature')
    }
  })
})
