import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeyRing } from '../../src/crypto/key-ring.ts'
import { createKeyCheck, missingKeyIds, verifyKeys } from '../../src/db/key-check.ts'
import { keyChecks } from '../../src/db/schema/users.ts'
import { communityCredential, fixture, newInstance } from '../credentials/fixture.ts'
import { randomRing } from '../crypto/rings.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase

beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.close())

const keyOf = (ring: KeyRing, id: string) => ring.keys.get(id) as Uint8Array<ArrayBuffer>
const ringOf = (active: string, keys: Record<string, Uint8Array<ArrayBuffer>>): KeyRing => ({
  active,
  keys: new Map(Object.entries(keys)),
})
const refused = { code: 'key-unavailable', retryAfterSeconds: 30 }

describe('a key ring', () => {
  test('is accepted on first use and again, with one check per key', async () => {
    const ring = randomRing('k1', 'k2')
    await verifyKeys(database.db, ring)
    const first = await database.db.read.select().from(keyChecks).orderBy(keyChecks.keyId)
    expect(first.map(({ keyId }) => keyId)).toEqual(['k1', 'k2'])
    await verifyKeys(database.db, ring)
    expect(await database.db.read.select().from(keyChecks).orderBy(keyChecks.keyId)).toEqual(first)
  })

  test('is accepted with an additional new key', async () => {
    const old = randomRing('k1')
    await verifyKeys(database.db, old)
    const grown = ringOf('k2', { k1: keyOf(old, 'k1'), k2: keyOf(randomRing('k2'), 'k2') })
    await verifyKeys(database.db, grown)
    expect(await database.db.read.select().from(keyChecks)).toHaveLength(2)
  })

  test('is rejected when its active key differs from the one used before', async () => {
    await verifyKeys(database.db, randomRing('k1'))
    await expect(verifyKeys(database.db, randomRing('k1'))).rejects.toMatchObject(refused)
  })

  test('is rejected when an inactive key differs from the one used before', async () => {
    const [right, wrong] = [randomRing('k1', 'k2'), randomRing('k1')]
    await verifyKeys(database.db, right)
    const mixed = ringOf('k2', { k1: keyOf(wrong, 'k1'), k2: keyOf(right, 'k2') })
    await expect(verifyKeys(database.db, mixed)).rejects.toMatchObject(refused)
  })

  test('is rejected when two keys have swapped IDs', async () => {
    const ring = randomRing('k1', 'k2')
    await verifyKeys(database.db, ring)
    const swapped = ringOf('k2', { k1: keyOf(ring, 'k2'), k2: keyOf(ring, 'k1') })
    await expect(verifyKeys(database.db, swapped)).rejects.toMatchObject(refused)
  })

  test('is rejected when a check was tampered with or copied from another key', async () => {
    const ring = randomRing('k1', 'k2')
    await verifyKeys(database.db, ring)
    const [k1] = await database.db.read.select().from(keyChecks).where(eq(keyChecks.keyId, 'k1'))
    await database.db.update(keyChecks).set({ sealed: k1?.sealed }).where(eq(keyChecks.keyId, 'k2'))
    await expect(verifyKeys(database.db, ring)).rejects.toMatchObject(refused)
  })

  test('names the wrong key to the operator, but not to the client', async () => {
    await verifyKeys(database.db, randomRing('k1'))
    const error: unknown = await verifyKeys(database.db, randomRing('k1')).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ cause: { message: expect.stringContaining('k1') } })
    expect((error as Error).message).not.toContain('k1')
  })

  test('is rejected if another server concurrently registers another key under the same ID', async () => {
    const outcomes = await Promise.allSettled([
      verifyKeys(database.db, randomRing('k1')),
      verifyKeys(database.db, randomRing('k1')),
    ])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('the check of an isolate', () => {
  test('queries the database until it succeeds once, and retries after a failure', async () => {
    const ring = randomRing('k1')
    let requests = 0
    const counting = new Proxy(database.db, {
      get: (target, property, receiver) => {
        if (property === 'read') requests += 1
        return Reflect.get(target, property, receiver) as unknown
      },
    })
    await verifyKeys(database.db, randomRing('k1'))
    const keys = createKeyCheck(counting, ring)
    await expect(keys.verified()).rejects.toMatchObject(refused)
    await database.db.delete(keyChecks)
    await keys.verified()
    expect(requests).toBe(2)
    await keys.verified()
    expect(requests).toBe(2)
  })

  test('is ready with the right keys, and not with a wrong one', async () => {
    const ring = randomRing('k1')
    await createKeyCheck(database.db, ring).ready()
    await expect(createKeyCheck(database.db, randomRing('k1')).ready()).rejects.toMatchObject(refused)
  })

  test('is not ready when the ring lacks a key that stored secrets need', async () => {
    const f = fixture(database.db, { ring: randomRing('k2', 'k1') })
    const userId = await f.newUser()
    expect(await missingKeyIds(f.db, f.ring)).toEqual([])
    await f.credentials.create(userId, communityCredential('a'))
    await newInstance(fixture(database.db, { ring: randomRing('k3') }), userId)
    expect(await missingKeyIds(f.db, f.ring)).toEqual(['k3'])
    expect(await missingKeyIds(f.db, randomRing('k0', 'k9'))).toEqual(['k1', 'k3'])
    await expect(f.keys.ready()).rejects.toMatchObject({
      ...refused,
      cause: { message: expect.stringContaining('k3') },
    })
  })
})
