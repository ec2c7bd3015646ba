/** @module Failures without a run, as SQL sources of analytics. */
import { type SQL, sql } from 'drizzle-orm'
import type { Buckets } from '../runs/buckets.ts'
import type { Range } from '../runs/period.ts'
import { bucketAt, type Filter, matching, within } from '../runs/sources.ts'

const ofUser = (userId: string, filter: Filter, range: Range): SQL => sql`
  from incidents where user_id = ${userId} ${matching(userId, filter)} ${within(sql`occurred_at`, range)}`

/** `span, incidents`: span 0 is the range, span 1 the preceding range. */
export function incidentsBySpan(userId: string, filter: Filter, range: Range, before: Range | null): SQL {
  const count = (span: number, of: Range) =>
    sql`select ${sql.raw(String(span))} as span, count(*)::float8 as incidents ${ofUser(userId, filter, of)}`
  return before ? sql`${count(0, range)} union all ${count(1, before)}` : count(0, range)
}

/** `bucket, incidents` of a series. */
export const incidentsByBucket = (userId: string, filter: Filter, range: Range, buckets: Buckets): SQL => sql`
  select bucket, count(*)::float8 as incidents
  from (select ${bucketAt(sql`occurred_at`, buckets)} as bucket ${ofUser(userId, filter, range)}) bucketed
  group by bucket`

/** `workflow_id, incidents`. */
export const incidentsByWorkflow = (userId: string, filter: Filter, range: Range): SQL => sql`
  select workflow_id, count(*) as incidents ${ofUser(userId, filter, range)} group by workflow_id`

/** Both spans, with the columns of `failuresIn`. */
export const incidentFailures = (userId: string, filter: Filter, range: Range, before: Range): SQL => sql`
  select (occurred_at < ${range.from?.toISOString()}::timestamptz)::integer as span, fingerprint, deployment_id,
    workflow_id, workflow_version, occurred_at as at, 0 as runs, 1 as incidents
  ${ofUser(userId, filter, { from: before.from, to: range.to })}`
