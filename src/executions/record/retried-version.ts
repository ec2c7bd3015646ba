/** @module Determines the version that a retry ran when n8n reports none: the version of the run that it retries. */
import { and, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { executionKeys } from '../../db/schema/executions.ts'
import type { IncomingExecution } from './merge.ts'

/** Accepts any order. Follows a retry of a retry to the first run with a version. */
export async function withVersionsOfRetried(
  db: Db,
  instanceId: string,
  executions: IncomingExecution[],
): Promise<IncomingExecution[]> {
  const open = executions.filter(({ ranRetriedVersion }) => ranRetriedVersion)
  if (open.length === 0) return executions
  const delivered = new Map(executions.map((each) => [each.n8nExecutionId, each]))
  const wanted = new Set(open.flatMap(({ retryOf }) => retryOf ?? []).filter((id) => !delivered.has(id)))
  const rows =
    wanted.size === 0
      ? []
      : await db.read
          .select({
            id: executionKeys.n8nExecutionId,
            workflowId: executionKeys.n8nWorkflowId,
            version: executionKeys.n8nVersionId,
          })
          .from(executionKeys)
          .where(
            and(eq(executionKeys.instanceId, instanceId), inArray(executionKeys.n8nExecutionId, [...wanted])),
          )
          .orderBy(executionKeys.epoch)
  const known = new Map(rows.map((row) => [row.id, row]))
  const versionOf = (execution: IncomingExecution): string | null => {
    const passed = new Set<string>()
    let at: IncomingExecution | undefined = execution
    while (at?.ranRetriedVersion && at.retryOf !== null && !passed.has(at.n8nExecutionId)) {
      passed.add(at.n8nExecutionId)
      const row = known.get(at.retryOf)
      if (row) return row.workflowId === execution.n8nWorkflowId ? row.version : null
      at = delivered.get(at.retryOf)
    }
    return at?.n8nWorkflowId === execution.n8nWorkflowId ? at.n8nVersionId : null
  }
  return executions.map((each) => {
    if (!each.ranRetriedVersion) return each
    const version = versionOf(each)
    return { ...each, n8nVersionId: version }
  })
}
