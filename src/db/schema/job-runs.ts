/** @module The last run of each part of the scheduled job. */
import { bigint, pgTable, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'

export const jobRuns = pgTable('job_runs', {
  part: text('part').primaryKey(),
  lastStartedAt: instant('last_started_at').notNull(),
  lastFinishedAt: instant('last_finished_at').notNull(),
  lastSucceededAt: instant('last_succeeded_at'),
  /** The name of the error of the last run; null if it succeeded. */
  lastError: text('last_error'),
  /** How many rows or other items the last successful run processed, if the part counts them. */
  items: bigint('items', { mode: 'number' }),
})
