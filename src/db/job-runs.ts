/** @module Stores the last run of each part of the scheduled job, for `flowkeep jobs`. */
import { asc, sql } from 'drizzle-orm'
import { type Db, idempotent } from './client.ts'
import { jobRuns } from './schema/job-runs.ts'

export interface JobRun {
  part: string
  startedAt: Date
  finishedAt: Date
  /** The name of the error; null if the part succeeded. */
  error: string | null
  /** Null if the part does not count anything. */
  items: number | null
}

/** One statement. A run that started earlier does not replace a later one. */
export async function recordJobRuns(db: Db, runs: readonly JobRun[]): Promise<void> {
  if (runs.length === 0) return
  await idempotent(db).execute(sql`
    insert into job_runs as known (part, last_started_at, last_finished_at, last_succeeded_at, last_error, items)
    select part, "startedAt", "finishedAt", case when error is null then "finishedAt" end, error, items
    from jsonb_to_recordset(${JSON.stringify(runs)}::jsonb)
      as run (part text, "startedAt" timestamptz, "finishedAt" timestamptz, error text, items bigint)
    order by part
    on conflict (part) do update set last_started_at = excluded.last_started_at,
      last_finished_at = excluded.last_finished_at, last_error = excluded.last_error,
      last_succeeded_at = coalesce(excluded.last_succeeded_at, known.last_succeeded_at),
      items = case when excluded.last_error is null then excluded.items else known.items end
    where known.last_started_at <= excluded.last_started_at`)
}

export const listJobRuns = (db: Db) => db.read.select().from(jobRuns).orderBy(asc(jobRuns.part))
