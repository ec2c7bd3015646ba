import { sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { executionStatuses } from '../db/schema/executions.ts'
import { invalid } from '../errors.ts'
import { bucketsOf, lengthMs } from '../runs/buckets.ts'
import { maxBuckets, type Series } from './contract.ts'
import { type Interval } from '../runs/period.ts'
import { incidentsByBucket } from './incident-sources.ts'
import { type BoundedRange, partsOf, periodOf } from '../runs/period.ts'
import { type Choice, runsInBuckets, statusNames, togetherGrains } from '../runs/sources.ts'
import { bucketParts } from '../runs/series-parts.ts'
import { durationsOf, type StatusCounts, statusSums, successRateOf } from './summary.ts'

const nothing = Object.fromEntries([
  ...executionStatuses.map((status) => [status, 0]),
  ...['p50', 'p95', 'p99', 'incidents'].map((name) => [name, null]),
]) as StatusCounts

/** @throws {AppError} `invalid` when there would be more than `maxBuckets` */
export async function series(
  db: Db,
  userId: string,
  choice: Choice,
  range: BoundedRange,
  { interval, timeZone }: { interval: Interval; timeZone: string },
): Promise<Series> {
  const answer = { period: periodOf(range), interval, timeZone }
  const { from, to } = range
  if (from >= to) return { ...answer, items: [] }
  if ((to.getTime() - from.getTime()) / lengthMs[interval] > maxBuckets) {
    throw invalid(
      'interval',
      `There would be more than ${maxBuckets} of them: ask for a shorter period, or for a longer interval`,
    )
  }
  const all = togetherGrains(choice)
  const grains = interval === 'hour' ? all.filter((grain) => grain !== 'day') : all
  const buckets = bucketsOf(range, interval, timeZone)
  const runs = runsInBuckets(userId, choice, buckets, bucketParts(partsOf(range, grains), buckets, grains))
  const { rows } = await db.execute<StatusCounts & { bucket: number }>(sql`
    with runs as (${runs}),
    counted as (select bucket, ${statusSums}, sum(sign * durations) as durations from runs group by bucket),
    incidents as (${incidentsByBucket(userId, choice, range, buckets)})
    select bucket, ${statusNames}, incidents, p50, p95, p99
    from counted full join incidents using (bucket) cross join lateral duration_percentiles(durations) timed`)
  const counted = new Map(rows.map((row) => [row.bucket, row]))
  return {
    ...answer,
    items: buckets.starts.map((startMs, bucket) => {
      const row = counted.get(bucket) ?? nothing
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
