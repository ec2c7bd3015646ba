/** @module URLs of the workflow pages and of the lists behind their numbers. */
import { withQuery } from '../components/controls.tsx'
import { countedRuns } from '../links/run-filter.ts'

export const workflowHref = (id: string, rest = ''): string => `/workflows/${id}${rest}`

export const diffHref = (id: string, from: number, to: number): string =>
  `/workflows/${id}/diff/${from}..${to}`

/** The runs of a workflow. `more` are other filters of the list. */
export const runsHref = (workflowId: string, more: Record<string, string> = {}): string =>
  withQuery('/executions', { wf: workflowId, ...more })

/** The production runs, which a workflow's numbers count. */
export const countedRunsHref = (workflowId: string, more: Record<string, string> = {}): string =>
  runsHref(workflowId, { ...more, ...countedRuns() })

export const planHref = (workflowId: string, version?: number): string =>
  withQuery('/deployments/new', {
    workflow: workflowId,
    ...(version !== undefined && { version: String(version) }),
  })
