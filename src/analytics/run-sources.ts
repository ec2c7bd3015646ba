/**
 * @module Runs as the statements of analytics count them: rollups for whole days and hours, the executions themselves
 * for pieces of an hour. Few references to tables, however many parts a period has: planning a statement takes longer
 * than many a statement does.
 */
import { type SQL, sql } from 'drizzle-orm'
import { executionStatuses } from '../db/schema/executions.ts'
import { failingStatuses } from '../executions/merge.ts'
import type { RunFilter } from './contract.ts'
import { dayMs, floor, type Part, partsOf, type Range } from './period.ts'

export type Choice = Omit<RunFilter, 'from' | 'to'>

/** Stands in rollups for all of a user's deployments together. */
export const everyDeployment = '00000000-0000-0000-0000-000000000000'

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

/** Each a select; those but `pieces` read the clause `pieces`, which is to stand before them. */
export interface RunSources {
  /** The clauses that the others read, with a comma at the end; or nothing. */
  pieces: SQL
  /** `span, deployment_id, workflow_id, workflow_version, at` and a count for each status. */
  runs: SQL
  /**
   * `span, workflow_id, workflow_version, at, bucket, runs`; ids mean nothing where all of a user's runs are taken.
   * @param deploymentIds a select of those that ran; null takes all of the user's together
   */
  times: (deploymentIds: SQL | null) => SQL
  /** Those that `times` is to be given: null for all of a user's together. */
  deployments: SQL | null
  /** `span, fingerprint, deployment_id, workflow_id, workflow_version, at, runs` of runs that failed. */
  failures: SQL
}

/**
 * The runs in `parts`, not summed: single rows may be 0 or negative. `at` is a UTC hour or day.
 * @param earlier the parts of span 1, before those of span 0
 */
export function runsIn(userId: string, choice: Choice, parts: Part[], earlier: Part[] = []): RunSources {
  const own = sql`user_id = ${userId} ${chosen(userId, choice)}`
  const isWhole = ({ source }: Part) => source !== 'executions'
  const whole = [...earlier, ...parts].filter(isWhole)
  const conditions = whole.map((part) => sql`grain = ${part.source} ${within(sql`at`, part)}`)
  const inWhole = sql`(${conditions.length > 0 ? sql.join(conditions, sql` or `) : sql`false`})`
  const span = sql`${spanOf(parts.filter(isWhole), earlier)} as span`
  const pieces = [
    ...parts.map((part) => ({ ...part, span: 0 })),
    ...earlier.map((part) => ({ ...part, span: 1 })),
  ].filter((part) => !isWhole(part))
  const andPieces = (select: SQL) => (pieces.length > 0 ? sql`union all ${select}` : sql``)
  const ids = sql`deployment_id, workflow_id, workflow_version`
  return {
    pieces: pieces.length > 0 ? sql`pieces as materialized (${readPieces(own, pieces)}),` : sql``,
    runs: sql`
      select ${span}, ${ids}, at, ${statuses} from execution_stats_now where ${own} and ${inWhole}
      ${andPieces(
        sql`select span, ${ids}, at, ${sql.join(
          executionStatuses.map((status) => sql`case status when ${status} then sign else 0 end`),
          sql`, `,
        )} from pieces`,
      )}`,
    times: (deploymentIds) => sql`
      select ${span}, workflow_id, workflow_version, at, bucket, runs
      from execution_durations_now
      where ${own} and ${inWhole} and ${
        deploymentIds
          ? sql`deployment_id = any(array(${deploymentIds}))`
          : sql`deployment_id = ${everyDeployment}`
      }
      ${andPieces(sql`
        select span, workflow_id, workflow_version, at, bucket, sign from pieces where bucket is not null`)}`,
    deployments: hasChoice(choice)
      ? sql`select distinct deployment_id from execution_stats_now
          where ${own} and grain = 'day' ${within(sql`at`, daysAround([...earlier, ...parts]))}`
      : null,
    failures: sql`
      select ${span}, fingerprint, ${ids}, at, runs from error_stats_now where ${own} and ${inWhole}
      ${andPieces(sql`
        select span, fingerprint, ${ids}, at, sign from pieces where fingerprint is not null`)}`,
  }
}

/** From the start of a day on, and as far as the parts reach. */
function daysAround(parts: Range[]): Range {
  const bound = (times: (Date | null)[], pick: (...ms: number[]) => number) =>
    times.includes(null) ? null : new Date(pick(...times.map(Number)))
  if (parts.length === 0) return { from: new Date(0), to: new Date(0) }
  const from = bound(
    parts.map((part) => part.from),
    Math.min,
  )
  const to = bound(
    parts.map((part) => part.to),
    Math.max,
  )
  return { from: from && floor(from, dayMs), to }
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
    case when finished_at >= started_at
      then duration_bucket((extract(epoch from finished_at - started_at) * 1000)::bigint) end as bucket,
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
 * The `with` clauses `picked`, of groups of runs with their percentiles. Durations are the greater part of the work: only
 * of the groups that are picked, unless these decide which that are.
 * @param sums a select of groups with their `key` columns and `groupSums`
 * @param times a select as of `RunSources.times` with the `key` columns; it may name `candidates`
 */
export function picked(options: {
  sums: SQL
  key: SQL
  order: SQL
  byDuration: boolean
  limit: number
  times: SQL
}): SQL {
  const { sums, key, order, byDuration, limit, times } = options
  const first = sql`order by ${order}, ${key} desc limit ${limit}`
  return sql`
    candidates as materialized (
      select *, count(*) over () as of_all from (${sums}) summed ${byDuration ? sql`` : first}
    ),
    times as (${times}),
    timed as (${percentiles(sql`times`, key)}),
    picked as (select * from candidates left join timed using (${key}) ${first})`
}

/**
 * Nearest-rank percentiles out of buckets: which bucket is exact, the place within it is taken as spread evenly over its
 * logarithm, and no whole number outside the bucket is given. So it is off by the ratio of the buckets at most.
 * @param runs a relation with `key` columns, `bucket` and `runs`
 * @returns a select of `key` columns, `p50`, `p95` and `p99`
 */
export function percentiles(runs: SQL, key: SQL): SQL {
  return sql`
    select ${key}, ${valueAt(50)} as p50, ${valueAt(95)} as p95, ${valueAt(99)} as p99
    from (
      select ${key}, array_agg(bucket) as buckets, array_agg(upto) as uptos
      from (
        select ${key}, bucket, sum(runs) over (partition by ${key} order by bucket rows unbounded preceding) as upto
        from (
          select ${key}, bucket, sum(runs::float8) as runs from ${runs} group by ${key}, bucket
          having sum(runs::float8) > 0
        ) summed
      ) ascending
      group by ${key}
    ) ranked`
}

/** Out of what `percentiles` gathers: `buckets`, and in `uptos` how many runs there are up to the end of each. */
function valueAt(percent: number): SQL {
  return sql`(
    select case when bucket = 0 then 0 else
      least(greatest(
        round(power(1.1::float8, bucket - 1 + (rank - before - 0.5) / (upto - before))),
        ceil(power(1.1::float8, bucket - 1))), ceil(power(1.1::float8, bucket)) - 1) end
    from (select ceil(uptos[cardinality(uptos)] * ${sql.raw(String(percent))} / 100) as rank) wanted
    cross join lateral (select width_bucket(rank - 0.5, uptos) + 1 as place) found
    cross join lateral (
      select buckets[place] as bucket, uptos[place] as upto, coalesce(uptos[place - 1], 0) as before
    ) there)`
}
