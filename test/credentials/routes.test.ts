import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Credential } from '../../src/credentials/contract.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { communityCredential, type Fixture, fixture } from './fixture.ts'

let database: TestDatabase
let f: Fixture

beforeAll(async () => {
  database = await createTestDatabase()
  f = fixture(database.db)
})
afterAll(() => database.close())

const path = '/v1/credentials'
const slack = (name = 'Slack', data: Record<string, unknown> = { accessToken: 'xoxb-1' }) => ({
  type: 'slackApi',
  name,
  data,
})
const post = (userId: string, body: unknown, headers?: Record<string, string>) =>
  f.call(userId, 'POST', path, { body, ...(headers && { headers }) })
const patch = (userId: string, id: string, body: unknown, ifMatch?: string) =>
  f.call(userId, 'PATCH', `${path}/${id}`, {
    body,
    ...(ifMatch !== undefined && { headers: { 'If-Match': ifMatch } }),
  })

describe('POST /v1/credentials', () => {
  test('returns 201 with the credential and without its data', async () => {
    const userId = await f.newUser()
    const { status, json, headers } = await post(userId, slack())
    expect(status).toBe(201)
    expect(Credential.strict().parse(json)).toMatchObject({
      service: 'slack',
      type: 'slackApi',
      name: 'Slack',
      fields: ['accessToken'],
      known: true,
      status: 'untested',
      lastValidatedAt: null,
      validationError: null,
      version: 1,
    })
    expect(headers.get('ETag')).toBe('"1"')
    expect(headers.get('Location')).toBe(`${path}/${json.id}`)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect((await f.call(userId, 'GET', `${path}/${json.id}`)).json).toEqual(json)
  })

  test('accepts any data and service for a type that is not built in', async () => {
    const data = { nested: { list: [1, { deep: true }], none: null }, 'odd-name': 1.5 }
    const userId = await f.newUser()
    const { status, json } = await post(userId, { ...communityCredential('CRM', data), service: 'Acme CRM' })
    expect(status).toBe(201)
    expect(json).toMatchObject({ service: 'Acme CRM', known: false, fields: ['nested', 'odd-name'] })
    expect((await f.credentials.open(userId, json.id))?.data.reveal()).toEqual(data)
  })

  test('stores several credentials of one service, and of one type with different names', async () => {
    const userId = await f.newUser()
    expect((await post(userId, slack('one'))).status).toBe(201)
    expect((await post(userId, slack('two'))).status).toBe(201)
    expect((await post(userId, { ...communityCredential('one'), service: 'slack' })).status).toBe(201)
    expect((await f.call(userId, 'GET', `${path}?service=slack`)).json.items).toHaveLength(3)
  })

  test('rejects a name that the user already has for the type, and only then', async () => {
    const [userId, other] = [await f.newUser(), await f.newUser()]
    expect((await post(userId, slack('same'))).status).toBe(201)
    expect(await post(userId, slack(' same '))).toMatchObject({ status: 409, json: { code: 'name-taken' } })
    expect((await post(userId, communityCredential('same'))).status).toBe(201)
    expect((await post(other, slack('same'))).status).toBe(201)
  })

  test.each<[string, unknown, string]>([
    ['a missing required field', slack('x', {}), '/data/accessToken'],
    ['a value of the wrong type', slack('x', { accessToken: 7 }), '/data/accessToken'],
    [
      'a port beyond the range',
      { type: 'postgres', name: 'x', data: { host: 'h', port: 99_999_999 } },
      '/data/port',
    ],
    ['an unknown field', slack('x', { accessToken: 'a', wrong: 1 }), '/data/wrong'],
    ['data as an array', { ...slack(), data: ['a'] }, '/data'],
    ['data as text', { ...slack(), data: '{}' }, '/data'],
    ['null data', { ...slack(), data: null }, '/data'],
    ['no data', { type: 'slackApi', name: 'x' }, '/data'],
    ['data of an unknown type as an array', { ...communityCredential('x'), data: [] }, '/data'],
    ['a field name with a space', communityCredential('x', { 'a b': 1 }), '/data/a b'],
    ['a field name that objects inherit', communityCredential('x', { constructor: 1 }), '/data/constructor'],
    ['no name', { type: 'slackApi', data: {} }, '/name'],
    ['a blank name', slack('  '), '/name'],
    ['a name that is too long', slack('n'.repeat(129)), '/name'],
    ['a name with U+0000', slack('a\0b'), '/name'],
    ['a name with an unpaired surrogate', '{"type":"acmeApi","name":"\\ud800","data":{}}', '/name'],
    ['a value with U+0000', communityCredential('x', { a: 'b\0' }), '/data/a'],
    ['an empty service', { ...slack(), service: '' }, '/service'],
    ['an ID from the client', { ...slack(), id: uuidv7() }, '/id'],
    ['an owner from the client', { ...slack(), userId: uuidv7() }, '/userId'],
    ['a status from the client', { ...slack(), status: 'valid' }, '/status'],
  ])('rejects %s with a pointer', async (_, body, pointer) => {
    const userId = await f.newUser()
    const { status, json } = await post(userId, body)
    expect({ status, code: json.code }).toEqual({ status: 422, code: 'invalid' })
    expect(json.errors.map((each) => each.pointer)).toContain(pointer)
    expect((await f.call(userId, 'GET', path)).json.items).toEqual([])
  })

  test.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '',
    '../x',
    'a b',
    "x'; drop table users; --",
    't'.repeat(200),
    7,
    null,
  ])('rejects the type %j', async (type) => {
    const { status, json } = await post(await f.newUser(), { ...slack(), type })
    expect({ status, code: json.code }).toEqual({ status: 422, code: 'invalid' })
    expect(json.errors[0]?.pointer).toBe('/type')
  })

  test.each([
    [
      'in the body',
      '{"type":"acmeApi","name":"x","data":{"a":1},"__proto__":{"isAdmin":true}}',
      '/__proto__',
    ],
    ['in the data', '{"type":"acmeApi","name":"x","data":{"__proto__":{"isAdmin":true}}}', '/data/__proto__'],
  ])('rejects __proto__ %s without prototype pollution', async (_, body, pointer) => {
    const { status, json } = await post(await f.newUser(), body)
    expect(status).toBe(422)
    expect(json.errors.map((each) => each.pointer)).toContain(pointer)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test.each<[string, unknown, Record<string, string>, number, string]>([
    ['invalid JSON', '{', {}, 400, 'malformed-json'],
    ['another media type', slack(), { 'Content-Type': 'text/plain' }, 415, 'unsupported-media-type'],
    ['over 64 KB', communityCredential('x', { a: 'a'.repeat(65_536) }), {}, 413, 'too-large'],
    ['an empty Idempotency-Key', slack(), { 'Idempotency-Key': '' }, 422, 'invalid'],
    ['an Idempotency-Key of 256 characters', slack(), { 'Idempotency-Key': 'k'.repeat(256) }, 422, 'invalid'],
  ])('rejects %s', async (_, body, headers, status, code) => {
    expect(await post(await f.newUser(), body, headers)).toMatchObject({ status, json: { code } })
  })

  test('the same Idempotency-Key and body return the same credential, created once', async () => {
    const userId = await f.newUser()
    const headers = { 'Idempotency-Key': 'key 1' }
    const first = await post(userId, slack(), headers)
    const again = await post(userId, slack(), headers)
    expect(again).toMatchObject({ status: 201, json: first.json })
    expect((await f.call(userId, 'GET', path)).json.items).toHaveLength(1)
  })

  test('rejects an Idempotency-Key with another body, but not another user’s', async () => {
    const [userId, other] = [await f.newUser(), await f.newUser()]
    const headers = { 'Idempotency-Key': 'key 2' }
    const first = await post(userId, slack('a'), headers)
    expect(await post(userId, slack('b'), headers)).toMatchObject({
      status: 422,
      json: { code: 'idempotency-key-reused' },
    })
    const others = await post(other, slack('a'), headers)
    expect(others.status).toBe(201)
    expect(others.json.id).not.toBe(first.json.id)
  })

  test('an Idempotency-Key whose credential was deleted creates no second one', async () => {
    const userId = await f.newUser()
    const headers = { 'Idempotency-Key': 'key 3' }
    const { json } = await post(userId, slack(), headers)
    await f.call(userId, 'DELETE', `${path}/${json.id}`)
    expect(await post(userId, slack(), headers)).toMatchObject({ status: 409, json: { code: 'conflict' } })
  })

  test('a failed creation leaves its Idempotency-Key unused', async () => {
    const userId = await f.newUser()
    await post(userId, slack('taken'))
    const headers = { 'Idempotency-Key': 'key 4' }
    expect((await post(userId, slack('taken'), headers)).status).toBe(409)
    const [blocking] = (await f.call(userId, 'GET', path)).json.items
    await f.call(userId, 'DELETE', `${path}/${blocking?.id}`)
    expect((await post(userId, slack('taken'), headers)).status).toBe(201)
  })

  test('returns 403 over the quota, but not for a replay', async () => {
    const small = fixture(f.db, { ring: f.ring, quota: 1 })
    const userId = await f.newUser()
    const call = (name: string, headers: Record<string, string>) =>
      small.call(userId, 'POST', path, { body: slack(name), headers })
    const first = await call('one', { 'Idempotency-Key': 'q' })
    expect(first.status).toBe(201)
    expect(await call('two', {})).toMatchObject({ status: 403, json: { code: 'quota-exceeded' } })
    expect(await call('one', { 'Idempotency-Key': 'q' })).toMatchObject({ status: 201, json: first.json })
  })
})

