/** @module The scheduled job: partitions ahead of time, rows whose time is over, accounts that were deleted. */
import { deleteExpiredRows, ensurePartitions } from './db/expired-rows.ts'
import type { Deps } from './deps.ts'
import { purgeDeletedAccounts } from './users/delete-account.ts'

const rowsPerRun = 5000
/** Workers count every statement as a subrequest of the run. */
const purgeStatementsPerRun = 40

/** One run. A part that fails is logged and leaves the others their turn; the next run takes it up again. */
export async function housekeeping({
  db,
  deadLetters,
  log,
}: Pick<Deps, 'db' | 'deadLetters' | 'log'>): Promise<void> {
  const parts: Record<string, () => Promise<unknown>> = {
    partitions: () => ensurePartitions(db),
    'expired-rows': () => deleteExpiredRows(db, rowsPerRun),
    'dead-letters': () => deadLetters.purgeExpired(rowsPerRun),
    'deleted-accounts': () => purgeDeletedAccounts(db, { maxStatements: purgeStatementsPerRun }),
  }
  for (const [part, run] of Object.entries(parts)) {
    try {
      await run()
    } catch (error) {
      log('error', 'housekeeping-failed', {
        part,
        errorName: error instanceof Error ? error.name : typeof error,
      })
    }
  }
}
