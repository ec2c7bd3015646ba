/**
 * What metrics and traces cost: `npx tsx bench/metrics.ts [rounds] [requests]`.
 *
 * First, the instrumentation alone: CPU time of a route that only sends two measured database requests, which are
 * answered in memory, and the export of the spans. Then a Node server with a real Postgres: CPU time per request, with and without. Blocks of requests
 * alternate in one process. `off again` is a second block without both in each round: its spread is the noise. Traces record
 * every request and are exported as JSON to a collector; all blocks include the access log.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { generateKeys } from '../src/cli/server/state.ts'
import { openDatabase } from '../src/cli/operate/database.ts'
import { measured } from '../src/db/statement-metrics.ts'
import type { BaseEnv } from '../src/http/env.ts'
import { measuredRequest } from '../src/http/request-metrics.ts'
import { startNode } from '../src/node.ts'
import { createExporter } from '../src/telemetry/otlp.ts'
import { recordMetrics } from '../src/telemetry/registry.ts'
import { recordTraces } from '../src/telemetry/trace.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const modes = ['off', 'metrics', 'metrics and traces', 'off again'] as const
type Mode = (typeof modes)[number]

async function serve(): Promise<void> {
  const database = openDatabase()
  await database.migrate()
  const { port, collector } = { port: Number(process.env['PORT']), collector: process.env['COLLECTOR'] ?? '' }
  const env = { ...process.env, DATABASE_URL: database.url }
  await startNode({ env, port, host: '127.0.0.1', fetch: database.fetch, pool: database.pool })
  const exporter = createExporter({
    endpoint: collector,
    headers: {},
    resource: { 'service.name': 'flowkeep' },
    temporality: 'cumulative',
    onFailure: (signal, reason) => process.exit(`${signal} ${reason}`.length > 0 ? 1 : 0),
  })
  const reply = async (mode: Mode | 'end') => {
    if (mode === 'end') await exporter.pushSpans()
    else record(mode)
    process.send?.(cpuMs())
  }
  process.on('message', (mode: Mode | 'end') => void reply(mode))
  process.send?.(0)
}

function record(mode: Mode): void {
  recordMetrics(mode.startsWith('metrics'))
  recordTraces(mode === 'metrics and traces' ? 1 : undefined)
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** Milliseconds per request that each mode adds, without the requests of a server around it. */
async function instrumentation(): Promise<Map<Mode, number>> {
  const body = JSON.stringify({ query: 'select 1', params: [] })
  const statement = () =>
    measured(
      { database: 'primary', kind: 'read', body },
      async () => 1,
      () => undefined,
    )
  const exporter = createExporter({
    endpoint: 'http://127.0.0.1',
    headers: {},
    resource: { 'service.name': 'flowkeep' },
    temporality: 'cumulative',
    fetch: async () => new Response(),
    onFailure: (_, reason) => {
      throw new Error(reason)
    },
  })
  const app = new Hono<BaseEnv>()
  app.use(measuredRequest())
  app.get('/v1/workflows/:id', async (c) => {
    await statement()
    await statement()
    return c.body(null)
  })
  const found = new Map<Mode, number[]>(modes.map((mode) => [mode, []]))
  const count = 500
  for (let round = -3; round < 31; round += 1) {
    for (const at of modes.keys()) {
      const mode = modes[(at + round + 4) % modes.length]!
      record(mode)
      const before = cpuMs()
      for (let index = 0; index < count; index += 1) await app.request('/v1/workflows/1')
      await exporter.pushSpans()
      if (round >= 0) found.get(mode)?.push((cpuMs() - before) / count)
    }
  }
  record('off')
  const off = median(found.get('off') ?? [])
  return new Map([...found].map(([mode, values]) => [mode, median(values) - off]))
}