describe('GET /v1/credentials', () => {
  test('filters by service and type, or by both', async () => {
    const userId = await f.newUser()
    for (const body of [
      slack('a'),
      { type: 'slackOAuth2Api', name: 'b', data: { clientId: 'i', clientSecret: 's' } },
      communityCredential('c'),
    ]) {
      expect((await post(userId, body)).status).toBe(201)
    }
    const namesOf = async (query: string) =>
      (await f.call(userId, 'GET', `${path}${query}`)).json.items.map(({ name }) => name)
    expect(await namesOf('')).toEqual(['c', 'b', 'a'])
    expect(await namesOf('?service=slack')).toEqual(['b', 'a'])
    expect(await namesOf('?type=slackApi')).toEqual(['a'])
    expect(await namesOf('?service=slack&type=slackOAuth2Api')).toEqual(['b'])
    expect(await namesOf('?service=slack&type=acmeCrmApi')).toEqual([])
    expect(await namesOf(`?service=${encodeURIComponent("' or 1=1 --")}`)).toEqual([])
  })

  test('pages have no gaps or duplicates while more credentials are created', async () => {
    const userId = await f.newUser()
    const before: string[] = []
    for (let i = 0; i < 12; i += 1) before.unshift((await post(userId, communityCredential(`c${i}`))).json.id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const { json } = await f.call(userId, 'GET', `${path}?limit=5${cursor ? `&cursor=${cursor}` : ''}`)
      seen.push(...json.items.map(({ id }) => id))
      cursor = json.nextCursor
      await post(userId, communityCredential(`later ${seen.length}`))
    } while (cursor !== null)
    expect(seen).toEqual(before)
  })

  test('a cursor of another user’s list returns only the caller’s rows', async () => {
    const [userId, other] = [await f.newUser(), await f.newUser()]
    const mine = (await post(userId, slack('mine'))).json.id
    for (const name of ['a', 'b']) await post(other, slack(name))
    const { nextCursor } = (await f.call(other, 'GET', `${path}?limit=1`)).json
    const { items } = (await f.call(userId, 'GET', `${path}?cursor=${nextCursor}`)).json
    expect(items.map(({ id }) => id)).toEqual([mine])
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1e9',
    'limit=NaN',
    'limit=1;drop',
    'limit=1&limit=2',
    'cursor=x',
    'cursor=',
    'service=',
    'service=%00',
    'type=%00',
    'sort=name',
  ])('rejects ?%s', async (query) => {
    expect(await f.call(await f.newUser(), 'GET', `${path}?${query}`)).toMatchObject({
      status: 422,
      json: { code: 'invalid' },
    })
  })
})

