/**
 * @module Runs as the statements of analytics count them: rollups for whole days and hours, the executions themselves
 * for pieces of an hour. Few references to tables, however many parts a period has: planning a statement takes longer
 * than many a statement does.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type ExecutionStatus, executionStatuses } from '../db/schema/executions.ts'
import { countedKinds, failedSum, type IncludableKind, isOneOfKinds } from './meaning.ts'
import type { Buckets } from './buckets.ts'
import { type Grain, type Part, type Range, unitMs } from './period.ts'
import type { BucketParts } from './series-parts.ts'

/** Which runs are counted. Two filters narrow each other. */
export interface RunFilter {
  from?: Date | undefined
  to?: Date | undefined
  workflowId?: string | undefined
  deploymentId?: string | undefined
  instanceId?: string | undefined
  tag?: string | undefined
  nodeType?: string | undefined
  include?: readonly IncludableKind[] | undefined
}

export type Choice = Omit<RunFilter, 'from' | 'to'>

/** Stands in rollups for all of a user's deployments together. */
const everyDeployment = '00000000-0000-0000-0000-000000000000'

const joined = (parts: SQL[], separator = sql`, `) => sql.join(parts, separator)

/** Of the column of each status, in their order. */
export const statusesWith = (column: (name: SQL, status: ExecutionStatus) => SQL, separator?: SQL): SQL =>
  joined(
    executionStatuses.map((status) => column(sql`${sql.identifier(status)}`, status)),
    separator,
  )
export const statusNames = statusesWith((name) => name)

/** Which kinds of runs count is not a choice of workflows. */
export const hasChoice = ({ include: _kinds, ...choice }: Choice): boolean =>
  Object.values(choice).some((value) => value !== undefined)

/** A condition on runs of every source: production runs, and what is included beside them. */
const ofCountedKinds = ({ include }: Choice): SQL => isOneOfKinds(countedKinds(include))

/** The ids of the workflows that are chosen, also of one that is deleted. */
function workflowsOf(userId: string, { workflowId, tag, nodeType }: Choice): SQL | undefined {
  if (tag === undefined && nodeType === undefined) {
    return workflowId === undefined ? undefined : sql`array[${workflowId}::uuid]`
  }
  return sql`array(
    select id from workflows where user_id = ${userId}
      ${workflowId === undefined ? sql`` : sql`and id = ${workflowId}`}
      ${tag === undefined ? sql`` : sql`and tags @> array[${tag}]`}
      ${nodeType === undefined ? sql`` : sql`and node_types @> array[${nodeType}]`})`
}

/** Conditions on the columns that every source has, to follow another one. */
export function chosen(userId: string, choice: Choice): SQL {
  const { deploymentId, instanceId } = choice
  const workflows = workflowsOf(userId, choice)
  return sql`
    ${workflows ? sql`and workflow_id = any(${workflows})` : sql``}
    ${deploymentId === undefined ? sql`` : sql`and deployment_id = ${deploymentId}`}
    ${instanceId === undefined ? sql`` : sql`and instance_id = ${instanceId}`}`
}

export const within = (time: SQL, { from, to }: Range): SQL => sql`
  ${from ? sql`and ${time} >= ${from.toISOString()}::timestamptz` : sql``}
  ${to ? sql`and ${time} < ${to.toISOString()}::timestamptz` : sql``}`

/** Conditions on rows of rollups: of the user's deployments that are chosen. */
export const eachOf = (userId: string, choice: Choice): SQL =>
  sql`user_id = ${userId} and ${ofCountedKinds(choice)} ${
    hasChoice(choice) ? chosen(userId, choice) : sql`and deployment_id <> ${everyDeployment}`
  }`

/** The same where only sums matter: without a choice the rows of all of the user's deployments together. */
export const togetherOf = (userId: string, choice: Choice): SQL =>
  sql`user_id = ${userId} and ${ofCountedKinds(choice)} ${
    hasChoice(choice)
      ? chosen(userId, choice)
      : sql`and deployment_id = ${everyDeployment} and workflow_id = ${everyDeployment}`
  }`

/** Of what `togetherOf` reads. Ten minutes are kept of all of a user's runs together only. */
export const togetherGrains = (choice: Choice): readonly Grain[] =>
  hasChoice(choice) ? ['day', 'hour'] : ['day', 'hour', '10min']

interface RunOptions {
  /** The parts of span 1, before those of span 0. */
  earlier?: Part[]
  /** Only sums matter: the ids mean nothing. */
  together?: boolean
}

