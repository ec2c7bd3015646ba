/** @module Imports the selected workflows from an instance, one after another. */
import { AppError, notFound } from '../../../errors.ts'
import type { DashboardDeps } from '../../context.ts'
import { plural, sentence } from '../../format.ts'
import type { Notice } from '../../notice.ts'

/** One page of the list. Each import takes a request to n8n and a few SQL statements. */
export const importLimit = 10

/**
 * Skips and reports workflows that cannot be imported.
 * @throws {AppError} `not-found` if the instance does not exist
 */
export async function importSelected(
  { remoteWorkflows, replayResults }: Pick<DashboardDeps, 'remoteWorkflows' | 'replayResults'>,
  userId: string,
  instanceId: string,
  n8nWorkflowIds: string[],
): Promise<Notice & { workflowId: string | null }> {
  const workflowIds: string[] = []
  const found = { error: 0, warning: 0 }
  const failures: string[] = []
  for (const n8nId of n8nWorkflowIds) {
    try {
      const imported = await remoteWorkflows.import(userId, instanceId, n8nId)
      if (!imported) throw notFound('Instance')
      await replayResults(userId, imported.deployment)
      workflowIds.push(imported.workflowId)
      found.error += imported.check.counts.error
      found.warning += imported.check.counts.warning
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'unauthenticated') throw error
      failures.push(`${n8nId}: ${sentence(error.message)}`)
    }
  }
  const success =
    workflowIds.length > 0 ? `${plural(workflowIds.length, 'workflow')} imported as v1 and tracked.` : ''
  const failed = failures.length > 0 ? `Not imported: ${failures.join(' ')}` : ''
  return {
    kind: failures.length === 0 ? 'ok' : workflowIds.length > 0 ? 'wait' : 'fail',
    text: [success, findingsText(found), failed].filter(Boolean).join(' '),
    workflowId: workflowIds.length === 1 ? (workflowIds[0] ?? null) : null,
  }
}

function findingsText({ error, warning }: { error: number; warning: number }): string {
  if (error + warning === 0) return ''
  return `The check found ${plural(error, 'error')} and ${plural(warning, 'warning')}; each workflow's page lists them.`
}
