import { sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { type ExecutionStatus, executionStatuses } from '../db/schema/executions.ts'
import { percentageOf } from '../lib/percentage.ts'
import { isFailed } from '../runs/meaning.ts'
import { durationErrorBound, type Summary, type Sums } from './contract.ts'
import { incidentsBySpan } from './incident-sources.ts'
import { partsOf, type Range, rangeBefore } from '../runs/period.ts'
import {
  type Choice,
  type GroupSums,
  runsIn,
  statusesWith,
  statusNames,
  togetherGrains,
} from '../runs/sources.ts'

/** Null in what is joined and has no runs. */
export type StatusCounts = Record<ExecutionStatus, number | null> & {
  p50: number | null
  p95: number | null
  p99: number | null
  incidents: number | null
}

/** Of rows with a `sign`. */
export const statusSums = statusesWith((status) => sql`sum(sign * ${status})::float8 as ${status}`)
const statusColumns = statusesWith((status) => sql`coalesce(sum(${status}), 0)::float8 as ${status}`)

/** With the period before, when `range` has a beginning. @param now where an open range ends, to be compared */
export async function sumUp(
  db: Db,
  userId: string,
  choice: Choice,
  range: Range,
  now: Date,
): Promise<Summary> {
  const before = range.from && rangeBefore({ from: range.from, to: range.to ?? later(now, range.from) })
  const grains = togetherGrains(choice)
  const earlier = before ? partsOf(before, grains) : []
  const runs = runsIn(userId, choice, partsOf(range, grains), { earlier, together: true })
  const { rows } = await db.execute<StatusCounts & { span: number }>(sql`
    with runs as (${runs}),
    counted as (select span, ${statusColumns}, sum(durations) as durations from runs group by span),
    incidents as (${incidentsBySpan(userId, choice, range, before)})
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
    successRate: successRateOf(row),
    incidents: row?.incidents ?? 0,
    durationMs: durationsOf(row),
  }
}

/** How many runs of a summary failed. */
export const failedIn = (byStatus: Sums['byStatus'] = []): number =>
  byStatus.reduce((sum, { status, count }) => sum + (isFailed(status) ? count : 0), 0)

/** Of those that ended by themselves: success / (success + error + crashed). */
export function successRateOf(row: Pick<StatusCounts, 'success' | 'error' | 'crashed'> | undefined) {
  const { success, error, crashed } = row ?? { success: 0, error: 0, crashed: 0 }
  return percentageOf(success ?? 0, (success ?? 0) + (error ?? 0) + (crashed ?? 0))
}

export const durationsOf = (row: Partial<Pick<StatusCounts, 'p50' | 'p95' | 'p99'>> = {}) => ({
  ...{ p50: row.p50 ?? null, p95: row.p95 ?? null, p99: row.p99 ?? null },
  errorBound: durationErrorBound,
})

/** What every group of runs is shown with. */
export const ratesOf = (row: GroupSums) => ({
  runs: row.runs,
  failed: row.failed,
  successRate: percentageOf(row.succeeded, row.succeeded + row.failed),
  durationMs: durationsOf(row),
})
