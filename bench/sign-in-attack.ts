/**
 * How often the owner of an account signs in while others guess: `npx tsx bench/sign-in-attack.ts [tries] [runtime]`, on Linux, on Node
 * and on workerd. A try succeeds if the right password gets 200 within ten seconds, waiting as Retry-After says after 429 and 503. Also prints
 * the longest response time of /health/live.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bundleWorker } from '../scripts/worker-bundle.ts'
import { generateKeys } from '../src/cli/server/state.ts'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { startGatewayServer } from '../src/db/gateway/server.ts'
import { migrate } from '../src/db/migrate.ts'
import { sleep } from '../src/lib/retry.ts'
import { startNode } from '../src/node.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { startWorkerd } from './workerd.ts'

const tries = Number(process.argv[2] ?? 100)
/** `Node` or `workerd`; default: both */
const only = process.argv[3]
const owner = { email: 'owner@example.com', password: 'plum lantern velvet orbit' }

interface Server {
  url: string
  stop: () => void
}

async function startOnNode(env: Record<string, string>, port: number): Promise<Server> {
  const tsx = fileURLToPath(import.meta.resolve('tsx'))
  const child = spawn(process.execPath, ['--import', tsx, import.meta.filename, '--serve', String(port)], {
    env: { ...process.env, ...env, TRUSTED_PROXY_HOPS: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  const isLive = () =>
    fetch(`${url}/health/live`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isLive())) {
    if (child.exitCode !== null) throw new Error('The server did not start')
    await sleep(200)
  }
  return { url, stop: () => void child.kill('SIGKILL') }
}

/** @param address of the client, as each runtime learns it */
async function signIn({ url }: Server, address: string, login: object): Promise<Response> {
  const response = await fetch(`${url}/v1/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': address, 'CF-Connecting-IP': address },
    body: JSON.stringify(login),
  })
  await response.text()
  return response
}

/** Sends without waiting for answers. */
async function paced(perSecond: number, signal: AbortSignal, send: (index: number) => Promise<unknown>) {
  for (let index = 0; !signal.aborted; index += 1) {
    void send(index).catch(() => {})
    await sleep(1000 / perSecond)
  }
}

const guess = (server: Server, address: string, email = owner.email) =>
  signIn(server, address, { email, password: 'a wrong guess' })
let made = 0
const madeUp = () => `nobody-${(made += 1)}@example.com`

const attacks: Record<string, (server: Server, signal: AbortSignal) => Promise<unknown>> = {
  'one IPv6 /64, 23 a second, one account': (server, signal) =>
    paced(23, signal, (index) => guess(server, `2001:db8::${(index % 65_000).toString(16)}`)),
  '25 IPv4 addresses, 23 a second, one account': (server, signal) =>
    paced(23, signal, (index) => guess(server, `203.0.113.${index % 25}`)),
  '24 sockets of one address, made-up addresses': (server, signal) =>
    Promise.all(
      Array.from({ length: 24 }, async () => {
        while (!signal.aborted) await guess(server, '192.0.2.1', madeUp()).catch(() => sleep(10))
      }),
    ),
  'spraying from one address, 23 a second': (server, signal) =>
    paced(23, signal, () => guess(server, '192.0.2.2', madeUp())),
}

let busy = 0

/** @returns seconds; Infinity after ten */
async function tryToSignIn(server: Server): Promise<number> {
  const startedAt = Date.now()
  for (;;) {
    const response = await signIn(server, '198.51.100.7', owner)
    const seconds = (Date.now() - startedAt) / 1000
    if (seconds > 10) return Infinity
    if (response.status === 200) return seconds
    if (response.status !== 429 && response.status !== 503)
      throw new Error(`The sign-in returned ${response.status}`)
    if (response.status === 503) busy += 1
    await sleep(Number(response.headers.get('Retry-After') ?? 1) * 1000)
  }
}

async function underAttack(server: Server, attack: (typeof attacks)[string]) {
  const ending = new AbortController()
  const attacking = attack(server, ending.signal)
  let slowestMs = 0
  const watching = paced(10, ending.signal, async () => {
    const startedAt = Date.now()
    await fetch(`${server.url}/health/live`).then((response) => response.text())
    slowestMs = Math.max(slowestMs, Date.now() - startedAt)
  })
  busy = 0
  const seconds: number[] = []
  for (let each = 0; each < tries; each += 1) seconds.push(await tryToSignIn(server))
  ending.abort()
  await Promise.all([attacking, watching])
  const sorted = seconds.toSorted((a, b) => a - b)
  return {
    'signed in': `${seconds.filter((each) => each <= 10).length} of ${tries}`,
    '503 on the way': busy,
    'median, s': sorted[Math.floor(tries / 2)],
    'slowest, s': sorted.at(-1),
    'slowest /health/live, ms': slowestMs,
  }
}

async function measure(): Promise<void> {
  const postgres = await startPostgres()
  const backend = postgresBackend(postgres.url)
  const database = createGateway(backend)
  const gateway = await startGatewayServer(database)
  const db = createDb({ databaseUrl: database.url, fetch: database.fetch })
  await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
  const env = {
    ...generateKeys(),
    DATABASE_URL: database.url,
    DATABASE_GATEWAY_URL: gateway.endpoint,
    PUBLIC_URL: 'http://127.0.0.1:8787',
    LOG_LEVEL: 'error',
  }
  const rows: Record<string, unknown> = {}
  try {
    for (const [runtime, start] of [
      ['Node', () => startOnNode(env, 18_787)],
      ['workerd', async () => startWorkerd(await bundleWorker(), env)],
    ] as const) {
      if (only !== undefined && only !== runtime) continue
      const server = await start()
      try {
        await fetch(`${server.url}/v1/auth/register`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(owner),
        })
        for (const [name, attack] of Object.entries(attacks)) {
          // Each attack starts with unused limits.
          await db.$client`delete from login_throttles`
          rows[`${runtime}: ${name}`] = await underAttack(server, attack)
          console.log(runtime, name, rows[`${runtime}: ${name}`])
        }
      } finally {
        server.stop()
      }
    }
    console.table(rows)
  } finally {
    await gateway.close()
    await backend.close()
    await postgres.stop()
  }
}

if (process.argv[2] === '--serve') {
  await startNode({ env: process.env, port: Number(process.argv[3]), host: '127.0.0.1' })
} else {
  await measure()
}
