import type { Deletable } from '../db/guarded-delete.ts'
import type { Subject } from './approvals.ts'

/** What deleting or replacing a resource affects: every deployment that uses it. */
export function affecting({ name, version, isProduction, dependents }: Deletable): Subject {
  return {
    name,
    details: {
      version,
      deployments: dependents.map((each) => ({
        id: each.deploymentId,
        workflow: each.workflowName,
        version: each.version,
        status: each.status,
        instance: { name: each.instanceName, isProduction: each.isProduction },
      })),
    },
    scopes: isProduction ? ['destructive', 'deploy:production'] : ['destructive'],
  }
}
