/**
 * Releases a workflow to many n8n stubs on a real Postgres while the server is killed twice, then rolls the release back:
 * `npx tsx bench/releases.ts [instances]`. Each instance has its own credential and variables; no copy may have another's.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { createN8nStub, type N8nStub } from '../test/harness/n8n-stub.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const count = Number(process.argv[2] ?? 100)
const killsAt = [0.25, 0.6]

const key = () => randomBytes(32).toString('base64')
const ring = () => JSON.stringify({ active: 'k1', keys: { k1: key() } })
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const port = await new Promise<number>((resolve, reject) => {
  const probe = createServer().once('error', reject)
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address()
    probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
})
const url = `http://127.0.0.1:${port}`
const postgres = await startPostgres()
const backend = postgresBackend(postgres.url)
const gateway = createGateway(backend)
const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
await backend.close()

const env = {
  ...process.env,
  PORT: String(port),
  HOST: '127.0.0.1',
  DATABASE_URL: postgres.url,
  PUBLIC_URL: 'http://localhost:8787',
  CREDENTIAL_KEYS: ring(),
  ACCESS_TOKEN_KEYS: ring(),
  REFRESH_TOKEN_KEYS: ring(),
  PASSWORD_PEPPERS: ring(),
  FINGERPRINT_KEY: key(),
  ALLOW_LOOPBACK_INSTANCES: 'true',
  QUOTA_INSTANCES: '1000',
  QUOTA_CREDENTIALS: '1000',
  LOG_LEVEL: 'warn',
}
let server: ChildProcess | undefined
async function startServer(): Promise<void> {
  server = spawn(process.execPath, ['bin/flowkeep.js', 'serve'], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  for (;;) {
    const answer = await fetch(`${url}/health/live`).catch(() => null)
    if (answer?.ok) return
    await sleep(100)
  }
}
async function stopServer(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const exited = new Promise((resolve) => server?.once('exit', resolve))
  server?.kill(signal)
  await exited
}

let token = ''
// oxlint-disable-next-line typescript/no-explicit-any -- reads any member
async function api(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Reads the release once a second until it has ended. */
async function watch(id: string, onProgress: (share: number) => Promise<void> = async () => undefined) {
  for (;;) {
    const release = await api('GET', `/v1/releases/${id}`).catch(() => null)
    if (release && !['planning', 'running', 'rolling-back'].includes(release.status)) return release
    if (release)
      await onProgress((release.targets.deployed + release.targets.rolledBack) / release.targets.total)
    await sleep(1000)
  }
}

