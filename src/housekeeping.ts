/**
 * @module The scheduled job, once a minute: creates partitions, deletes expired rows, resumes deployments, polls due
 * instances, checks for drift, evaluates alert rules and sends their messages, purges deleted accounts and applies
 * retention. Each part is bounded, and several jobs may run at the same time.
 */
import { evaluateRules } from './alerts/evaluate.ts'
import { errorNameOf } from './errors.ts'
import { type JobRun, recordJobRuns } from './db/job-runs.ts'
import { metrics } from './telemetry/metrics.ts'
import { inTrace } from './telemetry/trace.ts'
import { deleteExpiredRows, ensurePartitions } from './db/expired-rows.ts'
import type { Deps } from './deps.ts'
import { runDriftCheckJob } from './deployments/drift/check-job.ts'
import { backfillExecutions } from './executions/record/backfill.ts'
import { deleteDroppedRollups, rollUpChanges } from './executions/record/roll-up.ts'
import { deleteExpiredIncidents } from './executions/reports/incidents.ts'
import { settlePendingRetries } from './executions/record/ingest.ts'
import { maxBudgetMs, reconcile } from './executions/poll/reconcile.ts'
import { closeAbandoned, dropExpiredMonths, expiryOf, trimExecutionData } from './executions/retention.ts'
import { purgeDeletedAccounts } from './users/delete-account.ts'

const rowsPerRun = 5000
/** Workers count every statement and every request as a subrequest of the run. */
const purgeStatementsPerRun = 40
const workerdRequests = 400
const deploymentsPerRun = 5
const driftChecksPerRun = { workerd: 10, node: 50 }
const driftBudgetMs = 20_000
const instancesPerRun = 100
/** Statements of 5,000 changes each, enough for about 3,000 executions a second. */
const rollupsPerRun = 40
const alertRulesPerRun = { workerd: 500, node: 2000 }
const alertsPerRun = { workerd: 40, node: 400 }
const alertBudgetMs = 20_000
/** Time reserved for the parts after reconciliation. */
const reserveMs = 5000

export type HousekeepingDeps = Pick<
  Deps,
  | ('db' | 'now' | 'log' | 'config' | 'runtime')
  | ('deadLetters' | 'connections' | 'deployer' | 'drift' | 'onFailed' | 'deliverAlerts')
>

/**
 * Runs the job once. Logs a part that fails and continues with the next one; the next run retries it.
 * @param signal stops the run early at a safe point
 */
export async function housekeeping(deps: HousekeepingDeps, signal?: AbortSignal): Promise<void> {
  const {
    db,
    now,
    log,
    config,
    runtime,
    deadLetters,
    connections,
    deployer,
    drift,
    onFailed,
    deliverAlerts,
  } = deps
  const { dataDays, months } = config.executionRetention
  const startedAtMs = now().getTime()
  const runs: JobRun[] = []
  const attempt = async (
    name: string,
    run: () => Promise<unknown>,
  ): Promise<Pick<JobRun, 'error' | 'items'>> => {
    try {
      const items = await inTrace(undefined, 'internal', `job ${name}`, run)
      metrics.jobSuccess.set(now().getTime() / 1000, name)
      return { error: null, items: typeof items === 'number' ? items : null }
    } catch (error) {
      const errorName = errorNameOf(error)
      log('error', 'housekeeping-failed', { part: name, errorName })
      return { error: errorName, items: null }
    }
  }
  /** @param run may return how many rows or other items it processed */
  const part = async (name: string, run: () => Promise<unknown>) => {
    if (signal?.aborted) return
    const startedAt = now()
    const partStartedAtMs = performance.now()
    const outcome = await attempt(name, run)
    runs.push({ part: name, startedAt, finishedAt: now(), ...outcome })
    metrics.jobRuns.add(1, name, outcome.error === null ? 'success' : 'failure')
    metrics.jobSeconds.set((performance.now() - partStartedAtMs) / 1000, name)
  }

  await part('partitions', () => ensurePartitions(db))
  await part('expired-rows', () => deleteExpiredRows(db, rowsPerRun))
  await part('dead-letters', () => deadLetters.purgeExpired(rowsPerRun))
  // These parts mostly wait for n8n. Workers allow six open connections: the reconciler uses four, the deployer up to
  // three and the drift check one; the rest queue.
  await Promise.all([
    part('deployments', () => deployer.resumeDeployments(deploymentsPerRun)),
    part('reconcile', async () => {
      const { polled } = await reconcile({
        db,
        now,
        log,
        connections,
        onFailed,
        budgetMs: maxBudgetMs - reserveMs - (now().getTime() - startedAtMs),
        ...(runtime === 'workerd' && { maxRequests: workerdRequests }),
        ...(signal && { signal }),
      })
      return polled
    }),
    part('drift', () =>
      runDriftCheckJob(db, now, {
        drift,
        limit: driftChecksPerRun[runtime],
        budgetMs: driftBudgetMs,
        ...(signal && { signal }),
      }),
    ),
  ])
  await part('alert-rules', async () => {
    const { opened } = await evaluateRules(db, now(), alertRulesPerRun[runtime])
    return opened
  })
  await part('alerts', () =>
    deliverAlerts({ limit: alertsPerRun[runtime], budgetMs: alertBudgetMs, ...(signal && { signal }) }),
  )
  await part('deleted-accounts', async () => {
    const { purged } = await purgeDeletedAccounts(db, { maxStatements: purgeStatementsPerRun })
    return purged
  })
  await part('abandoned-executions', () => closeAbandoned(db, now(), rowsPerRun))
  await part('retries', () => settlePendingRetries(db, instancesPerRun))
  await part('backfill', () => backfillExecutions(db))
  await part('execution-data', () => trimExecutionData(db, now(), { retentionDays: dataDays }))
  await part('rollups', () => rollUpChanges(db, { maxStatements: rollupsPerRun }))
  await part('execution-months', () => dropExpiredMonths(db, now(), { retentionMonths: months }))
  await part('incidents', () => deleteExpiredIncidents(db, expiryOf(now(), months), rowsPerRun))
  await part('dropped-rollups', () => deleteDroppedRollups(db))
  await attempt('job-runs', () => recordJobRuns(db, runs))
}
