/** @module Imports workflows that an n8n server has, one after the other. */
import { AppError } from '../../../errors.ts'
import type { DashboardDeps } from '../../context.ts'
import { plural } from '../../format.ts'
import type { Notice } from '../../notice.ts'
import { sentence } from '../../links/outcome.ts'

/** As many as a page lists: each takes a request to n8n and a few statements. */
export const importLimit = 10

/**
 * Goes on when one of them cannot be imported, and says which.
 * @throws {AppError} `not-found` when the instance is gone
 */
export async function importChosen(
  { remoteWorkflows, replayResults }: Pick<DashboardDeps, 'remoteWorkflows' | 'replayResults'>,
  userId: string,
  instanceId: string,
  n8nWorkflowIds: string[],
): Promise<Notice & { workflowId: string | null }> {
  const made: string[] = []
  const refused: string[] = []
  for (const n8nId of n8nWorkflowIds) {
    try {
      const imported = await remoteWorkflows.import(userId, instanceId, n8nId)
      if (!imported) throw new AppError('not-found', 'No such instance')
      await replayResults(userId, imported.deployment)
      made.push(imported.workflowId)
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'unauthenticated') throw error
      refused.push(`${n8nId}: ${sentence(error.message)}`)
    }
  }
  const done = made.length > 0 ? `${plural(made.length, 'workflow')} imported as v1 and tracked.` : ''
  const failed = refused.length > 0 ? `Not imported: ${refused.join(' ')}` : ''
  return {
    kind: refused.length === 0 ? 'ok' : made.length > 0 ? 'wait' : 'fail',
    text: `${done} ${failed}`.trim(),
    workflowId: made.length === 1 ? (made[0] ?? null) : null,
  }
}
