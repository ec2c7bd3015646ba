/**
 * Opt-in with `MCP_CONFORMANCE=1`: the conformance suite of the MCP project against `/mcp` on Node and on
 * workerd, for both protocol versions. It is downloaded, because it is large. Its other scenarios call tools of its own
 * example server. Needs no n8n.
 */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wranglerBin, wranglerEnv } from '../../src/cli/server/wrangler.ts'
import { startGatewayServer } from '../../src/db/gateway/server.ts'
import { startNode } from '../../src/node.ts'
import { testEnvironment } from '../harness/app.ts'
import { approveIn } from '../oauth/app-client.ts'
import { browser } from '../web/browser.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

const suite = '@modelcontextprotocol/conformance@0.2.0-alpha.12'
const both = ['2025-11-25', '2026-07-28'] as const
const scenarios: [name: string, versions: readonly string[]][] = [
  ['server-initialize', ['2025-11-25']],
  ['ping', ['2025-11-25']],
  ['server-sse-multiple-streams', ['2026-07-28']],
  ['tools-list', both],
  ['resources-list', both],
  ['prompts-list', both],
  ['dns-rebinding-protection', both],
  ['server-stateless', ['2026-07-28']],
  ['sep-2164-resource-not-found', ['2026-07-28']],
  ['caching', ['2026-07-28']],
  ['http-header-validation', ['2026-07-28']],
]

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

/** @param onOutput gets all output so far */
function run(options: readonly string[], onOutput?: (output: string) => void): Promise<string> {
  const child = spawn('npx', ['--yes', suite, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      onOutput?.(output)
    })
  return new Promise((resolve) => {
    child.on('close', () => resolve(output))
  })
}

interface Running {
  fetch(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

async function onNode(database: TestDatabase, publicUrl: string): Promise<Running> {
  const probe = createServer()
  const port = await listen(probe)
  await new Promise((resolve) => probe.close(resolve))
  const server = await startNode({
    env: testEnvironment({ DATABASE_URL: database.url, PUBLIC_URL: publicUrl, LOG_LEVEL: 'error' }),
    port,
    host: '127.0.0.1',
    fetch: database.gateway.fetch,
  })
  return {
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    close: () => server.close(),
  }
}

async function onWorkerd(database: TestDatabase, publicUrl: string): Promise<Running> {
  Object.assign(process.env, wranglerEnv())
  const { createTestHarness } = await import('wrangler')
  const root = join(import.meta.dirname, '..', '..')
  const outdir = await mkdtemp(join(tmpdir(), 'flowkeep-conformance-'))
  const built = spawnSync(process.execPath, [wranglerBin(), 'deploy', '--dry-run', '--outdir', outdir], {
    cwd: root,
    env: wranglerEnv(),
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`The worker does not build:\n${built.stdout}${built.stderr}`)
  const gateway = await startGatewayServer(database.gateway)
  const secrets = testEnvironment({
    DATABASE_URL: database.url,
    DATABASE_GATEWAY_URL: gateway.endpoint,
    PUBLIC_URL: publicUrl,
    LOG_LEVEL: 'error',
  })
  const server = createTestHarness({
    root,
    workers: [{ configPath: 'wrangler.toml', prebuiltWorkerDir: outdir, secrets }],
  })
  await server.listen()
  return {
    fetch: (path, init) => server.fetch(path, init as never) as never,
    async close() {
      await server.close()
      await gateway.close()
      await rm(outdir, { recursive: true, force: true })
    },
  }
}

/** Adds the token, which the suite cannot send. */
const proxyTo = (server: () => Running, token: () => string) =>
  createServer((request, response) => void forward(request, response, server(), token()))

async function forward(request: IncomingMessage, response: ServerResponse, server: Running, token: string) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const own = new Set(['connection', 'content-length', 'transfer-encoding', 'host'])
  const headers = new Headers(
    Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === 'string' && !own.has(name) ? [[name, value] as [string, string]] : [],
    ),
  )
  headers.set('Authorization', `Bearer ${token}`)
  const answer = await server.fetch(request.url ?? '/', {
    method: request.method ?? 'GET',
    redirect: 'manual',
    headers,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  })
  const body = Buffer.from(await answer.arrayBuffer())
  const { 'content-encoding': _, 'content-length': __, ...sent } = Object.fromEntries(answer.headers)
  response.writeHead(answer.status, sent).end(body)
}

const runtimes = [
  ['Node', onNode],
  ['workerd', onWorkerd],
] as const

const isAsked = Boolean(process.env.MCP_CONFORMANCE)
describe.skipIf(!isAsked).each(runtimes)('the suite on %s (not set: MCP_CONFORMANCE)', (_, start) => {
  let database: TestDatabase
  let server: Running
  let proxy: Server
  let target: string
  let issuer: string

  beforeAll(async () => {
    database = await createTestDatabase()
    let token = ''
    proxy = proxyTo(
      () => server,
      () => token,
    )
    issuer = `http://127.0.0.1:${await listen(proxy)}`
    target = `${issuer}/mcp`
    server = await start(database, issuer)
    const registered = await server.fetch('/v1/auth/register', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: 'agent@example.com', password: randomBytes(12).toString('hex') }),
    })
    const { accessToken } = (await registered.json()) as { accessToken: string }
    token = accessToken
  })
  afterAll(async () => {
    proxy?.close()
    await server?.close()
    await database?.close()
  })

  for (const [name, versions] of scenarios) {
    test.each([...versions])(`passes ${name} of version %s`, async (version) => {
      const options = ['server', '--url', target, '--scenario', name, '--spec-version', version]
      const output = await run(options)
      expect(output).toMatch(/Passed: [1-9]/)
      const failures = output.match(/^ *Error: .*/gm) ?? []
      // Some checks need tools of the suite's example server.
      expect(failures.filter((line) => !line.includes('does not list the diagnostic tool'))).toEqual([])
    })
  }

  test.each([...both])('passes the scenarios of authorization servers of version %s', async (version) => {
    const probe = createServer()
    const port = await listen(probe)
    await new Promise((resolve) => probe.close(resolve))
    const registered = await fetch(`${issuer}/oauth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ client_name: 'Suite', redirect_uris: [`http://127.0.0.1:${port}/callback`] }),
    })
    const { client_id: clientId } = (await registered.json()) as { client_id: string }
    const tab = browser({
      request: async (url: string, init: RequestInit) => {
        const { pathname, search } = new URL(url)
        return fetch(issuer + pathname + search, { ...init, redirect: 'manual' })
      },
    } as never)
    const email = `suite-${version}@example.com`
    await tab.post('/register', { email, password: randomBytes(12).toString('hex') }, { Origin: issuer })
    let asked: Promise<unknown> | undefined
    const output = await run(
      [
        'authorization',
        '--url',
        issuer,
        '--client-id',
        clientId,
        '--port',
        String(port),
        '--spec-version',
        version,
      ],
      (soFar) => {
        const [url] = /http:\S+\/oauth\/authorize\?\S+(?=\s)/.exec(soFar) ?? []
        if (url === undefined || asked) return
        asked = approveIn(tab, new URL(url), { headers: { Origin: issuer } }).then(({ location }) =>
          fetch(location),
        )
      },
    )
    await asked
    expect(output).not.toMatch(/FAILURE|Failed: [1-9]/)
    expect(output).toMatch(/authorization-code-grant/)
  })
})
