import { type SQL, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { executionStatuses } from '../db/schema/executions.ts'
import { invalid } from '../errors.ts'
import { type Interval, maxBuckets, type Series } from './contract.ts'
import { dayMs, hourMs } from '../lib/time.ts'
import { type BoundedRange, floor, type Part, partsOf, periodOf } from './period.ts'
import { type Choice, runsIn, statusNames, togetherGrains } from './run-sources.ts'
import { type StatusCounts, statusSums, successRateOf } from './summary.ts'

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
  const grains = togetherGrains(choice)
  const parts = partsOf(range, interval === 'hour' ? grains.filter((grain) => grain !== 'day') : grains)
  const isElsewhere = interval !== 'hour' && timeZone !== 'UTC'
  const runs = runsIn(userId, choice, parts, {
    together: true,
    alsoHours: isElsewhere ? sql`at = any(array(select at from moved))` : undefined,
  })
  /** Which bucket a whole UTC hour is in: itself, or when the day or week begins on the clocks of the zone. */
  const bucketOf = (at: SQL) =>
    interval === 'hour'
      ? at
      : sql`date_trunc(${sql.raw(`'${interval}'`)}, ${at} at time zone ${timeZone}::text)`
  const first = sql`${floor(from, hourMs).toISOString()}::timestamptz`
  const last = sql`${floor(new Date(to.getTime() - 1), hourMs).toISOString()}::timestamptz`
  const { rows } = await db
    .execute<StatusCounts & { start_ms: number }>(sql`
    with ${isElsewhere ? placesOf(parts, bucketOf) : sql``}
    runs as (${runs}),
    placed as (
      ${
        isElsewhere
          ? sql`select runs.*, places.sign, places.bucket_start from runs join places using (grain, at)`
          : sql`select *, 1 as sign, ${bucketOf(sql`at`)} as bucket_start from runs`
      }
    ),
    counted as (
      select bucket_start, ${statusSums}, sum(sign * durations) as durations from placed group by bucket_start
    ),
    buckets as (
      select bucket_start, ${interval === 'hour' ? sql`bucket_start` : firstHour(timeZone)} as start
      from generate_series(${bucketOf(first)}, ${bucketOf(last)}, ${`1 ${interval}`}::interval) bucket_start
    )
    select extract(epoch from b.start)::float8 * 1000 as start_ms, ${statusNames}, p50, p95, p99
    from (select *, lead(start) over (order by bucket_start) as next_start from buckets) b
    left join counted using (bucket_start)
    cross join lateral duration_percentiles(durations) timed
    where b.start < b.next_start or b.next_start is null
    order by b.start`)
    .catch((error: unknown) => {
      if (databaseError(error).sqlState !== '22023') throw error
      throw invalid('timeZone', 'The database does not know this time zone')
    })
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
 * The clauses `moved` and `places`: a UTC day counts to the bucket that its noon is in; hours of it that are in another
 * one on the clocks of the zone count there, and are taken off here.
 */
function placesOf(parts: Part[], bucketOf: (at: SQL) => SQL): SQL {
  const hoursIn = (...sources: Part['source'][]) => {
    const ranges = parts
      .filter(({ source }) => sources.includes(source))
      .map(
        ({ from, to }) => sql`
        select at from generate_series(date_bin('1 hour', ${from?.toISOString()}::timestamptz, '2000-01-01Z'),
          ${to?.toISOString()}::timestamptz, '1 hour') at
        where at < ${to?.toISOString()}::timestamptz`,
      )
    return ranges.length > 0 ? sql.join(ranges, sql` union `) : sql`select null::timestamptz where false`
  }
  return sql`
    hours as materialized (
      select at, date_trunc('day', at, 'UTC') as day, ${bucketOf(sql`at`)} as bucket_start from (${hoursIn('day')}) h (at)
    ),
    days as (
      select at, bucket_start from hours where at = day + interval '12 hours'
    ),
    moved as materialized (
      select hours.at, hours.bucket_start, days.bucket_start as day_bucket_start
      from hours join days on days.at = day + interval '12 hours'
      where hours.bucket_start <> days.bucket_start
    ),
    places as (
      select 'day' as grain, at - interval '12 hours' as at, bucket_start, 1 as sign from days
      union all select 'hour', at, bucket_start, 1 from moved
      union all select 'hour', at, day_bucket_start, -1 from moved
      union all select 'hour', at, ${bucketOf(sql`at`)}, 1 from (${hoursIn('hour')}) h (at)
      union all select 'piece', at, ${bucketOf(sql`at`)}, 1 from (${hoursIn('10min', 'executions')}) h (at)
    ),`
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
