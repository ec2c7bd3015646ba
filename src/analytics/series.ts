import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { executionStatuses } from '../db/schema/executions.ts'
import { invalid } from '../errors.ts'
import { bucketsOf, joinBuckets } from '../runs/buckets.ts'
import { maxBuckets, type Series } from './contract.ts'
import { type BoundedRange, type Interval, intervalMs, partsOf, periodOf } from '../runs/period.ts'
import { incidentsByBucket } from './incident-sources.ts'
import { type Filter, runsInBuckets, statusNames, totalGrains } from '../runs/sources.ts'
import { bucketParts } from '../runs/series-parts.ts'
import { durationsOf, type StatusCounts, statusSums, successRateOf } from './summary.ts'

const empty = Object.fromEntries([
  ...executionStatuses.map((status) => [status, 0]),
  ...['p50', 'p95', 'p99', 'incidents'].map((name) => [name, null]),
]) as StatusCounts

/** @throws {AppError} `invalid` for more than `maxBuckets` buckets */
export async function series(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { interval, perBucket, timeZone }: { interval: Interval; perBucket: number; timeZone: string },
): Promise<Series> {
  const answer = { period: periodOf(range), interval, timeZone }
  const { from, to } = range
  if (from >= to) return { ...answer, items: [] }
  if ((to.getTime() - from.getTime()) / intervalMs[interval] > maxBuckets) {
    throw invalid(
      'interval',
      `The period has more than ${maxBuckets} buckets. Shorten the period or lengthen the interval`,
    )
  }
  const all = totalGrains(filter)
  const grains = interval === 'hour' ? all.filter((grain) => grain !== 'day') : all
  const buckets = joinBuckets(bucketsOf(range, interval, timeZone), perBucket)
  const runs = runsInBuckets(userId, filter, buckets, bucketParts(partsOf(range, grains), buckets, grains))
  const { rows } = await db.execute<StatusCounts & { bucket: number }>(sql`
    with runs as (${runs}),
    counted as (select bucket, ${statusSums}, sum(sign * durations) as durations from runs group by bucket),
    incidents as (${incidentsByBucket(userId, filter, range, buckets)})
    select bucket, ${statusNames}, incidents, p50, p95, p99
    from counted full join incidents using (bucket) cross join lateral duration_percentiles(durations) timed`)
  const counted = new Map(rows.map((row) => [row.bucket, row]))
  return {
    ...answer,
    items: buckets.starts.map((startMs, bucket) => {
      const row = counted.get(bucket) ?? empty
      const counts = executionStatuses.map((status) => [status, row[status] ?? 0] as const)
      return {
        start: new Date(startMs).toISOString(),
        total: counts.reduce((sum, [, count]) => sum + count, 0),
        byStatus: Object.fromEntries(counts) as Series['items'][number]['byStatus'],
        successRate: successRateOf(row),
        incidents: row.incidents ?? 0,
        durationMs: durationsOf(row),
      }
    }),
  }
}
