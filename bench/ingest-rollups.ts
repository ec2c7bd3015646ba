/**
 * The cost of rollups: `npx tsx bench/ingest-rollups.ts [rounds] [executions per round]`. Ingests deliveries like a
 * webhook on a real Postgres behind the gateway. "Without" is the same function without its ledger, on data without nodes
 * to count. "With" rolls up concurrently, as often as the server does, and ends each round with an empty ledger. The
 * variants alternate, so that other load on the machine affects all of them.
 */
import { sql } from 'drizzle-orm'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb, type Db } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { rollUpChanges, isTimeToRollUp } from '../src/executions/record/roll-up.ts'
import { DeadLetterRepository } from '../src/executions/reports/dead-letters.ts'
import { ReportReceiver } from '../src/executions/reports/receive.ts'
import { createWorld, type World } from '../test/executions/world.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const rounds = Number(process.argv[2] ?? 9)
const perRound = Number(process.argv[3] ?? 2500)
const concurrency = 8
const workflowCount = 30

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

interface Target {
  instance: { id: string; userId: string }
  n8nWorkflowIds: string[]
}

let made = 0
/** A report of a run that has just ended. Each workflow and node has its own typical duration. */
function reportOf(n8nWorkflowId: string, nodesName: string | false): object {
  made += 1
  const usual = 200 + Number(n8nWorkflowId.slice(2)) * 150
  const vary = (ms: number) => Math.round(ms * (0.7 + Math.random() * 0.6))
  const finishedAtMs = Date.now()
  const startedAt = new Date(finishedAtMs - vary(usual)).toISOString()
  const isFailed = made % 10 === 0
  const nodes = Array.from({ length: 10 }, (_, index) => ({
    name: `Node ${index}`,
    type: `n8n-nodes-base.type${index % 6}`,
    status: 'success',
    startedAt,
    durationMs: vary((usual * (index + 1)) / 55),
    items: 1 + (made % 20),
    runs: 1,
    error: null,
  }))
  const message = `The request ${made} to "https://api.example.com/${made}" failed for reason ${'abcdefgh'[made % 8]}`
  return {
    executionId: String(made),
    workflowId: n8nWorkflowId,
    status: isFailed ? 'error' : 'success',
    mode: 'trigger',
    startedAt,
    finishedAt: new Date(finishedAtMs).toISOString(),
    ...(isFailed && { error: { message, node: 'Node 3', name: 'NodeApiError', httpCode: 500 } }),
    ...(nodesName && { data: { [nodesName]: nodes } }),
  }
}

