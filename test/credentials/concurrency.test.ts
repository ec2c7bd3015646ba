import { count, eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { credentials } from '../../src/db/schema/credentials.ts'
import { auditEvents } from '../../src/db/schema/users.ts'
import { randomRing } from '../crypto/rings.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { communityCredential, fixture } from './fixture.ts'

const path = '/v1/credentials'
const ring = randomRing()
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const rowsOf = async (userId: string) => {
  const [row] = await database.db.read
    .select({ rows: count() })
    .from(credentials)
    .where(eq(credentials.userId, userId))
  return row?.rows
}

test('50 concurrent creations for the last unit of a quota: exactly one succeeds', async () => {
  const f = fixture(database.db, { ring, quota: 3 })
  const userId = await f.newUser()
  for (const name of ['a', 'b']) await f.credentials.create(userId, communityCredential(name))
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const body = communityCredential(`racer ${i}`)
      return (await f.call(userId, 'POST', path, { body })).status
    }),
  )
  expect(statuses.filter((status) => status === 201)).toHaveLength(1)
  expect(statuses.filter((status) => status === 403)).toHaveLength(49)
  expect(await rowsOf(userId)).toBe(3)
})

test('50 concurrent repeats of one creation: one credential, one audit event, the same response', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const init = { body: communityCredential('repeated'), headers: { 'Idempotency-Key': uuidv7() } }
  const answers = await Promise.all(Array.from({ length: 50 }, () => f.call(userId, 'POST', path, init)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
  expect(await rowsOf(userId)).toBe(1)
  const events = await database.db.read.select().from(auditEvents).where(eq(auditEvents.userId, userId))
  expect(events).toHaveLength(1)
})

test('20 concurrent creations with one name: exactly one succeeds', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const body = communityCredential('coveted')
  const answers = await Promise.all(Array.from({ length: 20 }, () => f.call(userId, 'POST', path, { body })))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter(({ json }) => json.code === 'name-taken')).toHaveLength(19)
  expect(await rowsOf(userId)).toBe(1)
})

test('20 concurrent changes of one version: exactly one succeeds, the others fail, one audit event', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const { json: created } = await f.call(userId, 'POST', path, { body: communityCredential('contended') })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      f.call(userId, 'PATCH', `${path}/${created.id}`, {
        body: { data: { token: `of ${i}` } },
        headers: { 'If-Match': '"1"' },
      }),
    ),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 412)).toHaveLength(19)
  const winner = answers.findIndex(({ status }) => status === 200)
  const opened = await f.credentials.open(userId, created.id)
  expect(opened).toMatchObject({ credential: { version: 2 } })
  expect(opened?.data.reveal()).toEqual({ token: `of ${winner}` })
  const events = await database.db.read.select().from(auditEvents).where(eq(auditEvents.userId, userId))
  expect(events.map(({ action }) => action)).toEqual(['credential.created', 'credential.updated'])
})

test('20 concurrent unconditional changes all succeed, with one version each', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const { json: created } = await f.call(userId, 'POST', path, { body: communityCredential('open to all') })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      f.call(userId, 'PATCH', `${path}/${created.id}`, {
        body: { name: `name ${i}` },
        headers: { 'If-Match': '*' },
      }),
    ),
  )
  expect(answers.map(({ json }) => json.version).toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 2),
  )
})

test('20 concurrent unconditional changes of one field each are all merged', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const { json: created } = await f.call(userId, 'POST', path, { body: communityCredential('merged') })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      f.call(userId, 'PATCH', `${path}/${created.id}`, {
        body: { data: { [`field${i}`]: i } },
        headers: { 'If-Match': '*' },
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  const opened = await f.credentials.open(userId, created.id)
  expect(opened?.credential.version).toBe(21)
  expect(opened?.data.reveal()).toMatchObject(
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field${i}`, i])),
  )
})

test('20 concurrent changes of one field each from the same version: exactly one succeeds', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const { json: created } = await f.call(userId, 'POST', path, { body: communityCredential('raced') })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      f.call(userId, 'PATCH', `${path}/${created.id}`, {
        body: { data: { [`field${i}`]: i } },
        headers: { 'If-Match': '"1"' },
      }),
    ),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 412)).toHaveLength(19)
  const opened = await f.credentials.open(userId, created.id)
  expect(opened?.credential.fields.filter((name) => name.startsWith('field'))).toHaveLength(1)
})

test('20 concurrent deletions: exactly one succeeds', async () => {
  const f = fixture(database.db, { ring })
  const userId = await f.newUser()
  const { json } = await f.call(userId, 'POST', path, { body: communityCredential('doomed') })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => f.call(userId, 'DELETE', `${path}/${json.id}`)),
  )
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(19)
})
