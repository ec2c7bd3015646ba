/** @module Exports all executions of a user that match a filter, page by page. */
import type { ExecutionSummary } from './contract.ts'
import type { ExecutionRepository } from './repository.ts'
import { type RunPosition, readRunCursor } from '../runs/order.ts'
import type { ExecutionSearch } from './search.ts'

const pageRows = 1000

/** Yields each execution once. Of executions recorded during the export, it only includes late reports. */
export async function* executionPages(
  executions: Pick<ExecutionRepository, 'list'>,
  userId: string,
  filter: ExecutionSearch,
): AsyncGenerator<ExecutionSummary[], void, undefined> {
  let after: RunPosition | null = null
  do {
    const page: Awaited<ReturnType<ExecutionRepository['list']>> = await executions.list(userId, filter, {
      limit: pageRows,
      after,
    })
    yield page.items
    after = page.nextCursor === null ? null : readRunCursor(page.nextCursor)
  } while (after !== null)
}

/** CSV header → cell. */
export const exportColumns: Record<string, (execution: ExecutionSummary) => unknown> = {
  id: ({ id }) => id,
  n8nExecutionId: ({ n8nExecutionId }) => n8nExecutionId,
  workflowId: ({ workflowId }) => workflowId,
  workflowVersion: ({ workflowVersion }) => workflowVersion,
  deploymentId: ({ deploymentId }) => deploymentId,
  instanceId: ({ instanceId }) => instanceId,
  status: ({ status }) => status,
  mode: ({ mode }) => mode,
  startedAt: ({ startedAt }) => startedAt,
  finishedAt: ({ finishedAt }) => finishedAt,
  durationMs: ({ durationMs }) => durationMs,
  errorNode: ({ error }) => error?.node,
  errorMessage: ({ error }) => error?.message,
  receivedAt: ({ receivedAt }) => receivedAt,
  workflowVersionSource: ({ workflowVersionSource }) => workflowVersionSource,
  kind: ({ kind }) => kind,
  retryOf: ({ retryOf }) => retryOf,
  retriedBy: ({ retriedBy }) => retriedBy,
  activeMs: ({ activeMs }) => activeMs,
}
