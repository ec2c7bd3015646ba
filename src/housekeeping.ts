/**
 * @module The scheduled job, every minute: partitions ahead of time, rows whose time is over, deployments that wait to be
 * gone on with, results from every n8n that is due, what has been changed in n8n, accounts that were deleted, and what is
 * kept for how long. Each part is bounded in what it takes on, and may run in several places at once.
 */
import { deleteExpiredRows, ensurePartitions } from './db/expired-rows.ts'
import type { Deps } from './deps.ts'
import { watchDrift } from './deployments/watch-drift.ts'
import { backfillExecutions } from './executions/backfill.ts'
import { deleteDroppedRollups, foldChanges } from './executions/fold.ts'
import { deleteExpiredIncidents } from './executions/incidents.ts'
import { settlePendingRetries } from './executions/ingest.ts'
import { maxBudgetMs, reconcile } from './executions/reconcile.ts'
import { closeAbandoned, dropExpiredMonths, expiryOf, trimExecutionData } from './executions/retention.ts'
import { purgeDeletedAccounts } from './users/delete-account.ts'

const rowsPerRun = 5000
/** Workers count every statement and every request as a subrequest of the run. */
const purgeStatementsPerRun = 40
const workerdRequests = 400
const deploymentsPerRun = 5
const looksPerRun = { workerd: 10, node: 50 }
const looksBudgetMs = 20_000
const instancesPerRun = 100
/** Of 5,000 changes each: some 3,000 executions a second and more. */
const foldsPerRun = 40
/** For what comes after the reconciling. */
const reserveMs = 5000

export type HousekeepingDeps = Pick<
  Deps,
  | ('db' | 'now' | 'log' | 'config' | 'runtime')
  | ('deadLetters' | 'connections' | 'deployer' | 'drift' | 'onFailed')
>

/**
 * One run. A part that fails is logged and leaves the others their turn; the next run takes it up
 * again.
 * @param signal ends it early, where nothing is left half done
 */
export async function housekeeping(deps: HousekeepingDeps, signal?: AbortSignal): Promise<void> {
  const { db, now, log, config, runtime, deadLetters, connections, deployer, drift, onFailed } = deps
  const { dataDays, months } = config.executionRetention
  const startedAtMs = now().getTime()
  const part = async (name: string, run: () => Promise<unknown>) => {
    if (signal?.aborted) return
    try {
      await run()
    } catch (error) {
      const errorName = error instanceof Error ? error.name : typeof error
      log('error', 'housekeeping-failed', { part: name, errorName })
    }
  }

  await part('partitions', () => ensurePartitions(db))
  await part('expired-rows', () => deleteExpiredRows(db, rowsPerRun))
  await part('dead-letters', () => deadLetters.purgeExpired(rowsPerRun))
  // All wait for n8n most of the time. The reconciler holds four connections, the deployer up to three, drift one: of the
  // six that Workers open at once, the rest queue.
  await Promise.all([
    part('deployments', () => deployer.resumeDeployments(deploymentsPerRun)),
    part('reconcile', () =>
      reconcile({
        ...{ db, now, log, connections, onFailed },
        budgetMs: maxBudgetMs - reserveMs - (now().getTime() - startedAtMs),
        ...(runtime === 'workerd' && { maxRequests: workerdRequests }),
        ...(signal && { signal }),
      }),
    ),
    part('drift', () =>
      watchDrift(db, now, {
        ...{ drift, limit: looksPerRun[runtime], budgetMs: looksBudgetMs },
        ...(signal && { signal }),
      }),
    ),
  ])
  await part('deleted-accounts', () => purgeDeletedAccounts(db, { maxStatements: purgeStatementsPerRun }))
  await part('abandoned-executions', () => closeAbandoned(db, now(), rowsPerRun))
  await part('retries', () => settlePendingRetries(db, instancesPerRun))
  await part('backfill', () => backfillExecutions(db))
  await part('execution-data', () => trimExecutionData(db, now(), { retentionDays: dataDays }))
  await part('rollups', () => foldChanges(db, { maxStatements: foldsPerRun }))
  await part('execution-months', () => dropExpiredMonths(db, now(), { retentionMonths: months }))
  await part('incidents', () => deleteExpiredIncidents(db, expiryOf(now(), months), rowsPerRun))
  await part('dropped-rollups', () => deleteDroppedRollups(db))
}
