/** The production bundle in the real runtime. Covers only the differences from Node. */
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import bcrypt from '@node-rs/bcrypt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestHarness } from 'wrangler'
import { wranglerBin, wranglerEnv } from '../src/cli/server/wrangler.ts'
import { createApp } from '../src/app.ts'
import { parseConfig } from '../src/config.ts'
import { startGatewayServer } from '../src/db/gateway/server.ts'
import { createDeps } from '../src/deps.ts'
import { assets, referenceAssets } from '../src/lib/assets.generated.ts'
import { kmsNames } from '../src/crypto/kms/wrapped-key.ts'
import { testEnvironment } from './harness/app.ts'
import { createTestDatabase, type TestDatabase } from './harness/database.ts'
import { type FakeKms, fakeKms, wrapWith } from './harness/kms/services.ts'
import { encodeTraces, spansOf } from './harness/otlp.ts'
import { connectMcp, protocolVersions } from './mcp/client.ts'
import { AppMemory, approveIn, callback, connectApp } from './oauth/app-client.ts'
import { browser, origin } from './web/browser.ts'

Object.assign(process.env, wranglerEnv())
const { createTestHarness } = await import('wrangler')

const root = join(import.meta.dirname, '..')
let outdir: string
let database: TestDatabase
let gateway: Awaited<ReturnType<typeof startGatewayServer>>
let server: TestHarness
let env: Record<string, string>
let services: FakeKms[] = []

type Fetched = Awaited<ReturnType<TestHarness['fetch']>>

