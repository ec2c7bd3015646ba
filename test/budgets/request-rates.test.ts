/** Requests per minute and class, on two servers that share a real Postgres. */
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { createDeps } from '../../src/deps.ts'
import { classifiedRoutes } from '../../src/http/rate-classes.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { type TestApp, type TestUser, testEnvironment, useTestApp } from '../harness/app.ts'
import { browser } from '../web/browser.ts'
import { parsePage } from '../harness/dom.ts'

let nowMs = Date.parse('2026-05-04T10:00:20Z')
const now = () => new Date(nowMs)
const nextMinute = () => {
  nowMs += 60_000
}
const stub = await createN8nStub({ apiKey: 'planted-api-key' })
let calls = 0
const instanceFetch: typeof fetch = (input, init) => {
  calls += 1
  return stub.fetch(input, init)
}
const env = {
  RATE_READS_PER_MINUTE: '20',
  RATE_WRITES_PER_MINUTE: '10',
  RATE_HEAVY_PER_MINUTE: '5',
  RATE_OUTGOING_PER_MINUTE: '8',
}
const app = useTestApp({ env, runtime: { now, instanceFetch } })

/** Another server on the database, with the same keys. */
const anotherServer = ({ database, deps }: TestApp) =>
  createApp({
    ...deps,
    ...rest(
      createDeps(parseConfig({ ...testEnvironment({ DATABASE_URL: database.url }), ...env }), {
        name: 'node',
        compareBcrypt: async () => false,
        maxHashesInFlight: 1,
        defer: () => undefined,
        clientIp: () => '203.0.113.9',
        writeLog: () => undefined,
        now,
        instanceFetch,
        publicFetch: fetch,
        databaseFetch: (request) => database.gateway.fetch(request),
      }),
    ),
  })
const rest = ({ claimRequest }: { claimRequest: TestApp['deps']['claimRequest'] }) => ({ claimRequest })

const countOf = (statuses: number[], status: number) => statuses.filter((each) => each === status).length

async function withInstance(user: TestUser): Promise<string> {
  const { status, json } = await user.call('POST', '/v1/instances', {
    body: { name: 'prod', baseUrl: 'https://n8n.example.com', apiKey: 'planted-api-key' },
  })
  expect(status).toBe(201)
  return `/v1/instances/${json.id}/test`
}

describe('classes that are counted in memory', () => {
  test.each([
    ['read', 'GET', '/v1/workflows', 20],
    ['write', 'PATCH', '/v1/me', 10],
    ['heavy', 'GET', '/v1/analytics/summary', 5],
  ])('%s: of concurrent requests, exactly the limit passes', async (name, method, path, limit) => {
    const user = await app.user()
    const body = method === 'PATCH' ? { body: { name: 'Maya' } } : {}
    const answers = await Promise.all(Array.from({ length: limit + 30 }, () => user.call(method, path, body)))
    expect(
      countOf(
        answers.map(({ status }) => status),
        200,
      ),
    ).toBe(limit)
    const refused = answers.find(({ status }) => status !== 200)
    expect(refused?.json).toMatchObject({
      status: 429,
      code: 'too-many-requests',
      requestClass: name,
      requestsPerMinute: limit,
    })
    expect(refused?.json.detail).toContain('Wait 40 seconds')
    expect(refused?.headers.get('Retry-After')).toBe('40')
    expect(refused?.headers.get('RateLimit')).toBe(`"${name}";r=0;t=40`)
    expect(refused?.headers.get('RateLimit-Policy')).toBe(`"${name}";q=${limit};w=60`)
    expect((await (await app.user()).call(method, path, body)).status).toBe(200)
    nextMinute()
    const { status, headers } = await user.call(method, path, body)
    expect(status).toBe(200)
    expect(headers.get('RateLimit')).toBe(`"${name}";r=${limit - 1};t=40`)
  })

  test('one class does not use up another one', async () => {
    const user = await app.user()
    for (let index = 0; index < 6; index++) await user.call('GET', '/v1/analytics/summary')
    expect((await user.call('GET', '/v1/analytics/summary')).status).toBe(429)
    expect((await user.call('GET', '/v1/workflows')).status).toBe(200)
    expect((await user.call('PATCH', '/v1/me', { body: { name: 'Maya' } })).status).toBe(200)
  })

  test('access tokens and sessions of a user share a limit', async () => {
    const user = await app.user()
    const { token } = (
      await user.call('POST', '/v1/tokens', { body: { name: 'CI', scopes: ['executions:read'] } })
    ).json
    for (let index = 0; index < 3; index++) await user.call('GET', '/v1/analytics/summary')
    const byToken = await Promise.all(
      Array.from({ length: 4 }, () => app.call('GET', '/v1/analytics/summary', { token })),
    )
    expect(
      countOf(
        byToken.map(({ status }) => status),
        200,
      ),
    ).toBe(2)
  })

  test('a request that is not authorized does not count', async () => {
    const user = await app.user()
    const { token } = (
      await user.call('POST', '/v1/tokens', { body: { name: 'CI', scopes: ['workflows:read'] } })
    ).json
    for (let index = 0; index < 6; index++) {
      expect((await app.call('GET', '/v1/analytics/summary', { token })).status).toBe(403)
    }
    expect((await user.call('GET', '/v1/analytics/summary')).headers.get('RateLimit')).toContain('r=4')
  })
})