const ids = sql`deployment_id, workflow_id, workflow_version`

/**
 * The runs in `parts` as a select, not summed: single rows may be 0 or negative. They have `span, deployment_id,
 * workflow_id, workflow_version, at`, a count for each status, and the histogram `durations`. `at` is a UTC hour or day.
 */
export function runsIn(
  userId: string,
  choice: Choice,
  parts: Part[],
  { earlier = [], together = false }: RunOptions = {},
): SQL {
  const { span, whole, pieces } = divided(parts, earlier)
  const rows = sql`
    select ${span}, ${ids}, date_bin('1 hour', at, '2000-01-01Z') as at, ${statusNames}, durations
    from execution_stats_now
    where ${together ? togetherOf(userId, choice) : eachOf(userId, choice)}
      and ${anyOf(whole)}`
  if (pieces.length === 0) return rows
  const { ranges, values } = rangesOf(pieces, ({ span: each, sign }) => [each, sign])
  return sql`${rows}
    union all select span, ${ids}, at,
      ${statusesWith((_, status) => sql`case status when ${status} then sign * runs else 0 end`)},
      coalesce(sign * runs * duration_histogram(bucket), 0)
    from ${runsBetween(userId, choice, ranges, together)} join (values ${values}) piece (place, span, sign) using (place)
    where ${ofCountedKinds(choice)}`
}

const runsBetween = (
  userId: string,
  choice: Choice,
  { starts, ends }: RangeArrays,
  together: boolean,
): SQL => sql`
  runs_between(${userId}, ${starts}, ${ends}, ${together}, ${workflowsOf(userId, choice) ?? null},
    ${choice.deploymentId ?? null}, ${choice.instanceId ?? null})`

/**
 * The runs of a series as a select, not summed: `bucket, sign`, a count for each status, and `durations`, both to be
 * taken times `sign`.
 */
export function runsInBuckets(
  userId: string,
  choice: Choice,
  buckets: Buckets,
  { whole, moved, pieces }: BucketParts,
): SQL {
  const isWhole = anyOf(whole.map(isIn))
  const isMoved = moved.map(({ grain, ranges }) => {
    const times = (bound: 'from' | 'to') => timeArray(ranges.map((range) => range[bound]))
    const step = sql.raw(`interval '${unitMs[grain]} milliseconds'`)
    return sql`grain = ${grain} and at = any(array(
      select generate_series(starts, ends - ${step}, ${step})
      from unnest(${times('from')}, ${times('to')}) moved (starts, ends)))`
  })
  const columns = sql`${statusNames}, durations`
  const rows = sql`
    select ${bucketAt(sql`at + ${byGrain((ms) => sql.raw(`interval '${ms / 2} milliseconds'`))}`, buckets)} as bucket,
      1 as sign, ${columns}, ${isMoved.length > 0 ? sql`not ${isWhole}` : sql`false`} as is_moved, grain, at
    from execution_stats_now
    where ${togetherOf(userId, choice)} and (${isWhole} ${isMoved.length > 0 ? sql`or ${anyOf(isMoved)}` : sql``})`
  const { ranges, values } = rangesOf(pieces, ({ bucket, sign }) => [bucket, sign])
  return sql`
    with rows as materialized (${rows})
    select bucket, sign, ${columns} from rows
    ${
      isMoved.length === 0
        ? sql``
        : sql`union all
          select ${bucketAt(
            sql`case grain when 'hour' then date_bin('1 day', at, '2000-01-01Z') + interval '12 hours'
            else date_bin('1 hour', at, '2000-01-01Z') + interval '30 minutes' end`,
            buckets,
          )}, -1, ${columns}
          from rows where is_moved`
    }
    ${
      pieces.length === 0
        ? sql``
        : sql`union all
          select piece.bucket, sign,
            ${statusesWith((_, status) => sql`case status when ${status} then runs else 0 end`)},
            coalesce(runs * duration_histogram(ran.bucket), 0)
          from ${runsBetween(userId, choice, ranges, true)} ran
          join (values ${values}) piece (place, bucket, sign) using (place)
          where ${ofCountedKinds(choice)}`
    }`
}

/** The bucket of a time in the range. */
export const bucketAt = (at: SQL, { edges, bucketOf }: Buckets): SQL => sql`
  (${`{${bucketOf.join(',')}}`}::integer[])[1 + width_bucket(${at}, ${timeArray(edges)})]`

const byGrain = (value: (ms: number) => SQL) =>
  sql`case grain when 'day' then ${value(unitMs.day)} when 'hour' then ${value(unitMs.hour)}
    else ${value(unitMs['10min'])} end`

