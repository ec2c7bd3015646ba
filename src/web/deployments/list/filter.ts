/** @module Reads the filters of the deployment list from its URL. Invalid filters are ignored and reported. */
import { isUuid } from '../../../lib/scalars.ts'
import { type DeploymentListState, deploymentListStates } from '../../../runs/deployment-state.ts'
import { type DeploymentListFilter } from '../../../deployments/list-queries.ts'

export interface ListQuery {
  filter: DeploymentListFilter
  /** The valid parameters, as in the URL, for links. */
  query: Record<string, string>
  after: string | null
  /** Names of the invalid parameters. */
  ignored: string[]
}

const maximumChars = 200
const isState = (text: string): text is DeploymentListState =>
  deploymentListStates.includes(text as DeploymentListState)
export function readListQuery(params: URLSearchParams): ListQuery {
  const query: Record<string, string> = {}
  const ignored: string[] = []
  let after: string | null = null
  for (const [name, value] of params) {
    if (value === '') continue
    if (name === 'after') after = value
    else if (
      (name === 'q' && value.length <= maximumChars) ||
      (name === 'status' && isState(value)) ||
      ((name === 'wf' || name === 'inst') && isUuid(value))
    ) {
      query[name] = value
    } else ignored.push(name.slice(0, 40))
  }
  const { q, status, wf, inst } = query
  return {
    filter: {
      state: status === undefined || !isState(status) ? undefined : status,
      workflowId: wf,
      instanceId: inst,
      q: q?.trim() || undefined,
    },
    query,
    after,
    ignored: [...new Set(ignored)].slice(0, 5),
  }
}
