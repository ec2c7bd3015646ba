/** @module Writes docs/scale.md from a measurement and assumptions. */
import { resolve } from 'node:path'
import type { PollCost } from './scale-polls.ts'
import type { Cost } from './scale-requests.ts'
import type { Driver, Sizes } from './scale-rows.ts'

export const scalePagePath = resolve(import.meta.dirname, '../docs/scale.md')

export interface Measured {
  on: { date: string; cpu: string; node: string; postgres: string }
  sizes: Sizes
  costs: Cost[]
  polls: PollCost
}

/** Per user and month unless stated. Prices in US dollars. */
export const defaults = {
  workflows: 10,
  runs: 1500,
  apiRequests: 300,
  pageViews: 60,
  instances: 1,
  /** `EXECUTION_RETENTION_MONTHS` and `EXECUTION_DATA_RETENTION_DAYS`. */
  months: 13,
  dataDays: 30,
  /** Dead rows and free space of tables and indexes in use, over the freshly vacuumed size. */
  bloat: 1.3,
  /** The busiest hour over the average. */
  peak: 4,
  /** Part of the database's CPU that the average load may use at the peak. */
  utilization: 0.6,
  /** Compressed size of a backup over the size of the database. */
  backupRatio: 0.1,
  backups: 14,
  workersBase: 5,
  workersMillionRequests: 0.3,
  workersIncludedRequests: 10_000_000,
  workersMillionCpuMs: 0.02,
  workersIncludedCpuMs: 30_000_000,
  neonCuHour: 0.106,
  neonGbMonth: 0.35,
  r2GbMonth: 0.015,
  postgresCoreHour: 0.084,
  postgresGbMonth: 0.115,
  /** Largest database that is comfortable to back up and vacuum. */
  databaseGb: 500,
  /** Memory of the database. */
  memoryGb: 32,
}

export type Assumptions = typeof defaults