/** Of them those that failed: `span, fingerprint, deployment_id, workflow_id, workflow_version, at, runs`. */
export function failuresIn(
  userId: string,
  choice: Choice,
  parts: Part[],
  { earlier = [] }: Pick<RunOptions, 'earlier'> = {},
): SQL {
  const { span, whole, pieces } = divided(parts, earlier)
  const rows = sql`
    select ${span}, fingerprint, ${ids}, at, runs from error_stats_now
    where user_id = ${userId} and ${ofCountedKinds(choice)} ${chosen(userId, choice)} and ${anyOf(whole)}`
  if (pieces.length === 0) return rows
  const { ranges, values } = rangesOf(pieces, ({ span: each, sign }) => [each, sign])
  return sql`${rows}
    union all select span, fingerprint, ${ids}, at, sign * runs
    from failures_between(${userId}, ${ranges.starts}, ${ranges.ends})
    join (values ${values}) piece (place, span, sign) using (place)
    where ${ofCountedKinds(choice)} ${chosen(userId, choice)}`
}

/** Splits parts by source: conditions on whole days and hours, and partial hours. */
function divided(parts: Part[], earlier: Part[]) {
  const isWhole = ({ source }: Part) => source !== 'executions'
  return {
    span: sql`${spanOf(parts.filter(isWhole), earlier)} as span`,
    whole: [...earlier, ...parts].filter(isWhole).map(isIn),
    pieces: [
      ...parts.map((part) => ({ ...part, span: 0 })),
      ...earlier.map((part) => ({ ...part, span: 1 })),
    ].filter((part) => !isWhole(part)),
  }
}

/** Of a row of the rollups. */
const isIn = (part: Part) => sql`grain = ${part.source} ${within(sql`at`, part)}`

const anyOf = (conditions: SQL[]) =>
  sql`(${conditions.length > 0 ? joined(conditions, sql` or `) : sql`false`})`

/** Of a row of the rollups, by where the whole parts of span 0 begin. */
function spanOf(whole: Part[], earlier: Part[]): SQL {
  if (earlier.length === 0) return sql`0`
  const starts = whole.flatMap(({ from }) => (from ? [from.getTime()] : []))
  if (starts.length === 0) return sql`1`
  return sql`(at < ${new Date(Math.min(...starts)).toISOString()}::timestamptz)::integer`
}

interface RangeArrays {
  starts: SQL
  ends: SQL
}

const timeArray = (times: (number | Date)[]): SQL =>
  sql`${`{${times.map((time) => new Date(time).toISOString()).join(',')}}`}::timestamptz[]`

/**
 * Pieces share ranges, each of which is read once. `values` joins them to what was read: the place of a range, and what
 * `columnsOf` gives.
 */
function rangesOf<P extends Range>(pieces: P[], columnsOf: (piece: P) => number[]) {
  const keyOf = ({ from, to }: Range) => `${from?.getTime()} ${to?.getTime()}`
  const ranges = [...new Map(pieces.map((piece) => [keyOf(piece), piece])).values()]
  const places = new Map(ranges.map((range, index) => [keyOf(range), index + 1]))
  const times = (bound: 'from' | 'to'): SQL => timeArray(ranges.flatMap((range) => range[bound] ?? []))
  const rows = pieces.map((piece) => `(${[places.get(keyOf(piece)), ...columnsOf(piece)].join(', ')})`)
  return {
    ranges: { starts: times('from'), ends: times('to') } satisfies RangeArrays,
    values: sql.raw(rows.join(', ')),
  }
}

/** What every group of `runsIn` has: `runs`, `failed` and `succeeded`. */
export const groupSums = sql`${statusesWith((name) => sql`sum(${name})`, sql` + `)} as runs, sum(${failedSum}) as failed, sum(success) as succeeded`

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
 * The `with` clauses `picked`, of groups with their percentiles: only of the groups that are picked, unless these decide
 * which that are.
 * @param sums a select of groups with the histogram `durations`
 * @param order in which no two groups are equal
 */
export function picked({
  sums,
  order,
  byDuration,
  limit,
}: {
  sums: SQL
  order: SQL
  byDuration: boolean
  limit: number
}): SQL {
  const first = sql`order by ${order} limit ${limit}`
  return sql`
    candidates as materialized (
      select *, count(*) over () as of_all from (${sums}) summed ${byDuration ? sql`` : first}
    ),
    picked as (select * from candidates cross join lateral duration_percentiles(durations) timed ${first})`
}
