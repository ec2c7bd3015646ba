import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { type ExecutionStatus, executionStatuses } from '../db/schema/executions.ts'
import { decisiveStatuses, intervalOf, isFailed, percentageOf } from '../runs/meaning.ts'
import { durationErrorBound, type Summary, type Sums } from './contract.ts'
import { incidentsBySpan } from './incident-sources.ts'
import { partsOf, type Range, rangeBefore } from '../runs/period.ts'
import {
  type Filter,
  type GroupSums,
  runsIn,
  statusesWith,
  statusNames,
  totalGrains,
} from '../runs/sources.ts'

/** Null in joined rows without runs. */
export type StatusCounts = Record<ExecutionStatus, number | null> & {
  p50: number | null
  p95: number | null
  p99: number | null
  incidents: number | null
}

/** For rows with a `sign`. */
export const statusSums = statusesWith((status) => sql`sum(sign * ${status})::float8 as ${status}`)
const statusColumns = statusesWith((status) => sql`coalesce(sum(${status}), 0)::float8 as ${status}`)

/** Includes the preceding period when `range` has a start. @param now the end of an open range */
export async function summarize(
  db: Reader,
  userId: string,
  filter: Filter,
  range: Range,
  now: Date,
): Promise<Summary> {
  const before = range.from && rangeBefore({ from: range.from, to: range.to ?? later(now, range.from) })
  const grains = totalGrains(filter)
  const earlier = before ? partsOf(before, grains) : []
  const runs = runsIn(userId, filter, partsOf(range, grains), { earlier, totals: true })
  const { rows } = await db.execute<StatusCounts & { span: number }>(sql`
    with runs as (${runs}),
    counted as (select span, ${statusColumns}, sum(durations) as durations from runs group by span),
    incidents as (${incidentsBySpan(userId, filter, range, before)})
    select ${statusNames}, span, incidents, p50, p95, p99
    from incidents left join counted using (span) cross join lateral duration_percentiles(durations) timed`)
  const sumsOf = (wanted: number) => toSums(rows.find(({ span }) => span === wanted))
  return { ...sumsOf(0), ...(before && { previous: sumsOf(1) }) }
}

const later = (a: Date, b: Date) => (a > b ? a : b)

function toSums(row: StatusCounts | undefined): Sums {
  const byStatus = executionStatuses
    .map((status) => ({ status, count: row?.[status] ?? 0 }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || (a.status < b.status ? -1 : 1))
  const total = byStatus.reduce((sum, { count }) => sum + count, 0)
  return {
    total,
    byStatus: byStatus.map(({ status, count }) => ({
      status,
      count,
      percentage: percentageOf(count, total) ?? 0,
    })),
    ...successOf(row?.success ?? 0, decisiveIn(row)),
    incidents: row?.incidents ?? 0,
    durationMs: durationsOf(row),
  }
}

/** Number of failed runs in a summary. */
export const failedIn = (byStatus: Sums['byStatus'] = []): number =>
  byStatus.reduce((sum, { status, count }) => sum + (isFailed(status) ? count : 0), 0)

type DecisiveCounts = Pick<StatusCounts, (typeof decisiveStatuses)[number]>

const decisiveIn = (row: DecisiveCounts | undefined) =>
  decisiveStatuses.reduce((sum, status) => sum + (row?.[status] ?? 0), 0)

/** success / (success + error + crashed) */
export const successRateOf = (row: DecisiveCounts | undefined) =>
  percentageOf(row?.success ?? 0, decisiveIn(row))

const successOf = (succeeded: number, decisive: number) => ({
  successRate: percentageOf(succeeded, decisive),
  successRateInterval: intervalOf(succeeded, decisive),
})

export const durationsOf = (row: Partial<Pick<StatusCounts, 'p50' | 'p95' | 'p99'>> = {}) => ({
  p50: row.p50 ?? null,
  p95: row.p95 ?? null,
  p99: row.p99 ?? null,
  errorBound: durationErrorBound,
})

/** The statistics of every group of runs. */
export const ratesOf = (row: GroupSums) => ({
  runs: row.runs,
  failed: row.failed,
  ...successOf(row.succeeded, row.succeeded + row.failed),
  durationMs: durationsOf(row),
})
