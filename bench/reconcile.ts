/**
 * Instances that one worker polls per minute: `npx tsx bench/reconcile.ts [instances] [n8n latency in ms]`. Uses a real
 * Postgres behind the gateway and n8n stubs in this process. The baseline sends the same requests to n8n, four instances
 * at a time, and ignores the responses.
 */
import { randomBytes } from 'node:crypto'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createN8nClient } from '../src/n8n/api/client.ts'
import { createPollWorld, minuteMs, type PolledInstance } from '../test/executions/poll-world.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const instanceCount = Number(process.argv[2] ?? 200)
const latencyMs = Number(process.argv[3] ?? 0)
const concurrency = 4

const server = await startPostgres()
try {
  const url = new URL(server.url)
  const backend = postgresBackend(url.href, { maxConnections: 8 })
  const gateway = createGateway(backend)
  const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
  await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
  const world = createPollWorld({ db, sql: db.$client })
  const instances: PolledInstance[] = []
  for (let index = 0; index < instanceCount; index++) {
    const instance = await world.instance()
    instance.server.fetch = async (input, init) => {
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs))
      return instance.stub.fetch(input, init)
    }
    // A page of history, like on a server in use.
    for (let each = 0; each < 250; each++)
      instance.add({ workflowId: each % 2 ? instance.otherId : instance.trackedId })
    instances.push(instance)
  }
  const data = {
    resultData: {
      runData: Object.fromEntries(
        Array.from({ length: 10 }, (_, executionIndex) => [
          `Node ${executionIndex}`,
          [
            {
              executionIndex,
              startTime: Date.now(),
              executionTime: 12,
              executionStatus: 'success',
              data: { main: [[{ json: { text: randomBytes(500).toString('hex') } }]] },
            },
          ],
        ]),
      ),
    },
  }

  const measure = async (name: string, newRuns: number) => {
    world.advance(5 * minuteMs)
    for (const { add } of instances) for (let each = 0; each < newRuns; each++) add({ data })
    const startedAt = performance.now()
    const queue = [...instances]
    const fetchOnly = async () => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const { baseUrl, apiKey } = next.stub
        const client = createN8nClient({ baseUrl, apiKey, fetch: next.server.fetch })
        for (const status of ['running', 'waiting', 'new', undefined] as const) {
          await client.listExecutions({ limit: 250, ...(status && { status }) })
        }
        for (const { id } of next.stub.state.executions.slice(next.stub.state.executions.length - newRuns)) {
          await client.getExecution(id, { includeData: true })
        }
      }
    }
    await Promise.all(Array.from({ length: concurrency }, fetchOnly))
    const floorMs = performance.now() - startedAt
    const polledAt = performance.now()
    const result = await world.run({ maxInstances: instanceCount })
    const pollMs = performance.now() - polledAt
    const perMinute = (ms: number) => Math.round((instanceCount / ms) * 60_000)
    console.log(
      `${name}: ${perMinute(pollMs)} instances per minute, ${perMinute(floorMs)} when only fetched: ` +
        `${(pollMs / floorMs).toFixed(2)} times the time (${result.recorded} recorded, ${result.failed} failed)`,
    )
  }

  await world.run({ maxInstances: instanceCount })
  for (let warm = 0; warm < 2; warm++) {
    world.advance(5 * minuteMs)
    await world.run({ maxInstances: instanceCount })
  }
  console.log(
    `${instanceCount} instances, n8n responds after ${latencyMs} ms, ${concurrency} polled at a time`,
  )
  await measure('nothing new', 0)
  await measure('5 new runs each', 5)
  await backend.close()
} finally {
  await server.stop()
}
