import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { statusOf } from '../../src/http/problem.ts'
import { testConnection } from '../../src/instances/connection-test.ts'
import { instanceErrors, toAppError } from '../../src/instances/connections.ts'
import { N8nError, type N8nErrorKind } from '../../src/n8n/api/transport.ts'
import type { StubMode } from '../harness/n8n-stub-faults.ts'
import { type Connected, createConnected } from './connected.ts'

let connected: Connected
beforeAll(async () => {
  connected = await createConnected()
})
afterAll(() => connected.close())

const markup = /<|at \/srv|Bearer abc|sk-123456|ECONN/

describe('every failure of n8n becomes a problem of our own', () => {
  test.each<[StubMode, number, string]>([
    ['refuse', 502, 'instance-unreachable'],
    ['reset', 502, 'instance-unreachable'],
    ['http500', 502, 'instance-unreachable'],
    ['http500-html', 502, 'instance-unreachable'],
    ['http502-html', 502, 'instance-unreachable'],
    ['http503', 503, 'instance-busy'],
    ['html200', 502, 'instance-unreachable'],
    ['html404', 502, 'instance-unreachable'],
    ['not-json200', 502, 'instance-unreachable'],
    ['wrong-shape200', 502, 'instance-unreachable'],
    ['endless', 502, 'instance-unreachable'],
    ['leak', 502, 'instance-unreachable'],
    ['redirect', 502, 'instance-redirected'],
    ['429', 503, 'instance-busy'],
    ['4xx', 422, 'instance-rejected'],
    ['400-leak', 422, 'instance-rejected'],
    ['401', 502, 'instance-refused'],
    ['403', 502, 'instance-refused'],
    ['409', 409, 'instance-conflict'],
  ])('%s → %i %s, without its body or the API key in the response or the log', async (mode, status, code) => {
    const { app } = connected
    const { stub, user, path } = await connected.world()
    stub.failNext({ step: 'workflow-create', mode, times: 2 })
    const failed = await user.call('POST', `${path}/reporter`)
    expect([failed.status, failed.json.code]).toEqual([status, code])
    expect(failed.headers.get('Content-Type')).toBe('application/problem+json')
    expect(failed.headers.has('Retry-After')).toBe(code === 'instance-busy')
    stub.clearFaults()
    stub.failNext({ step: 'discover', mode, times: 2 })
    const tested = await user.call('POST', `${path}/test`)
    expect(tested.status).toBe(200)
    for (const text of [failed.text, tested.text, ...app.logs, await app.database.dump()]) {
      expect(text).not.toContain(stub.apiKey)
    }
    for (const text of [failed.text, tested.text]) expect(text).not.toMatch(markup)
  })

  test.each<[StubMode]>([['timeout'], ['timeout-after-apply']])(
    '%s → 504 after the timeout',
    async (mode) => {
      const { stub, connect } = await connected.world()
      stub.failNext({ step: 'workflow-create', mode })
      const failure: unknown = await (await connect()).ensure().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(N8nError)
      const { code } = toAppError(failure as N8nError)
      expect([code, statusOf(code)]).toEqual(['instance-timeout', 504])
    },
  )

  test('does not follow a redirect with the API key', async () => {
    const { stub, user, path } = await connected.world()
    stub.failNext({ step: 'discover', mode: 'redirect', location: 'http://127.0.0.1:9/steal' })
    expect((await user.call('POST', `${path}/reporter`)).json.code).toBe('instance-redirected')
    expect(stub.calls().filter((call) => call.path.includes('steal'))).toEqual([])
  })

  test.each<[number | undefined, string]>([
    [undefined, '10'],
    [7, '7'],
    [86_400, '60'],
  ])('a request to wait %s s becomes Retry-After: %s', async (retryAfterSeconds, expected) => {
    const error = new N8nError('rate-limited', { operation: 'publish', retryAfterSeconds })
    expect(String(toAppError(error).retryAfterSeconds)).toBe(expected)
  })

  test('each kind has a code, and only the reasons of n8n are quoted', () => {
    const kinds: N8nErrorKind[] = [
      'rejected',
      'conflict',
      'not-found',
      'too-large',
      'not-n8n',
      'server-error',
    ]
    for (const kind of kinds) {
      const error = toAppError(
        new N8nError(kind, { operation: 'publish', detail: 'no trigger', status: 400 }),
      )
      expect(instanceErrors).toContain(error.code)
      expect(error.message).toMatch(/: no trigger$/)
      expect(toAppError(new N8nError(kind, { operation: 'publish' })).message).not.toContain('publish')
    }
  })
})