async function measure(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 11)
  const requests = Number(process.argv[3] ?? 200)
  const alone = await instrumentation()
  const postgres = await startPostgres()
  const collector = createServer((request, response) => void request.resume().on('end', () => response.end()))
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  const base = `http://127.0.0.1:${port}`
  const child = fork(import.meta.filename, {
    env: {
      ...process.env,
      ...generateKeys(),
      DATABASE_URL: postgres.url,
      PUBLIC_URL: base,
      PORT: String(port),
      COLLECTOR: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    await once(child, 'message')
    const say = async (mode: Mode | 'end'): Promise<number> => {
      child.send(mode)
      const [cpuMs] = (await once(child, 'message')) as [number]
      return cpuMs
    }
    const calls = await account(base)
    const block = async (mode: Mode) => {
      const before = await say(mode)
      let next = 0
      const work = async () => {
        while (next < requests) await calls[next++ % calls.length]?.()
      }
      await Promise.all([work(), work(), work(), work()])
      return ((await say('end')) - before) / requests
    }
    for (const mode of modes) await block(mode)
    const found = new Map<Mode, number[]>(modes.map((mode) => [mode, []]))
    for (let round = 0; round < rounds; round += 1) {
      // Each mode runs in each place.
      for (const at of modes.keys()) {
        const mode = modes[(at + round) % modes.length]!
        found.get(mode)?.push(await block(mode))
      }
    }
    const off = found.get('off') ?? []
    const perRequest = median(off)
    console.log('| The instrumentation alone | per request, ms | of a request below |\n|---|---:|---:|')
    for (const [mode, ms] of alone) {
      if (mode !== 'off')
        console.log(`| ${mode} | ${ms.toFixed(4)} | ${((ms / perRequest) * 100).toFixed(1)} % |`)
    }
    console.log(
      `\n${rounds} rounds of ${requests} requests, ${calls.length} kinds; Node ${process.version}\n`,
    )
    console.log('| | CPU per request, ms: least | median | ratio of the least | of the medians | quartiles |')
    console.log('|---|---:|---:|---:|---:|---:|')
    const least = (values: number[]) => Math.min(...values)
    for (const [mode, each] of found) {
      const ratios = each.map((value, round) => value / (off[round] ?? 0)).toSorted((a, b) => a - b)
      const [low, high] = [ratios[rounds >> 2], ratios[Math.floor((rounds * 3) / 4)]]
      const cells = [least(each), median(each), least(each) / least(off), median(each) / median(off)]
      const text = cells.map((value) => value.toFixed(3)).join(' | ')
      console.log(`| ${mode} | ${text} | ${low?.toFixed(3)} to ${high?.toFixed(3)} |`)
    }
  } finally {
    child.kill('SIGKILL')
    collector.closeAllConnections()
    collector.close()
    await postgres.stop()
  }
}

/** The requests of one user: reads, lists, statistics, and a report. */
async function account(base: string): Promise<(() => Promise<void>)[]> {
  let token = ''
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${base}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        'Content-Type': 'application/json',
        ...(token && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return response.headers.get('Content-Type')?.includes('json') ? JSON.parse(text) : undefined
  }
  const user = { email: 'ada@example.com', password: crypto.randomUUID() }
  const session = await call('POST', '/v1/auth/register', user)
  token = session.accessToken
  const refresh = async () => {
    const renewed = await call('POST', '/v1/auth/refresh', { refreshToken: session.refreshToken })
    Object.assign(session, renewed)
    token = renewed.accessToken
  }
  setInterval(() => void refresh(), 120_000).unref()
  const instance = await call('POST', '/v1/instances', {
    name: 'n8n',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'k'.repeat(30),
  })
  const ids: string[] = []
  for (let index = 0; index < 20; index += 1) {
    const { id } = await call('POST', '/v1/workflows', {
      workflow: { name: `Flow ${index}`, nodes: [], connections: {}, settings: {} },
      prompt: 'Post every order to Slack',
    })
    await call('POST', '/v1/deployments', {
      workflowId: id,
      instanceId: instance.id,
      n8nWorkflowId: `w${index}`,
    })
    ids.push(id)
  }
  let runs = 0
  const report = () => {
    runs += 1
    const at = new Date().toISOString()
    const item = { executionId: String(runs), workflowId: `w${runs % 20}`, status: 'success' }
    const body = [{ ...item, startedAt: at, finishedAt: at }]
    return call('POST', `/hooks/n8n/${instance.id}`, body, {
      Authorization: `Bearer ${instance.webhookToken}`,
    })
  }
  return [
    () => call('GET', `/v1/workflows/${ids[0]}`),
    () => call('GET', '/v1/workflows'),
    () => call('GET', '/v1/executions'),
    () => call('GET', '/v1/analytics/summary'),
    report,
    () => call('GET', '/health/live'),
    () => call('GET', '/v1/deployments'),
    report,
  ]
}

if (process.send) await serve()
else await measure()
