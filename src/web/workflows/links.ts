/** @module Where the pages of one workflow are, and the lists behind its numbers. */
import { withQuery } from '../components/controls.tsx'
import { countedRuns } from '../links/run-filter.ts'

export const workflowHref = (id: string, rest = ''): string => `/workflows/${id}${rest}`

export const diffHref = (id: string, from: number, to: number): string =>
  `/workflows/${id}/diff/${from}..${to}`

/** Runs of the workflow; `more` are further filters of that list. */
export const runsHref = (workflowId: string, more: Record<string, string> = {}): string =>
  withQuery('/executions', { wf: workflowId, ...more })

/** The runs that the numbers of a workflow count: those of production. */
export const countedRunsHref = (workflowId: string, more: Record<string, string> = {}): string =>
  runsHref(workflowId, { ...more, ...countedRuns() })

export const planHref = (workflowId: string, version?: number): string =>
  withQuery('/deployments/new', {
    workflow: workflowId,
    ...(version !== undefined && { version: String(version) }),
  })

export const newCredentialHref = (type: string): string => `/credentials/new/${encodeURIComponent(type)}`
