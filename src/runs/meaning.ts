/**
 * @module The meaning of a run's status and kind, shared by the API, analytics and the dashboard. The SQL functions
 * `errors_of_change` and `failures_between` contain the same lists.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type ExecutionStatus, executionStatuses, executions, type RunKind } from '../db/schema/executions.ts'
import { dayMs } from '../lib/time.ts'
import { happenedAt } from './order.ts'

export const failedStatuses = ['error', 'crashed'] as const satisfies ExecutionStatus[]
/** Of runs whose outcome decides a chain of retries, and that a success rate counts. */
export const decisiveStatuses = ['success', ...failedStatuses] as const satisfies ExecutionStatus[]
/** Of runs that ended in n8n. `unknown` is neither open nor final: n8n lost the run. */
export const finalStatuses = [...decisiveStatuses, 'canceled'] as const satisfies ExecutionStatus[]
export const openStatuses = ['new', 'running', 'waiting'] as const satisfies ExecutionStatus[]

/** @param status of a run or of one of its nodes */
export const isFailed = (status: string | null): boolean => failedStatuses.some((failed) => failed === status)

export const isFinal = (status: string): boolean => finalStatuses.some((final) => final === status)
/** The run has not ended in n8n. */
export const isOpen = (status: ExecutionStatus): boolean => openStatuses.some((open) => open === status)

/** Whether to show a run's error. A success can still carry the error of an earlier report. */
export const hasError = (status: ExecutionStatus): boolean =>
  isFailed(status) || status === 'canceled' || status === 'unknown'

/** For `in`. Literals, so that Postgres uses partial indexes. */
export const statusList = (statuses: readonly ExecutionStatus[]): SQL =>
  sql.raw(`(${statuses.map((status) => `'${status}'`).join(', ')})`)

export const failedList = statusList(failedStatuses)
export const hasErrorList = statusList(executionStatuses.filter(hasError))

/** The sum of failed runs in a row that has a column for each status. */
export const failedSum = sql.raw(failedStatuses.map((status) => `"${status}"`).join(' + '))

/** Kinds of runs that analytics counts besides production runs on request. */
export const includableKinds = ['manual', 'sub', 'error'] as const satisfies RunKind[]
export type IncludableKind = (typeof includableKinds)[number]

/** A superseded run never counts: the retry that decided the outcome counts instead. */
export const countedKinds = (include: readonly IncludableKind[] = []): RunKind[] => ['production', ...include]

/** A condition on a row with the column `kind`. */
export const isOneOfKinds = (kinds: readonly RunKind[]): SQL =>
  sql.raw(kinds.length === 1 ? `kind = '${kinds[0]}'` : `kind in ('${kinds.join("', '")}')`)

/** A success rate below this is shown in red and can suggest a rollback. Not the same as a failing deployment. */
export const lowSuccessRate = 0.9

/** A deployment is failing if at least `share` of its finished runs in the last 24 hours failed, given at least `minRuns`. */
export const failingDeployment = { share: 0.5, minRuns: 5 } as const

/**
 * A node is failing now if at least `share` of the workflow's latest finished runs failed there, given at least `minRuns`
 * runs and `minFailed` failures. The runs can be old. Later successes end the state.
 */
export const failingNode = { latestRuns: 20, share: 0.2, minRuns: 3, minFailed: 2 } as const

/** A running run is stuck after its workflow's own timeout; without one, after 24 hours. */
const stuckAfterSeconds = dayMs / 1000
const longestSeconds = 1_000_000_000

/** `settings.executionTimeout` of the version that ran, in seconds; null for none. */
const timeoutSeconds = sql`(
  select case when jsonb_typeof(timeout) = 'number' and timeout > '0'
    then least(timeout::float8, ${sql.raw(String(longestSeconds))}) end
  from (
    select v.workflow_data #> '{settings,executionTimeout}' as timeout from workflow_versions v
    where v.workflow_id = ${executions.workflowId} and v.version = ${executions.workflowVersion}
      and v.user_id = ${executions.userId}
  ) settings
)`

export const isStuck = (now: Date): SQL<boolean> => sql<boolean>`(${executions.status} = 'running'
  and ${happenedAt} < ${now.toISOString()}::timestamptz
    - make_interval(secs => coalesce(${timeoutSeconds}, ${sql.raw(String(stuckAfterSeconds))})))`

/** Rounded half up to two decimals; null when `whole` is 0. */
export const percentageOf = (part: number, whole: number): number | null =>
  whole > 0 ? Math.floor((part * 10_000) / whole + 0.5) / 100 : null

/** The 97.5th percentile of the normal distribution: 95% lie between its negative and it. */
const z = 1.959963984540054

/** A 95% confidence interval as percentages with two decimals. */
export interface PercentageInterval {
  low: number
  high: number
}

/** The 95% Wilson score interval of a percentage: what few runs tell about all of them. Null when `whole` is 0. */
export function intervalOf(part: number, whole: number): PercentageInterval | null {
  if (whole <= 0) return null
  const share = part / whole
  const center = share + z ** 2 / (2 * whole)
  const margin = z * Math.sqrt((share * (1 - share)) / whole + z ** 2 / (4 * whole ** 2))
  const scale = 1 + z ** 2 / whole
  return {
    low: percentageOf(Math.max(0, center - margin), scale) ?? 0,
    high: percentageOf(Math.min(scale, center + margin), scale) ?? 100,
  }
}

/** The lower end of `intervalOf` as a share, in SQL. Null when `whole` is 0. */
export const lowerBound = (part: SQL, whole: SQL): SQL => {
  const square = sql.raw(String(z ** 2))
  return sql`(${part} + ${square} / 2 - ${sql.raw(String(z))}
    * sqrt(${part} * (${whole} - ${part}) / nullif(${whole}, 0) + ${square} / 4)) / (${whole} + ${square})`
}
