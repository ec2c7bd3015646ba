/**
 * @module The SQL sources of analytics: rollups for whole days and hours, executions for partial hours. A statement
 * references each table once, regardless of the number of parts, because planning many references takes longer than
 * running the statement.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type ExecutionStatus, executionStatuses } from '../db/schema/executions.ts'
import { countedKinds, failedSum, type IncludableKind, isOneOfKinds, lowerBound } from './meaning.ts'
import type { Buckets } from './buckets.ts'
import { type Grain, type Part, type Range, type RollupPart, unitMs } from './period.ts'
import { usageNames } from './usage.ts'
import type { BucketParts } from './series-parts.ts'

/** The runs to count. A run must match every given filter. */
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

/** A filter without its period. */
export type Filter = Omit<RunFilter, 'from' | 'to'>

/** In rollups: the total of all of a user's deployments. */
const allDeployments = '00000000-0000-0000-0000-000000000000'

const joined = (parts: SQL[], separator = sql`, `) => sql.join(parts, separator)

/** An expression for the column of each status, in their order. */
export const statusesWith = (column: (name: SQL, status: ExecutionStatus) => SQL, separator?: SQL): SQL =>
  joined(
    executionStatuses.map((status) => column(sql`${sql.identifier(status)}`, status)),
    separator,
  )
export const statusNames = statusesWith((name) => name)

/** Whether anything but the kinds of runs is filtered. */
export const isFiltered = ({ include: _kinds, ...filter }: Filter): boolean =>
  Object.values(filter).some((value) => value !== undefined)

/** A condition on runs of every source: production runs and the included kinds. */
const ofCountedKinds = ({ include }: Filter): SQL => isOneOfKinds(countedKinds(include))

/** The IDs of the matching workflows, including a deleted one. */
function workflowsOf(userId: string, { workflowId, tag, nodeType }: Filter): SQL | undefined {
  if (tag === undefined && nodeType === undefined) {
    return workflowId === undefined ? undefined : sql`array[${workflowId}::uuid]`
  }
  return sql`array(
    select id from workflows where user_id = ${userId}
      ${workflowId === undefined ? sql`` : sql`and id = ${workflowId}`}
      ${tag === undefined ? sql`` : sql`and tags @> array[${tag}]`}
      ${nodeType === undefined ? sql`` : sql`and node_types @> array[${nodeType}]`})`
}

/** Conditions on the columns that every source has. They start with `and`. */
export function matching(userId: string, filter: Filter): SQL {
  const { deploymentId, instanceId } = filter
  const workflows = workflowsOf(userId, filter)
  return sql`
    ${workflows ? sql`and workflow_id = any(${workflows})` : sql``}
    ${deploymentId === undefined ? sql`` : sql`and deployment_id = ${deploymentId}`}
    ${instanceId === undefined ? sql`` : sql`and instance_id = ${instanceId}`}`
}

export const within = (time: SQL, { from, to }: Range): SQL => sql`
  ${from ? sql`and ${time} >= ${from.toISOString()}::timestamptz` : sql``}
  ${to ? sql`and ${time} < ${to.toISOString()}::timestamptz` : sql``}`

/** Conditions on rollup rows of the matching deployments. */
export const rollupsOf = (userId: string, filter: Filter): SQL =>
  sql`user_id = ${userId} and ${ofCountedKinds(filter)} ${
    isFiltered(filter) ? matching(userId, filter) : sql`and deployment_id <> ${allDeployments}`
  }`

/** The same for sums only: without a filter, reads the totals of all of the user's deployments. */
export const totalsOf = (userId: string, filter: Filter): SQL =>
  sql`user_id = ${userId} and ${ofCountedKinds(filter)} ${
    isFiltered(filter)
      ? matching(userId, filter)
      : sql`and deployment_id = ${allDeployments} and workflow_id = ${allDeployments}`
  }`

/** Grains that `runsIn` and `runsInBuckets` can read as totals. Rollups of ten minutes exist for the user's totals only. */
export const totalGrains = (filter: Filter): readonly Grain[] =>
  isFiltered(filter) ? ['day', 'hour'] : ['day', 'hour', '10min']

