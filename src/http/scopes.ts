/** @module What an access token may do: the scopes, and the scope of each route. A route without one rejects every token. */
import { currentToken } from '../db/actor.ts'
import { AppError } from '../errors.ts'

/** Scope → what it allows, and the routes that require it. */
const table = {
  'workflows:read': [
    'Read workflows, versions, findings and readiness. Read node types and credential types',
    'GET /v1/workflows',
    'GET /v1/workflows/{id}',
    'GET /v1/workflows/{id}/check',
    'GET /v1/workflows/{id}/diff',
    'GET /v1/workflows/{id}/readiness',
    'GET /v1/workflows/{id}/value-storage',
    'GET /v1/workflows/{id}/versions',
    'GET /v1/workflows/{id}/versions/{version}',
    'POST /v1/workflows/check',
    'GET /v1/node-types',
    'GET /v1/node-types/{type}',
    'GET /v1/node-types/{type}/example',
    'GET /v1/node-types/{type}/schema',
    'GET /v1/node-types/{type}/shape',
    'GET /v1/credential-types',
    'GET /v1/credential-types/{type}',
    'GET /v1/credentials/missing',
  ],
  'workflows:write': [
    'Create, change and restore workflows. Import them from n8n',
    'POST /v1/workflows',
    'PATCH /v1/workflows/{id}',
    'DELETE /v1/workflows/{id}',
    'DELETE /v1/workflows/{id}/value-storage',
    'POST /v1/workflows/{id}/edits',
    'POST /v1/workflows/{id}/fix',
    'POST /v1/workflows/{id}/versions/{version}/restore',
    'POST /v1/instances/{id}/workflows/{n8nWorkflowId}/import',
    'POST /v1/deployments/{id}/adopt',
  ],
  'workflows:test': [
    'Run tests of workflows on instances, except on production instances. Read their results',
    'POST /v1/workflows/{id}/test',
    'GET /v1/test-runs',
    'GET /v1/test-runs/{id}',
  ],
  'credentials:use': [
    'List credentials, test them and bind them to slots. Their data can never be read',
    'GET /v1/credentials',
    'GET /v1/credentials/{id}',
    'GET /v1/credentials/{id}/usage',
    'POST /v1/credentials/{id}/test',
  ],
  'credentials:write': [
    'Create, rename and push credentials',
    'POST /v1/credentials',
    'PATCH /v1/credentials/{id}',
    'DELETE /v1/credentials/{id}',
    'POST /v1/credentials/{id}/push',
    'POST /v1/credentials/{id}/replace',
  ],
  'instances:read': [
    'Read instances and environments, and list the workflows on instances',
    'GET /v1/environments',
    'GET /v1/environments/{id}',
    'GET /v1/instances',
    'GET /v1/instances/{id}',
    'GET /v1/instances/{id}/workflows',
  ],
  'instances:write': [
    'Create, change and test instances. Set up how they report runs. Create, change and delete environments',
    'POST /v1/environments',
    'PATCH /v1/environments/{id}',
    'DELETE /v1/environments/{id}',
    'POST /v1/instances',
    'PATCH /v1/instances/{id}',
    'DELETE /v1/instances/{id}',
    'POST /v1/instances/{id}/test',
    'POST /v1/instances/{id}/reporter',
    'PUT /v1/instances/{id}/otel',
    'DELETE /v1/instances/{id}/otel',
    'POST /v1/instances/{id}/webhook-token',
  ],
  'deployments:read': [
    'Read deployments, their drift and releases. Plan deployments, which changes nothing',
    'GET /v1/deployments',
    'GET /v1/deployments/{id}',
    'GET /v1/deployments/{id}/drift',
    'GET /v1/deployments/{id}/versions',
    'POST /v1/deployments/plan',
    'GET /v1/releases',
    'GET /v1/releases/{id}',
    'GET /v1/releases/{id}/targets',
  ],
  deploy: [
    'Deploy, activate, deactivate and roll back, except on production instances. Release and promote',
    'POST /v1/deployments',
    'PATCH /v1/deployments/{id}',
    'DELETE /v1/deployments/{id}',
    'POST /v1/deployments/{id}/activate',
    'POST /v1/deployments/{id}/deactivate',
    'POST /v1/deployments/{id}/deploy',
    'POST /v1/deployments/{id}/overwrite',
    'POST /v1/deployments/{id}/retry',
    'POST /v1/deployments/{id}/rollback',
    'POST /v1/deployments/{id}/undeploy',
    'POST /v1/promotions',
    'POST /v1/releases',
    'POST /v1/releases/{id}/halt',
    'POST /v1/releases/{id}/resume',
    'POST /v1/releases/{id}/rollback',
    'POST /v1/releases/{id}/start',
  ],
  'deploy:production': ['With another scope: also on production instances'],
  destructive: [
    'With another scope: also delete and undeploy, overwrite changes made in n8n, replace credentials, use force and turn off requireReplay',
  ],
  'executions:read': [
    'Read executions with their data, analytics, error groups and dead letters',
    'GET /v1/executions',
    'GET /v1/executions/export',
    'GET /v1/executions/{id}',
    'GET /v1/executions/{id}/diagnosis',
    'GET /v1/incidents',
    'GET /v1/dead-letters',
    'GET /v1/dead-letters/{id}',
    'GET /v1/analytics/costs',
    'GET /v1/analytics/credentials',
    'GET /v1/analytics/errors',
    'GET /v1/analytics/errors/{fingerprint}',
    'GET /v1/analytics/models',
    'GET /v1/analytics/nodes',
    'GET /v1/analytics/node-types',
    'GET /v1/analytics/prompts',
    'GET /v1/analytics/series',
    'GET /v1/analytics/summary',
    'GET /v1/analytics/workflows',
    'GET /v1/model-prices',
  ],
  'executions:values': [
    'Read the stored values of executions: what nodes received and returned',
    'GET /v1/executions/{id}/values',
  ],
  'executions:write': [
    'Poll executions, replay and delete dead letters, resolve error groups, set model prices',
    'POST /v1/executions/poll',
    'POST /v1/dead-letters/{id}/replay',
    'DELETE /v1/dead-letters/{id}',
    'PATCH /v1/analytics/errors/{fingerprint}',
    'PUT /v1/model-prices',
  ],
  'alerts:read': [
    'Read alert rules, channels, incidents and deliveries',
    'GET /v1/alerts/channels',
    'GET /v1/alerts/deliveries',
    'GET /v1/alerts/incidents',
    'GET /v1/alerts/rules',
    'GET /v1/alerts/rules/{id}',
  ],
  'alerts:write': [
    'Create, change and delete alert rules and channels. Send test messages',
    'POST /v1/alerts/channels',
    'DELETE /v1/alerts/channels/{id}',
    'POST /v1/alerts/channels/{id}/secret',
    'POST /v1/alerts/channels/{id}/test',
    'POST /v1/alerts/deliveries/{id}/replay',
    'POST /v1/alerts/rules',
    'PATCH /v1/alerts/rules/{id}',
    'DELETE /v1/alerts/rules/{id}',
  ],
  'audit:read': ['Read and export audit events', 'GET /v1/audit-events', 'GET /v1/audit-events/export'],
  admin: [
    'Everything, including the account and access tokens',
    'GET /v1/me',
    'GET /v1/me/usage',
    'PATCH /v1/me',
    'POST /v1/me/delete',
    'POST /v1/me/password',
    'POST /v1/me/verify-email',
    'GET /v1/me/sessions',
    'DELETE /v1/me/sessions/{id}',
    'POST /v1/me/sessions/end-others',
    'GET /v1/me/sign-ins',
    'POST /v1/auth/logout-all',
    'GET /v1/tokens',
    'POST /v1/tokens',
    'GET /v1/tokens/{id}',
    'PATCH /v1/tokens/{id}',
    'DELETE /v1/tokens/{id}',
    'POST /v1/tokens/{id}/rotate',
  ],
} as const satisfies Record<string, readonly [description: string, ...routes: string[]]>

