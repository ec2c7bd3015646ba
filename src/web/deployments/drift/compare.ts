/** @module Reads a deployment from n8n and compares it with the deployed version and the current version. */
import type { Deployment } from '../../../deployments/contract.ts'
import type { Drift } from '../../../deployments/drift/contract.ts'
import { savedExecutions } from '../../../deployments/remote/body.ts'
import type { DashboardDeps } from '../../context.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'
import { type ThreeWay, threeWay } from './three-way.ts'

export interface Comparison {
  drift: Drift
  /** Null if there is nothing to compare: no field differs, or the workflow was deleted from n8n. */
  sides: ThreeWay | null
}

type CompareDeps = Pick<DashboardDeps, 'drift'>

/**
 * @param found the deployment, read at the same time
 * @returns null if it does not exist
 * @throws {AppError} like `DeploymentDrift.find`
 */
export async function compare(
  { drift: drifts }: CompareDeps,
  userId: string,
  id: string,
  found: Promise<{ deployment: Deployment; detail: DeploymentDetail }>,
): Promise<Comparison | null> {
  const compared = await drifts.compare(userId, id)
  if (!compared) return null
  const { deployment, detail } = await found
  const { bindings, status } = deployment
  const { drift, remote, deployed, current } = compared
  if (!drift.diff || !remote || !current) return { drift, sides: null }
  const { reporterWorkflowId } = compared.instance
  const forced = {
    ...savedExecutions,
    ...(reporterWorkflowId !== null && { errorWorkflow: reporterWorkflowId }),
  }
  const bound = bindings.map((binding) => ({
    node: binding.node,
    type: binding.type,
    name:
      'credentialId' in binding
        ? (detail.credentials.get(binding.credentialId)?.name ?? 'deleted credential')
        : binding.n8nCredentialId,
  }))
  return {
    drift,
    sides: threeWay(drift.diff, {
      deployed,
      n8n: { ...remote },
      wanted: current,
      forced: status === 'tracking' ? {} : forced,
      bindings: bound,
    }),
  }
}