const call = (method: string, path: string, { body, token }: { body?: unknown; token?: string } = {}) =>
  server.fetch(path, {
    method,
    headers: {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
const json = async (response: Fetched): Promise<any> => response.json()

beforeAll(async () => {
  outdir = await mkdtemp(join(tmpdir(), 'flowkeep-worker-'))
  const built = spawnSync(process.execPath, [wranglerBin(), 'deploy', '--dry-run', '--outdir', outdir], {
    cwd: root,
    env: wranglerEnv(),
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`The worker does not build:\n${built.stdout}${built.stderr}`)
  database = await createTestDatabase()
  gateway = await startGatewayServer(database.gateway)
  services = await Promise.all(kmsNames.map(fakeKms))
  env = testEnvironment({
    DATABASE_URL: database.url,
    DATABASE_GATEWAY_URL: gateway.endpoint,
    PUBLIC_URL: publicUrl,
    ALLOW_LOOPBACK_INSTANCES: 'true',
  })
  // Each service wraps a ring.
  for (const [i, name] of (['CREDENTIAL_KEYS', 'ACCESS_TOKEN_KEYS', 'PASSWORD_PEPPERS'] as const).entries()) {
    const fake = services[i] as FakeKms
    const settings = Object.entries(fake.settings).filter(([, value]) => value !== undefined)
    const key = crypto.getRandomValues(new Uint8Array(32))
    const k1 = await wrapWith(fake, key, { ring: name, id: 'k1' })
    env = { ...env, ...Object.fromEntries(settings), [name]: JSON.stringify({ active: 'k1', keys: { k1 } }) }
  }
  server = createTestHarness({
    root,
    workers: [{ configPath: 'wrangler.toml', prebuiltWorkerDir: outdir, secrets: env }],
  })
  await server.listen()
})

afterAll(async () => {
  await server?.close()
  await gateway?.close()
  await Promise.all(services.map((fake) => fake.close()))
  await database?.close()
  await rm(outdir, { recursive: true, force: true })
})

/** A Node application on the same database and keys. */
const depsOnNode = () =>
  createDeps(parseConfig({ ...env, DATABASE_GATEWAY_URL: undefined }), {
    name: 'node',
    compareBcrypt: bcrypt.compare,
    maxHashesInFlight: 2,
    defer: (work) => void work.catch(() => {}),
    clientIp: () => '203.0.113.9',
    writeLog: () => {},
    now: () => new Date(),
    instanceFetch: fetch,
    publicFetch: fetch,
    databaseFetch: database.gateway.fetch,
  })

const publicUrl = 'http://flowkeep.localhost'
/** Replaces one URL by another, also where it is percent-encoded. */
const translate = (from: string, to: string) => (text: string) =>
  text.replaceAll(from, to).replaceAll(encodeURIComponent(from), encodeURIComponent(to))

const workflow = {
  name: 'On the edge',
  nodes: [
    {
      id: 'a',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: 'edge' },
    },
    {
      id: 'b',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [200, 0],
      parameters: { select: 'channel', text: 'x' },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
}

describe('the bundled worker', () => {
  test('is live and ready', async () => {
    expect(await json(await call('GET', '/health/live'))).toEqual({ status: 'live', runtime: 'workerd' })
    expect((await call('GET', '/health/ready')).status).toBe(200)
  })

  test('unwraps keys with each KMS', async () => {
    expect((await call('GET', '/health/ready')).status).toBe(200)
    // AWS names the operation in a header: its first request wrapped the key.
    const uses = services.map(({ kms, requests }) =>
      kms === 'aws' ? requests.length - 1 : requests.filter((path) => path.includes('decrypt')).length,
    )
    expect(uses.filter((count) => count > 0)).toHaveLength(kmsNames.length)
  })

  test('authenticates access tokens with their scopes and limits', async () => {
    const account = { email: 'agent@example.com', password: 'a long enough password' }
    const { accessToken } = await json(await call('POST', '/v1/auth/register', { body: account }))
    const body = { name: 'Agent', scopes: ['workflows:write'], requestsPerMinute: 1000 }
    const made = await json(await call('POST', '/v1/tokens', { token: accessToken, body }))
    const created = await call('POST', '/v1/workflows', { token: made.token, body: { workflow } })
    expect(created.status).toBe(201)
    const denied = await call('GET', '/v1/workflows', { token: made.token })
    expect([denied.status, (await json(denied)).requiredScope]).toEqual([403, 'workflows:read'])
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async () => (await call('GET', '/v1/me', { token: made.token })).status),
    )
    expect(new Set(statuses)).toEqual(new Set([403]))
    const { items } = await json(await call('GET', '/v1/audit-events', { token: accessToken }))
    expect(items[0]).toMatchObject({ action: 'workflow.created', token: { id: made.id, name: 'Agent' } })
    const change = await call('PATCH', `/v1/tokens/${made.id}`, {
      token: accessToken,
      body: { requestsPerMinute: 1 },
    })
    expect(change.status).toBe(200)
    // In a minute that has just begun, the first request is not limited yet.
    await call('GET', '/v1/me', { token: made.token })
    const limited = await call('GET', '/v1/me', { token: made.token })
    expect([limited.status, (await json(limited)).requestsPerMinute]).toEqual([429, 1])
    expect((await call('DELETE', `/v1/tokens/${made.id}`, { token: accessToken })).status).toBe(204)
    expect((await call('GET', '/v1/me', { token: made.token })).status).toBe(401)
  })

  test('creates data that Node can read', async () => {
    const email = 'edge@example.com'
    const password = 'a long enough password'
    const registered = await call('POST', '/v1/auth/register', { body: { email, password } })
    expect(registered.status).toBe(201)
    const { accessToken: token, refreshToken, user } = await json(registered)

    const created = await json(
      await call('POST', '/v1/workflows', { token, body: { workflow, prompt: 'p' } }),
    )
    expect(created).toMatchObject({ requiredCredentialTypes: ['slackApi'], webhookPaths: ['edge'] })
    const credential = await json(
      await call('POST', '/v1/credentials', {
        token,
        body: { type: 'slackApi', name: 'Slack', data: { accessToken: 'sealed on the edge' } },
      }),
    )
    const readiness = await json(await call('GET', `/v1/workflows/${created.id}/readiness`, { token }))
    expect(readiness).toMatchObject({ ready: true, unresolved: [] })
    const instance = await json(
      await call('POST', '/v1/instances', {
        token,
        body: { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'planted-api-key' },
      }),
    )
    await call('POST', '/v1/deployments', {
      token,
      body: {
        workflowId: created.id,
        instanceId: instance.id,
        n8nWorkflowId: 'abc',
        bindings: { slackApi: credential.id },
      },
    })
    const report = {
      executionId: '7',
      workflowId: 'abc',
      status: 'success',
      startedAt: '2026-11-01T00:00:00.000Z',
    }
    const posted = await call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: report,
    })
    expect(posted.status).toBe(202)
    const spans = spansOf({
      executionId: '8',
      workflowId: 'abc',
      startMs: Date.parse('2026-11-01T00:01:00.000Z'),
      nodes: [{ name: 'Hook' }, { name: 'Slack' }],
    })
    const traced = await server.fetch(`/hooks/n8n/${instance.id}/otlp/v1/traces`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${instance.webhookToken}`,
        'Content-Type': 'application/x-protobuf',
        'Content-Encoding': 'gzip',
      },
      body: gzipSync(encodeTraces(spans)),
    })
    expect(traced.status).toBe(200)
    const summary = await json(await call('GET', '/v1/analytics/summary', { token }))
    expect(summary).toMatchObject({ total: 2, successRate: 100 })

    const deps = depsOnNode()
    const node = createApp(deps)
    const login = await node.request('/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    expect(login.status).toBe(200)
    const me = await node.request('/v1/me', { headers: { Authorization: `Bearer ${token}` } })
    expect(await me.json()).toMatchObject({ id: user.id, email })
    const [opened] = await deps.credentials.findByUserAndService(user.id, 'slack')
    expect(opened && 'data' in opened && opened.data.reveal()).toEqual({ accessToken: 'sealed on the edge' })
    expect((await call('POST', '/v1/auth/refresh', { body: { refreshToken } })).status).toBe(200)
  })

  test('hashes one password at a time and turns the rest away', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        call('POST', '/v1/auth/login', {
          body: { email: `nobody-${i}@example.com`, password: 'a wrong password' },
        }),
      ),
    )
    // 503: a statement timed out, because hashing took all of a slow machine's time.
    const rest = attempts.filter(({ status }) => status !== 401)
    expect(rest.filter(({ status }) => ![429, 503].includes(status))).toEqual([])
    expect(rest.length).toBeGreaterThanOrEqual(10)
    for (const { headers } of rest) expect(headers.get('Retry-After')).toMatch(/^\d+$/)
    expect((await call('GET', '/health/live')).status).toBe(200)
  })

  test.each([
    ['a depth of 5,000', `{"workflow":{"nodes":${'['.repeat(5000)}${']'.repeat(5000)}}}`, 422],
    ['invalid JSON', '{', 400],
    ['over 2 MB', `{"workflow":"${'x'.repeat(2 * 1024 * 1024)}"}`, 413],
  ])('survives %s', async (_, body, status) => {
    const { accessToken } = await json(
      await call('POST', '/v1/auth/register', {
        body: { email: `${status}@example.com`, password: 'a long enough password' },
      }),
    )
    const answer = await server.fetch('/v1/workflows', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${accessToken}` },
      body,
    })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
  })

  test('limits a body that has no Content-Length', async () => {
    const body = new Blob(['x'.repeat(320 * 1024)]).stream()
    const response = await server.fetch('/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: body as never,
      duplex: 'half',
    })
    expect(response.status).toBe(413)
    expect(await json(response)).toMatchObject({ code: 'too-large' })
  })

  test('describes its API as Node does', async () => {
    const onNode = await createApp(depsOnNode()).request('/openapi.json')
    expect(await json(await call('GET', '/openapi.json'))).toEqual(await onNode.json())
    const page = await call('GET', '/docs')
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('/v1/workflows')
  })

  test('leaves static assets to the platform, with the headers of `_headers`', async () => {
    for (const { path, mediaType } of [...Object.values(assets), ...Object.values(referenceAssets)]) {
      const file = await call('GET', path)
      expect({ path, status: file.status }).toEqual({ path, status: 200 })
      expect(file.headers.get('Content-Type')?.toLowerCase()).toBe(mediaType)
      expect(file.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
      expect(file.headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(file.headers.get('X-Request-Id')).toBeNull()
      expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(200)
    }
    expect((await call('GET', '/assets/style.0.css')).status).toBe(404)
  })

  test('leaves the guide to the platform, with the headers of `_headers`', async () => {
    for (const [path, type] of [
      ['/docs/guide', 'text/html'],
      ['/docs/guide/keys', 'text/html'],
      ['/docs/guide/decisions', 'text/html'],
      ['/docs/guide/decisions/0004-credentials-as-jwe', 'text/html'],
      ['/docs/guide/guide.css', 'text/css'],
      ['/docs/guide/guide.js', 'text/javascript'],
      ['/docs/guide/search.json', 'application/json'],
    ] as const) {
      const file = await call('GET', path)
      expect({ path, status: file.status }).toEqual({ path, status: 200 })
      expect(file.headers.get('Content-Type')).toContain(type)
      expect(file.headers.get('Content-Security-Policy')).toContain("script-src 'self'")
      expect(file.headers.get('X-Request-Id')).toBeNull()
      await file.arrayBuffer()
    }
    expect((await call('GET', '/docs/guide/nothing')).status).toBe(404)
  })

  test.each([
    '/data/api.json',
    '/data/catalogue.json',
    '/data/nodes/index.json',
    '/data/nodes/n8n-nodes-base/slack.json',
    '/_headers',
    '/data',
    '/assets/../data/catalogue.json',
  ])('does not serve %s', async (path) => {
    const response = await call('GET', path)
    expect(response.status).toBe(404)
    expect(response.headers.get('X-Request-Id')).not.toBeNull()
  })

  test('loads the catalogue once for concurrent first requests', async () => {
    const { accessToken: token } = await json(
      await call('POST', '/v1/auth/register', {
        body: { email: 'catalogue@example.com', password: 'a long enough password' },
      }),
    )
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('GET', '/v1/credential-types/slackApi', { token })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(await json(await call('GET', '/v1/node-types?q=slack', { token }))).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ type: 'n8n-nodes-base.slack' })]),
    })
    const shapes = await Promise.all(
      ['n8n-nodes-base.slack', '@n8n/n8n-nodes-langchain.agent', 'n8n-nodes-base.gmailTool'].map(
        async (type) => json(await call('GET', `/v1/node-types/${type}/shape`, { token })),
      ),
    )
    expect(shapes.map(({ outputs }) => outputs)).toEqual([['main'], ['main'], ['ai_tool']])
  })

  test.each(protocolVersions)('answers MCP clients of version %s', async (version) => {
    const body = { email: `agent-${version}@example.com`, password: 'correct horse battery' }
    const { accessToken } = await json(await call('POST', '/v1/auth/register', { body }))
    const agent = await connectMcp({
      url: 'https://flowkeep.example.com/mcp',
      token: accessToken,
      version,
      fetch: async (input, init) => {
        const { method, headers, body: sent } = init ?? {}
        const answer = await server.fetch(new URL(input instanceof Request ? input.url : input).pathname, {
          ...(method && { method }),
          headers: Object.fromEntries(new Headers(headers)),
          ...(typeof sent === 'string' && { body: sent }),
        })
        return new Response(await answer.text(), {
          status: answer.status,
          headers: Object.fromEntries(answer.headers),
        })
      },
    })
    expect(agent.client.getNegotiatedProtocolVersion()).toBe(version)
    expect((await agent.client.listTools()).tools.length).toBeGreaterThan(5)
    const shape = await agent.call('node_shape', { nodes: [{ type: 'slack', operation: 'post' }] })
    expect(shape.text).toContain('"channelId"')
    const saved = await agent.call('save_workflow', { workflow })
    expect(saved.text).toContain('version 1.')
    expect((await agent.client.listResources()).resources).toHaveLength(1)
    expect(await agent.call('find_nodes', {})).toMatchObject({ isError: true })
    await agent.close()
  })

  /** Clients use the harness's origin, the worker its own: https and loopback instances exclude each other. */
  const requestWorker = async (input: string | URL | Request, init: RequestInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const body = init.body instanceof URLSearchParams ? init.body.toString() : init.body
    const inward = translate(origin, publicUrl)
    const outward = translate(publicUrl, origin)
    const answer = await server.fetch(inward(url.pathname + url.search), {
      ...(init.method && { method: init.method }),
      headers: Object.fromEntries(
        [...new Headers(init.headers)].map(([name, value]) => [name, inward(value)]),
      ),
      ...(typeof body === 'string' && { body: inward(body) }),
      redirect: 'manual',
    })
    const headers = new Headers()
    for (const [name, value] of answer.headers) headers.append(name, outward(value))
    return new Response(outward(await answer.text()), { status: answer.status, headers })
  }

  test.each(['registers itself', 'has a metadata document'])('connects an app that %s', async (kind) => {
    const documents = createServer((request, response) => {
      const document = {
        client_id: `http://${request.headers.host}/client.json`,
        client_name: 'Agent on the edge',
        redirect_uris: [callback],
      }
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(document))
    })
    await new Promise<void>((resolve) => {
      documents.listen(0, '127.0.0.1', resolve)
    })
    const { port } = documents.address() as AddressInfo
    const tab = browser({ request: requestWorker })
    const email = `${kind.replaceAll(' ', '-')}@example.com`
    await tab.post('/register', { email, password: 'correct horse battery' })
    const memory = new AppMemory()
    if (kind === 'has a metadata document')
      memory.client = { client_id: `http://127.0.0.1:${port}/client.json` }
    const { client, consent } = await connectApp({
      memory,
      version: '2026-07-28',
      fetch: requestWorker,
      approve: (url) => approveIn(tab, url),
    })
    expect(consent.text).toContain(kind === 'registers itself' ? 'Unverified' : `127.0.0.1:${port}`)
    expect((await client.listTools()).tools.length).toBeGreaterThan(5)
    const before = memory.stored?.access_token
    if (memory.stored) memory.stored = { ...memory.stored, access_token: 'fk_expired' }
    const saved = await client.callTool({ name: 'save_workflow', arguments: { workflow } })
    expect(saved.isError).not.toBe(true)
    expect(memory.stored?.access_token).toMatch(/^fk_\w{38}$/)
    expect(memory.stored?.access_token).not.toBe(before)
    await client.close()
    documents.close()
  })

  test('runs its scheduled job', async () => {
    await database.sql`insert into login_throttles (bucket, failures, last_failed_at) values ('old', 1, now() - interval '3 days')`
    const result = await server.getWorker().scheduled({ cron: '*/5 * * * *', scheduledTime: new Date() })
    expect(result.outcome).toBe('ok')
    expect(await database.sql`select * from login_throttles where bucket = 'old'`).toEqual([])
  })

  test('logs one JSON line per request without secrets', async () => {
    const lines = server.getLogs().map(({ message }) => message)
    const requests = lines.filter((line) => line.includes('"event":"request"'))
    expect(requests.length).toBeGreaterThan(10)
    for (const line of requests) expect(() => JSON.parse(line)).not.toThrow()
    for (const secret of [
      'sealed on the edge',
      'planted-api-key',
      'a long enough password',
      env.FINGERPRINT_KEY ?? '?',
    ]) {
      expect(lines.join('\n')).not.toContain(secret)
    }
  })
})

describe('a worker with an invalid configuration', () => {
  test.each([
    ['CREDENTIAL_KEYS', 'short', 'CREDENTIAL_KEYS'],
    ['ALLOW_PRIVATE_NETWORKS', '10.0.0.0/8', 'ALLOW_PRIVATE_NETWORKS works on Node only'],
  ])('returns 503 on every route and logs the fault of %s', async (name, value, fault) => {
    const bare = createTestHarness({
      root,
      workers: [
        {
          configPath: 'wrangler.toml',
          prebuiltWorkerDir: outdir,
          secrets: { ...env, [name]: value },
        },
      ],
    })
    try {
      await bare.listen()
      for (const path of ['/health/live', '/v1/me', '/nowhere']) {
        const answer = await bare.fetch(path)
        expect(answer.status).toBe(503)
        expect(((await answer.json()) as { code: string }).code).toBe('not-configured')
        expect(answer.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
        expect(answer.headers.get('Strict-Transport-Security')).toContain('max-age=63072000')
        expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
        expect(answer.headers.get('Cache-Control')).toBe('no-store')
      }
      expect(
        bare
          .getLogs()
          .map(({ message }) => message)
          .join('\n'),
      ).toContain(fault)
    } finally {
      await bare.close()
    }
  })
})
