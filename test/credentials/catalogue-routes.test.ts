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
  expect(json.fields).toContainEqual({
    name: 'accessToken',
    label: 'Access Token',
    kind: 'string',
    required: true,
    secret: true,
  })
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

describe('node types by what they do', () => {
  test('ranks the types, names the operations that match, and pages through all of them once', async () => {
    const whole = (await get('/v1/node-types?q=send%20message&limit=100')).json
    expect(whole.items.slice(0, 10).map(({ type }) => type)).toEqual(
      expect.arrayContaining(['n8n-nodes-base.slack', 'n8n-nodes-base.telegram']),
    )
    expect(whole.items.find(({ type }) => type === 'n8n-nodes-base.discord')).toMatchObject({
      displayName: 'Discord',
      trigger: false,
      match: expect.arrayContaining([{ resource: 'message', operation: 'send' }]),
    })
    const paged: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof get>>['json'] = (
        await get(`/v1/node-types?q=send%20message&limit=30${cursor ? `&cursor=${cursor}` : ''}`)
      ).json
      paged.push(...page.items.map(({ type }) => type))
      cursor = page.nextCursor
    } while (cursor !== null && paged.length < 1000)
    expect(paged.slice(0, 100)).toEqual(whole.items.map(({ type }) => type))
    expect(new Set(paged).size).toBe(paged.length)
  })

  test('a blank query lists all types', async () => {
    expect((await get('/v1/node-types?q=%20')).json).toEqual((await get('/v1/node-types')).json)
  })
})

describe.each(['n8n-nodes-base.slack', '@n8n/n8n-nodes-langchain.agent', '@n8n%2Fn8n-nodes-langchain.agent'])(
  'descriptions of %s',
  (type) => {
    test.each(['shape', 'schema', 'example'])('%s', async (kind) => {
      const { status, json } = await get(`/v1/node-types/${type}/${kind}`)
      expect(status).toBe(200)
      expect(JSON.stringify(json)).toContain(decodeURIComponent(type))
    })
  },
)

test('describes one operation', async () => {
  const query = 'version=2.2&resource=message&operation=post&n8nVersion=2.41.1'
  const path = '/v1/node-types/n8n-nodes-base.slack'
  expect((await get(`${path}/shape?${query}`)).json).toMatchObject({
    type: 'n8n-nodes-base.slack',
    version: 2.2,
    resource: 'message',
    operation: 'post',
    credentials: ['slackApi', 'slackOAuth2Api'],
    inputs: ['main'],
    required: ['select', 'text'],
    parameters: { select: 'channel|user' },
    when: { 'select=channel': 'channelId' },
  })
  expect((await get(`${path}/schema?${query}&strict=true`)).json).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: { typeVersion: { const: 2.2 }, parameters: { additionalProperties: false } },
  })
  expect((await get(`${path}/example?${query}`)).json).toMatchObject({
    type: 'n8n-nodes-base.slack',
    typeVersion: 2.2,
    parameters: { resource: 'message', operation: 'post' },
  })
})

test.each([
  ['version=77', 'version', 'Use one of: 1, 2'],
  ['resource=messages', 'resource', 'message'],
  ['resource=message&operation=send', 'operation', 'post'],
  ['version=x', 'version', 'type version'],
  ['n8nVersion=newest', 'n8nVersion', 'version of n8n'],
  ['strict=maybe', 'strict', ''],
  ['unknown=1', '', ''],
])('rejects ?%s', async (query, pointer, detail) => {
  const { status, json } = await get(`/v1/node-types/n8n-nodes-base.slack/schema?${query}`)
  expect({ status, code: json.code }).toEqual({ status: 422, code: 'invalid' })
  expect(json.errors[0]?.pointer).toContain(pointer)
  expect(json.errors[0]?.detail).toContain(detail)
})

test.each(['n8n-nodes-base.nothing', '..%2F..%2Fcatalogue', '%2E%2E', '__proto__', 'index', 'search'])(
  'has no shape of the type %s',
  async (type) => {
    for (const kind of ['shape', 'schema', 'example']) {
      expect(await get(`/v1/node-types/${type}/${kind}`)).toMatchObject({
        status: 404,
        json: { code: 'not-found' },
      })
    }
  },
)

test('descriptions require authentication', async () => {
  for (const kind of ['shape', 'schema', 'example']) {
    const path = `/v1/node-types/n8n-nodes-base.slack/${kind}`
    expect(await f.call(null, 'GET', path)).toMatchObject({ status: 401 })
  }
})
