import { type SQL, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { executionStatuses } from '../db/schema/executions.ts'
import { invalid } from '../errors.ts'
import { type Interval, maxBuckets, type Series } from './contract.ts'
import { type BoundedRange, dayMs, floor, type Grain, hourMs, partsOf, periodOf } from './period.ts'
import { type Choice, percentiles, runsIn } from './run-sources.ts'
import { type StatusCounts, statusColumns, statusSums, successRateOf } from './summary.ts'

const lengthMs: Record<Interval, number> = { hour: hourMs, day: dayMs, week: 7 * dayMs }

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
  // Elsewhere a day is made of other hours than a UTC day.
  const grains: Grain[] = interval !== 'hour' && timeZone === 'UTC' ? ['day', 'hour'] : ['hour']
  const { pieces, runs, times, deployments } = runsIn(userId, choice, partsOf(range, grains))
  // By a small table of places: what a clock shows costs more than a join.
  const placed = (rows: 'runs' | 'times') =>
    interval === 'hour'
      ? sql`(select *, at as bucket_start from ${sql.identifier(rows)}) placed`
      : sql`${sql.identifier(rows)} join places using (at)`
  const inZone = (at: SQL) =>
    sql`date_trunc(${sql.raw(`'${interval}'`)}, ${at} at time zone ${timeZone}::text)`
  /** Which bucket a whole UTC hour is in: itself, or when the day or week begins on the clocks of the zone. */
  const bucketOf = interval === 'hour' ? (at: SQL) => at : inZone
  const first = sql`${floor(from, hourMs).toISOString()}::timestamptz`
  const last = sql`${floor(new Date(to.getTime() - 1), hourMs).toISOString()}::timestamptz`
  const { rows } = await db.execute<StatusCounts & { start_ms: number }>(sql`
    with ${pieces} times as (${times(deployments)}),
    runs as materialized (select at, ${statusSums} from (${runs}) r group by at),
    places as materialized (select at, ${bucketOf(sql`at`)} as bucket_start from runs),
    counted as (select bucket_start, ${statusColumns} from ${placed('runs')} group by bucket_start),
    placed as (select bucket_start, bucket, runs from ${placed('times')}),
    timed as (${percentiles(sql`placed`, sql`bucket_start`)}),
    buckets as (
      select bucket_start, ${interval === 'hour' ? sql`bucket_start` : firstHour(timeZone)} as start
      from generate_series(${bucketOf(first)}, ${bucketOf(last)}, ${`1 ${interval}`}::interval) bucket_start
    )
    select extract(epoch from b.start)::float8 * 1000 as start_ms, counted.*, timed.p50, timed.p95, timed.p99
    from (select *, lead(start) over (order by bucket_start) as next_start from buckets) b
    left join counted using (bucket_start)
    left join timed using (bucket_start)
    where b.start < b.next_start or b.next_start is null
    order by b.start`)
  return {
    ...answer,
    items: rows.map((row) => {
      const counts = executionStatuses.map((status) => [status, row[status] ?? 0] as const)
      return {
        start: new Date(row.start_ms).toISOString(),
        total: counts.reduce((sum, [, count]) => sum + count, 0),
        byStatus: Object.fromEntries(counts) as Series['items'][number]['byStatus'],
        successRate: successRateOf(row),
        durationMs: { p50: row.p50, p95: row.p95, p99: row.p99 },
      }
    }),
  }
}

/**
 * The first whole UTC hour that is in the bucket. A clock that is put back over the beginning shows it twice, of which
 * Postgres takes the second.
 */
const firstHour = (timeZone: string) => sql`(
  select date_trunc('hour', begins + interval '3599999 milliseconds', 'UTC')
  from (select bucket_start at time zone ${timeZone}::text as later) l
  cross join lateral (select case when (later - interval '1 hour') at time zone ${timeZone}::text >= bucket_start
    then later - interval '1 hour' else later end as begins) b
)`
