/** @module The cost of polling an instance that has nothing new. */
import { Client } from 'pg'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { readMigrations } from '../src/cli/migrate/files.ts'
import type { N8nStub } from '../test/harness/n8n-stub.ts'
import { postgresCpuTime } from './workerd.ts'
import { createPollWorld, minuteMs } from '../test/executions/poll-world.ts'

export interface PollCost {
  statements: number
  n8nRequests: number
  /** Milliseconds on Node, with an n8n stub in the same process: an upper bound. */
  cpu: number
  /** Milliseconds of the processes of Postgres. */
  postgres: number
}

const instanceCount = 40
const rounds = 5

/** @param databaseUrl of an empty database */
export async function measurePolls(databaseUrl: string): Promise<PollCost> {
  const backend = postgresBackend(databaseUrl, { maxConnections: 8 })
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const gateway = createGateway(backend)
    let statements = 0
    const counting = async (request: Request) => {
      const body: { queries?: unknown[] } = await request.clone().json()
      statements += body.queries?.length ?? 1
      return gateway.fetch(request)
    }
    const db = createDb({ databaseUrl: gateway.url, fetch: counting, timeoutMs: 60_000 })
    await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
    const world = createPollWorld({ db, sql: db.$client })
    const stubs: N8nStub[] = []
    for (let index = 0; index < instanceCount; index += 1) {
      const instance = await world.instance()
      for (let runs = 0; runs < 50; runs += 1) instance.add({ workflowId: instance.trackedId })
      stubs.push(instance.stub)
    }
    const poll = async () => {
      world.advance(5 * minuteMs)
      return world.run({ maxInstances: instanceCount })
    }
    for (let warm = 0; warm < 3; warm += 1) await poll()
    const calls = () => stubs.reduce((sum, stub) => sum + stub.calls().length, 0)
    const costs: number[] = []
    const postgresBefore = await postgresCpuTime(client)
    const [sentBefore, callsBefore] = [statements, calls()]
    for (let round = 0; round < rounds; round += 1) {
      const before = process.cpuUsage()
      const { polled } = await poll()
      const { user, system } = process.cpuUsage(before)
      if (polled !== instanceCount) throw new Error(`${polled} of ${instanceCount} instances were polled`)
      costs.push((user + system) / 1000 / instanceCount)
    }
    const polls = rounds * instanceCount
    return {
      statements: (statements - sentBefore) / polls,
      n8nRequests: (calls() - callsBefore) / polls,
      cpu: Math.min(...costs),
      postgres: ((await postgresCpuTime(client)) - postgresBefore) / polls,
    }
  } finally {
    await client.end()
    await backend.close()
  }
}