interface RunOptions {
  /** The parts of span 1, the preceding period. Span 0 is the period. */
  earlier?: Part[]
  /** Read totals, without IDs. */
  totals?: boolean
}

const ids = sql`deployment_id, workflow_id, workflow_version`
const noIds = sql`null::uuid as deployment_id, null::uuid as workflow_id, 0 as workflow_version`

/**
 * A select of the runs in `parts`, to be summed: a single row may be 0 or negative. Columns: `span, deployment_id,
 * workflow_id, workflow_version, at` (a UTC hour or day), a count for each status, and the histogram `durations`.
 */
export function runsIn(
  userId: string,
  filter: Filter,
  parts: Part[],
  { earlier = [], totals = false }: RunOptions = {},
): SQL {
  const { span, whole, partialHours } = splitBySource(parts, earlier)
  const isWhole = anyOf(whole.map(isIn))
  const rows = sql`
    select ${span}, ${totals ? noIds : ids}, date_bin('1 hour', at, '2000-01-01Z') as at, ${statusNames}, durations
    from ${
      totals
        ? totalsFrom(userId, filter, whole.map(toGrainRange), isWhole)
        : sql`execution_stats_now where ${rollupsOf(userId, filter)} and ${isWhole}`
    }`
  if (partialHours.length === 0) return rows
  const { ranges, values } = rangesOf(partialHours, ({ span: each, sign }) => [each, sign])
  return sql`${rows}
    union all select span, ${ids}, at,
      ${statusesWith((_, status) => sql`case status when ${status} then sign * runs else 0 end`)},
      coalesce(sign * runs * duration_histogram(bucket), 0)
    from ${runsBetween(userId, filter, ranges, totals)} join (values ${values}) partial_hour (place, span, sign) using (place)
    where ${ofCountedKinds(filter)}`
}

const runsBetween = (
  userId: string,
  filter: Filter,
  { starts, ends }: RangeArrays,
  totals: boolean,
): SQL => sql`
  runs_between(${userId}, ${starts}, ${ends}, ${totals}, ${workflowsOf(userId, filter) ?? null},
    ${filter.deploymentId ?? null}, ${filter.instanceId ?? null})`

/**
 * A select of the runs of a series, to be summed after multiplying by `sign`. Columns: `bucket, sign`, a count for each
 * status, and the histogram `durations`.
 */
