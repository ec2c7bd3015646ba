import { and, eq, sql } from 'drizzle-orm'
import { deployments } from '../db/schema/deployments.ts'
import { instances } from '../db/schema/instances.ts'
import { workflowVersions } from '../db/schema/workflows.ts'
import { productionUrls } from '../n8n/reading/webhook-paths.ts'
import type { Deployment } from './contract.ts'

/** Joins a deployment to the version that it has deployed. */
export const deployedVersion = and(
  eq(workflowVersions.workflowId, deployments.workflowId),
  eq(workflowVersions.version, deployments.version),
)

/** Whether a variable has a different value now from the one that was sent. Requires a join with the instance. */
export const needsRedeploy = sql<boolean>`(deployments.status in ('active', 'inactive') and exists (
  select from jsonb_each(deployments.variables) sent
  left join environments e on e.user_id = instances.user_id and e.name = instances.environment
  where sent.value is distinct from coalesce(instances.variables -> sent.key, e.variables -> sent.key, 'null')))`

/** The columns of a deployment, joined with its instance and version. */
export const columns = {
  id: deployments.id,
  workflowId: deployments.workflowId,
  instanceId: deployments.instanceId,
  version: deployments.version,
  n8nWorkflowId: deployments.n8nWorkflowId,
  status: deployments.status,
  step: deployments.step,
  error: deployments.error,
  bindings: deployments.bindings,
  managed: deployments.managed,
  reportSuccess: deployments.reportSuccess,
  intent: deployments.intent,
  liveSince: deployments.liveSince,
  needsRedeploy,
  baseUrl: instances.baseUrl,
  endpoints: deployments.endpoints,
  declaredEndpoints: workflowVersions.endpoints,
  createdAt: deployments.createdAt,
  updatedAt: deployments.updatedAt,
}

type Row = Omit<Deployment, 'webhookUrls' | 'liveSince' | 'createdAt' | 'updatedAt'> & {
  liveSince: Date | null
  baseUrl: string
  endpoints: string[] | null
  declaredEndpoints: string[]
  createdAt: Date
  updatedAt: Date
}

export function toDeployment(given: Row): Deployment {
  const { baseUrl, endpoints, declaredEndpoints, createdAt, updatedAt, ...row } = given
  const { intent, liveSince } = row
  return {
    ...row,
    intent: intent && {
      action: intent.action,
      ...(intent.version !== undefined && { version: intent.version }),
    },
    liveSince: liveSince?.toISOString() ?? null,
    webhookUrls: row.status === 'undeployed' ? [] : productionUrls(baseUrl, endpoints ?? declaredEndpoints),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}
