/**
 * @module The scheduled job, once a minute: creates partitions, deletes expired rows, resumes deployments, releases and
 * tests, removes what n8n received too late, polls due instances, checks for drift, evaluates alert rules and sends their
 * messages, sends account email, purges deleted accounts and applies retention. Each part is bounded, and several jobs may
 * run at the same time.
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
import { maintainTrails } from './users/audit-chain.ts'
import { purgeDeletedAccounts } from './users/delete-account.ts'

const rowsPerRun = 5000
/** Workers count every statement and every request as a subrequest of the run. */
const purgeStatementsPerRun = 40
const workerdRequests = 400
const deploymentsPerRun = 5
const testRunsPerRun = 5
const driftChecksPerRun = { workerd: 10, node: 50 }
const driftBudgetMs = 20_000
const releasesBudgetMs = 40_000
const instancesPerRun = 100
/** Statements of 5,000 changes each, enough for about 3,000 executions a second. */
const rollupsPerRun = 40
const alertRulesPerRun = { workerd: 500, node: 2000 }
const alertsPerRun = { workerd: 40, node: 400 }
const alertBudgetMs = 20_000
const mailsPerRun = { workerd: 10, node: 400 }
const mailBudgetMs = 5_000
/** Time reserved for the parts after reconciliation. */
const reserveMs = 5000

export type HousekeepingDeps = Pick<
  Deps,
  | ('db' | 'now' | 'log' | 'config' | 'runtime')
  | ('approvals' | 'deadLetters' | 'connections' | 'deployer' | 'testRuns' | 'drift')
  | ('onFailed' | 'deliverAlerts' | 'accountMail')
  | ('releaseRunner' | 'runValues' | 'fingerprint')
>

interface Part {
  name: string
  /** May return how many rows or other items it processed. */
  run: () => Promise<unknown>
}

/**
 * In order; the parts of a group run together: they mostly wait for n8n. Workers allow six open connections: the reconciler
 * uses four, the deployer up to three and the drift check one; the rest queue.
 * @param signal stops a part early at a safe point
 */
function partsOf(deps: HousekeepingDeps, signal: AbortSignal | undefined): Part[][] {
  const { db, now, log, config, runtime, deadLetters, connections, deployer, testRuns, drift } = deps
  const { dataDays, months } = config.executionRetention
  const startedAtMs = now().getTime()
  const stop = signal && { signal }
  const part = (name: string, run: Part['run']): Part => ({ name, run })
  return [
    [part('partitions', () => ensurePartitions(db))],
    [
      part('expired-rows', async () => {
        const expired = await deps.approvals.expireDue(rowsPerRun)
        return expired + (await deleteExpiredRows(db, rowsPerRun))
      }),
    ],
    [part('dead-letters', () => deadLetters.purgeExpired(rowsPerRun))],
    [
      part('deployments', () => deployer.resumeDeployments(deploymentsPerRun)),
      part('leftovers', () => deployer.leftovers.remove(deploymentsPerRun)),
      part('releases', () => deps.releaseRunner.runJob({ budgetMs: releasesBudgetMs, ...stop })),
      part('test-runs', () => testRuns.resumeTests(testRunsPerRun)),
      part('reconcile', async () => {
        const { polled } = await reconcile({
          db,
          now,
          log,
          connections,
          values: deps.runValues,
          onFailed: deps.onFailed,
          budgetMs: maxBudgetMs - reserveMs - (now().getTime() - startedAtMs),
          ...(runtime === 'workerd' && { maxRequests: workerdRequests }),
          ...stop,
        })
        return polled
      }),
      part('drift', () =>
        runDriftCheckJob(db, now, {
          drift,
          limit: driftChecksPerRun[runtime],
          budgetMs: driftBudgetMs,
          ...stop,
        }),
      ),
    ],
    [
      part('alert-rules', async () => {
        const { opened } = await evaluateRules(db, now(), alertRulesPerRun[runtime])
        return opened
      }),
    ],
    [
      part('alerts', () =>
        deps.deliverAlerts({ limit: alertsPerRun[runtime], budgetMs: alertBudgetMs, ...stop }),
      ),
    ],
    [
      part('account-mail', () =>
        deps.accountMail.deliverDue({ limit: mailsPerRun[runtime], budgetMs: mailBudgetMs, ...stop }),
      ),
    ],
    [
      part('deleted-accounts', async () => {
        const { purged } = await purgeDeletedAccounts(db, {
          maxStatements: purgeStatementsPerRun,
          keepsTrail: config.auditRetentionDays > 0,
        })
        return purged
      }),
    ],
    [part('audit-trails', () => maintainTrails(deps))],
    [part('abandoned-executions', () => closeAbandoned(db, now(), rowsPerRun))],
    [part('retries', () => settlePendingRetries(db, instancesPerRun))],
    [part('backfill', () => backfillExecutions(db))],
    [part('execution-data', () => trimExecutionData(db, now(), { retentionDays: dataDays }))],
    [part('rollups', () => rollUpChanges(db, { maxStatements: rollupsPerRun }))],
    [part('execution-months', () => dropExpiredMonths(db, now(), { retentionMonths: months }))],
    [part('incidents', () => deleteExpiredIncidents(db, expiryOf(now(), months), rowsPerRun))],
    [part('dropped-rollups', () => deleteDroppedRollups(db))],
  ]
}

/** Logs an error instead of throwing it. */
async function attempt({ now, log }: HousekeepingDeps, { name, run }: Part) {
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

async function runPart(deps: HousekeepingDeps, part: Part): Promise<JobRun> {
  const startedAt = deps.now()
  const partStartedAtMs = performance.now()
  const outcome = await attempt(deps, part)
  metrics.jobRuns.add(1, part.name, outcome.error === null ? 'success' : 'failure')
  metrics.jobSeconds.set((performance.now() - partStartedAtMs) / 1000, part.name)
  return { part: part.name, startedAt, finishedAt: deps.now(), ...outcome }
}

const record = (deps: HousekeepingDeps, runs: readonly JobRun[]) =>
  attempt(deps, { name: 'job-runs', run: () => recordJobRuns(deps.db, runs) })

/**
 * Runs the job once. Logs a part that fails and continues with the next one; the next run retries it.
 * @param signal stops the run early at a safe point
 */
export async function housekeeping(deps: HousekeepingDeps, signal?: AbortSignal): Promise<void> {
  const runs: JobRun[] = []
  for (const group of partsOf(deps, signal)) {
    if (signal?.aborted) break
    await Promise.all(group.map(async (part) => runs.push(await runPart(deps, part))))
  }
  await record(deps, runs)
}

/** The names of the parts, in the order in which they run. */
export const partNames = (deps: HousekeepingDeps): string[] =>
  partsOf(deps, undefined)
    .flat()
    .map(({ name }) => name)

/**
 * Runs one part, for servers that share the parts. Does nothing if this release has no such part.
 * @returns whether it succeeded
 */
export async function housekeepingPart(
  deps: HousekeepingDeps,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const part = partsOf(deps, signal)
    .flat()
    .find((each) => each.name === name)
  if (!part) return true
  const run = await runPart(deps, part)
  await record(deps, [run])
  return run.error === null
}
