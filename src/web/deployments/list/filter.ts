/** @module Reads the filters of the deployment list from its URL. Invalid filters are ignored and reported. */
import { isUuid } from '../../../lib/scalars.ts'
import { type DeploymentListState, deploymentListStates } from '../../../runs/deployment-state.ts'
import { type DeploymentListFilter, readDeploymentCursor } from '../../../deployments/list-queries.ts'
import { isOneOf, isText, readParameters } from '../../links/parameters.ts'

export interface ListQuery {
  filter: DeploymentListFilter
  /** The valid parameters, as in the URL, for links. */
  query: Record<string, string>
  after: string | null
  /** Invalid parameters, such as `status=broken`. */
  ignored: string[]
}

export function readListQuery(params: URLSearchParams): ListQuery {
  const {
    query: { after = null, ...query },
    ignored,
  } = readParameters(params, {
    q: isText(200),
    status: isOneOf(deploymentListStates),
    wf: isUuid,
    inst: isUuid,
    after: (value) => readDeploymentCursor(value) !== null,
  })
  const { q, status, wf, inst } = query
  return {
    filter: {
      state: status as DeploymentListState | undefined,
      workflowId: wf,
      instanceId: inst,
      q,
    },
    query,
    after,
    ignored,
  }
}