export type Scope = keyof typeof table

export const scopes = Object.keys(table) as [Scope, ...Scope[]]

export const descriptionOf = (scope: Scope): string => table[scope][0]

const routes: ReadonlyMap<string, Scope> = new Map(
  scopes.flatMap((scope) => table[scope].slice(1).map((route) => [route, scope])),
)

/** @param path with parameters as Hono or OpenAPI write them */
export const routeOf = (method: string, path: string) =>
  `${method} ${path.replace(/:(\w+)(\{[^/]*\})?/g, '{$1}')}`

export const scopeOf = (method: string, path: string): Scope | undefined => routes.get(routeOf(method, path))

/** A person decides: no access token can use these routes. */
const sessionOnly = new Set([
  'PUT /v1/workflows/{id}/value-storage',
  'POST /v1/workflows/{id}/versions/compact',
  'POST /v1/approvals/{id}/approve',
  'POST /v1/approvals/{id}/deny',
  'GET /v1/me/export',
  'GET /v1/me/factors',
  'POST /v1/me/factors/passkey-check',
  'POST /v1/me/factors/passkeys',
  'POST /v1/me/factors/passkeys/options',
  'POST /v1/me/factors/passkeys/{id}/remove',
  'POST /v1/me/factors/recovery-codes',
  'POST /v1/me/factors/totp',
  'POST /v1/me/factors/totp/confirm',
  'POST /v1/me/factors/totp/remove',
])

export const isSessionOnly = (method: string, path: string): boolean => sessionOnly.has(`${method} ${path}`)

/** Tools of the MCP server require scopes one by one. A token needs no scope to read the approvals that it asked for. */
const scopedWithin = new Set(['POST /mcp', 'GET /v1/approvals', 'GET /v1/approvals/{id}'])

/** Whether the route requires scopes itself, depending on the request. */
export const isScopedWithin = (method: string, path: string): boolean =>
  scopedWithin.has(routeOf(method, path))

/** Whether the current request may use all of the scopes. A session may use every scope. */
export function hasScopes(...required: readonly string[]): boolean {
  const granted = currentToken()?.scopes
  return !granted || granted.has('admin') || required.every((scope) => granted.has(scope))
}

/** @throws {AppError} `insufficient-scope` when the request has an access token without the scope */
export function requireScope(scope: Scope): void {
  if (hasScopes(scope)) return
  throw new AppError(
    'insufficient-scope',
    `The access token lacks the ${scope} scope. Add the scope to it, or use another token`,
    { extra: { requiredScope: scope } },
  )
}

/** Before a change on an n8n server. @param isProduction of its environment @throws {AppError} `insufficient-scope` */
export function requireEnvironment(isProduction: boolean): void {
  if (isProduction) requireScope('deploy:production')
}
