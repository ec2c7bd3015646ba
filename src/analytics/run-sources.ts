/**
 * @module Runs as the statements of analytics count them: rollups for whole days and hours, the executions themselves
 * for pieces of an hour. Few references to tables, however many parts a period has: planning a statement takes longer
 * than many a statement does.
 */
import { type SQL, sql } from 'drizzle-orm'
import { executionStatuses } from '../db/schema/executions.ts'
import { failingStatuses } from '../executions/merge.ts'
import type { RunFilter } from './contract.ts'
import { type Part, partsOf, type Range } from './period.ts'

export type Choice = Omit<RunFilter, 'from' | 'to'>

/** Stands in rollups for all of a user's deployments together. */
const everyDeployment = '00000000-0000-0000-0000-000000000000'

const happenedAt = sql`coalesce(started_at, finished_at, recorded_at)`
const statuses = sql.join(
  executionStatuses.map((status) => sql.identifier(status)),
  sql`, `,
)

export const hasChoice = (choice: Choice): boolean =>
  Object.values(choice).some((value) => value !== undefined)

/** Conditions on the columns that every source has, to follow another one. */
export function chosen(userId: string, { workflowId, deploymentId, instanceId, tag, nodeType }: Choice): SQL {
  const workflowsWith = (condition: SQL) =>
    sql`and workflow_id = any(array(select id from workflows where user_id = ${userId} and ${condition}))`
  return sql.join(
    [
      workflowId !== undefined && sql`and workflow_id = ${workflowId}`,
      deploymentId !== undefined && sql`and deployment_id = ${deploymentId}`,
      instanceId !== undefined && sql`and instance_id = ${instanceId}`,
      tag !== undefined && workflowsWith(sql`tags @> array[${tag}]`),
      nodeType !== undefined && workflowsWith(sql`node_types @> array[${nodeType}]`),
    ].filter((condition) => condition !== false),
    sql` `,
  )
}

export const within = (time: SQL, { from, to }: Range): SQL => sql`
  ${from ? sql`and ${time} >= ${from.toISOString()}::timestamptz` : sql``}
  ${to ? sql`and ${time} < ${to.toISOString()}::timestamptz` : sql``}`

/** Conditions on rows of rollups: of the user's deployments that are chosen. */
export const eachOf = (userId: string, choice: Choice): SQL =>
  sql`user_id = ${userId} ${
    hasChoice(choice) ? chosen(userId, choice) : sql`and deployment_id <> ${everyDeployment}`
  }`

/** The same where only sums matter: without a choice the rows of all of the user's deployments together. */
export const togetherOf = (userId: string, choice: Choice): SQL =>
  sql`user_id = ${userId} ${
    hasChoice(choice)
      ? chosen(userId, choice)
      : sql`and deployment_id = ${everyDeployment} and workflow_id = ${everyDeployment}`
  }`

/** Each a select; those but `pieces` read the clause `pieces`, which is to stand before them. */
export interface RunSources {
  /** The clauses that the others read, with a comma at the end; or nothing. */
  pieces: SQL
  /**
   * `span, grain, deployment_id, workflow_id, workflow_version, at`, a count for each status, and the histogram
   * `durations`. The grain is `piece` for a single execution.
   */
  runs: SQL
  /** `span, fingerprint, deployment_id, workflow_id, workflow_version, at, runs` of runs that failed. */
  failures: SQL
}

interface RunOptions {
  /** The parts of span 1, before those of span 0. */
  earlier?: Part[]
  /** Only sums of `runs` matter: where nothing is chosen, its ids mean nothing. */
  together?: boolean
  /** Whole hours to read of `runs` beside the parts, as a condition on `at`. */
  alsoHours?: SQL | undefined
}

/** The runs in `parts`, not summed: single rows may be 0 or negative. `at` is a UTC hour or day. */
export function runsIn(
  userId: string,
  choice: Choice,
  parts: Part[],
  { earlier = [], together = false, alsoHours }: RunOptions = {},
): RunSources {
  const isWhole = ({ source }: Part) => source !== 'executions'
  const whole = [...earlier, ...parts].filter(isWhole)
  const conditions = whole.map((part) => sql`grain = ${part.source} ${within(sql`at`, part)}`)
  const anyOf = (all: SQL[]) => sql`(${all.length > 0 ? sql.join(all, sql` or `) : sql`false`})`
  const span = sql`${spanOf(parts.filter(isWhole), earlier)} as span`
  const pieces = [
    ...parts.map((part) => ({ ...part, span: 0 })),
    ...earlier.map((part) => ({ ...part, span: 1 })),
  ].filter((part) => !isWhole(part))
  const andPieces = (select: SQL) => (pieces.length > 0 ? sql`union all ${select}` : sql``)
  const ids = sql`deployment_id, workflow_id, workflow_version`
  return {
    pieces:
      pieces.length > 0
        ? sql`pieces as materialized (${readPieces(sql`user_id = ${userId} ${chosen(userId, choice)}`, pieces)}),`
        : sql``,
    runs: sql`
      select ${span}, grain, ${ids}, at, ${statuses}, durations from execution_stats_now
      where ${together ? togetherOf(userId, choice) : eachOf(userId, choice)}
        and ${anyOf(alsoHours ? [...conditions, sql`grain = 'hour' and ${alsoHours}`] : conditions)}
      ${andPieces(
        sql`select span, 'piece', ${ids}, at, ${sql.join(
          executionStatuses.map((status) => sql`case status when ${status} then sign else 0 end`),
          sql`, `,
        )}, durations from pieces`,
      )}`,
    failures: sql`
      select ${span}, fingerprint, ${ids}, at, runs from error_stats_now
      where user_id = ${userId} ${chosen(userId, choice)} and ${anyOf(conditions)}
      ${andPieces(sql`
        select span, fingerprint, ${ids}, at, sign from pieces where fingerprint is not null`)}`,
  }
}