const server = await startPostgres()
try {
  const backend = postgresBackend(server.url, { maxConnections: concurrency + 1 })
  const gateway = createGateway(backend)
  /** Sends both variants through the same wrapper, because it has a cost too. */
  const connect = (isWithLedger: boolean) =>
    createDb({
      databaseUrl: gateway.url,
      timeoutMs: 60_000,
      fetch: async (request) => {
        const body = await request.json()
        const query = isWithLedger
          ? body.query
          : String(body.query).replace('record_executions(', 'record_without_ledger(')
        return gateway.fetch(
          new Request(request, { method: 'POST', body: JSON.stringify({ ...body, query }) }),
        )
      },
    })
  const plain = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
  await migrate({ sql: plain.$client, migrations: await readMigrations('drizzle') })
  await plain.$client.query(await withoutLedger(plain))
  const db = connect(true)
  const unledgered = connect(false)
  const world = createWorld({ db: plain, sql: plain.$client } as unknown as Parameters<typeof createWorld>[0])
  const many = await manyOf(world)
  const hot: Target = { ...many, n8nWorkflowIds: many.n8nWorkflowIds.slice(0, 1) }

  const rollUps: Promise<unknown>[] = []
  const onRecorded = (recorded: number) => {
    if (isTimeToRollUp(recorded)) rollUps.push(rollUpChanges(db))
  }
  const receivers = new Map(
    [db, unledgered].map((on) => {
      const now = () => new Date()
      const deadLetters = new DeadLetterRepository(on, now)
      return [on, new ReportReceiver(on, deadLetters, now, undefined, on === db ? onRecorded : undefined)]
    }),
  )

  /** @returns executions per second */
  async function round(on: Db, target: Target, batchSize: number, withNodes: boolean): Promise<number> {
    const nodesName = on === db ? 'nodes' : 'other'
    const bodies = Array.from({ length: Math.ceil(perRound / batchSize) }, (_, batch) =>
      JSON.stringify(
        Array.from({ length: batchSize }, (__, index) =>
          reportOf(
            target.n8nWorkflowIds[(batch + index) % target.n8nWorkflowIds.length]!,
            withNodes && nodesName,
          ),
        ),
      ),
    )
    const count = bodies.length * batchSize
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
          await receivers.get(on)?.receive(target.instance, JSON.parse(body))
        }
      }),
    )
    await Promise.all(rollUps.splice(0))
    if (on === db) await rollUpChanges(db, { maxStatements: 100 })
    return (count / (performance.now() - startedAt)) * 1000
  }

  for (const [name, batchSize, withNodes] of [
    ['single deliveries', 1, false],
    ['single deliveries with the data of 10 nodes', 1, true],
    ['batches of 20 with the data of 10 nodes', 20, true],
    ['batches of 100 with the data of 10 nodes', 100, true],
  ] as const) {
    const rates: Record<'with' | 'without' | 'hot', number[]> = { with: [], without: [], hot: [] }
    for (let index = -1; index < rounds; index += 1) {
      const variants = [
        ['with', () => round(db, many, batchSize, withNodes)],
        ['without', () => round(unledgered, many, batchSize, withNodes)],
        ['hot', () => round(db, hot, batchSize, withNodes)],
      ] as const
      for (let turn = 0; turn < variants.length; turn += 1) {
        const [variant, run] = variants[(turn + index + 1) % variants.length]!
        const rate = await run()
        if (index >= 0) rates[variant].push(rate)
      }
    }
    const ratio = (a: keyof typeof rates, b: keyof typeof rates) =>
      median(rates[a].map((rate, index) => rate / rates[b][index]!)).toFixed(2)
    console.log(
      `${name}: ${median(rates.with).toFixed(0)} executions per second with rollups, ` +
        `${median(rates.without).toFixed(0)} without: ${ratio('with', 'without')}; ` +
        `${median(rates.hot).toFixed(0)} on one hot workflow, against ${workflowCount}: ${ratio('hot', 'with')}`,
    )
  }
  await backend.close()
} finally {
  await server.stop()
}

/** The definition of `record_executions` without the clauses of the ledger, under another name. */
async function withoutLedger(db: Db): Promise<string> {
  const { rows } = await db.execute<{ text: string }>(
    sql`select pg_get_functiondef('record_executions'::regproc) as text`,
  )
  const text = rows[0]?.text ?? ''
  const from = text.indexOf(', listed as materialized (')
  const to = text.lastIndexOf('select k.n8n_execution_id')
  const less = `${text.slice(0, from)} ${text.slice(to)}`.replace(
    'record_executions',
    'record_without_ledger',
  )
  if (from < 0 || to < from || /execution_changes|error_groups/.test(less)) {
    throw new Error('The ledger is missing in record_executions')
  }
  return less
}

/** An instance with many deployed workflows of one user. */
async function manyOf(world: World): Promise<Target> {
  const { userId, instanceId } = await world.tracked('wf0')
  const n8nWorkflowIds = ['wf0']
  for (let index = 1; index < workflowCount; index += 1) {
    const n8nWorkflowId = `wf${index}`
    const body = { workflowId: await world.workflow(userId), instanceId, n8nWorkflowId }
    await world.call('POST', '/v1/deployments', { user: userId, body })
    n8nWorkflowIds.push(n8nWorkflowId)
  }
  return { instance: { id: instanceId, userId }, n8nWorkflowIds }
}