describe('testing the connection', () => {
  test('a current n8n and a key with all scopes are ok, and the instance shows it', async () => {
    const { user, path, stub } = await connected.world()
    const tested = await user.call('POST', `${path}/test`)
    expect(tested.json).toEqual({
      status: 'ok',
      detail: null,
      n8nVersion: '2.41.1',
      generation: 'current',
      cannot: [],
      testedAt: expect.any(String),
    })
    expect((await user.call('GET', path)).json).toMatchObject({
      status: 'ok',
      testedAt: tested.json.testedAt,
      n8nVersion: tested.json.n8nVersion,
      capabilities: { generation: 'current', cannot: [] },
      version: 1,
    })
    expect(stub.calls().every(({ method }) => method === 'GET')).toBe(true)
  })

  test.each(['1.x', '2.0'] as const)('n8n %s is limited, with its limitations', async (generation) => {
    const { user, path, stub } = await connected.world({ generation })
    stub.state.editorVersion = null
    const { json } = await user.call('POST', `${path}/test`)
    expect(json).toMatchObject({ status: 'limited', generation: 'legacy', n8nVersion: '1.x or 2.0' })
    expect(json.cannot).toHaveLength(4)
    expect(json.cannot[0]).toMatch(/^Rolling back without a new upload: /)
  })

  test('a version that the user sets applies until n8n states its own', async () => {
    const { user, path, stub } = await connected.world()
    stub.state.editorVersion = null
    const test = async () => (await user.call('POST', `${path}/test`)).json.n8nVersion
    const stored = async () => (await user.call('GET', path)).json.n8nVersion
    const set = (n8nVersion: unknown) =>
      user.call('PATCH', path, { body: { n8nVersion }, headers: { 'If-Match': '*' } })
    expect(await test()).toBe('2.1 or later')
    expect((await set('2.30.8')).json.n8nVersion).toBe('2.30.8')
    expect([await test(), await stored()]).toEqual(['2.30.8', '2.30.8'])
    expect((await set('two')).status).toBe(422)
    expect((await set(null)).json.n8nVersion).toBeNull()
    expect([await test(), await stored()]).toEqual(['2.1 or later', '2.1 or later'])
    await set('2.30')
    stub.state.editorVersion = '2.41.1'
    expect([await test(), await stored()]).toEqual(['2.41.1', '2.41.1'])
  })

  test('a key without scopes is limited, with each missing scope', async () => {
    const { stub, connect } = await connected.world()
    const { client } = await connect(async (input, init) => {
      const response = await stub.fetch(input, init)
      const text = await response.text()
      const { data } = JSON.parse(text) as { data: { resources: Record<string, { endpoints: unknown[] }> } }
      for (const resource of Object.values(data.resources)) {
        resource.endpoints = resource.endpoints.filter((each) => !/"(POST|PUT)"/.test(JSON.stringify(each)))
      }
      return Response.json({ data })
    })
    const tested = await testConnection(client, () => new Date())
    expect(tested).toMatchObject({ status: 'limited', generation: 'current' })
    expect(tested.cannot).toEqual([
      'Deploying workflows: the API key is missing workflow:create, workflow:update.',
      'Activating and deactivating workflows: the API key is missing workflow:activate, workflow:deactivate.',
      'Sending credentials: the API key is missing credential:create.',
      'Testing credentials: the API key is missing credential:read.',
    ])
  })

  test('reports on an older n8n that the key cannot list executions', async () => {
    const { stub, user, path } = await connected.world({ generation: '1.x' })
    stub.failNext({ step: 'execution-list', mode: '403' })
    const { json } = await user.call('POST', `${path}/test`)
    expect(json.cannot).toContain('Fetching executions: the API key is missing execution:list.')
  })

  test.each<[StubMode, string]>([
    ['401', 'refused'],
    ['403', 'refused'],
    ['refuse', 'unreachable'],
    ['http502-html', 'unreachable'],
    ['html200', 'unreachable'],
    ['redirect', 'unreachable'],
    ['429', 'unreachable'],
  ])('%s is %s; keeps the version from an earlier test', async (mode, status) => {
    const { stub, user, path } = await connected.world()
    await user.call('POST', `${path}/test`)
    stub.failNext({ step: 'discover', mode, times: 3 })
    const { json } = await user.call('POST', `${path}/test`)
    expect(json).toMatchObject({ status, generation: null, n8nVersion: null, cannot: [] })
    expect((await user.call('GET', path)).json).toMatchObject({
      status,
      statusDetail: json.detail,
      capabilities: { generation: 'current' },
    })
  })

  test("returns 404 for another user's instance", async () => {
    const { path } = await connected.world()
    const stranger = await connected.app.user()
    for (const suffix of ['/test', '/reporter']) {
      expect((await stranger.call('POST', `${path}${suffix}`)).status).toBe(404)
      expect((await connected.app.call('POST', `${path}${suffix}`)).status).toBe(401)
    }
  })

  test('does not call a stored URL that is no longer allowed', async () => {
    const { stub, user, id, path } = await connected.world()
    const { sql } = connected.app.database
    // The key is bound to the origin, so that only the resolved address can change.
    await sql`update instances set base_url = 'https://n8n.example.com:22' where id = ${id}`
    const refused = await user.call('POST', `${path}/test`)
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(stub.calls()).toEqual([])
  })
})
