import { eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenCredential } from '../../src/credentials/repository.ts'
import { credentials } from '../../src/db/schema/credentials.ts'
import { idempotencyKeys } from '../../src/db/schema/users.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { canary, formsOf, leaks } from './canaries.ts'
import { communityCredential, type Fixture, fixture } from './fixture.ts'

const path = '/v1/credentials'
let database: TestDatabase
let f: Fixture
let userId: string

beforeAll(async () => {
  database = await createTestDatabase()
  f = fixture(database.db)
  userId = await f.newUser()
})
afterAll(() => database.close())

/** A number that does not occur by chance, and the secrets of data with text and numbers everywhere. */
function secretData() {
  const secrets = Array.from({ length: 6 }, canary)
  const number = Number(`7${crypto.getRandomValues(new Uint32Array(1))[0]}31337`.padEnd(15, '9').slice(0, 15))
  const [top, nested, listed, deep, named, url] = secrets
  const data = {
    token: top,
    name: named,
    nested: { value: nested, list: [listed, { deep }, number] },
    number,
    url: `https://user:${encodeURIComponent(url ?? '')}@db.example.test/`,
  }
  return { data, secrets: [...secrets, String(number)] }
}

async function everythingWritten(): Promise<string> {
  return [await database.dump(), ...f.answers, ...f.logs].join('\n')
}

describe('the search for leaks', () => {
  test.each([
    ['in a response', (text: string) => f.answers.push(text)],
    ['in a log line', (text: string) => f.logs.push(text)],
    [
      'in a row',
      (text: string) =>
        f.db
          .insert(idempotencyKeys)
          .values({ userId, key: text, route: 'planted', bodyHash: '', resourceId: uuidv7() }),
    ],
  ])('finds each form of a secret that was planted %s', async (_, plant) => {
    const secret = canary()
    for (const form of formsOf(secret)) {
      expect(leaks(await everythingWritten(), [secret]), form).toEqual([])
      await plant(`before ${form} after`)
      expect(leaks(await everythingWritten(), [secret]), form).toEqual([secret])
      f.answers.length = 0
      f.logs.length = 0
      await f.db.delete(idempotencyKeys).where(eq(idempotencyKeys.route, 'planted'))
    }
  })

  test.each([0, 1, 2])('finds a secret in the base64 of a whole text, %i bytes in', (offset) => {
    const secret = canary()
    const whole = Buffer.from(`${'a'.repeat(offset)}${secret}tail`)
    expect(leaks(whole.toString('base64'), [secret])).toEqual([secret])
    expect(leaks(whole.toString('base64url'), [secret])).toEqual([secret])
  })

  test('finds data that was stored unencrypted', async () => {
    const { data, secrets } = secretData()
    const created = await f.credentials.create(userId, communityCredential(uuidv7(), data))
    await f.db
      .update(credentials)
      .set({ validationError: JSON.stringify(data) })
      .where(eq(credentials.id, created?.id ?? ''))
    expect(leaks(await everythingWritten(), secrets).toSorted()).toEqual(secrets.toSorted())
    await f.credentials.delete(userId, created?.id ?? '')
  })
})

