/** @module Incidents as the statements of analytics count them: failures that have no run. */
import { type SQL, sql } from 'drizzle-orm'
import type { Buckets } from '../runs/buckets.ts'
import type { Range } from '../runs/period.ts'
import { bucketAt, type Choice, chosen, within } from '../runs/sources.ts'

const ofUser = (userId: string, choice: Choice, range: Range): SQL => sql`
  from incidents where user_id = ${userId} ${chosen(userId, choice)} ${within(sql`occurred_at`, range)}`

/** `span, incidents`: of the range, and of the one before it. */
export function incidentsBySpan(userId: string, choice: Choice, range: Range, before: Range | null): SQL {
  const count = (span: number, of: Range) =>
    sql`select ${sql.raw(String(span))} as span, count(*)::float8 as incidents ${ofUser(userId, choice, of)}`
  return before ? sql`${count(0, range)} union all ${count(1, before)}` : count(0, range)
}

/** `bucket, incidents` of a series. */
export const incidentsByBucket = (userId: string, choice: Choice, range: Range, buckets: Buckets): SQL => sql`
  select bucket, count(*)::float8 as incidents
  from (select ${bucketAt(sql`occurred_at`, buckets)} as bucket ${ofUser(userId, choice, range)}) placed
  group by bucket`

/** `workflow_id, incidents`. */
export const incidentsByWorkflow = (userId: string, choice: Choice, range: Range): SQL => sql`
  select workflow_id, count(*) as incidents ${ofUser(userId, choice, range)} group by workflow_id`

/** Of both periods of `failuresIn`, with its columns. */
export const incidentFailures = (userId: string, choice: Choice, range: Range, before: Range): SQL => sql`
  select (occurred_at < ${range.from?.toISOString()}::timestamptz)::integer as span, fingerprint, deployment_id,
    workflow_id, workflow_version, occurred_at as at, 0 as runs, 1 as incidents
  ${ofUser(userId, choice, { from: before.from, to: range.to })}`
