import * as native from '@node-rs/bcrypt'
import * as portable from 'bcryptjs'
import { describe, expect, test, vi } from 'vitest'
import { type BcryptImplementation, createPasswordHasher } from '../../src/crypto/password.ts'
import { randomRing } from './rings.ts'

const cost = 4
const peppers = randomRing('p1', 'p2')
const inNode: BcryptImplementation = { hash: native.hash, compare: native.compare }
const onEdge: BcryptImplementation = {
  hash: (text, rounds) => portable.hash(text, rounds),
  compare: portable.compare,
}
const implementations: [string, BcryptImplementation, BcryptImplementation][] = [
  ['@node-rs/bcrypt, read by bcryptjs', inNode, onEdge],
  ['bcryptjs, read by @node-rs/bcrypt', onEdge, inNode],
  ['@node-rs/bcrypt', inNode, inNode],
  ['bcryptjs', onEdge, onEdge],
]

/** Counts comparisons and records the cost of each hash. */
function counting(bcrypt: BcryptImplementation) {
  const costs: number[] = []
  const hash = vi.fn<BcryptImplementation['hash']>((text, rounds) => bcrypt.hash(text, rounds))
  const compare = vi.fn<BcryptImplementation['compare']>((text, stored) => {
    costs.push(Number(stored.split('$')[2]))
    return bcrypt.compare(text, stored)
  })
  return { bcrypt: { hash, compare }, hash, compare, costs }
}

describe.each(implementations)('passwords hashed by %s', (_, writer, reader) => {
  const write = createPasswordHasher({ bcrypt: writer, peppers, cost })
  const read = createPasswordHasher({ bcrypt: reader, peppers, cost })

  test('accepts only the exact password', async () => {
    const stored = await write.hash('correct horse')
    expect(stored.hash).toMatch(/^\$2b\$04\$/)
    expect(stored.pepperId).toBe('p2')
    expect(await read.verify('correct horse', stored)).toBe(true)
    expect(await read.verify('Correct horse', stored)).toBe(false)
    expect(await read.verify('correct horse ', stored)).toBe(false)
    expect(await read.verify('', stored)).toBe(false)
  })

  test.each([
    ['72 bytes', 'a'.repeat(72)],
    ['64 emoji', '🔑'.repeat(64)],
    ['NUL', 'abc\u0000'],
    ['1,024 characters', 'é'.repeat(1023)],
  ])('does not truncate after %s', async (_, start) => {
    const stored = await write.hash(`${start}X`)
    expect(await read.verify(`${start}X`, stored)).toBe(true)
    expect(await read.verify(`${start}Y`, stored)).toBe(false)
    expect(await read.verify(start, stored)).toBe(false)
  })
})

describe('password verification', () => {
  test('costs exactly one comparison at the current cost for existing, unknown and damaged accounts', async () => {
    const { bcrypt, hash, compare, costs } = counting(inNode)
    const hasher = createPasswordHasher({ bcrypt, peppers, cost: 5 })
    const stored = await hasher.hash('right password')
    hash.mockClear()
    expect(await hasher.verify('right password', stored)).toBe(true)
    expect(await hasher.verify('wrong password', stored)).toBe(false)
    expect(await hasher.verify('wrong password', null)).toBe(false)
    for (const damaged of ['', 'x', '$2b$', '$2b$05$short', `${stored.hash}x`, '\u0000']) {
      expect(await hasher.verify('right password', { ...stored, hash: damaged })).toBe(false)
    }
    expect(compare).toHaveBeenCalledTimes(9)
    expect(new Set(costs)).toEqual(new Set([5]))
    expect(hash).not.toHaveBeenCalled()
  })

  test.each(implementations.slice(2))(
    '%s does the full work for the dummy hash without throwing',
    async (_, bcrypt) => {
      const hasher = createPasswordHasher({ bcrypt, peppers, cost })
      expect(await hasher.verify('whatever', null)).toBe(false)
    },
  )

  test('a hash with a retired pepper or another cost verifies and is outdated', async () => {
    const current = createPasswordHasher({ bcrypt: inNode, peppers, cost: 5 })
    const old = createPasswordHasher({ bcrypt: inNode, peppers: { ...peppers, active: 'p1' }, cost: 5 })
    const cheap = createPasswordHasher({ bcrypt: inNode, peppers, cost: 4 })
    const [byOld, byCheap, fresh] = [
      await old.hash('pass'),
      await cheap.hash('pass'),
      await current.hash('pass'),
    ]
    expect(await current.verify('pass', byOld)).toBe(true)
    expect(await current.verify('pass', byCheap)).toBe(true)
    expect([byOld, byCheap, fresh].map((stored) => current.isOutdated(stored))).toEqual([true, true, false])
  })

  test('a hash with a missing pepper is an unavailable key, not a wrong password', async () => {
    const hasher = createPasswordHasher({ bcrypt: inNode, peppers, cost })
    const stored = { ...(await hasher.hash('pass')), pepperId: 'p9' }
    await expect(hasher.verify('pass', stored)).rejects.toMatchObject({ code: 'key-unavailable' })
  })

  test('another pepper gives another pre-hash', async () => {
    const { bcrypt, hash } = counting(inNode)
    await createPasswordHasher({ bcrypt, peppers, cost }).hash('pass')
    await createPasswordHasher({ bcrypt, peppers: { ...peppers, active: 'p1' }, cost }).hash('pass')
    const [one, other] = hash.mock.calls.map(([text]) => text)
    expect(one).toMatch(/^[A-Za-z0-9+/]{64}$/)
    expect(one).not.toBe(other)
  })
})