describe('requests that call other servers', () => {
  test('at one below the limit, exactly one of 50 concurrent requests on two servers passes', async () => {
    const user = await app.user()
    const path = await withInstance(user)
    const servers = [app.app, anotherServer(app)]
    const send = (index: number) =>
      Promise.resolve(
        servers[index % 2]?.request(path, {
          method: 'POST',
          headers: { Authorization: `Bearer ${user.accessToken}` },
        }),
      )
    for (let index = 0; index < 7; index++) expect((await send(index))?.status).toBe(200)
    calls = 0
    const before = calls
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => send(index)))
    const statuses = answers.map((answer) => answer?.status ?? 0)
    expect([countOf(statuses, 200), countOf(statuses, 429)]).toEqual([1, 49])
    // A test sends a few requests; the refused ones send none.
    expect(calls - before).toBeLessThan(10)
    nextMinute()
    expect((await send(0))?.headers.get('RateLimit')).toBe('"outgoing";r=7;t=40')
  })

  test('a server whose clock is behind does not start a new minute', async () => {
    const user = await app.user()
    const path = await withInstance(user)
    for (let index = 0; index < 8; index++) expect((await user.call('POST', path)).status).toBe(200)
    nowMs -= 60_000
    const behind = await app.deps.claimRequest(user.id, 'outgoing')
    nowMs += 60_000
    expect(behind?.remaining).toBe(-1)
  })

  test('the counts of a deleted account are deleted', async () => {
    const user = await app.user()
    await user.call('POST', await withInstance(user))
    const rows = () => app.database.sql`select 1 from request_counts where user_id = ${user.id}`
    expect(await rows()).toHaveLength(1)
    await user.call('POST', '/v1/me/delete', { body: { password: user.password } })
    await app.database.sql`delete from users where deleted_at is not null`
    expect(await rows()).toHaveLength(0)
  })
})

test('the dashboard counts too, and its page says how long to wait', async () => {
  const user = await app.user()
  const tab = browser(app.app)
  await tab.post('/sign-in', { email: user.email, password: user.password })
  for (let index = 0; index < 5; index++) expect((await tab.get('/search?q=a')).status).toBe(200)
  const page = await tab.get('/search?q=a')
  expect(page.status).toBe(429)
  expect(parsePage(page.text).text).toContain('Wait 40 seconds, then try again')
  expect((await user.call('GET', '/v1/analytics/summary')).status).toBe(429)
})

test('a tool of the MCP server counts in its class, and tells the agent how long to wait', async () => {
  const user = await app.user()
  const { token } = (
    await user.call('POST', '/v1/tokens', { body: { name: 'Agent', scopes: ['workflows:read'] } })
  ).json
  const callTool = () =>
    app.call('POST', '/mcp', {
      token,
      headers: { Accept: 'application/json, text/event-stream' },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'search_workflows', arguments: {} },
      },
    })
  for (let index = 0; index < 5; index++) expect((await callTool()).text).not.toContain('isError')
  const { text } = await callTool()
  expect(text).toContain('Error too-many-requests. Nothing was done.')
  expect(text).toContain('Wait 40 seconds, then call search_workflows again')
})

test('0 is no limit, and has no headers', async () => {
  const { claimRequest } = createDeps(parseConfig(testEnvironment({ RATE_HEAVY_PER_MINUTE: '0' })), {
    ...app.deps,
    name: 'node',
  } as never)
  expect(claimRequest('any', 'heavy')).toBeNull()
})

test('every classified route exists', () => {
  const routes = new Set(
    app.app.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^/]*\})?/g, '{$1}')}`),
  )
  expect(classifiedRoutes.filter((route) => !routes.has(route))).toEqual([])
})

test('a browser of another origin can read the headers', async () => {
  const user = await app.user()
  const { headers } = await user.call('GET', '/v1/me', { headers: { Origin: 'https://app.example.com' } })
  expect(headers.get('Access-Control-Expose-Headers')).toContain('RateLimit,RateLimit-Policy')
})