export function runsInBuckets(
  userId: string,
  filter: Filter,
  buckets: Buckets,
  { whole, moved, partialHours }: BucketParts,
): SQL {
  const isWhole = anyOf(whole.map(isIn))
  const isMoved = moved.map(({ grain, ranges }) => isOneOf(grain, ranges))
  const all = [
    ...whole.map(toGrainRange),
    ...moved.flatMap(({ grain, ranges }) => ranges.map((range) => ({ grain, ...range }))),
  ]
  const columns = sql`${statusNames}, durations`
  const rows = sql`
    select ${bucketAt(sql`at + ${byGrain((ms) => sql.raw(`interval '${ms / 2} milliseconds'`))}`, buckets)} as bucket,
      1 as sign, ${columns}, ${isMoved.length > 0 ? sql`not ${isWhole}` : sql`false`} as is_moved, grain, at
    from ${totalsFrom(userId, filter, all, anyOf([isWhole, ...isMoved]))}`
  const { ranges, values } = rangesOf(partialHours, ({ bucket, sign }) => [bucket, sign])
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
      partialHours.length === 0
        ? sql``
        : sql`union all
          select partial_hour.bucket, sign,
            ${statusesWith((_, status) => sql`case status when ${status} then runs else 0 end`)},
            coalesce(runs * duration_histogram(ran.bucket), 0)
          from ${runsBetween(userId, filter, ranges, true)} ran
          join (values ${values}) partial_hour (place, bucket, sign) using (place)
          where ${ofCountedKinds(filter)}`
    }`
}

/** The bucket of a time in the range. */
export const bucketAt = (at: SQL, { edges, bucketOf }: Buckets): SQL => sql`
  (${`{${bucketOf.join(',')}}`}::integer[])[1 + width_bucket(${at}, ${timeArray(edges)})]`

const byGrain = (value: (ms: number) => SQL) =>
  sql`case grain when 'day' then ${value(unitMs.day)} when 'hour' then ${value(unitMs.hour)}
    else ${value(unitMs['10min'])} end`

/** The failed runs of `runsIn`: `span, fingerprint, deployment_id, workflow_id, workflow_version, at, runs`. */
export function failuresIn(
  userId: string,
  filter: Filter,
  parts: Part[],
  { earlier = [] }: Pick<RunOptions, 'earlier'> = {},
): SQL {
  const { span, whole, partialHours } = splitBySource(parts, earlier)
  const rows = sql`
    select ${span}, fingerprint, ${ids}, at, runs from error_stats_now
    where user_id = ${userId} and ${ofCountedKinds(filter)} ${matching(userId, filter)} and ${anyOf(whole.map(isIn))}`
  if (partialHours.length === 0) return rows
  const { ranges, values } = rangesOf(partialHours, ({ span: each, sign }) => [each, sign])
  return sql`${rows}
    union all select span, fingerprint, ${ids}, at, sign * runs
    from failures_between(${userId}, ${ranges.starts}, ${ranges.ends})
    join (values ${values}) partial_hour (place, span, sign) using (place)
    where ${ofCountedKinds(filter)} ${matching(userId, filter)}`
}

/**
 * The usage of models in `parts`, to be summed. Columns: `deployment_id, workflow_id, workflow_version, instance_id, model,
 * at` and those of `usageNames`. Runs of all kinds, because providers charge for all of them.
 */
export function usageIn(userId: string, filter: Filter, parts: Part[]): SQL {
  const { whole, partialHours } = splitBySource(parts, [])
  const key = sql`${ids}, instance_id, model, at`
  const rows = sql`
    select ${key}, executions, ${usageNames} from usage_stats_now
    where user_id = ${userId} ${matching(userId, filter)} and ${anyOf(whole.map(isIn))}`
  if (partialHours.length === 0) return rows
  const { ranges, values } = rangesOf(partialHours, ({ sign }) => [sign])
  return sql`${rows}
    union all select ${key}, sign * executions, sign * calls, sign * input, sign * cached, sign * written,
      sign * output, sign * estimated
    from usage_between(${userId}, ${ranges.starts}, ${ranges.ends})
    join (values ${values}) partial_hour (place, sign) using (place)
    where true ${matching(userId, filter)}`
}

const isRollup = (part: Part): part is RollupPart => part.source !== 'executions'

/** Splits parts by source: whole days and hours, and partial hours. */
function splitBySource(parts: Part[], earlier: Part[]) {
  return {
    span: sql`${spanOf(parts.filter(isRollup), earlier)} as span`,
    whole: [...earlier, ...parts].filter(isRollup),
    partialHours: [
      ...parts.map((part) => ({ ...part, span: 0 })),
      ...earlier.map((part) => ({ ...part, span: 1 })),
    ].filter((part) => !isRollup(part)),
  }
}

/** A condition on a rollup row. */
const isIn = (part: RollupPart) => sql`grain = ${part.source} ${within(sql`at`, part)}`

const toGrainRange = ({ source, from, to }: RollupPart) => ({ grain: source, from, to })

/**
 * Rollups to be summed, after `from`. Without a filter, the user's totals in `ranges`, whose number does not depend on the
 * number of deployments.
 * @param isWanted the same ranges as a condition on a rollup row
 */
function totalsFrom(
  userId: string,
  filter: Filter,
  ranges: { grain: Grain; from: number | Date | null; to: number | Date | null }[],
  isWanted: SQL,
): SQL {
  if (isFiltered(filter)) return sql`execution_stats_now where ${rollupsOf(userId, filter)} and ${isWanted}`
  const grains = sql`${`{${ranges.map(({ grain }) => grain).join(',')}}`}::text[]`
  const times = (bound: 'from' | 'to') => timeArray(ranges.map((range) => range[bound]))
  return sql`user_totals(${userId}, ${grains}, ${times('from')}, ${times('to')}) where ${ofCountedKinds(filter)}`
}

/** The rollups of a grain at the start of each unit in the ranges. */
function isOneOf(grain: Grain, ranges: { from: number | Date; to: number | Date }[]): SQL {
  const times = (bound: 'from' | 'to') => timeArray(ranges.map((range) => range[bound]))
  const step = sql.raw(`interval '${unitMs[grain]} milliseconds'`)
  return sql`grain = ${grain} and at = any(array(
    select generate_series(starts, ends - ${step}, ${step})
    from unnest(${times('from')}, ${times('to')}) each (starts, ends)))`
}

const anyOf = (conditions: SQL[]) =>
  sql`(${conditions.length > 0 ? joined(conditions, sql` or `) : sql`false`})`

/** The span of a rollup row: span 0 starts where its first whole part starts. */
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

const timeArray = (times: (number | Date | null)[]): SQL =>
  sql`${`{${times.map((time) => (time === null ? 'null' : new Date(time).toISOString())).join(',')}}`}::timestamptz[]`

/**
 * Ranges that several partial hours share are read once. `values` joins the partial hours to the rows that were read: the
 * place of the range, and the result of `columnsOf`.
 */
function rangesOf<P extends Range>(partialHours: P[], columnsOf: (partialHour: P) => number[]) {
  const keyOf = ({ from, to }: Range) => `${from?.getTime()} ${to?.getTime()}`
  const ranges = [...new Map(partialHours.map((each) => [keyOf(each), each])).values()]
  const places = new Map(ranges.map((range, index) => [keyOf(range), index + 1]))
  const times = (bound: 'from' | 'to'): SQL => timeArray(ranges.flatMap((range) => range[bound] ?? []))
  const rows = partialHours.map((each) => `(${[places.get(keyOf(each)), ...columnsOf(each)].join(', ')})`)
  return {
    ranges: { starts: times('from'), ends: times('to') } satisfies RangeArrays,
    values: sql.raw(rows.join(', ')),
  }
}

/** Sums of a group of `runsIn`: `runs`, `failed` and `succeeded`. */
export const groupSums = sql`${statusesWith((name) => sql`sum(${name})`, sql` + `)} as runs, sum(${failedSum}) as failed, sum(success) as succeeded`

export interface GroupSums extends Record<string, unknown> {
  /** Number of groups before `limit` is applied. */
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
  /** By what is certain: 100 of 101 is before 3 of 3. */
  successRate: sql`${lowerBound(sql`succeeded::float8`, sql`(failed + succeeded)::float8`)} desc nulls last, runs desc`,
  p95: sql`p95 desc nulls last, runs desc`,
  cost: sql`cost desc nulls last, runs desc`,
}

/** A list of the first groups. */
export interface Ranking {
  /** A total order. */
  order: SQL
  /** The order depends on percentiles, which are then computed for every group. */
  byDuration: boolean
  limit: number
}

/**
 * The `with` clause `top_groups`: the first groups of each ranking with their percentiles, `ranking`, its index, and their
 * `place` in it.
 * @param sums a select of groups with the histogram `durations`
 * @param key the columns of a group: `sums` then lacks `durations`, which are read from the clause `runs`, for no more groups
 *   than necessary, because adding up the histograms of many groups takes longer than reading them
 */
export function topGroups({
  sums,
  rankings: [ranking, ...others],
  key,
}: {
  sums: SQL
  rankings: [Ranking, ...Ranking[]]
  key?: SQL
}): SQL {
  const first = ({ order, limit }: Ranking) => sql`order by ${order} limit ${limit}`
  const isCut = others.length === 0 && !ranking.byDuration
  return sql`
    candidates as materialized (
      select *, count(*) over () as of_all from (${sums}) summed ${isCut ? first(ranking) : sql``}
    ),
    ${
      key
        ? sql`histograms as (
            select ${key}, sum(durations) as durations from runs
            where ((${key}) in (select ${key} from candidates)) is true
            group by ${key}
          ),`
        : sql``
    }
    timed as (
      select * from candidates ${key ? sql`left join histograms using (${key})` : sql``}
      cross join lateral duration_percentiles(durations) percentiles
    ),
    top_groups as (${joined(
      [ranking, ...others].map(
        (each, index) => sql`
          select ${sql.raw(String(index))} as ranking, row_number() over (order by ${each.order}) as place, *
          from (select * from timed ${first(each)}) ranked`,
      ),
      sql` union all `,
    )})`
}
