/**
 * @module What an access token may ask a person to approve: the changes, the scope that the token needs in any case, and the
 * scopes that an approval lends it for one request.
 */
import type { Scope } from './scopes.ts'

/** Scopes that an approval can grant once. */
export const lendable = ['deploy:production', 'destructive'] as const satisfies readonly Scope[]
export type Lendable = (typeof lendable)[number]

/** Kind of change → the scope that the token needs to ask, what the change does, and the routes that make it. */
export const approvable = {
  'delete-workflow': { scope: 'workflows:write', verb: 'Delete', routes: ['DELETE /v1/workflows/{id}'] },
  'update-credential': {
    scope: 'credentials:write',
    verb: 'Replace values of',
    routes: ['PATCH /v1/credentials/{id}'],
  },
  'delete-credential': {
    scope: 'credentials:write',
    verb: 'Delete',
    routes: ['DELETE /v1/credentials/{id}'],
  },
  'push-credential': { scope: 'credentials:write', verb: 'Push', routes: ['POST /v1/credentials/{id}/push'] },
  'replace-credential': {
    scope: 'credentials:write',
    verb: 'Replace',
    routes: ['POST /v1/credentials/{id}/replace'],
  },
  'delete-instance': { scope: 'instances:write', verb: 'Delete', routes: ['DELETE /v1/instances/{id}'] },
  deploy: {
    scope: 'deploy',
    verb: 'Deploy',
    routes: [
      'POST /v1/deployments',
      'POST /v1/deployments/{id}/deploy',
      'POST /v1/deployments/{id}/overwrite',
    ],
  },
  'roll-back': { scope: 'deploy', verb: 'Roll back', routes: ['POST /v1/deployments/{id}/rollback'] },
  activate: { scope: 'deploy', verb: 'Activate', routes: ['POST /v1/deployments/{id}/activate'] },
  deactivate: { scope: 'deploy', verb: 'Deactivate', routes: ['POST /v1/deployments/{id}/deactivate'] },
  undeploy: { scope: 'deploy', verb: 'Undeploy', routes: ['POST /v1/deployments/{id}/undeploy'] },
  retry: { scope: 'deploy', verb: 'Retry', routes: ['POST /v1/deployments/{id}/retry'] },
  'delete-deployment': {
    scope: 'deploy',
    verb: 'Delete the deployment of',
    routes: ['DELETE /v1/deployments/{id}'],
  },
} as const satisfies Record<string, { scope: Scope; verb: string; routes: readonly string[] }>

export type ApprovalKind = keyof typeof approvable
export const approvalKinds = Object.keys(approvable) as [ApprovalKind, ...ApprovalKind[]]

const routes = new Set<string>(Object.values(approvable).flatMap((each) => each.routes))

/** Whether the route can respond that a person must approve. @param path as OpenAPI writes it */
export const isApprovable = (method: string, path: string): boolean => routes.has(`${method} ${path}`)
