/** @module Asks n8n what it has of a deployment, and reads beside it what was deployed and what is wanted. */
import type { Deployment } from '../../../deployments/contract.ts'
import type { Drift } from '../../../deployments/drift-contract.ts'
import { savedExecutions } from '../../../deployments/remote-body.ts'
import type { DashboardDeps } from '../../context.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'
import { type ThreeWay, threeWay } from './three-way.ts'

export interface Comparison {
  drift: Drift
  /** Null where there is nothing to set side by side: nothing differs, or n8n has it no more. */
  sides: ThreeWay | null
}

type CompareDeps = Pick<DashboardDeps, 'drift' | 'workflows'>

/** Null when there is no such deployment. @throws {AppError} as `DeploymentDrift.find` */
export async function compare(
  { drift: drifts, workflows }: CompareDeps,
  userId: string,
  deployment: Deployment,
  detail: DeploymentDetail,
): Promise<Comparison | null> {
  const { id, workflowId, version, bindings, status } = deployment
  const compared = await drifts.compare(userId, id)
  if (!compared) return null
  const { drift, remote } = compared
  if (!drift.drifted || !drift.diff || !remote) return { drift, sides: null }
  const [deployed, wanted] = await Promise.all([
    workflows.findVersion(userId, workflowId, version),
    workflows.find(userId, workflowId),
  ])
  if (!deployed || !wanted) return { drift, sides: null }
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
        ? (detail.credentials.get(binding.credentialId)?.name ?? 'a deleted one')
        : binding.n8nCredentialId,
  }))
  return {
    drift,
    sides: threeWay(drift.diff, {
      deployed: deployed.workflow,
      n8n: { ...remote },
      wanted: wanted.workflow,
      forced: status === 'tracking' ? {} : forced,
      bindings: bound,
    }),
  }
}
