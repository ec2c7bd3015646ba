/** @module Tools that list runs and explain failures. */
import type { Deps } from '../../deps.ts'
import { AppError, requireFound } from '../../errors.ts'
import { diagnose } from '../../executions/diagnosis/diagnose.ts'
import { readRun } from '../../executions/detail-queries.ts'
import { mayReadValues } from '../../executions/values/repository.ts'
import { hasScopes } from '../../http/scopes.ts'
import { isUuid } from '../../lib/scalars.ts'
import { loadCatalogue } from '../../n8n/catalogue/catalogue.ts'
import { failedStatuses } from '../../runs/meaning.ts'
import { id, oneOf, optional, text } from '../arguments.ts'
import { answer, fenced, inline, plain } from '../fence.ts'
import { tool } from '../tool.ts'

const maxRuns = 15

export const runs = tool({
  name: 'runs',
  description:
    'List runs, or explain one: runId, or "latest-failure". Shows the cause, the node, its parameters and what it received.',
  arguments: {
    workflowId: optional(id()),
    status: optional(oneOf(['failed', 'success', 'all'], 'Default: failed')),
    runId: optional(text(64)),
  },
  scope: 'executions:read',
  isReadOnly: true,
  async run(deps, userId, { workflowId, status = 'failed', runId }) {
    const find = (limit: number, failed: boolean) =>
      deps.executions.listNamed(
        userId,
        {
          workflowId,
          ...(failed && { statuses: failedStatuses }),
          ...(!failed && status === 'success' && { status }),
        },
        { limit, after: null },
      )
    if (runId === 'latest-failure') {
      const [latest] = (await find(1, true)).items
      return latest ? runText(deps, userId, latest.id) : 'No failed runs.'
    }
    if (runId !== undefined) {
      if (!isUuid(runId)) throw new AppError('invalid', 'runId must be the ID of a run, or latest-failure')
      return runText(deps, userId, runId)
    }
    const { items, nextCursor } = await find(maxRuns, status === 'failed')
    if (items.length === 0) return 'No such runs.'
    const lines = items.map(
      (run) =>
        `${run.id} ${run.status} ${run.startedAt ?? run.receivedAt} v${run.workflowVersion} of ${run.workflowId} ${inline(run.workflowName ?? 'deleted workflow', 80)}${
          run.error
            ? `: ${run.error.node ? `${inline(run.error.node)}: ` : ''}${inline(run.error.message, 160)}`
            : ''
        }`,
    )
    return answer(fenced(lines), nextCursor === null ? '' : 'There are older ones.')
  },
})

/** What a run did and, if it failed, why. */
export async function runText(deps: Deps, userId: string, runId: string): Promise<string> {
  const [found, catalogue] = await Promise.all([
    readRun(deps.db.read, userId, runId, deps.now(), { withValues: mayReadValues() }),
    loadCatalogue(),
  ])
  const page = requireFound(found, 'Run')
  const { run } = page
  const values = await deps.runValues.openOf(userId, page)
  const { text } = await diagnose(page, catalogue, { withText: hasScopes('workflows:read'), values })
  return answer(
    plain`Run ${run.id}: ${run.status}, workflow ${run.workflowId}, version ${run.workflowVersion}.`,
    fenced(text, 'read_workflow shows the nodes.'),
    run.error ? 'Next: edit_workflow, then plan_deployment and deploy.' : '',
  )
}
