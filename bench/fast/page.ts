/** @module Writes docs/performance.md from a measurement. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { millionRuns } from '../scale-page.ts'
import { goalsOf, isNoisy, type Measured, noisy } from './goals.ts'
import type { Growth } from './growth.ts'
import type { Spread } from './rounds.ts'
import { postgresSettings, scales } from './settings.ts'

export const performancePagePath = resolve(import.meta.dirname, '../../docs/performance.md')

const barWidth = 40

function table(head: string[], rows: string[][], texts = 1): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at < texts ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

const grouped = (value: number) => Math.round(value).toLocaleString('en-US')
const ratio = (value: number) => value.toFixed(2)
const spread = ({ min, median, max }: Spread) => `${ratio(median)} (${ratio(min)} to ${ratio(max)})`
const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0)

/** Bars of text, which need no style and no script. */
function chart(rows: [name: string, value: number][]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  const most = Math.max(1, ...rows.map(([, value]) => value))
  return rows
    .map(([name, value]) => {
      const bar = '█'.repeat(Math.max(1, Math.round((value / most) * barWidth)))
      return `${name.padEnd(width)}  ${bar.padEnd(barWidth)}  ${ratio(value)}`
    })
    .join('\n')
}

const growthTable = (growth: Growth[], before: string, after: string) =>
  table(
    ['Request', `${before}, ms`, `${after}, ms`, 'Ratio'],
    growth.map((each) => [each.name, ms(each.before), ms(each.after), spread(each.ratio)]),
  )

/** The table of goals, also for the terminal. */
export const goalTable = (measured: Measured): string =>
  table(
    ['What', 'Goal', 'Measured', ''],
    goalsOf(measured).map(({ name, goal, figure, isMet }) => [
      name,
      goal,
      figure ?? 'not measured',
      isMet === null ? '' : isMet ? 'met' : '**missed**',
    ]),
  )

export const pathTable = ({ paths }: Measured): string =>
  table(
    [
      'Request',
      'Runtime',
      'Ratio to the floor',
      'Requests/s',
      'Floor, requests/s',
      'CPU, ms',
      'Floor, CPU, ms',
      'Statements',
      'Round trips',
      'Noise',
    ],
    paths.map((path) => [
      path.name,
      path.runtime,
      spread(path.ratio),
      grouped(path.perSecond.route.median),
      grouped(path.perSecond.floor.median),
      ms(path.cpu.route),
      ms(path.cpu.floor),
      String(path.statements),
      String(path.roundTrips),
      `${Math.round(path.noise * 100)}%`,
    ]),
    2,
  )

