/** @module Tools that list runs and explain failures. */
import type { Deps } from '../../deps.ts'
import { AppError, requireFound } from '../../errors.ts'
import { readRun } from '../../executions/detail-queries.ts'
import { isObject, listOf } from '../../lib/json-object.ts'
import { isUuid } from '../../lib/scalars.ts'
import { failedStatuses } from '../../runs/meaning.ts'
import { id, oneOf, optional, text } from '../arguments.ts'
import { answer, fenced, inline, said } from '../fence.ts'
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
  async run(deps, { userId }, { workflowId, status = 'failed', runId }) {
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

/** Why a run failed, and what the failed node and the nodes before it did. */
export async function runText(deps: Deps, userId: string, runId: string): Promise<string> {
  const page = requireFound(await readRun(deps.db.read, userId, runId, deps.now()), 'Run')
  const { run, workflow, version, group, httpStatus } = page
  const nodes = listOf(isObject(page.data) ? page.data['nodes'] : []).filter(isObject)
  const failed = run.error?.node ?? null
  const json = listOf(version?.json['nodes']).find((node) => isObject(node) && node['name'] === failed)
  const steps = nodes.map(({ name, items, error }) => {
    const message = isObject(error) ? `: ${inline(error['message'], 300)}` : ''
    return `${inline(name)} returned ${Number(items) || 0} items${message}`
  })
  return answer(
    said`Run ${run.id}: ${run.status}, workflow ${run.workflowId}, version ${run.workflowVersion}.`,
    httpStatus === null ? '' : said`HTTP status ${httpStatus}.`,
    group === null ? '' : said`This error occurred in ${group.runs} runs.`,
    group?.firstSeen ? said`First in version ${group.firstSeen.version}.` : '',
    fenced(
      [
        `workflow: ${inline(workflow?.name ?? 'deleted workflow')}`,
        ...(run.error ? [`error: ${inline(run.error.message, 2000)}`] : []),
        ...(failed === null ? [] : [`failed node: ${inline(failed)}`]),
        ...(isObject(json) ? [`its JSON: ${JSON.stringify(json)}`] : []),
        ...(steps.length > 0 ? ['nodes that ran, in order:', ...steps.map((step) => `  ${step}`)] : []),
      ],
      'read_workflow shows the nodes.',
    ),
    run.error ? 'Next: edit_workflow, then plan_deployment and deploy.' : '',
  )
}
