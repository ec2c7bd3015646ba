/**
 * @module A server as it runs in production, on a Postgres database of its own, for tests over HTTP only: the `serve` command
 * in its own process, or the bundled worker in workerd.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, type OutgoingHttpHeaders, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { startGatewayServer } from '../../src/db/gateway/server.ts'
import { testEnvironment } from './app.ts'
import { createTestDatabase, type PostgresTestDatabase } from './database.ts'

export type TargetRuntime = 'node' | 'workerd'

/** The runtime that this test run is for. */
export const targetRuntime: TargetRuntime = process.env['FLOWKEEP_RUNTIME'] === 'workerd' ? 'workerd' : 'node'

export interface SendOptions {
  /** Sent as JSON, unless it is text or bytes. */
  body?: unknown
  headers?: OutgoingHttpHeaders
  token?: string | undefined
  /** The address that the server sees. Default: the target's own. */
  from?: string
  /** Sends the body without Content-Length. */
  isChunked?: boolean
  /** Returns 503 at once. By default, the request is repeated: on a busy machine, a statement can exceed its time. */
  isFinal?: boolean
}

export interface TargetAnswer {
  status: number
  headers: Headers
  text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  json: any
}

export type Send = (method: string, path: string, options?: SendOptions) => Promise<TargetAnswer>

export interface TargetUser {
  id: string
  email: string
  password: string
  accessToken: string
  refreshToken: string
  call: Send
  /** Session tokens are valid for five minutes: a new one, from a new session if this one has ended. */
  renew: () => Promise<void>
}

export interface Target {
  runtime: TargetRuntime
  url: URL
  env: Record<string, string>
  database: PostgresTestDatabase
  /** Every response so far, with its headers. Tests of secrets may empty it. */
  answers: string[]
  /** Everything that the server logged so far. */
  logs: () => string
  /** Bytes in memory of the server's process; undefined on workerd. */
  residentBytes: () => number | undefined
  call: Send
  user: (account?: { email?: string; password?: string }) => Promise<TargetUser>
  /** Ends the server and starts it again, on the same database. */
  restart: () => Promise<void>
  close: () => Promise<void>
}

export interface TargetOptions {
  env?: Record<string, string>
  /** For the process on Node. */
  nodeOptions?: string
  runtime?: TargetRuntime
  /**
   * On workerd alone: it has no static files and no log, but its requests do not pass through wrangler's test server, which
   * follows redirects.
   */
  isBare?: boolean
}

interface Server {
  url: URL
  logs: () => string
  pid?: number | undefined
  stop: () => Promise<void>
}

const root = join(import.meta.dirname, '../..')

/** An address of its own for each client, because the server limits what one address may do. */
export const randomAddress = (): string => `100.${randomInt(1, 60)}.${randomInt(256)}.${randomInt(1, 255)}`

export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const runtime = options.runtime ?? targetRuntime
  const database = await createTestDatabase()
  const answers: string[] = []
  const env = testEnvironment({
    PUBLIC_URL: 'http://flowkeep.localhost',
    ALLOW_LOOPBACK_INSTANCES: 'true',
    ...(runtime === 'node' && { TRUSTED_PROXY_HOPS: '1' }),
    ...options.env,
  })
  const start = () => {
    if (runtime === 'node') return startOnNode(database, env, options.nodeOptions)
    return options.isBare ? startBareWorker(database, env) : startWorker(database, env)
  }
  let server: Server
  try {
    server = await start()
  } catch (error) {
    await database.close()
    throw error
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const ownAddress = randomAddress()
  const addressHeader = runtime === 'node' ? 'X-Forwarded-For' : 'CF-Connecting-IP'
  let earlierLogs = ''

  const call: Send = async (method, path, { from = ownAddress, ...sent } = {}) => {
    const headers = { [addressHeader]: from, ...sent.headers }
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(server.url, agent, method, path, { ...sent, headers })
      answers.push(`${answer.status} ${JSON.stringify([...answer.headers])}\n${answer.text}`)
      if (sent.isFinal || attempt === 6 || answer.json?.code !== 'database-unavailable') return answer
      await sleep(attempt * 1000)
    }
  }

  const user: Target['user'] = async (account = {}) => {
    const email = account.email ?? `${randomBytes(8).toString('hex')}@example.com`
    const password = account.password ?? randomBytes(12).toString('base64url')
    const from = randomAddress()
    const register = () => call('POST', '/v1/auth/register', { body: { email, password }, from })
    let registered = await register()
    // Every hashing slot was taken for too long.
    for (let i = 0; i < 5 && registered.status === 429; i += 1) registered = await register()
    if (registered.status !== 201) throw new Error(`Registration failed: ${registered.text}`)
    const { accessToken, refreshToken, user: profile } = registered.json
    const self: TargetUser = {
      id: profile.id,
      email,
      password,
      accessToken,
      refreshToken,
      call: (method, path, more = {}) => call(method, path, { token: self.accessToken, from, ...more }),
      renew: async () => {
        const body = { refreshToken: self.refreshToken }
        let answer = await call('POST', '/v1/auth/refresh', { body })
        for (let i = 0; i < 6 && answer.status !== 200; i += 1) {
          answer = await call('POST', '/v1/auth/login', { body: { email, password }, from: randomAddress() })
        }
        if (answer.status !== 200) throw new Error(`Signing in failed: ${answer.text}`)
        self.accessToken = answer.json.accessToken
        self.refreshToken = answer.json.refreshToken
      },
    }
    return self
  }

  return {
    runtime,
    get url() {
      return server.url
    },
    env,
    database,
    answers,
    logs: () => earlierLogs + server.logs(),
    residentBytes: () => (server.pid === undefined ? undefined : residentBytesOf(server.pid)),
    call,
    user,
    restart: async () => {
      await server.stop()
      earlierLogs += server.logs()
      server = await start()
    },
    close: async () => {
      agent.destroy()
      await server.stop()
      await database.close()
    },
  }
}

function residentBytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** One request, exactly as described: no redirects, no normalized path. */
export async function send(
  url: URL,
  agent: Agent,
  method: string,
  path: string,
  options: SendOptions,
): Promise<TargetAnswer> {
  for (;;) {
    try {
      return await sendOnce(url, agent, method, path, options)
    } catch (error) {
      // The server closed an idle connection while it was reused. The next one may be closed too.
      if (!(error instanceof StaleConnection)) throw error
    }
  }
}

class StaleConnection extends Error {}

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
}

function sendOnce(
  url: URL,
  agent: Agent,
  method: string,
  path: string,
  { body, headers = {}, token, isChunked = false }: SendOptions,
): Promise<TargetAnswer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const bytes = body === undefined ? undefined : Buffer.from(isRaw ? body : JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: url.hostname,
        port: url.port,
        agent,
        method,
        path,
        headers: {
          ...(bytes && { 'Content-Type': 'application/json' }),
          ...(bytes && !isChunked && { 'Content-Length': bytes.length }),
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const received = new Headers()
          for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
            received.append(incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '')
          }
          const decode = decoders[received.get('Content-Encoding') ?? '']
          const whole = Buffer.concat(chunks)
          const text = (decode && whole.length > 0 ? decode(whole) : whole).toString()
          const isJson = received.get('Content-Type')?.includes('json') && text !== ''
          resolve({
            status: incoming.statusCode ?? 0,
            headers: received,
            text,
            json: isJson ? parse(text) : undefined,
          })
        })
      },
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      reject(isStale ? new StaleConnection() : error)
    })
    if (bytes && isChunked) {
      outgoing.flushHeaders()
      outgoing.write(bytes)
      outgoing.end()
    } else outgoing.end(bytes)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Below the range of ephemeral ports, so that nothing else uses it in the meantime. */
export async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_000)
  const server = createServer()
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isFree) return freePort()
  await new Promise((resolve) => server.close(resolve))
  return port
}

let builtServer: string | undefined

/** The production build, made once in this process. Starts faster than the sources. */
function buildServer(): string {
  if (builtServer === undefined) {
    const folder = `dist/test-${process.pid}`
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.js', `--to=${folder}`], {
      cwd: root,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`The build failed:\n${stderr}`)
    process.once('exit', () => rmSync(join(root, folder), { recursive: true, force: true }))
    builtServer = join(root, folder, 'node/flowkeep.js')
  }
  return builtServer
}

/** The `serve` command, without waiting until it listens. */
export function spawnServe(env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [buildServer(), 'serve'], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function startOnNode(
  database: PostgresTestDatabase,
  env: Record<string, string>,
  nodeOptions = '',
): Promise<Server> {
  const port = await freePort()
  const child = spawnServe({
    ...env,
    DATABASE_URL: database.postgresUrl,
    PORT: String(port),
    NODE_OPTIONS: nodeOptions,
  })
  let logs = ''
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const add = (chunk: Buffer) => {
      logs += chunk.toString()
      if (logs.includes('"event":"listening"')) resolve()
    }
    child.stdout?.on('data', add)
    child.stderr?.on('data', add)
    child.once('error', reject)
    void ended.then(() => reject(new Error(`The server ended:\n${logs}`)))
  })
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    logs: () => logs,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

let builtWorker: Promise<string> | undefined

/** The folder of the production bundle, built once in this process. */
function buildWorker(): Promise<string> {
  builtWorker ??= (async () => {
    const { wranglerBin, wranglerEnv } = await import('../../src/cli/server/wrangler.ts')
    const folder = mkdtempSync(join(tmpdir(), 'flowkeep-worker-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [wranglerBin(), 'deploy', '--dry-run', '--outdir', folder],
      { cwd: root, env: wranglerEnv(), encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`The worker does not build:\n${stdout}${stderr}`)
    return folder
  })()
  return builtWorker
}

async function startWorker(database: PostgresTestDatabase, env: Record<string, string>): Promise<Server> {
  const { wranglerEnv } = await import('../../src/cli/server/wrangler.ts')
  Object.assign(process.env, wranglerEnv())
  const { createTestHarness } = await import('wrangler')
  const gateway = await startGatewayServer(database.gateway)
  const secrets = { ...env, DATABASE_URL: database.url, DATABASE_GATEWAY_URL: gateway.endpoint }
  const server = createTestHarness({
    root,
    workers: [{ configPath: 'wrangler.toml', prebuiltWorkerDir: await buildWorker(), secrets }],
  })
  const { url } = await server.listen()
  const logs = () =>
    server
      .getLogs()
      .map(({ message }) => message)
      .join('\n')
  let lastLogs: string | undefined
  return {
    url,
    logs: () => lastLogs ?? logs(),
    stop: async () => {
      lastLogs = logs()
      await server.close()
      await gateway.close()
    },
  }
}

async function startBareWorker(database: PostgresTestDatabase, env: Record<string, string>): Promise<Server> {
  const { bundleWorker } = await import('../../scripts/worker-bundle.ts')
  const { startWorkerd } = await import('../../bench/workerd.ts')
  const gateway = await startGatewayServer(database.gateway)
  const settings = { ...env, DATABASE_URL: database.url, DATABASE_GATEWAY_URL: gateway.endpoint }
  const server = await startWorkerd(await bundleWorker(), settings, 'ignore')
  return {
    url: new URL(server.url),
    logs: () => '',
    stop: async () => {
      server.stop()
      await gateway.close()
    },
  }
}