export function performancePage(measured: Measured): string {
  const { on, scale, rounds, seconds, paths, scales: between, arrivals, n8n, memory } = measured
  const settings = Object.entries(postgresSettings).map(([name, value]) => `\`${name} = ${value}\``)
  const mib = (bytes: number) => grouped(bytes / 2 ** 20)
  const sections = [
    `# Performance

This page gives the speed of Flowkeep as ratios within one run, because machines differ. \`npm run bench\` measured it on ${on.date}:
${on.cpu}, Node ${on.node}, Postgres ${on.postgres}, ${grouped(scales[scale].executions)} executions and ${grouped(scales[scale].workflows)} workflows, half of them owned by one user.
${isNoisy(measured) ? '\nThe machine was too noisy for exact figures: other processes ran at the same time.\n' : ''}
\`\`\`sh no-test
npm run bench                                 # minutes, on Linux
npm run bench -- --scale medium               # a million executions
npm run bench -- --only 'GET a workflow'      # one path
npm run bench -- --help
\`\`\`

## Goals

The [floor](#against-the-floor) is a bare handler that sends the same statements.

${goalTable(measured)}`,
    `## Missed goals

- **Against the floor.** Reading one workflow takes 0.3 ms more CPU time than the same statement in a bare handler: routing and
  middleware, headers, building the SQL, the ETag and the conversion of the row, each a few percent. Most requests with larger
  responses reach the goal, because reading the rows outweighs this.
- **The overview page against \`/health/live\`.** The page needs 17 statements in three round trips and renders a table of
  deployments, charts and lists. The other request needs none, and became faster along with everything else.
- **Against n8n.** Lists and creations are about as fast as a bare handler with the same statements (below): what remains is
  Postgres and its driver. Creating a workflow is one durable transaction of five statements.
- **As the data grows.** A search reads the newest workflows until a page is full. The rarer a word or type, the more workflows it
  reads: if one in 50 matches, about 5,000 for a page of 50, half of which belong to other users. A table with one row per workflow and type
  could be read in the order of the list, but would add 2 KB to each workflow. The overview compares the workflows that ran in
  the period, and counts required credentials in an index with one entry per workflow. By default, an account can have 10,000
  workflows; the user of these measurements has 50,000.
- **One report.** It takes two round trips: the first checks the webhook token, before the server reads the body. The prepared
  statement takes one, without HTTP.
- **Parse, hash and extract.** Half of the time is reading the nodes, including the search for secrets in every parameter. A quarter is
  the canonical form that is hashed.
- **Size and start of the worker.** \`npm run bundle\` lists the parts. The largest are the dashboard, the validation of requests
  and the checks. workerd compiles every module at startup, including modules that are loaded later.
- **Memory.** V8 frees memory late if the machine has plenty. The figure of workerd varies between runs, from 28 to 106 MiB.`,
    `## Against the floor

The floor is a bare Hono handler on the same runtime that sends the statements of the route in one request through Neon's
driver. Route and floor alternate for ${rounds} rounds of ${seconds} s, each with 16 connections from another process. A ratio is the median
of all rounds, with the minimum and the maximum. Noise is the range of the floor's rounds over their median; above ${noisy * 100}%, the ratio
is not reliable. Edits use 4 connections and logins 1. Logging in includes the password hash, and a plan includes calls to
n8n, which the floor does not make.

\`\`\`text
${chart(paths.filter(({ runtime }) => runtime === 'workerd').map(({ name, ratio: value }) => [name, value.median]))}
\`\`\`

${pathTable(measured)}`,
    reportSection(measured),
    between &&
      `## As the data grows

The median of one request at a time on Node, on two databases of the same server: ${grouped(scales[between.from].executions)} executions and
${grouped(scales[between.from].workflows)} workflows, and ${grouped(scales[between.to].executions)} executions and ${grouped(scales[between.to].workflows)} workflows. Half of each belongs to the user who sends the requests.

${growthTable(between.growth, between.from, between.to)}`,
    arrivals &&
      `## While runs arrive

The same requests on ${grouped(scales[arrivals.scale].executions)} executions, while ${grouped(arrivals.perSecond)} executions a second are sent in batches of 50 to the same server, which
stored at least ${grouped(arrivals.stored)} a second. Client, server and Postgres share the processors.

${growthTable(arrivals.growth, 'Idle', 'Busy')}`,
    n8n &&
      `## Against n8n

The public API of a real n8n 2.41.1 on the same machine, with a Postgres that has the same settings, and with as many rows per response.

${table(
  ['Request', 'Rows', 'Flowkeep, requests/s', 'n8n, requests/s', 'Ratio'],
  n8n.map((each) => [
    each.name,
    String(each.rows),
    grouped(each.flowkeep.median),
    grouped(each.n8n.median),
    spread(each.ratio),
  ]),
)}`,
    memory &&
      `## Memory

Resident memory after all requests above, in MiB. workerd includes its own code and threads, which the floor has too.

${table(
  ['', 'Flowkeep', 'Floor'],
  [
    ['workerd', mib(memory.workerd.flowkeep), mib(memory.workerd.floor)],
    ['Node', mib(memory.node.flowkeep), mib(memory.node.floor)],
  ],
)}`,
    `## Where the time goes

Flame graphs of the Node server under load, with 2,000 executions and 200 workflows: callers are above what they call, and
the width is CPU time. \`writev\` also includes time during which Postgres was using the CPU.
\`npm run bench -- --scale tiny --parts '' --flames <folder>\` draws them. Before: each statement was planned for each request, the
session was reset after each, and statements went through JSON within the process.

${table(
  ['Request', 'Before', 'Now'],
  ['overview-page', 'list-100-workflows', 'report-of-1-execution'].map((name) => [
    `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('-', ' ')}`,
    `[Flame graph](flame-graphs/${name}-before.svg)`,
    `[Flame graph](flame-graphs/${name}.svg)`,
  ]),
  3,
)}`,
    `## Cost of runs

From the measurements of [Scale](scale.md), which also has the bytes per row, the prices, and how to replace them:

${millionRuns(JSON.parse(readFileSync(join(import.meta.dirname, '../scale.json'), 'utf8')))}`,
    `## How it is measured

\`npm run bench\` starts Postgres with ${settings.join(', ')}, applies the migrations, inserts the
rows in bulk, rolls up the executions with Flowkeep's own function, and compares the rollups with the executions. It then
starts the compiled server on Node and the production worker in workerd. The limits on requests are off. The worker reaches
Postgres through one gateway, which the floor uses as well.`,
  ]
  return `${sections.filter(Boolean).join('\n\n')}\n`
}

function reportSection({ paths, on }: Measured): string | null {
  const measured = paths.filter(({ prepared }) => prepared)
  if (measured.length === 0) return null
  const rows = measured.map(({ name, runtime, perSecond, prepared }) => [
    name,
    runtime,
    grouped(perSecond.route.median),
    grouped(prepared?.perSecond.median ?? 0),
    prepared ? spread(prepared.ratio) : '',
  ])
  return `## Against Postgres itself

${on.pgbench ? '`pgbench` runs' : 'A loop over `pg`, because `pgbench` was not installed, runs'} the statement that stores reports, prepared, on 16 connections, with no server in front of Postgres.

${table(['Request', 'Runtime', 'Requests/s', 'Prepared statement/s', 'Ratio'], rows, 2)}`
}
