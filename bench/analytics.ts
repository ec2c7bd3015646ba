/**
 * The duration of each analytics endpoint: `npx tsx bench/analytics.ts [executions …]`, by default 100000 1000000. One
 * user with 30 workflows over 60 days on a real Postgres behind the gateway. Each size has its own database, which is
 * dropped at the end. The sizes are measured alternately, because the machine's speed varies. For the largest size, also
 * measures grouping the executions themselves; both must return the same totals. On an idle machine with two cores, a
 * million executions take 2 minutes and 1.2 GB of disk; ten million (`npx tsx bench/analytics.ts 100000 1000000 10000000`)
 * take half an hour and 11 GB.
 */
import { type SQL, sql } from 'drizzle-orm'
import { AnalyticsRepository } from '../src/analytics/repository.ts'
import { readFrom } from '../src/db/replica.ts'
import { createDb, type Db } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { loadCatalogue } from '../src/n8n/catalogue/catalogue.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { fillHistory, fillRollups, type PastUser } from './analytics-history.ts'

const given = process.argv.slice(2).map(Number)
const sizes = given.length > 0 ? given : [100_000, 1_000_000]
const warmUps = 3
const repeats = 25
const dayMs = 86_400_000

/** Not on the hour, like the dashboard's queries, so that partial hours are read from the executions. */
const to = new Date('2026-11-22T13:37:00Z')
const from = new Date(to.getTime() - 60 * dayMs)
const lastDay = new Date(to.getTime() - dayMs)
const lastMonth = new Date(to.getTime() - 30 * dayMs)

interface Endpoint {
  name: string
  call: (analytics: AnalyticsRepository, user: PastUser) => Promise<unknown>
  /** The same query on the executions. Absent if another row covers it. */
  grouping?: (user: PastUser) => SQL
}

const happenedAt = sql`coalesce(started_at, finished_at, recorded_at)`
const ofUser = (user: PastUser, since = from) => sql`
  from executions e where user_id = ${user.userId} and ${happenedAt} >= ${since.toISOString()}::timestamptz
    and ${happenedAt} < ${to.toISOString()}::timestamptz`
const durationMs = sql`extract(epoch from finished_at - started_at) * 1000`
const measures = sql`count(*), count(*) filter (where status = 'success'),
  count(*) filter (where status in ('error', 'crashed')),
  percentile_disc(array[0.5, 0.95, 0.99]) within group (order by ${durationMs}) filter (where finished_at >= started_at)`
const nodesOf = (user: PastUser, choice = sql``) => sql`
  from (select data ${ofUser(user)} and data is not null ${choice}) ran
  cross join jsonb_to_recordset(data -> 'nodes') node (name text, type text, "durationMs" float8, items integer, error jsonb)`
const nodeMeasures = sql`count(*), count(error), sum(items), sum("durationMs"),
  percentile_disc(array[0.5, 0.95]) within group (order by "durationMs")`

