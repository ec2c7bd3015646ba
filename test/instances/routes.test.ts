import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parsePrivateNetworks } from '../../src/instances/net/private-networks.ts'
import { apiKeyContext } from '../../src/instances/repository.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from '../executions/world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase(), { quotas: { instances: 3, deployments: 10 } })
})
afterAll(() => world.close())

const apiKey = 'n8n-api-key-canary'
const body = { name: 'Production', baseUrl: 'https://N8N.example.com/team/', apiKey }
const absentId = '0198c0de-0000-7000-8000-000000000000'

const create = async (user: string, more: object = {}, headers: Record<string, string> = {}) =>
  world.call('POST', '/v1/instances', { user, body: { ...body, ...more }, headers })

const anyVersion = { 'If-Match': '*' }

test('an instance can be created, read, listed, renamed and deleted; the key is never returned and the token once', async () => {
  const user = await world.user()
  const made = await create(user)
  expect(made.status).toBe(201)
  expect(made.headers.get('Location')).toBe(`/v1/instances/${made.body.id}`)
  const { webhookToken, ...instance } = made.body
  expect(webhookToken).toMatch(/^whk_[\w-]{43}$/)
  expect(instance).toEqual({
    id: expect.any(String),
    name: 'Production',
    baseUrl: 'https://n8n.example.com/team',
    webhookUrl: `https://flowkeep.example/hooks/n8n/${instance.id}`,
    status: 'untested',
    statusDetail: null,
    testedAt: null,
    n8nVersion: null,
    environment: null,
    isProduction: false,
    variables: {},
    credentials: [],
    capabilities: null,
    epoch: 1,
    epochStartedAt: null,
    polling: { lastPolledAt: null, polledThrough: null, lagSeconds: null, failures: 0 },
    reporter: null,
    otel: null,
    version: 1,
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  const path = `/v1/instances/${instance.id}`
  const found = await world.call('GET', path, { user })
  expect(found.body).toEqual(instance)
  const listed = await world.call('GET', '/v1/instances', { user })
  expect(listed.body).toEqual({ items: [instance], nextCursor: null })
  const renamed = await world.call('PATCH', path, { user, body: { name: 'Staging' }, headers: anyVersion })
  expect(renamed.body).toMatchObject({ name: 'Staging', baseUrl: instance.baseUrl, version: 2 })
  const same = await world.call('PATCH', path, { user, body: { name: 'Staging' }, headers: anyVersion })
  expect(same.body).toEqual(renamed.body)
  const rotated = await world.call('POST', `${path}/webhook-token`, { user })

  const dump = await world.dump()
  for (const secret of [apiKey, webhookToken, rotated.body.webhookToken]) expect(dump).not.toContain(secret)
  for (const answer of [made, found, listed, renamed, same]) expect(answer.text).not.toContain(apiKey)
  for (const answer of [found, listed, renamed, same]) expect(answer.text).not.toContain('whk_')

  expect((await world.call('DELETE', path, { user })).status).toBe(204)
  for (const method of ['GET', 'DELETE', 'PATCH']) {
    expect(
      (await world.call(method, path, { user, headers: anyVersion, ...(method === 'PATCH' && { body: {} }) }))
        .status,
    ).toBe(404)
  }
  expect((await world.call('POST', `${path}/webhook-token`, { user })).status).toBe(404)
})

test.each([
  ['no name', { name: undefined }, '/name'],
  ['a blank name', { name: '  ' }, '/name'],
  ['a name of 129 characters', { name: 'x'.repeat(129) }, '/name'],
  ['no API key', { apiKey: undefined }, '/apiKey'],
  ['an API key with a line break', { apiKey: 'a\r\nX-Evil: 1' }, '/apiKey'],
  ['no URL', { baseUrl: undefined }, '/baseUrl'],
  ['a loopback URL', { baseUrl: 'https://127.1' }, '/baseUrl'],
  ['a number as the URL', { baseUrl: 1 }, '/baseUrl'],
  ["another's id", { userId: absentId }, '/userId'],
])('%s returns 422 with a pointer', async (_, more, pointer) => {
  const user = await world.user()
  const answer = await create(user, more)
  expect(answer.status).toBe(422)
  expect(answer.body.errors[0].pointer).toBe(pointer)
  expect(answer.text).not.toContain(apiKey)
  expect((await world.call('GET', '/v1/instances', { user })).body.items).toEqual([])
})

describe('the API key is bound to the origin that it was entered for', () => {
  test('another origin without the key returns 422 and changes nothing; with the key it is accepted', async () => {
    const user = await world.user()
    const { body: instance } = await create(user)
    const patch = (change: object) =>
      world.call('PATCH', `/v1/instances/${instance.id}`, { user, body: change, headers: anyVersion })
    for (const baseUrl of [
      'https://evil.example.com',
      'https://n8n.example.com:5678',
      'https://n8n.example.com.evil.example',
    ]) {
      const refused = await patch({ baseUrl })
      expect(refused.status).toBe(422)
      expect(refused.body.errors).toMatchObject([{ pointer: '/apiKey' }])
    }
    expect((await world.call('GET', `/v1/instances/${instance.id}`, { user })).body.baseUrl).toBe(
      instance.baseUrl,
    )
    expect((await patch({ baseUrl: 'https://n8n.example.com/other' })).body.baseUrl).toBe(
      'https://n8n.example.com/other',
    )
    expect((await patch({ baseUrl: 'https://new.example.com', apiKey: 'second' })).body.version).toBe(3)
    const [row] = await world.sql`select api_key from instances where id = ${instance.id}`
    const open = (baseUrl: string) =>
      world.secretBox.open(apiKeyContext(user, instance.id, baseUrl), row?.['api_key'])
    expect(await open('https://new.example.com/any/path')).toBe('second')
    await expect(open('https://n8n.example.com')).rejects.toThrow('cannot be decrypted')
  })
})

test('concurrent changes are all applied, one after the other', async () => {
  const user = await world.user()
  const { body: instance } = await create(user)
  const answers = await Promise.all(
    [{ name: 'A' }, { baseUrl: 'https://n8n.example.com/b' }].map((change) =>
      world.call('PATCH', `/v1/instances/${instance.id}`, { user, body: change, headers: anyVersion }),
    ),
  )
  expect(answers.map((answer) => answer.status)).toEqual([200, 200])
  const { body: found } = await world.call('GET', `/v1/instances/${instance.id}`, { user })
  expect(found).toMatchObject({ name: 'A', baseUrl: 'https://n8n.example.com/b', version: 3 })
})

test('a name is unique per user', async () => {
  const [user, other] = [await world.user(), await world.user()]
  const { body: first } = await create(user)
  expect((await create(user)).body.code).toBe('name-taken')
  expect((await create(other)).status).toBe(201)
  await create(user, { name: 'Second', baseUrl: 'https://second.example.com' })
  const renamed = await world.call('PATCH', `/v1/instances/${first.id}`, {
    user,
    body: { name: 'Second' },
    headers: anyVersion,
  })
  expect([renamed.status, renamed.body.code]).toEqual([409, 'name-taken'])
})

test('a server can be added once per user, however its URL is written', async () => {
  const [user, other] = [await world.user(), await world.user()]
  const { body: first } = await create(user)
  for (const baseUrl of [
    'https://n8n.example.com/team',
    'https://N8N.EXAMPLE.com:443/team/',
    'https://n8n.example.com/team/api/v1',
    'https://n8n.example.com/team/home/workflows?projectId=1#x',
  ]) {
    const { status, body: again } = await create(user, { name: 'Again', baseUrl })
    expect([status, again.code]).toEqual([409, 'instance-exists'])
    expect(again).toMatchObject({
      instanceId: first.id,
      instanceName: first.name,
      errors: [{ pointer: '/baseUrl' }],
    })
  }
  expect((await create(other)).status).toBe(201)
  const { body: second } = await create(user, { name: 'Second', baseUrl: 'https://n8n.example.com/second' })
  const patch = (id: string, change: object) =>
    world.call('PATCH', `/v1/instances/${id}`, { user, body: change, headers: anyVersion })
  const moved = await patch(second.id, { baseUrl: first.baseUrl })
  expect([moved.status, moved.body.code, moved.body.instanceId]).toEqual([409, 'instance-exists', first.id])
  expect((await patch(first.id, { baseUrl: 'https://n8n.example.com/third' })).status).toBe(200)
  expect((await patch(second.id, { baseUrl: first.baseUrl })).status).toBe(200)
})

test('a local server can be added once under all its names', async () => {
  const local = createWorld(await createTestDatabase(), { allowLoopbackInstances: true })
  try {
    const user = await local.user()
    const add = (name: string, baseUrl: string) =>
      local.call('POST', '/v1/instances', { user, body: { name, baseUrl, apiKey } })
    const { status, body: first } = await add('First', 'http://127.0.0.1:5678')
    expect([status, first.baseUrl]).toEqual([201, 'http://127.0.0.1:5678'])
    for (const host of ['localhost', 'LOCALHOST', '[::1]', '127.0.0.1']) {
      const again = await add('Again', `http://${host}:5678/`)
      expect([again.status, again.body.code]).toEqual([409, 'instance-exists'])
      expect(again.body).toMatchObject({ instanceId: first.id, instanceName: 'First' })
    }
    expect((await add('Elsewhere', 'http://localhost:5679')).status).toBe(201)
  } finally {
    await local.close()
  }
})

test('a server in an allowed private network can be added over http, which the audit trail records', async () => {
  const database = await createTestDatabase()
  const privateNetworks = parsePrivateNetworks(['n8n', '10.0.0.0/8', '127.0.0.1', '169.254.0.0/16'])
  const local = createWorld(database, { privateNetworks })
  try {
    const user = await local.user()
    const call = (method: string, path: string, body: object) =>
      local.call(method, `/v1/instances${path}`, { user, body, headers: anyVersion })
    const { status, body: first } = await call('POST', '', { name: 'A', baseUrl: 'http://n8n:5678', apiKey })
    expect([status, first.baseUrl]).toEqual([201, 'http://n8n:5678'])
    const moved = await call('PATCH', `/${first.id}`, { baseUrl: 'http://10.0.0.5:1234', apiKey })
    expect(moved.status).toBe(200)
    expect((await call('PATCH', `/${first.id}`, { name: 'B' })).status).toBe(200)
    for (const baseUrl of ['http://127.0.0.1:5678', 'http://169.254.169.254', 'http://192.168.0.1:5678']) {
      const refused = await call('POST', '', { name: 'C', baseUrl, apiKey })
      expect([refused.status, refused.body.code]).toEqual([422, 'url-not-allowed'])
    }
    const events = await database.sql`select details from audit_events where user_id = ${user} order by id`
    expect(events.map(({ details }) => details)).toEqual([
      { privateNetwork: 'n8n' },
      { changed: ['baseUrl', 'apiKey'], privateNetwork: '10.0.0.0/8' },
      { changed: ['name'] },
    ])
  } finally {
    await local.close()
  }
})

test('an Idempotency-Key returns the instance without its token, and is rejected with another body', async () => {
  const user = await world.user()
  const headers = { 'Idempotency-Key': 'k' }
  const first = await create(user, {}, headers)
  const again = await create(user, {}, headers)
  expect(again.status).toBe(201)
  expect(again.body).toEqual({ ...first.body, webhookToken: null })
  expect((await create(user, { name: 'Other' }, headers)).body.code).toBe('idempotency-key-reused')
  await world.call('DELETE', `/v1/instances/${first.body.id}`, { user })
  expect((await create(user, {}, headers)).status).toBe(409)
})

test('the quota limits instances', async () => {
  const user = await world.user()
  for (const name of ['1', '2', '3'])
    expect((await create(user, { name, baseUrl: `https://n8n.example.com/${name}` })).status).toBe(201)
  const refused = await create(user, { name: '4' })
  expect([refused.status, refused.body.code]).toEqual([403, 'quota-exceeded'])
})

test("returns 404 for another user's instance", async () => {
  const [user, stranger] = [await world.user(), await world.user()]
  const { body: instance } = await create(user)
  for (const [method, suffix, sent] of [
    ['GET', ''],
    ['PATCH', '', { name: 'Mine' }],
    ['DELETE', ''],
    ['POST', '/webhook-token'],
  ] as const) {
    const call = (id: string) =>
      world.call(method, `/v1/instances/${id}${suffix}`, {
        user: stranger,
        headers: anyVersion,
        ...(sent && { body: sent }),
      })
    const [theirs, none, unreadable] = [await call(instance.id), await call(absentId), await call('x')]
    expect([theirs.status, none.status, unreadable.status]).toEqual([404, 404, 404])
    expect(theirs.body.detail).toBe(none.body.detail)
  }
  expect((await world.call('GET', '/v1/instances', { user: stranger })).body.items).toEqual([])
  expect((await world.call('GET', `/v1/instances/${instance.id}`, { user })).body.name).toBe('Production')
})

test('accepts a change based on the version in If-Match, or a list that contains it', async () => {
  const user = await world.user()
  const { body: instance } = await create(user)
  const path = `/v1/instances/${instance.id}`
  const patch = (name: string, headers?: Record<string, string>) =>
    world.call('PATCH', path, { user, body: { name }, ...(headers && { headers }) })
  expect(await patch('A')).toMatchObject({ status: 428, body: { code: 'precondition-required' } })
  expect(await patch('A', { 'If-Match': '"7"' })).toMatchObject({ status: 412, body: { currentVersion: 1 } })
  const changed = await patch('A', { 'If-Match': '"9", W/"1"' })
  expect(changed).toMatchObject({ status: 200, body: { name: 'A', version: 2 } })
  expect(changed.headers.get('ETag')).toBe('"2"')
})
