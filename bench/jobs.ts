/**
 * Two servers on one Postgres, one of which is killed twice while they receive reports under load:
 * `npx tsx bench/jobs.ts [executions]`. Linux only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Client } from 'pg'
import { sleep } from '../src/lib/retry.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const executions = Number(process.argv[2] ?? 10_000)
const senders = 300
const killsAt = [1 / 3, 2 / 3].map((part) => Math.floor(executions * part))

const root = join(import.meta.dirname, '..')
const key = () => randomBytes(32).toString('base64')
const ring = () => JSON.stringify({ active: 'k1', keys: { k1: key() } })
const keys = {
  CREDENTIAL_KEYS: ring(),
  ACCESS_TOKEN_KEYS: ring(),
  REFRESH_TOKEN_KEYS: ring(),
  PASSWORD_PEPPERS: ring(),
  FINGERPRINT_KEY: key(),
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

const postgres = await startPostgres()
const client = new Client({ connectionString: postgres.url })
const children = new Set<ChildProcess>()

function flowkeep(args: string[], port = 0): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'bin/flowkeep.js'), ...args], {
    cwd: root,
    env: {
      ...process.env,
      ...keys,
      DATABASE_URL: postgres.url,
      PUBLIC_URL: 'https://flowkeep.example.com',
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', args[0] === 'serve' ? 'pipe' : 'ignore', 'inherit'],
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function serve(port: number): Promise<ChildProcess> {
  const child = flowkeep(['serve'], port)
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}`)))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('"listening"')) resolve()
    })
  })
  return child
}

try {
  await client.connect()
  await new Promise((resolve) => flowkeep(['migrate']).once('exit', resolve))
  const ports = [await freePort(), await freePort()]
  await serve(ports[0]!)
  let second = await serve(ports[1]!)

  const call = async (port: number, path: string, body: unknown, token?: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    })
    return { status: response.status, json: await response.json() }
  }
  const first = ports[0]!
  const user = { email: 'load@example.com', password: 'a long enough password' }
  const token = (await call(first, '/v1/auth/register', user)).json.accessToken
  const content = { workflow: { name: 'Load', nodes: [], connections: {} } }
  const workflow = await call(first, '/v1/workflows', content, token)
  const n8n = { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'planted-api-key' }
  const instance = await call(first, '/v1/instances', n8n, token)
  const deployment = { workflowId: workflow.json.id, instanceId: instance.json.id, n8nWorkflowId: 'load' }
  await call(first, '/v1/deployments', deployment, token)

  let next = 0
  let done = 0
  let queued = 0
  let repeated = 0
  const latencies: number[] = []
  const send = async () => {
    while (next < executions) {
      const id = (next += 1)
      const report = {
        executionId: String(id),
        workflowId: 'load',
        status: id % 10 === 0 ? 'error' : 'success',
        startedAt: new Date(Date.now() - 1000).toISOString(),
        finishedAt: new Date().toISOString(),
        ...(id % 10 === 0 && { error: { message: 'Failed' } }),
      }
      // A sender repeats what was not answered with 2xx, to either server.
      for (let attempt = 0; ; attempt += 1) {
        const startedAt = performance.now()
        const port = ports[(id + attempt) % 2]!
        const answer = await call(
          port,
          `/hooks/n8n/${instance.json.id}`,
          report,
          instance.json.webhookToken,
        ).catch(() => null)
        if (answer && answer.status < 300) {
          latencies.push(performance.now() - startedAt)
          if (answer.json.queued) queued += 1
          break
        }
        repeated += 1
        await sleep(100)
      }
      done += 1
    }
  }
  const kill = async () => {
    for (const at of killsAt) {
      const isDue = () => done >= at
      while (!isDue()) await sleep(10)
      second.kill('SIGKILL')
      await new Promise((resolve) => second.once('exit', resolve))
      second = await serve(ports[1]!)
    }
  }
  const startedAt = performance.now()
  const killing = kill()
  await Promise.all(Array.from({ length: senders }, send))
  const answeredMs = performance.now() - startedAt
  await killing
  const counted = async () => {
    const { json } = await call(first, '/v1/auth/login', user)
    const response = await fetch(`http://127.0.0.1:${first}/v1/analytics/summary`, {
      headers: { Authorization: `Bearer ${json.accessToken}` },
    })
    return ((await response.json()) as { total: number }).total
  }
  const number = async (statement: string) => Number((await client.query(statement)).rows[0]?.number)
  const pending = () =>
    number(`select count(*) as number from pgboss.job where name = 'reports' and state < 'completed'`)
  while ((await pending()) > 0) await sleep(100)
  const storedMs = performance.now() - startedAt
  const sorted = latencies.toSorted((a, b) => a - b)
  const rows = await number('select count(*) as number from executions')
  const figures = {
    executions,
    rows,
    distinct: await number('select count(distinct n8n_execution_id) as number from executions'),
    counted: await counted(),
    kills: killsAt.length,
    queued,
    repeated,
    retried: await number(
      `select count(*) as number from pgboss.job where name = 'reports' and retry_count > 0`,
    ),
    failed: await number(`select count(*) as number from pgboss.job where name = 'reports-failed'`),
    answeredPerSecond: Math.round(executions / (answeredMs / 1000)),
    medianMs: Math.round(sorted[sorted.length >> 1] ?? 0),
    p99Ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
    storedMs: Math.round(storedMs),
  }
  console.log(figures)
  if ([rows, figures.distinct, figures.counted].some((each) => each !== executions)) process.exitCode = 1
} finally {
  for (const child of children) child.kill('SIGKILL')
  await client.end()
  await postgres.stop()
}