const endpoints: Endpoint[] = [
  {
    name: 'summary, 60 days and the previous 60',
    call: (analytics, { userId }) => analytics.summary(userId, { from, to }),
    grouping: (user) => sql`select status, ${measures} ${ofUser(user)} group by rollup (status)`,
  },
  {
    name: 'summary, last day and the previous one',
    call: (analytics, { userId }) => analytics.summary(userId, { from: lastDay, to }),
    grouping: (user) => sql`select status, ${measures} ${ofUser(user, lastDay)} group by rollup (status)`,
  },
  {
    name: 'summary of a workflow',
    call: (analytics, { userId, workflowId }) => analytics.summary(userId, { from, to, workflowId }),
    grouping: (user) => sql`
      select status, ${measures} ${ofUser(user)} and workflow_id = ${user.workflowId} group by rollup (status)`,
  },
  {
    name: 'summary of a tag (half of the workflows)',
    call: (analytics, { userId }) => analytics.summary(userId, { from, to, tag: 'sales' }),
    grouping: (user) => sql`
      select status, ${measures} ${ofUser(user)} and workflow_id in (select id from workflows where tags @> array['sales'])
      group by rollup (status)`,
  },
  {
    name: 'series by hour, 30 days',
    call: (analytics, { userId }) => analytics.series(userId, { from: lastMonth, to, interval: 'hour' }),
    grouping: (user) =>
      sql`select date_trunc('hour', ${happenedAt}), ${measures} ${ofUser(user, lastMonth)} group by 1`,
  },
  {
    name: 'series by day, 60 days',
    call: (analytics, { userId }) => analytics.series(userId, { from, to, interval: 'day' }),
    grouping: (user) => sql`select date_trunc('day', ${happenedAt}), ${measures} ${ofUser(user)} group by 1`,
  },
  {
    name: 'series by day in Berlin, 60 days',
    call: (analytics, { userId }) =>
      analytics.series(userId, { from, to, interval: 'day', timeZone: 'Europe/Berlin' }),
    grouping: (user) => sql`
      select date_trunc('day', ${happenedAt} at time zone 'Europe/Berlin'), ${measures} ${ofUser(user)} group by 1`,
  },
  {
    name: 'series by day in Kathmandu, 60 days',
    call: (analytics, { userId }) =>
      analytics.series(userId, { from, to, interval: 'day', timeZone: 'Asia/Kathmandu' }),
  },
  {
    name: 'series by day in Kathmandu of a workflow, 60 days',
    call: (analytics, { userId, workflowId }) =>
      analytics.series(userId, { from, to, workflowId, interval: 'day', timeZone: 'Asia/Kathmandu' }),
  },
  {
    name: 'series by hour in Kathmandu, 30 days',
    call: (analytics, { userId }) =>
      analytics.series(userId, { from: lastMonth, to, interval: 'hour', timeZone: 'Asia/Kathmandu' }),
  },
  {
    name: 'workflows',
    call: (analytics, { userId }) => analytics.workflows(userId, { from, to }),
    grouping: (user) => sql`select workflow_id, ${measures} ${ofUser(user)} group by 1`,
  },
  {
    name: 'workflows, last day',
    call: (analytics, { userId }) => analytics.workflows(userId, { from: lastDay, to }),
    grouping: (user) => sql`select workflow_id, ${measures} ${ofUser(user, lastDay)} group by 1`,
  },
  {
    name: 'node-types',
    call: (analytics, { userId }) => analytics.nodeTypes(userId, { from, to }),
    grouping: (user) => sql`select type, ${nodeMeasures} ${nodesOf(user)} group by 1`,
  },
  {
    name: 'nodes of a workflow',
    call: (analytics, { userId, workflowId }) => analytics.nodes(userId, { from, to, workflowId }),
    grouping: (user) => sql`
      select name, ${nodeMeasures} ${nodesOf(user, sql`and workflow_id = ${user.workflowId}`)} group by 1`,
  },
  {
    name: 'credentials',
    call: (analytics, { userId }) => analytics.credentials(userId, { from, to }),
    grouping: (user) => sql`
      select deployment_id, count(*), count(*) filter (where status in ('error', 'crashed')),
        count(*) filter (where error_http_status in (401, 403)), max(${happenedAt}) ${ofUser(user)} group by 1`,
  },
  {
    name: 'prompts',
    call: (analytics, { userId }) => analytics.prompts(userId, { from, to }),
    grouping: (user) => sql`select workflow_id, workflow_version, ${measures} ${ofUser(user)} group by 1, 2`,
  },
  {
    name: 'models',
    call: (analytics, { userId }) => analytics.models(userId, { from, to }),
    grouping: (user) => sql`
      select v.model, ${measures} from (select * ${ofUser(user)}) e
      left join workflow_versions v on v.workflow_id = e.workflow_id and v.version = e.workflow_version group by 1`,
  },
  {
    name: 'errors, 60 days and the previous 60',
    call: (analytics, { userId }) => analytics.errors(userId, { from, to }),
    grouping: (user) => sql`
      select error_fingerprint, count(*), min(${happenedAt}), max(${happenedAt}), count(distinct workflow_id),
        count(distinct (workflow_id, workflow_version)), count(distinct date_trunc('day', ${happenedAt}))
      ${ofUser(user)} and error_fingerprint is not null group by 1`,
  },
  {
    name: 'one error',
    call: (analytics, { userId, fingerprint }) => analytics.error(userId, fingerprint, { from, to }),
    grouping: (user) => sql`
      select workflow_id, workflow_version, date_trunc('day', ${happenedAt}), count(*)
      ${ofUser(user)} and error_fingerprint = ${user.fingerprint} group by 1, 2, 3`,
  },
]