const workflow = {
  name: 'Orders',
  nodes: [
    {
      id: 'hook',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: 'orders',
      parameters: { path: 'orders', httpMethod: 'POST', options: {} },
    },
    {
      id: 'slack',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [220, 0],
      parameters: { select: 'channel', channelId: '#orders', text: '=New order for {{ $vars.CUSTOMER }}' },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
  settings: { executionOrder: 'v1' },
}

const stubs: N8nStub[] = []
const closing: (() => Promise<void>)[] = []
const copiesOn = ({ state }: N8nStub) =>
  [...state.workflows.values()].filter(({ name }) => !name.startsWith('Flowkeep: '))
const copies = () => stubs.map((stub) => copiesOn(stub).length)

const customer = (index: number) => `customer-${10_000 + index}`
const slackToken = (index: number) => `xoxb-${customer(index)}`

/** Whether its only copy has its own credential and value, and nothing on it is another customer's. */
function hasOnlyItsOwn(stub: N8nStub, index: number): boolean {
  const bots = [...stub.state.credentials.values()].filter(({ type }) => type === 'slackApi')
  const [bot] = bots
  const [copy] = copiesOn(stub)
  const slack = copy?.nodes.find(({ name }) => name === 'Slack')
  const all = JSON.stringify([[...stub.state.workflows.values()], [...stub.state.credentials.values()]])
  return (
    bots.length === 1 &&
    bot?.data['accessToken'] === slackToken(index) &&
    JSON.stringify(slack?.['credentials']) === JSON.stringify({ slackApi: { id: bot.id, name: bot.name } }) &&
    JSON.stringify(slack?.['parameters']).includes(customer(index)) &&
    !all.includes('$vars') &&
    [...all.matchAll(/customer-\d+/g)].every(([found]) => found === customer(index))
  )
}

/** The number of deployments that differ from n8n. */
async function drifted(workflowId: string): Promise<number> {
  let found = 0
  let checked = 0
  let cursor: string | null = null
  do {
    const query = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await api('GET', `/v1/deployments?workflowId=${workflowId}&limit=100${query}`)
    for (const { id } of page.items) {
      checked += 1
      if ((await api('GET', `/v1/deployments/${id}/drift`)).drifted !== false) found += 1
    }
    cursor = page.nextCursor
  } while (cursor !== null)
  if (checked !== count) throw new Error(`${checked} deployments`)
  return found
}

try {
  await startServer()
  const email = `${randomBytes(6).toString('hex')}@example.com`
  const registered = await api('POST', '/v1/auth/register', {
    email,
    password: randomBytes(12).toString('hex'),
  })
  token = registered.accessToken
  token = (await api('POST', '/v1/tokens', { name: 'Bench', scopes: ['admin'], requestsPerMinute: 6000 }))
    .token
  const instanceIds: string[] = []
  for (let index = 0; index < count; index += 1) {
    const stub = await createN8nStub()
    const { baseUrl, close } = await stub.listen()
    stubs.push(stub)
    closing.push(close)
    const credential = await api('POST', '/v1/credentials', {
      type: 'slackApi',
      name: `Bot of ${customer(index)}`,
      data: { accessToken: slackToken(index) },
    })
    const instance = await api('POST', '/v1/instances', {
      name: `Customer ${index}`,
      baseUrl,
      apiKey: stub.apiKey,
      variables: { CUSTOMER: customer(index) },
      credentials: [{ type: 'slackApi', credentialId: credential.id }],
    })
    instanceIds.push(instance.id)
  }
  const { id: workflowId } = await api('POST', '/v1/workflows', { workflow })

  const kills = [...killsAt]
  const startedAt = Date.now()
  const { id } = await api('POST', '/v1/releases', {
    workflows: [{ workflowId }],
    instanceIds,
    canary: 1,
    observe: { seconds: 1 },
    concurrency: 10,
  })
  const planningMs = Date.now() - startedAt
  const released = await watch(id, async (share) => {
    if (kills[0] === undefined || share < kills[0]) return
    kills.shift()
    await stopServer('SIGKILL')
    await startServer()
  })
  const releaseMs = Date.now() - startedAt
  const after = copies()
  const own = stubs.filter(hasOnlyItsOwn).length
  const driftedCount = await drifted(workflowId)
  const rollbackAt = Date.now()
  await api('POST', `/v1/releases/${id}/rollback`)
  const rolledBack = await watch(id)
  const rollbackMs = Date.now() - rollbackAt
  const figures = {
    instances: count,
    kills: killsAt.length - kills.length,
    planningSeconds: planningMs / 1000,
    releaseSeconds: releaseMs / 1000,
    released: [released.status, released.targets.deployed],
    copies: { one: after.filter((each) => each === 1).length, more: after.filter((each) => each > 1).length },
    ownCredentialAndValue: own,
    drifted: driftedCount,
    rollbackSeconds: rollbackMs / 1000,
    rolledBack: [rolledBack.status, rolledBack.targets.rolledBack],
    left: copies().reduce((sum, each) => sum + each, 0),
  }
  console.log(figures)
  const isRight =
    figures.copies.one === count &&
    own === count &&
    driftedCount === 0 &&
    released.status === 'completed' &&
    rolledBack.status === 'rolled-back' &&
    figures.left === 0
  if (!isRight || kills.length > 0) process.exitCode = 1
} finally {
  await stopServer('SIGTERM')
  for (const close of closing) await close()
  await postgres.stop()
}
