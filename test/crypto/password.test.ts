import * as native from '@node-rs/bcrypt'
import * as portable from 'bcryptjs'
import { describe, expect, test, vi } from 'vitest'
import { createPasswordHasher, type PasswordHasherOptions } from '../../src/crypto/password.ts'
import { nativeScrypt, type Scrypt } from '../../src/crypto/scrypt.ts'
import { toBase64 } from '../../src/lib/encoding.ts'
import { randomRing } from './rings.ts'

const lane = '203.0.113.1'
const peppers = randomRing('p1', 'p2')
const hasherOf = (options: Partial<PasswordHasherOptions> = {}) =>
  createPasswordHasher({ compareBcrypt: native.compare, peppers, cost: 4, ...options })

/** The hash that earlier releases stored. */
async function storedByBcrypt(password: string) {
  const ring = peppers.keys.get('p2') as Uint8Array<ArrayBuffer>
  const key = await crypto.subtle.importKey('raw', ring, { name: 'HMAC', hash: 'SHA-384' }, false, ['sign'])
  const digest = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(password))
  return { hash: await portable.hash(toBase64(new Uint8Array(digest)), 4), pepperId: 'p2' }
}

describe('passwords', () => {
  const hasher = hasherOf()

  test('accepts only the exact password', async () => {
    const stored = await hasher.hash('correct horse', lane)
    expect(stored.hash).toMatch(/^\$scrypt\$ln=4,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(stored.pepperId).toBe('p2')
    expect(await hasher.verify('correct horse', stored, lane)).toBe(true)
    expect(await hasher.verify('Correct horse', stored, lane)).toBe(false)
    expect(await hasher.verify('correct horse ', stored, lane)).toBe(false)
    expect(await hasher.verify('', stored, lane)).toBe(false)
  })

  test('two hashes of one password differ', async () => {
    const [one, other] = [await hasher.hash('pass', lane), await hasher.hash('pass', lane)]
    expect(one.hash).not.toBe(other.hash)
  })

  test.each([
    ['72 bytes', 'a'.repeat(72)],
    ['64 emoji', '🔑'.repeat(64)],
    ['NUL', 'abc\u0000'],
    ['1,024 characters', 'é'.repeat(1023)],
  ])('does not truncate after %s', async (_, start) => {
    const stored = await hasher.hash(`${start}X`, lane)
    expect(await hasher.verify(`${start}X`, stored, lane)).toBe(true)
    expect(await hasher.verify(`${start}Y`, stored, lane)).toBe(false)
    expect(await hasher.verify(start, stored, lane)).toBe(false)
  })

  test('the default cost is one that OWASP recommends', async () => {
    const { hash } = await createPasswordHasher({ compareBcrypt: native.compare, peppers }).hash('pass', lane)
    expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/)
  })
})

describe('bcrypt hashes of earlier releases', () => {
  test.each([
    ['@node-rs/bcrypt', native.compare],
    ['bcryptjs', portable.compare],
  ])('%s verifies them, and they are outdated', async (_, compareBcrypt) => {
    const hasher = hasherOf({ compareBcrypt })
    const stored = await storedByBcrypt('correct horse')
    expect(await hasher.verify('correct horse', stored, lane)).toBe(true)
    expect(await hasher.verify('correct horses', stored, lane)).toBe(false)
    expect(hasher.isOutdated(stored)).toBe(true)
  })
})

describe('password verification', () => {
  test('costs exactly one hash at the current cost for existing, unknown and damaged accounts', async () => {
    const scrypt = vi.fn<Scrypt>(nativeScrypt)
    const compareBcrypt = vi.fn<typeof native.compare>(native.compare)
    const hasher = hasherOf({ scrypt, compareBcrypt, cost: 5 })
    const stored = await hasher.hash('right password', lane)
    scrypt.mockClear()
    expect(await hasher.verify('right password', stored, lane)).toBe(true)
    expect(await hasher.verify('wrong password', stored, lane)).toBe(false)
    expect(await hasher.verify('wrong password', null, lane)).toBe(false)
    for (const damaged of ['', 'x', '$2b$', '$2b$05$short', '$scrypt$', `${stored.hash}x`, '\u0000']) {
      expect(await hasher.verify('right password', { ...stored, hash: damaged }, lane)).toBe(false)
    }
    expect(scrypt).toHaveBeenCalledTimes(10)
    for (const [, , cost] of scrypt.mock.calls) expect(cost).toEqual({ N: 32, r: 8, p: 5 })
    expect(compareBcrypt).not.toHaveBeenCalled()
  })

  test('a hash with a retired pepper or another cost verifies and is outdated', async () => {
    const current = hasherOf({ cost: 5 })
    const old = hasherOf({ cost: 5, peppers: { ...peppers, active: 'p1' } })
    const cheap = hasherOf()
    const hashes = [
      await old.hash('pass', lane),
      await cheap.hash('pass', lane),
      await current.hash('pass', lane),
    ]
    for (const stored of hashes) expect(await current.verify('pass', stored, lane)).toBe(true)
    expect(hashes.map((stored) => current.isOutdated(stored))).toEqual([true, true, false])
  })

  test('a hash with a missing pepper is an unavailable key, not a wrong password', async () => {
    const hasher = hasherOf()
    const stored = { ...(await hasher.hash('pass', lane)), pepperId: 'p9' }
    await expect(hasher.verify('pass', stored, lane)).rejects.toMatchObject({ code: 'key-unavailable' })
  })

  test('another pepper gives another pre-hash', async () => {
    const scrypt = vi.fn<Scrypt>(nativeScrypt)
    await hasherOf({ scrypt }).hash('pass', lane)
    await hasherOf({ scrypt, peppers: { ...peppers, active: 'p1' } }).hash('pass', lane)
    const [one, other] = scrypt.mock.calls.map(([text]) => text)
    expect(one).toMatch(/^[A-Za-z0-9+/]{64}$/)
    expect(one).not.toBe(other)
  })
})
