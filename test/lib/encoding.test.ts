import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import {
  fromBase64,
  isCanonicalBase64url,
  sha256Hex,
  textToBase64,
  toBase64,
  toHex,
} from '../../src/lib/encoding.ts'

const lengths = [0, 1, 2, 3, 16, 31, 32, 500]

describe.each(lengths)('%i random bytes', (length) => {
  const bytes = crypto.getRandomValues(new Uint8Array(length))

  test('have the base64 and hex that Node gives them', () => {
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
    expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
  })

  test('are decoded from base64 and from base64url', () => {
    expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes)
    expect(fromBase64(Buffer.from(bytes).toString('base64url'))).toEqual(bytes)
  })
})

test.each(['a', 'aGk*', 'ä', 'aG=k'])('%j is not base64', (text) => {
  expect(fromBase64(text)).toBeNull()
})

test('text is encoded as UTF-8', () => {
  expect(textToBase64('Grüße 🌍')).toBe(Buffer.from('Grüße 🌍').toString('base64'))
})

test.each([
  ['', true],
  ['aGk', true],
  ['aGl', false],
  ['aGk=', false],
  ['a', false],
  ['a+b/', false],
])('%j is canonical base64url: %j', (text, expected) => {
  expect(isCanonicalBase64url(text)).toBe(expected)
})

test('a hash is cut to whole bytes', async () => {
  const whole = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  expect(await sha256Hex('abc')).toBe(whole)
  expect(await sha256Hex(new TextEncoder().encode('abc'), 8)).toBe(whole.slice(0, 16))
})
