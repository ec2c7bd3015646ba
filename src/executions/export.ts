/** @module Exports all executions of a user that match a filter, page by page. */
import type { ExecutionRepository, NamedExecution } from './repository.ts'
import type { Slice } from '../http/page.ts'
import { downloadTable, type TableColumns, type TableFormat } from '../http/table-stream.ts'
import { type RunPosition, readRunCursor } from '../runs/order.ts'
import type { ExecutionSearch } from './list-filter.ts'

const pageRows = 1000

export interface ExportOptions {
  /** Source of exports; may be a replica. */
  executions: Pick<ExecutionRepository, 'listNamed'>
  /** Records who exports what. */
  audit?: (userId: string, action: 'execution.exported', details: Record<string, unknown>) => Promise<void>
  onFailure?: (error: unknown) => void
}

/** Yields each execution once. Of executions recorded during the export, it only includes late reports. */
async function* pagesOf(
  executions: ExportOptions['executions'],
  userId: string,
  filter: ExecutionSearch,
): AsyncGenerator<NamedExecution[], void, undefined> {
  let after: RunPosition | null = null
  do {
    const page: Slice<NamedExecution> = await executions.listNamed(userId, filter, {
      limit: pageRows,
      after,
    })
    yield page.items
    after = page.nextCursor === null ? null : readRunCursor(page.nextCursor)
  } while (after !== null)
}

const columns: TableColumns<NamedExecution> = {
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
  workflowName: ({ workflowName }) => workflowName,
  instanceName: ({ instanceName }) => instanceName,
}

/** An execution as the API returns it. */
const withoutNames = ({ workflowName: _workflow, instanceName: _instance, ...execution }: NamedExecution) =>
  execution

/** All executions of the user, page by page. */
export async function* allExecutions(executions: ExportOptions['executions'], userId: string) {
  for await (const page of pagesOf(executions, userId, {})) yield page.map(withoutNames)
}

/** Downloads all executions that match the filter. */
export async function downloadExecutions(
  { executions, audit, onFailure }: ExportOptions,
  format: TableFormat,
  userId: string,
  filter: ExecutionSearch,
): Promise<Response> {
  await audit?.(userId, 'execution.exported', { format, ...filter })
  return downloadTable({
    format,
    name: 'executions',
    columns,
    toObject: withoutNames,
    pages: pagesOf(executions, userId, filter),
    ...(onFailure && { onFailure }),
  })
}