describe('PATCH /v1/credentials/{id}', () => {
  test('renames without changing the data or its status', async () => {
    const userId = await f.newUser()
    const { json: created } = await post(userId, slack())
    const { status, json, headers } = await patch(userId, created.id, { name: 'New' }, '"1"')
    expect(status).toBe(200)
    expect(json).toEqual({
      ...created,
      name: 'New',
      version: 2,
      updatedAt: json.updatedAt,
      pendingDeployments: [],
    })
    expect(headers.get('ETag')).toBe('"2"')
    expect((await f.credentials.open(userId, created.id))?.data.reveal()).toEqual({ accessToken: 'xoxb-1' })
  })

  const revealed = async (userId: string, id: string) => (await f.credentials.open(userId, id))?.data.reveal()

  test.each<[string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>]>([
    ['a field', { a: 1, b: 2 }, { b: 3 }, { a: 1, b: 3 }],
    ['a new field', { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ['null, which removes a field', { a: 1, b: 2 }, { a: null, missing: null }, { b: 2 }],
    [
      'objects within',
      { deep: { a: 1, b: { c: 2 } } },
      { deep: { b: { c: null, d: [null] } } },
      { deep: { a: 1, b: { d: [null] } } },
    ],
    ['arrays, which replace', { list: [1, 2], x: 1 }, { list: [3] }, { list: [3], x: 1 }],
    ['an object in place of a value', { a: 'text', x: 1 }, { a: { b: 1, c: null } }, { a: { b: 1 }, x: 1 }],
    ['the removal of everything', { a: 1 }, { a: null }, {}],
    [
      'names of every object',
      { x: 1 },
      { x: { toString: 1, hasOwnProperty: 2 } },
      { x: { toString: 1, hasOwnProperty: 2 } },
    ],
  ])('merges %s', async (_, before, data, after) => {
    const userId = await f.newUser()
    const { json: created } = await post(userId, communityCredential('x', before))
    const { status, json } = await patch(userId, created.id, { data }, '"1"')
    expect(status).toBe(200)
    expect(json).toMatchObject({ fields: Object.keys(after).toSorted(), version: 2, status: 'untested' })
    expect(await revealed(userId, created.id)).toEqual(after)
  })

  test('validates the merged result', async () => {
    const userId = await f.newUser()
    const data = {
      grantType: 'authorizationCode',
      authUrl: 'https://a.test/',
      accessTokenUrl: 'https://t.test/',
    }
    const { json: created } = await post(userId, {
      type: 'oAuth2Api',
      name: 'x',
      data: { ...data, clientId: 'i', clientSecret: 's' },
    })
    expect(await patch(userId, created.id, { data: { clientSecret: 't' } }, '"1"')).toMatchObject({
      status: 200,
    })
    const refused = await patch(userId, created.id, { data: { authUrl: null, clientId: null } }, '"2"')
    expect(refused).toMatchObject({
      status: 422,
      json: {
        code: 'invalid',
        errors: [
          { pointer: '/data/authUrl', detail: 'is required' },
          { pointer: '/data/clientId', detail: 'is required' },
        ],
      },
    })
    // A grant without user interaction needs no such URL.
    const other = { data: { authUrl: null, grantType: 'clientCredentials' } }
    expect(await patch(userId, created.id, other, '"2"')).toMatchObject({ status: 200, json: { version: 3 } })
    expect(await revealed(userId, created.id)).toMatchObject({ clientId: 'i', clientSecret: 't' })
  })

  test('limits the total of many changes', async () => {
    const userId = await f.newUser()
    const { json: created } = await post(userId, communityCredential('x', { a: 'x'.repeat(40_000) }))
    const more = await patch(userId, created.id, { data: { b: 'x'.repeat(40_000) } }, '"1"')
    expect(more).toMatchObject({ status: 422, json: { errors: [{ pointer: '/data' }] } })
    const fields = (from: number) =>
      Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${from + i}`, 1]))
    expect(await patch(userId, created.id, { data: fields(0) }, '"1"')).toMatchObject({ status: 200 })
    expect(await patch(userId, created.id, { data: fields(150) }, '"2"')).toMatchObject({ status: 422 })
  })

  test.each(['"1"', 'W/"1"', '*', ' "1" '])('accepts If-Match: %s', async (ifMatch) => {
    const userId = await f.newUser()
    const { json } = await post(userId, slack())
    expect(await patch(userId, json.id, { name: 'New' }, ifMatch)).toMatchObject({
      status: 200,
      json: { version: 2 },
    })
  })

  test.each<[string, string | undefined, number, string]>([
    ['no If-Match', undefined, 428, 'precondition-required'],
    ['an empty If-Match', '', 428, 'precondition-required'],
    ['an earlier version', '"1"', 412, 'version-conflict'],
    ['a future version', '"3"', 412, 'version-conflict'],
    ['a list of other versions', '"1", "3"', 412, 'version-conflict'],
    ['an unquoted version', '2', 412, 'version-conflict'],
  ])('rejects %s and changes nothing', async (_, ifMatch, status, code) => {
    const userId = await f.newUser()
    const { json } = await post(userId, slack())
    const changed = await patch(userId, json.id, { name: 'Second' }, '"1"')
    const { pendingDeployments, ...current } = changed.json
    expect(pendingDeployments).toEqual([])
    expect(await patch(userId, json.id, { name: 'Third' }, ifMatch)).toMatchObject({ status, json: { code } })
    expect((await f.call(userId, 'GET', `${path}/${json.id}`)).json).toEqual(current)
  })

  test.each<[string, unknown, string]>([
    ['another type', { type: 'slackOAuth2Api' }, '/type'],
    ['another service', { service: 'x' }, '/service'],
    ['data that does not match the stored type', { data: { accessToken: 1 } }, '/data/accessToken'],
    ['data that is not an object', { data: [] }, '/data'],
    ['null for the name', { name: null }, '/name'],
    ['null for the data', { data: null }, '/data'],
    ['a version', { version: 9 }, '/version'],
  ])('rejects %s and changes nothing', async (_, body, pointer) => {
    const userId = await f.newUser()
    const { json: created } = await post(userId, slack())
    const { status, json } = await patch(userId, created.id, body, '"1"')
    expect(status).toBe(422)
    expect(json.errors.map((each) => each.pointer)).toContain(pointer)
    expect((await f.call(userId, 'GET', `${path}/${created.id}`)).json).toEqual(created)
  })

  test('rejects a name that is already in use', async () => {
    const userId = await f.newUser()
    await post(userId, slack('taken'))
    const { json } = await post(userId, slack('mine'))
    expect(await patch(userId, json.id, { name: 'taken' }, '*')).toMatchObject({
      status: 409,
      json: { code: 'name-taken' },
    })
  })

  test('without effect returns the credential unchanged, with no new version', async () => {
    const userId = await f.newUser()
    const { json } = await post(userId, slack())
    expect(await patch(userId, json.id, {}, '"1"')).toMatchObject({ status: 200, json })
    expect(await patch(userId, json.id, { name: 'Slack' }, '"1"')).toMatchObject({ status: 200, json })
  })
})

test('PATCH rejects a port beyond the range at its pointer and changes nothing', async () => {
  const userId = await f.newUser()
  const { json } = await post(userId, { type: 'postgres', name: 'x', data: { host: 'h', port: 5433 } })
  const refused = await patch(userId, json.id, { data: { port: 65_536 } }, '"1"')
  expect(refused).toMatchObject({
    status: 422,
    json: {
      code: 'invalid',
      errors: [{ pointer: '/data/port', detail: 'must be a port: a whole number from 1 to 65535' }],
    },
  })
  expect((await f.call(userId, 'GET', `${path}/${json.id}`)).json).toMatchObject({ version: 1 })
})

describe('another user', () => {
  test('gets 404 everywhere, as for an unknown ID, and changes nothing', async () => {
    const [owner, stranger] = [await f.newUser(), await f.newUser()]
    const { json: created } = await post(owner, slack())
    const ifMatch = { 'If-Match': '*' }
    const calls = [
      ['GET', '', {}],
      ['PATCH', '', { body: { name: 'Stolen' }, headers: ifMatch }],
      ['PATCH', '', { body: { data: { accessToken: 'b' } }, headers: { 'If-Match': '"1"' } }],
      ['DELETE', '', {}],
      ['GET', '/usage', {}],
    ] as const
    for (const [method, rest, init] of calls) {
      const bodies = []
      for (const id of [created.id, uuidv7()]) {
        const { status, json } = await f.call(stranger, method, `${path}/${id}${rest}`, init)
        expect(status, `${method} ${rest}`).toBe(404)
        bodies.push({ ...json, instance: '', requestId: '' })
      }
      expect(bodies[0]).toEqual(bodies[1])
    }
    expect((await f.call(stranger, 'GET', path)).json.items).toEqual([])
    expect((await f.call(owner, 'GET', `${path}/${created.id}`)).json).toEqual(created)
    expect((await f.credentials.open(owner, created.id))?.data.reveal()).toEqual({ accessToken: 'xoxb-1' })
  })
})

describe('a path with an invalid ID', () => {
  test.each(['x', '1', 'null', '%00', '..%2f', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', `{${uuidv7()}}`])(
    'returns 404: %s',
    async (id) => {
      const userId = await f.newUser()
      for (const method of ['GET', 'DELETE']) {
        expect(await f.call(userId, method, `${path}/${id}`)).toMatchObject({
          status: 404,
          json: { code: 'not-found' },
        })
      }
      expect((await patch(userId, id, { name: 'x' }, '*')).status).toBe(404)
    },
  )
})

test('DELETE returns 204 once, then 404', async () => {
  const userId = await f.newUser()
  const { json } = await post(userId, slack())
  expect(await f.call(userId, 'DELETE', `${path}/${json.id}`)).toMatchObject({ status: 204, text: '' })
  expect((await f.call(userId, 'DELETE', `${path}/${json.id}`)).status).toBe(404)
  expect((await f.call(userId, 'GET', `${path}/${json.id}`)).status).toBe(404)
})

test('usage returns the members of the contract', async () => {
  const userId = await f.newUser()
  const { json } = await post(userId, slack())
  expect(await f.call(userId, 'GET', `${path}/${json.id}/usage`)).toMatchObject({
    status: 200,
    json: { workflows: [], deployments: [], lastUsedAt: null },
  })
})

test.each([
  ['POST', path],
  ['GET', path],
  ['GET', `${path}/${uuidv7()}`],
  ['PATCH', `${path}/${uuidv7()}`],
  ['DELETE', `${path}/${uuidv7()}`],
  ['GET', `${path}/${uuidv7()}/usage`],
])('%s %s requires authentication', async (method, url) => {
  expect(await f.call(null, method, url)).toMatchObject({ status: 401, json: { code: 'unauthenticated' } })
})

test('an unsupported method returns 405 with Allow', async () => {
  const { status, headers } = await f.call(await f.newUser(), 'PUT', `${path}/${uuidv7()}`)
  expect(status).toBe(405)
  expect(headers.get('Allow')).toBe('DELETE, GET, HEAD, PATCH')
})