describe('no value of the data is in a response, log line or row', () => {
  test('after every successful call and a replay', async () => {
    const first = secretData()
    const second = secretData()
    const headers = { 'Idempotency-Key': uuidv7() }
    const body = communityCredential('succeeds', first.data)
    const { json: created } = await f.call(userId, 'POST', path, { body, headers })
    expect((await f.call(userId, 'POST', path, { body, headers })).json).toEqual(created)
    const statuses = []
    for (const [method, rest, init] of [
      ['GET', '', {}],
      ['GET', `/${created.id}`, {}],
      ['GET', `/${created.id}/usage`, {}],
      ['PATCH', `/${created.id}`, { body: { data: second.data }, headers: { 'If-Match': '"1"' } }],
      ['DELETE', `/${created.id}`, {}],
    ] as const) {
      statuses.push((await f.call(userId, method, `${path}${rest}`, init)).status)
      expect(leaks(await everythingWritten(), [...first.secrets, ...second.secrets])).toEqual([])
    }
    expect(statuses).toEqual([200, 200, 200, 200, 204])
  })

  test('after every failed call', async () => {
    const { data, secrets } = secretData()
    const [secret = ''] = secrets
    const { json: kept } = await f.call(userId, 'POST', path, { body: communityCredential('fails', data) })
    const patchOf = (body: unknown, ifMatch = '"1"') =>
      ['PATCH', `/${kept.id}`, { body, headers: { 'If-Match': ifMatch } }] as const
    const failing = [
      ['POST', '', { body: communityCredential('fails', data) }],
      ['POST', '', { body: { ...communityCredential('x', data), unknown: secret } }],
      ['POST', '', { body: { type: 'slackApi', name: 'x', data: { accessToken: { secret } } } }],
      ['POST', '', { body: { type: 'slackApi', name: 'x', data: { accessToken: secret, tel: secret } } }],
      ['POST', '', { body: { type: 'slackApi', name: 'x', data: [secret] } }],
      ['POST', '', { body: { type: 'slackApi', name: 'x', data: secret } }],
      ['POST', '', { body: { type: secret, name: 'x', data } }],
      ['POST', '', { body: { type: 'acmeApi', name: 'x', data, service: [secret] } }],
      ['POST', '', { body: communityCredential('x', { token: `${secret}\0` }) }],
      ['POST', '', { body: communityCredential('x', { half: '\ud800', token: secret }) }],
      ['POST', '', { body: `{"type":"acmeApi","data":{"token":${JSON.stringify(secret)}` }],
      ['POST', '', { body: communityCredential('x', { token: secret, pad: 'a'.repeat(70_000) }) }],
      ['POST', '', { body: communityCredential('x', data), headers: { 'Content-Type': 'text/plain' } }],
      ['POST', '', { body: communityCredential('x', data), headers: { 'Idempotency-Key': '' } }],
      patchOf({ data: { ...data, 'a b': secret } }),
      patchOf({ data, unknown: secret }),
      patchOf({ data }, '"7"'),
      patchOf({ data }, ''),
    ] as const
    for (const [method, rest, init] of failing) {
      const { status } = await f.call(userId, method, `${path}${rest}`, init)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(leaks(await everythingWritten(), secrets), JSON.stringify(init).slice(0, 80)).toEqual([])
    }
  })

  test('after failures of the database, of the keys, and of rows that do not open', async () => {
    const { data, secrets } = secretData()
    const failing = new Error(JSON.stringify(data))
    const keyless = fixture(f.db, { ring: f.ring, keysVerified: () => Promise.reject(failing) })
    expect((await keyless.call(userId, 'POST', path, { body: communityCredential('k', data) })).status).toBe(
      500,
    )
    await f.db.execute(sql`alter table credentials rename column field_names to renamed`)
    try {
      const body = communityCredential('d', data)
      expect((await f.call(userId, 'POST', path, { body })).status).toBe(500)
      await expect(f.credentials.create(userId, body)).rejects.toThrow(/./)
    } finally {
      await f.db.execute(sql`alter table credentials rename column renamed to field_names`)
    }
    const created = await f.credentials.create(userId, communityCredential('unreadable', data))
    await f.db
      .update(credentials)
      .set({ type: 'otherApi' })
      .where(eq(credentials.id, created?.id ?? ''))
    const error = await f.credentials.open(userId, created?.id ?? '').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'credential-undecryptable' })
    const text = `${await everythingWritten()}${keyless.answers.join('')}${keyless.logs.join('')}${String(error)}`
    expect(leaks(text, secrets)).toEqual([])
  })

  test('after a failed test whose error repeats it', async () => {
    const { data, secrets } = secretData()
    const created = await f.credentials.create(userId, communityCredential('tested', data))
    const opened = (await f.credentials.open(userId, created?.id ?? '')) as OpenCredential
    for (const secret of secrets) {
      const error = `n8n: ${secret} / ${encodeURIComponent(secret)} / ${JSON.stringify({ secret })}`
      await f.credentials.recordValidation(userId, opened, { status: 'invalid', error })
      await f.call(userId, 'GET', `${path}/${created?.id}`)
      expect(leaks(await everythingWritten(), secrets)).toEqual([])
    }
  })
})