const table = (head: string[], rows: string[][], isText = false): string => {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [
    line(head),
    line(head.map((_, at) => (at === 0 || isText ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n')
}

const grouped = (value: number) => Math.round(value).toLocaleString('en-US')
/** Rounded to two digits. */
const about = (value: number) => grouped(Number(value.toPrecision(2)))
/** Two significant digits or all before the point. */
const short = (value: number): string =>
  value >= 100 ? grouped(value) : String(Number(value.toPrecision(2)))
const size = (bytes: number): string => {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  const at = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1)
  return `${short(bytes / 1000 ** at)} ${units[at]}`
}
const dollars = (value: number) => `$${value < 100 ? value.toFixed(value < 10 ? 2 : 0) : grouped(value)}`

const userCounts = [10_000, 100_000, 1_000_000]
const monthSeconds = 30 * 86_400
/** `reconcile` in src/housekeeping.ts: n8n requests per run on Workers, and instances per run on Node. */
const n8nRequestsPerJob = 400
const instancesPerJob = 500
const pollIntervalMinutes = 5
/** `rollupsPerRun` in src/housekeeping.ts, 5,000 changes each. */
const changesPerMinute = 40 * 5000

function figuresOf({ sizes, costs, polls }: Measured, a: Assumptions) {
  const bytes: Record<Driver, number> = { user: 0, workflow: 0, run: 0 }
  let rowsPerRun = 0
  for (const { driver, heap, toast, indexes, rowsPerDriver } of sizes.tables) {
    bytes[driver] += (heap + toast + indexes) * rowsPerDriver
    if (driver === 'run') rowsPerRun += rowsPerDriver
  }
  const runWithoutData = bytes.run - sizes.dataBytes * sizes.dataShare
  const storedRuns = a.runs * a.months
  const runsWithData = Math.min(storedRuns, (a.runs * a.dataDays) / 30) * sizes.freshDataShare
  const userBytes =
    a.bloat *
    (bytes.user + bytes.workflow * a.workflows + runWithoutData * storedRuns + sizes.dataBytes * runsWithData)
  const cost = (name: string): Cost => {
    const found = costs.find((each) => each.name === name)
    if (!found) throw new Error(`${name} was not measured`)
    return found
  }
  const mean = (each: Cost[], of: (cost: Cost) => number) =>
    each.reduce((sum, one) => sum + of(one), 0) / each.length
  const api = costs.filter(({ name, statements }) => name.startsWith('GET ') && statements > 0)
  const pages = costs.filter(({ name }) => name.startsWith('Dashboard'))
  const report = cost('POST report of 1 run')
  const batch = cost('POST report of 50 runs')
  const perUser = (of: (cost: Cost) => number) =>
    a.runs * of(report) + a.apiRequests * mean(api, of) + a.pageViews * mean(pages, of)
  const pollsPerMonth = (a.instances * monthSeconds) / 60 / pollIntervalMinutes
  const polling = { cpu: polls.cpu * pollsPerMonth, postgres: polls.postgres * pollsPerMonth }
  return {
    bytes,
    runWithoutData,
    rowsPerRun,
    userBytes,
    requests: a.runs + a.apiRequests + a.pageViews,
    workerdMs: perUser(({ workerd }) => workerd),
    nodeMs: perUser(({ node }) => node),
    postgresMs: perUser(({ postgres }) => postgres),
    pollsPerMonth,
    polling,
    report,
    batch,
  }
}

/** What a million runs cost beyond what plans include, in US dollars: reported separately and in batches of 50. */
export function millionRuns(measured: Measured, a: Assumptions = defaults): string {
  const { runWithoutData, report, batch } = figuresOf(measured, a)
  const { dataBytes, freshDataShare } = measured.sizes
  const storage = (((runWithoutData + dataBytes * freshDataShare) * a.bloat * 1e6) / 1e9) * a.neonGbMonth
  const row = (name: string, each: Cost, runsEach: number) => {
    const requests = 1e6 / runsEach
    const workers =
      (requests * a.workersMillionRequests + requests * each.workerd * a.workersMillionCpuMs) / 1e6
    const compute = ((requests * each.postgres) / 3.6e6 / a.utilization) * a.neonCuHour
    return [name, ...[workers, compute, storage, workers + compute + storage].map(dollars)]
  }
  return table(
    ['A million runs', 'Workers', 'Neon: compute', 'Neon: storage, one month', 'Total'],
    [row('Reported separately', report, 1), row('In batches of 50', batch, 50)],
  )
}

export function scalePage(measured: Measured, a: Assumptions = defaults): string {
  const { sizes, costs, polls, on } = measured
  const f = figuresOf(measured, a)
  const kilobytes = (value: number) => (value / 1000).toFixed(2)
  const ms = (value: number) => (value < 0.05 ? '0' : value.toFixed(1))

  const sizeRows = sizes.tables
    .toSorted((x, y) => (y.heap + y.toast + y.indexes) * y.rows - (x.heap + x.toast + x.indexes) * x.rows)
    .map(({ name, rows, heap, toast, indexes, driver, rowsPerDriver }) => [
      `\`${name}\``,
      grouped(rows),
      grouped(heap),
      grouped(toast),
      grouped(indexes),
      grouped(heap + toast + indexes),
      `${short(rowsPerDriver)} per ${driver}`,
    ])
  const costRows = costs.map(
    ({ name, statements, roundTrips, bytes, node, workerd, postgres, notModified }) => [
      name,
      short(statements),
      short(roundTrips),
      size(bytes),
      ms(node),
      ms(workerd),
      ms(postgres),
      notModified
        ? `${size(notModified.bytes)}, ${ms(notModified.node)} and ${ms(notModified.workerd)} ms`
        : '',
    ],
  )

  const perSecond = (perUserAndMonth: number, users: number) => (perUserAndMonth * users) / monthSeconds
  const each = (of: (users: number) => string) => userCounts.map(of)
  const gb = (users: number) => (f.userBytes * users) / 1e9
  const cores = (msPerUser: number, users: number) => perSecond(msPerUser / 1000, users)
  const peakCores = (users: number) =>
    Math.max(0.25, (cores(f.postgresMs, users) * a.peak + cores(f.polling.postgres, users)) / a.utilization)
  const averageCores = (users: number) =>
    Math.max(0.25, cores(f.postgresMs + f.polling.postgres, users) / a.utilization)
  const workers = (users: number) => {
    const requests = f.requests * users
    const cpu = (f.workerdMs + f.polling.cpu) * users
    return (
      a.workersBase +
      (Math.max(0, requests - a.workersIncludedRequests) / 1e6) * a.workersMillionRequests +
      (Math.max(0, cpu - a.workersIncludedCpuMs) / 1e6) * a.workersMillionCpuMs
    )
  }
  const neonCompute = (users: number) => averageCores(users) * 730 * a.neonCuHour
  const neonStorage = (users: number) => gb(users) * a.neonGbMonth
  const r2 = (users: number) => gb(users) * a.backupRatio * a.backups * a.r2GbMonth
  const rented = (users: number) =>
    Math.max(2, Math.ceil(peakCores(users))) * 730 * a.postgresCoreHour + gb(users) * a.postgresGbMonth
  const neonTotal = (users: number) => workers(users) + neonCompute(users) + neonStorage(users) + r2(users)
  const pollsPerMinute = (users: number) => (users * a.instances) / pollIntervalMinutes
  const perJob = n8nRequestsPerJob / polls.n8nRequests
  const shards = (users: number) => Math.max(1, Math.ceil(gb(users) / a.databaseGb))
  const monthRows = (users: number) => f.rowsPerRun * a.runs * users

  const load = table(
    ['Load', ...userCounts.map((users) => `${grouped(users)} users`)],
    [
      ['Requests per month', ...each((users) => `${short((f.requests * users) / 1e6)} M`)],
      [
        'Runs per second, average and peak',
        ...each((users) => `${short(perSecond(a.runs, users))}, ${short(perSecond(a.runs, users) * a.peak)}`),
      ],
      ['New rows per month', ...each((users) => `${short(monthRows(users) / 1e6)} M`)],
      ['Database size at full retention, including indexes', ...each((users) => size(gb(users) * 1e9))],
      ['Postgres cores at peak, including polling', ...each((users) => short(peakCores(users)))],
      [
        'Node cores at peak, including polling',
        ...each((users) => short(cores(f.nodeMs, users) * a.peak + cores(f.polling.cpu, users))),
      ],
      ['Polls per minute, if every instance is polled', ...each((users) => grouped(pollsPerMinute(users)))],
    ],
  )
  const money = table(
    ['US dollars per month', ...userCounts.map((users) => `${grouped(users)} users`)],
    [
      ['Workers: requests and CPU time, including polling', ...each((users) => dollars(workers(users)))],
      ['Neon: compute', ...each((users) => dollars(neonCompute(users)))],
      ['Neon: storage', ...each((users) => dollars(neonStorage(users)))],
      [`R2: ${a.backups} backups`, ...each((users) => dollars(r2(users)))],
      ['**Workers, Neon and R2**', ...each((users) => `**${dollars(neonTotal(users))}**`)],
      ['Per user', ...each((users) => dollars(neonTotal(users) / users))],
      ['Instead of Neon: a managed Postgres', ...each((users) => dollars(rented(users)))],
    ],
  )
  const usersByPolls = (perMinute: number) => about((perMinute * pollIntervalMinutes) / a.instances)
  const usersByRollups = (changesPerMinute / 60 / a.peak / a.runs) * monthSeconds
  const oneCore = (postgresMs: number, runs: number) => (1000 / postgresMs) * runs
  const executionIndexes = sizes.tables.find(({ name }) => name === 'executions')?.indexes ?? 0
  const limits = table(
    ['Limit', 'Reached at', 'What to do'],
    [
      [
        `Polls on Workers: ${n8nRequestsPerJob} requests to n8n a minute, ${short(perJob)} instances`,
        `${usersByPolls(perJob)} users`,
        'Let n8n send runs by [OpenTelemetry](runs.md#opentelemetry) or report successes: polls then only fill gaps, and no runs are lost as their delay grows. Run the scheduled job on Node alongside the worker',
      ],
      [
        `Polls on Node: at most ${instancesPerJob} instances a minute per process`,
        `${usersByPolls(instancesPerJob)} users per process`,
        'Start more processes; leases divide the instances. Up to this limit, one small server is enough for everything',
      ],
      [
        `Size of one database: ${a.databaseGb} GB`,
        `${about((a.databaseGb * 1e9) / f.userBytes)} users`,
        'Shorten the retention, then [move accounts](move-accounts.md) to additional databases',
      ],
      [
        `Memory: the indexes of the current month of \`executions\` take ${a.memoryGb} GB`,
        `${about((a.memoryGb * 1e9) / (a.bloat * executionIndexes * a.runs))} users`,
        'Only the current month is written, and old months are dropped, not deleted. `execution_keys` is not partitioned: autovacuum takes longest on it',
      ],
      [
        `Single reports: one Postgres core stores ${about(oneCore(f.report.postgres, 1))} a second`,
        `${about(oneCore(f.report.postgres, 1) / (a.runs / monthSeconds) / a.peak)} users per core at peak`,
        `Collect reports in a [queue](queue.md): in batches of 50, a core stores ${about(oneCore(f.batch.postgres, 50))} runs a second`,
      ],
      [
        `Rollups: ${grouped(changesPerMinute / 60)} runs a second in the scheduled job`,
        `${about(usersByRollups)} users at peak`,
        'Ingestion rolls up as well. `flowkeep_rollup_backlog_changes` shows a backlog; statistics stay exact but take longer',
      ],
    ],
    true,
  )

  return `# Scale

This page shows what an installation needs and costs, from 10,000 to 1,000,000 users, and which limits it reaches first. \`npm run bench:scale\`
generated it from measurements of ${on.date}: ${on.cpu}, shared with other processes, Node ${on.node}, Postgres ${on.postgres}. With
other assumptions or prices, it prints a different page; \`--help\` lists them, and \`--measure\` repeats the measurements:

\`\`\`sh no-test
npm run bench:scale -- --runs 5000 --neon-cu-hour 0.222
\`\`\`

## Bytes per row

The account of \`npm run demo -- --large\` (${grouped(sizes.workflows)} workflows, ${grouped(sizes.runs)} runs in 60 days), copied for many
users, after \`vacuum\`. *Indexes* are the indexes of the table itself. TOAST holds long values, such as the JSON of a workflow.

${table(['Table', 'Rows measured', 'Heap', 'TOAST', 'Indexes', 'Bytes per row', 'Rows per unit'], sizeRows)}

In total, a user takes ${kilobytes(f.bytes.user)} KB, a workflow with its versions and deployments ${kilobytes(f.bytes.workflow)} KB, and a run ${kilobytes(f.runWithoutData)} KB with its
statistics, plus ${kilobytes(sizes.dataBytes)} KB while its node data is stored. Other tables have only a few rows or are emptied within hours.

## Cost per request

CPU time in milliseconds, with the same account as above: Node (including its connections to Postgres), workerd, and the Postgres
processes. On a shared machine, the CPU time of a single request varies by a tenth.

${table(['Request', 'Statements', 'Round trips', 'Response', 'Node', 'workerd', 'Postgres', 'As a 304: bytes, Node and workerd'], costRows)}

Polling an instance without new runs takes ${short(polls.statements)} statements, ${short(polls.n8nRequests)} requests to n8n, and at most ${ms(polls.cpu)} ms of CPU time in Node
and ${ms(polls.postgres)} ms in Postgres. A sign-in takes one password hash,
0.2 s in workerd. Metrics cost 1 µs of CPU time per request and traces 30 µs, about 1% (\`bench/metrics.ts\`).
[Decision 21](decisions/0021-where-304-pays.md) says which responses clients may cache.

## Load

Assumptions for each user: ${a.workflows} workflows, ${grouped(a.runs)} runs a month, each reported separately, ${a.apiRequests} API requests, ${a.pageViews} page views,
${a.instances} n8n ${a.instances === 1 ? 'server' : 'servers'}. Runs are stored for ${a.months} months, their node data for ${a.dataDays} days. Tables in use are ${a.bloat} times as large as after
\`vacuum\`, the busiest hour has ${a.peak} times the average requests, and Postgres may use ${a.utilization * 100}% of its cores.

${load}

## Cost

${money}

Prices as of 2026-11-29: [Workers](https://developers.cloudflare.com/workers/platform/pricing/) ${dollars(a.workersBase)} a month with ${grouped(a.workersIncludedRequests / 1e6)} million requests and
${grouped(a.workersIncludedCpuMs / 1e6)} million CPU milliseconds, then ${dollars(a.workersMillionRequests)} and ${dollars(a.workersMillionCpuMs)} per million; [Neon](https://neon.com/docs/introduction/plans) Launch, $${a.neonCuHour} per CU hour and
$${a.neonGbMonth} per GB-month; [R2](https://developers.cloudflare.com/r2/pricing/) $${a.r2GbMonth} per GB-month. The managed Postgres is an assumption: $${a.postgresCoreHour} per core-hour and
$${a.postgresGbMonth} per GB-month, without a replica. One Neon CU counts as one core. Taxes and traffic are not included.

## Limits in order

${limits}

Connections are not a limit: Workers hold none, because Neon's driver sends each batch over HTTP, and each Node process
opens at most 13. Above 200 GB, a backup takes hours (10 to 20 MB a second on two cores): use the provider's
[point-in-time recovery](backup.md#point-in-time-recovery) as well.

## Several databases

Users never share rows, and every statement is limited to one user or to one instance of a user. A database can therefore be
split by user: each part is a separate installation with the same release and keys.

${table(
  ['', ...userCounts.map((users) => `${grouped(users)} users`)],
  [
    [`Databases of ${a.databaseGb} GB`, ...each((users) => grouped(shards(users)))],
    ['Users per database', ...each((users) => grouped(users / shards(users)))],
    ['Rows per user at full retention', ...each(() => grouped(f.rowsPerRun * a.runs * a.months))],
  ],
)}

\`user_routes\` names the installation of each account that has moved, and of its n8n servers. \`flowkeep users move\` fills it:
it copies the account, compares rows and contents, and only then deletes the source. Sign-ins and reports that reach the
old installation receive 421 with the new URL. See [Moving accounts](move-accounts.md). New accounts are created where you send
their registration: assign them to the smallest database.
`
}