/** A bcrypt implementation whose comparisons wait until they are released. */
function gated() {
  let running = 0
  let most = 0
  const gates: (() => void)[] = []
  const compare = async () => {
    running += 1
    most = Math.max(most, running)
    await new Promise<void>((resolve) => gates.push(resolve))
    running -= 1
    return false
  }
  return { bcrypt: { hash: async () => '', compare }, gates, most: () => most }
}

describe('hashing slots', () => {
  test('limits concurrent hashes and serves waiting callers', async () => {
    const { bcrypt, gates, most } = gated()
    const hasher = createPasswordHasher({
      bcrypt,
      peppers,
      cost,
      maxInFlight: 2,
      maxWaiting: 3,
      maxWaitMs: 60_000,
    })
    const all = Array.from({ length: 5 }, () => hasher.verify('x', null))
    for (let done = 0; done < 5; done += 1) {
      await vi.waitFor(() => expect(gates.length).toBeGreaterThan(0))
      gates.shift()?.()
    }
    expect(await Promise.all(all)).toEqual([false, false, false, false, false])
    expect(most()).toBe(2)
  })

  test('rejects callers beyond the queue immediately with a retry time', async () => {
    const { bcrypt, gates } = gated()
    const hasher = createPasswordHasher({
      bcrypt,
      peppers,
      cost,
      maxInFlight: 1,
      maxWaiting: 0,
      maxWaitMs: 3000,
    })
    const first = hasher.verify('x', null)
    await vi.waitFor(() => expect(gates).toHaveLength(1))
    await expect(hasher.verify('x', null)).rejects.toMatchObject({
      code: 'too-many-requests',
      retryAfterSeconds: 3,
    })
    gates[0]?.()
    await first
  })

  test('rejects callers that wait too long, and frees the slot after a failure', async () => {
    const { bcrypt, gates } = gated()
    const hasher = createPasswordHasher({
      bcrypt,
      peppers,
      cost,
      maxInFlight: 1,
      maxWaiting: 5,
      maxWaitMs: 30,
    })
    const first = hasher.verify('x', null)
    await vi.waitFor(() => expect(gates).toHaveLength(1))
    await expect(hasher.verify('x', null)).rejects.toMatchObject({ code: 'too-many-requests' })
    gates[0]?.()
    await first
    const failing = createPasswordHasher({
      bcrypt: { hash: () => Promise.reject(new Error('broken')), compare: async () => true },
      peppers,
      maxInFlight: 1,
      maxWaiting: 0,
    })
    await expect(failing.hash('x')).rejects.toThrow('broken')
    expect(await failing.verify('x', { hash: `$2b$04$${'a'.repeat(53)}`, pepperId: 'p2' })).toBe(true)
  })
})
