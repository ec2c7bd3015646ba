import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Fixture, fixture } from './fixture.ts'

let database: TestDatabase
let f: Fixture
let userId: string

beforeAll(async () => {
  database = await createTestDatabase()
  f = fixture(database.db)
  userId = await f.newUser()
})
afterAll(() => database.close())

const get = (path: string) => f.call(userId, 'GET', path)

describe.each([
  { path: '/v1/credential-types', total: 447, member: 'oauth' },
  { path: '/v1/node-types', total: 568, member: 'trigger' },
])('$path', ({ path, total, member }) => {
  test('pages through every type once, in order', async () => {
    const types: string[] = []
    let cursor: string | null = null
    do {
      const { status, json } = await get(`${path}?limit=100${cursor ? `&cursor=${cursor}` : ''}`)
      expect(status).toBe(200)
      for (const item of json.items) {
        expect(Object.keys(item).toSorted()).toEqual(['displayName', member, 'type'].toSorted())
        types.push(item.type)
      }
      cursor = json.nextCursor
    } while (cursor !== null)
    expect(types).toHaveLength(total)
    expect(types).toEqual([...new Set(types)].toSorted())
  })

  test('may be stored by the client for an hour, but not by a cache between', async () => {
    const [type] = (await get(path)).json.items.map((item: { type: string }) => item.type)
    for (const each of [path, `${path}/${type}`]) {
      expect((await get(each)).headers.get('Cache-Control')).toBe('private, max-age=3600')
    }
  })

  test('matches part of the type or display name, ignoring case, and pages the results', async () => {
    const all = (await get(`${path}?q=SLACK`)).json
    expect(all.items.length).toBeGreaterThan(1)
    expect(all.items.every(({ type }) => type.toLowerCase().includes('slack'))).toBe(true)
    const first = (await get(`${path}?q=slack&limit=1`)).json
    const second = (await get(`${path}?q=slack&limit=1&cursor=${first.nextCursor}`)).json
    expect([...first.items, ...second.items]).toEqual(all.items.slice(0, 2))
    expect((await get(`${path}?q=no%20such%20thing`)).json).toEqual({ items: [], nextCursor: null })
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=%00',
    'cursor=====',
    'unknown=1',
    `q=${'q'.repeat(101)}`,
  ])('rejects ?%s', async (query) => {
    expect(await get(`${path}?${query}`)).toMatchObject({ status: 422, json: { code: 'invalid' } })
  })

  test.each(['nothing', 'constructor', '__proto__', 'toString', '%E0%A4%A', '..%2F..', 'x'.repeat(300)])(
    'returns 404 for the type %s',
    async (type) => {
      expect(await get(`${path}/${type}`)).toMatchObject({ status: 404, json: { code: 'not-found' } })
    },
  )

  test('requires authentication', async () => {
    for (const url of [path, `${path}/slackApi`]) {
      expect(await f.call(null, 'GET', url)).toMatchObject({ status: 401, json: { code: 'unauthenticated' } })
    }
  })
})

test('a credential type lists its fields and the nodes that use it', async () => {
  const { status, json } = await get('/v1/credential-types/slackApi')
  expect(status).toBe(200)
  expect(Object.keys(json).toSorted()).toEqual(['displayName', 'fields', 'nodeTypes', 'oauth', 'type'])
  expect(json).toMatchObject({ type: 'slackApi', oauth: false })
  expect(json.fields).toContainEqual({ name: 'accessToken', kind: 'string', required: true, secret: true })
  expect(json.nodeTypes).toContain('n8n-nodes-base.slack')
})

test.each([
  '@n8n/n8n-nodes-langchain.agent',
  '@n8n%2Fn8n-nodes-langchain.agent',
  '%40n8n%2fn8n-nodes-langchain.agent',
])('a node type is found as %s', async (type) => {
  const { status, json } = await get(`/v1/node-types/${type}`)
  expect(status).toBe(200)
  expect(Object.keys(json).toSorted()).toEqual(['credentialTypes', 'displayName', 'trigger', 'type'])
  expect(json).toMatchObject({ type: '@n8n/n8n-nodes-langchain.agent', trigger: false })
})

test('a node type lists the credentials that it declares', async () => {
  expect((await get('/v1/node-types/n8n-nodes-base.slack')).json).toMatchObject({
    credentialTypes: expect.arrayContaining(['slackApi', 'slackOAuth2Api']),
    trigger: false,
  })
  expect((await get('/v1/node-types/n8n-nodes-base.webhook')).json).toMatchObject({ trigger: true })
})
