/** @module Selects runs that ended in an error. They show whether a credential still works. */
import type { FailedRun } from '../credentials/health.ts'
import type { RecordedExecution } from './ingest.ts'
import type { IncomingExecution } from './merge.ts'

/** Called after the runs are recorded. Must not throw. */
export type OnFailedRuns = (runs: FailedRun[]) => void

export function failedRuns(
  executions: IncomingExecution[],
  recorded: (RecordedExecution | undefined)[],
): FailedRun[] {
  return executions.flatMap(({ error, eventAtMs }, index) => {
    const run = recorded[index]
    if (!error || run?.current.status !== 'error') return []
    const { userId, deploymentId, workflowVersion } = run
    return { userId, deploymentId, workflowVersion, ...error, failedAt: new Date(eventAtMs) }
  })
}
