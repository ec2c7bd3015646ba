import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { isApiToken, newApiToken } from '../../src/crypto/api-token.ts'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

test('a token has 190 random bits, and ends with their CRC-32 in base62', async () => {
  const made = await Promise.all(Array.from({ length: 500 }, () => newApiToken()))
  expect(new Set(made.map(({ token }) => token)).size).toBe(500)
  for (const { token, hash, hint } of made) {
    const [, secret = '', checksum = ''] = /^fk_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/.exec(token) ?? []
    const value = Array.from(checksum).reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0)
    expect(value).toBe(crc32(secret))
    expect(isApiToken(token)).toBe(true)
    expect(token.endsWith(hint)).toBe(true)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
  }
  const used = new Set(made.flatMap(({ token }) => Array.from(token.slice(3, 35))))
  expect(used.size).toBe(62)
})

test('any changed character breaks the checksum', async () => {
  const { token } = await newApiToken()
  for (let at = 3; at < token.length; at++) {
    const other = alphabet[(alphabet.indexOf(token.charAt(at)) + 1) % 62]
    expect(isApiToken(token.slice(0, at) + other + token.slice(at + 1))).toBe(false)
  }
  for (const text of ['', 'fk_', `${token}a`, `x${token}`, token.toUpperCase(), token.slice(0, -1)])
    expect(isApiToken(text)).toBe(false)
})
