/** Environments: their instances, variables, credentials and protection. */
import { describe, expect, test } from 'vitest'
import { type TestUser, useTestApp } from '../harness/app.ts'

const app = useTestApp()
const anyVersion = { 'If-Match': '*' }

const create = (user: TestUser, body: object, headers = {}) =>
  user.call('POST', '/v1/environments', { body, headers })
let servers = 0
const addInstance = (user: TestUser, more: object = {}) => {
  servers += 1
  const body = { name: `n8n ${servers}`, baseUrl: `https://n8n-${servers}.example.com`, apiKey: 'planted' }
  return user.call('POST', '/v1/instances', { body: { ...body, ...more } })
}
const change = (user: TestUser, path: string, body: object, headers: Record<string, string> = anyVersion) =>
  user.call('PATCH', path, { body, headers })

test('an environment can be created, read, listed, changed and deleted', async () => {
  const user = await app.user()
  const made = await create(user, { name: 'staging', variables: { API_URL: 'https://staging.example.com' } })
  expect(made.status).toBe(201)
  const { id } = made.json
  const path = `/v1/environments/${id}`
  expect(made.headers.get('Location')).toBe(path)
  expect(made.json).toEqual({
    id,
    name: 'staging',
    isProduction: false,
    variables: { API_URL: 'https://staging.example.com' },
    credentials: [],
    instanceCount: 0,
    version: 1,
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  expect((await user.call('GET', path)).json).toEqual(made.json)
  expect((await user.call('GET', '/v1/environments')).json).toEqual({ items: [made.json], nextCursor: null })
  const changed = await change(user, path, { name: 'test', variables: { REGION: 'eu', API_URL: null } })
  expect(changed.json).toMatchObject({ name: 'test', variables: { REGION: 'eu' }, version: 2 })
  expect((await change(user, path, { name: 'late' }, { 'If-Match': '"1"' })).status).toBe(412)
  expect((await user.call('DELETE', path)).status).toBe(204)
  expect((await user.call('GET', path)).status).toBe(404)
  const events = await user.call('GET', '/v1/audit-events')
  expect(events.json.items.map(({ action }: { action: string }) => action)).toEqual(
    expect.arrayContaining(['environment.created', 'environment.updated', 'environment.deleted']),
  )
})

test('a repeated Idempotency-Key creates one environment, and a name is unique', async () => {
  const user = await app.user()
  const headers = { 'Idempotency-Key': 'one' }
  const [first, again] = [
    await create(user, { name: 'dev' }, headers),
    await create(user, { name: 'dev' }, headers),
  ]
  expect(again.json.id).toBe(first.json.id)
  expect((await create(user, { name: 'dev' })).json).toMatchObject({ code: 'name-taken' })
  const other = await create(user, { name: 'test' })
  expect((await change(user, `/v1/environments/${other.json.id}`, { name: 'dev' })).json).toMatchObject({
    code: 'name-taken',
  })
})

test.each([
  [{ name: '' }, '/name'],
  [{ name: 'x', variables: { '1A': 'x' } }, '/variables'],
  [{ name: 'x', variables: { A: 'x'.repeat(1001) } }, '/variables/A'],
  [{ name: 'x', variables: { A: '\u0000' } }, '/variables/A'],
  [{ name: 'x', variables: { A: 1 } }, '/variables/A'],
  [
    { name: 'x', variables: { API_TOKEN: 'ghp_0123456789abcdefghijABCDEFGHIJ012345' } },
    '/variables/API_TOKEN',
  ],
  [{ name: 'x', variables: { DB_PASSWORD: 'kT9#mLq2!vXz' } }, '/variables/DB_PASSWORD'],
  [
    { name: 'x', variables: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`A${i}`, ''])) },
    '/variables',
  ],
  [{ name: 'production', isProduction: false }, '/isProduction'],
  [
    { name: 'x', credentials: [{ type: 'slackApi', credentialId: '0198c0de-0000-7000-8000-000000000000' }] },
    '/credentials/0/credentialId',
  ],
])('%j is invalid', async (body, pointer) => {
  const answer = await create(await app.user(), body)
  expect(answer.status).toBe(422)
  expect(answer.json.errors[0].pointer).toContain(pointer)
  expect(answer.text).not.toMatch(/kT9#|ghp_/)
})

describe('the environment of an instance', () => {
  test('is found by name, follows a new name, and lists its instances', async () => {
    const user = await app.user()
    const made = await create(user, { name: 'staging' })
    const instance = await addInstance(user, { environment: 'staging', variables: { REGION: 'eu' } })
    expect(instance.json).toMatchObject({
      environment: 'staging',
      isProduction: false,
      variables: { REGION: 'eu' },
    })
    await addInstance(user)
    const path = `/v1/environments/${made.json.id}`
    expect((await change(user, path, { name: 'pre-production' })).json).toMatchObject({ instanceCount: 1 })
    const listed = await user.call('GET', '/v1/instances?environment=pre-production')
    expect(listed.json.items).toMatchObject([{ id: instance.json.id, environment: 'pre-production' }])
    expect((await user.call('DELETE', path)).json).toMatchObject({ code: 'in-use' })
    await change(user, `/v1/instances/${instance.json.id}`, { environment: null })
    expect((await user.call('DELETE', path)).status).toBe(204)
  })

  test('must exist, and another user’s does not count', async () => {
    const [user, stranger] = [await app.user(), await app.user()]
    await create(stranger, { name: 'theirs' })
    for (const environment of ['unknown', 'theirs']) {
      expect((await addInstance(user, { environment })).json).toMatchObject({
        status: 422,
        errors: [{ pointer: '/environment' }],
      })
    }
  })

  test('is created with its first instance if its name is production', async () => {
    const user = await app.user()
    const instance = await addInstance(user, { environment: 'production' })
    expect(instance.json).toMatchObject({ environment: 'production', isProduction: true })
    const { items } = (await user.call('GET', '/v1/environments')).json
    expect(items).toMatchObject([{ name: 'production', isProduction: true, instanceCount: 1 }])
    expect((await user.call('GET', `/v1/environments/${items[0].id}`)).status).toBe(200)
  })

  test('protects its instances under any name', async () => {
    const user = await app.user()
    const { id } = (await create(user, { name: 'customers', isProduction: true })).json
    const instance = await addInstance(user, { environment: 'customers' })
    expect(instance.json.isProduction).toBe(true)
    const { token } = (
      await user.call('POST', '/v1/tokens', {
        body: { name: 'Agent', kind: 'service', scopes: ['instances:read', 'instances:write'] },
      })
    ).json
    const call = (method: string, path: string, body?: object) =>
      app.call(method, path, { token, headers: anyVersion, ...(body && { body }) })
    const denied = { status: 403, code: 'insufficient-scope', requiredScope: 'deploy:production' }
    for (const answer of [
      await call('PATCH', `/v1/instances/${instance.json.id}`, { environment: null }),
      await call('PATCH', `/v1/instances/${instance.json.id}`, { variables: { A: 'b' } }),
      await call('PATCH', `/v1/environments/${id}`, { isProduction: false }),
      await call('PATCH', `/v1/environments/${id}`, { variables: { A: 'b' } }),
      await call('DELETE', `/v1/environments/${id}`),
    ])
      expect(answer.json).toMatchObject(denied)
    expect((await call('POST', '/v1/environments', { name: 'dev' })).status).toBe(201)
  })
})

test('concurrent changes of different variables are all stored', async () => {
  const user = await app.user()
  const { id } = (await create(user, { name: 'dev' })).json
  const path = `/v1/environments/${id}`
  const changeUntilStored = async (name: string) => {
    for (;;) {
      const { status } = await change(user, path, { variables: { [name]: name } })
      if (status === 200) return
    }
  }
  const names = ['A', 'B', 'C', 'D', 'E']
  await Promise.all(names.map(changeUntilStored))
  const stored = (await user.call('GET', path)).json.variables
  expect(Object.keys(stored).toSorted()).toEqual(names)
})

test('credentials must be of the type, and need the scope to use them', async () => {
  const user = await app.user()
  const data = { accessToken: 'xoxb-planted' }
  const { id } = (
    await user.call('POST', '/v1/credentials', { body: { type: 'slackApi', name: 'Bot', data } })
  ).json
  const credentials = [{ type: 'slackApi', credentialId: id }]
  expect((await create(user, { name: 'a', credentials })).json.credentials).toEqual(credentials)
  const other = [{ type: 'telegramApi', credentialId: id }]
  expect((await create(user, { name: 'b', credentials: other })).status).toBe(422)
  const { token } = (
    await user.call('POST', '/v1/tokens', {
      body: { name: 'Agent', kind: 'service', scopes: ['instances:write'] },
    })
  ).json
  const answer = await app.call('POST', '/v1/environments', { token, body: { name: 'c', credentials } })
  expect(answer.json).toMatchObject({ code: 'insufficient-scope', requiredScope: 'credentials:use' })
})