const p50 = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function took(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

interface Filled {
  db: Db
  analytics: AnalyticsRepository
  user: PastUser
  close: () => Promise<void>
}

async function fill(serverUrl: string, executions: number): Promise<Filled> {
  const database = `analytics_${executions}`
  const admin = postgresBackend(serverUrl, { maxConnections: 1 })
  await admin.withConnection((run) => run({ query: `create database ${database}`, params: [] }, 1000))
  await admin.close()
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  const backend = postgresBackend(url.href, { maxConnections: 1, statementTimeoutMs: 3_600_000 })
  const gateway = createGateway(backend)
  const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 3_600_000 })
  await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
  const startedAt = performance.now()
  const user = await fillHistory(db, { executions, from, to })
  await fillRollups(db)
  await db.execute(sql`vacuum analyze`)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  console.log(`${executions} executions, ${await describe(db)}, filled in ${seconds} s`)
  const analytics = new AnalyticsRepository(readFrom(db), () => to, loadCatalogue)
  await verify(db, analytics, user)
  return { db, analytics, user, close: () => backend.close() }
}

/** Asserts that the rollups match the executions. */
async function verify(db: Db, analytics: AnalyticsRepository, user: PastUser): Promise<void> {
  const { rows } = await db.execute<{ total: number; failed: number; nodes: number; errors: number }>(sql`
    select count(*)::float8 as total, (count(*) filter (where status in ('error', 'crashed')))::float8 as failed,
      coalesce(sum(jsonb_array_length(data -> 'nodes')), 0)::float8 as nodes, count(error_fingerprint)::float8 as errors
    ${ofUser(user)}`)
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)
  const range = { from, to, limit: 100 }
  const workflows = (await analytics.workflows(user.userId, range)).items
  const found = {
    total: (await analytics.summary(user.userId, { from, to })).total,
    failed: sum(workflows.map(({ failed }) => failed)),
    nodes: sum(
      (await analytics.nodeTypes(user.userId, { from: new Date(0), to, limit: 100 })).items.map(
        ({ executions }) => executions,
      ),
    ),
    errors: sum((await analytics.errors(user.userId, range)).items.map(({ runs }) => runs)),
  }
  if (JSON.stringify(found) !== JSON.stringify(rows[0])) {
    throw new Error(`Totals differ: rollups ${JSON.stringify(found)}, executions ${JSON.stringify(rows[0])}`)
  }
}

async function describe(db: Db): Promise<string> {
  const { rows } = await db.execute<{ size: string; rollups: number }>(sql`
    select pg_size_pretty(pg_database_size(current_database())) as size,
      ((select count(*) from execution_stats) + (select count(*) from node_stats) + (select count(*) from error_stats))
        ::float8 as rollups`)
  return `${rows[0]?.rollups} rollup rows, ${rows[0]?.size} in total`
}

const server = await startPostgres()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop().finally(() => process.exit(1)))
}
const filled: Filled[] = []
try {
  for (const size of sizes) filled.push(await fill(server.url, size))
  await filled[0]?.db.execute(sql`checkpoint`)

  const rows = new Map<string, number[]>()
  for (const { name, call } of endpoints) {
    const times: number[][] = filled.map(() => [])
    for (let repeat = -warmUps; repeat < repeats; repeat++) {
      for (const [index, { analytics, user }] of filled.entries()) {
        const ms = await took(() => call(analytics, user))
        if (repeat >= 0) times[index]?.push(ms)
      }
    }
    rows.set(name, times.map(p50))
  }

  const [smallest, largest] = [sizes[0], sizes.at(-1)]
  console.log(
    `\n| p50 in ms | ${sizes.join(' | ')} | ${largest} : ${smallest} | grouping ${largest} | times faster |`,
  )
  console.log(`|---|${sizes.map(() => '---:|').join('')}---:|---:|---:|`)
  const last = filled.at(-1)
  for (const { name, grouping } of endpoints) {
    const ms = rows.get(name) ?? []
    const [first, most] = [ms[0] ?? Number.NaN, ms.at(-1) ?? Number.NaN]
    const groupingMs = last && grouping ? await took(() => last.db.execute(grouping(last.user))) : Number.NaN
    const columns = [
      ...ms.map((each) => each.toFixed(1)),
      (most / first).toFixed(2),
      groupingMs.toFixed(0),
      (groupingMs / most).toFixed(0),
    ]
    console.log(`| ${name} | ${columns.join(' | ')} |`)
  }
} finally {
  for (const { close } of filled) await close()
  await server.stop()
}