/** Of a row of the rollups, by where the whole parts of span 0 begin. */
function spanOf(whole: Part[], earlier: Part[]): SQL {
  if (earlier.length === 0) return sql`0`
  const starts = whole.flatMap(({ from }) => (from ? [from.getTime()] : []))
  if (starts.length === 0) return sql`1`
  return sql`(at < ${new Date(Math.min(...starts)).toISOString()}::timestamptz)::integer`
}

/** One execution may be in several pieces. What is told twice of their bounds is what the index is chosen by. */
const readPieces = (own: SQL, pieces: (Part & { span: number })[]) => sql`
  select piece.span, piece.sign, deployment_id, workflow_id, workflow_version, status,
    date_trunc('hour', ${happenedAt}, 'UTC') as at,
    case when finished_at >= started_at then piece.sign
      * duration_histogram(duration_bucket((extract(epoch from finished_at - started_at) * 1000)::bigint)) else 0 end
      as durations,
    case when status in (${literals(failingStatuses)}) then error_fingerprint end as fingerprint
  from (values ${sql.join(
    pieces.map(
      ({ span, sign, from, to }) => sql`(${sql.raw(String(span))}, ${sql.raw(String(sign))},
        ${from?.toISOString()}::timestamptz, ${to?.toISOString()}::timestamptz)`,
    ),
    sql`, `,
  )}) piece (span, sign, from_at, to_at)
  join executions on ${happenedAt} >= piece.from_at and ${happenedAt} < piece.to_at
  where ${own} and (${sql.join(
    distinctRanges(pieces).map((range) => sql`true ${within(happenedAt, range)}`),
    sql` or `,
  )})`

const distinctRanges = (ranges: Range[]) => [
  ...new Map(ranges.map((range) => [`${range.from?.getTime()} ${range.to?.getTime()}`, range])).values(),
]

/** `RunSources.runs` of a range alone, as a select that needs no other clause. */
export function countedRuns(userId: string, choice: Choice, range: Range): SQL {
  const { pieces, runs } = runsIn(userId, choice, partsOf(range))
  return sql`with ${pieces} counted as (${runs}) select * from counted`
}

const literals = (values: readonly string[]) =>
  sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  )

/** What every group of `RunSources.runs` has: `runs`, `failed` and `succeeded`. */
export const groupSums = sql`${sql.join(
  executionStatuses.map((status) => sql`sum(${sql.identifier(status)})`),
  sql` + `,
)} as runs, sum(error + crashed) as failed, sum(success) as succeeded`

export interface GroupSums extends Record<string, unknown> {
  /** How many groups there are, of which these are the first. */
  of_all: number
  runs: number
  failed: number
  succeeded: number
  p50: number | null
  p95: number | null
  p99: number | null
}

export const groupColumns = sql`of_all::float8, runs::float8, failed::float8, succeeded::float8, p50, p95, p99`

/** Highest first. */
export const groupOrders = {
  runs: sql`runs desc`,
  failed: sql`failed desc, runs desc`,
  failureRate: sql`failed::float8 / nullif(failed + succeeded, 0) desc nulls last, runs desc`,
  p95: sql`p95 desc nulls last, runs desc`,
}

/**
 * The `with` clauses `picked`, of groups of runs with their percentiles: only of the groups that are picked, unless these
 * decide which that are.
 * @param sums a select of groups with their `key` columns, `groupSums` and the histogram `durations`
 */
export function picked(options: {
  sums: SQL
  key: SQL
  order: SQL
  byDuration: boolean
  limit: number
}): SQL {
  const { sums, key, order, byDuration, limit } = options
  const first = sql`order by ${order}, ${key} desc limit ${limit}`
  return sql`
    candidates as materialized (
      select *, count(*) over () as of_all from (${sums}) summed ${byDuration ? sql`` : first}
    ),
    picked as (select * from candidates cross join lateral duration_percentiles(durations) timed ${first})`
}
