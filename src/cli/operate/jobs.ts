/** @module `flowkeep jobs`: the last run of each part of the scheduled job, such as retention and purges. */
import { createDb, type Db } from '../../db/client.ts'
import { listJobRuns } from '../../db/job-runs.ts'
import { minuteMs } from '../../lib/time.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { jsonResult, message, result } from '../terminal.ts'
import { checkSchema } from './connection-check.ts'
import { openExistingDatabase } from './database.ts'

/** The job runs every minute and takes less than one. */
const overdueMs = 10 * minuteMs

export interface JobStatus {
  part: string
  lastStartedAt: string
  lastSucceededAt: string | null
  durationMs: number
  items: number | null
  state: 'ok' | 'failed' | 'overdue'
  error: string | null
}

export async function jobStatuses(db: Db, now: Date): Promise<JobStatus[]> {
  const runs = await listJobRuns(db)
  return runs.map(({ part, lastStartedAt, lastFinishedAt, lastSucceededAt, lastError, items }) => ({
    part,
    lastStartedAt: lastStartedAt.toISOString(),
    lastSucceededAt: lastSucceededAt?.toISOString() ?? null,
    durationMs: lastFinishedAt.getTime() - lastStartedAt.getTime(),
    items,
    state:
      now.getTime() - lastStartedAt.getTime() > overdueMs ? 'overdue' : lastError === null ? 'ok' : 'failed',
    error: lastError,
  }))
}

/** A table with one line per part. */
export function jobLines(statuses: readonly JobStatus[]): string[] {
  const rows = statuses.map(({ part, lastStartedAt, durationMs, items, state, error, lastSucceededAt }) => [
    part,
    lastStartedAt,
    `${durationMs} ms`,
    items === null ? '' : String(items),
    error === null ? state : `${state}: ${error}; last success ${lastSucceededAt ?? 'never'}`,
  ])
  const table = [['Part', 'Last run', 'Took', 'Items', 'State'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
}

export async function jobsCommand({ flags }: CommandInput): Promise<number> {
  const database = openExistingDatabase()
  try {
    await database.opened()
    await checkSchema(database)
    const db = createDb({ databaseUrl: database.url, ...(database.fetch && { fetch: database.fetch }) })
    const statuses = await jobStatuses(db, new Date())
    const isOk = statuses.length > 0 && statuses.every(({ state }) => state === 'ok')
    if (flags.has('json')) jsonResult({ ok: isOk, parts: statuses })
    else if (statuses.length === 0)
      message('The scheduled job has not run yet. Start a server, or deploy the worker.')
    else for (const line of jobLines(statuses)) result(line)
    return isOk ? exitCode.success : exitCode.failure
  } finally {
    await database.close()
  }
}
