/**
 * @module The class of cost of each route, which decides the limit of requests per minute that the route counts against. Any
 * other route that a user calls is `read` for GET and `write` for the rest.
 */
import { routeOf } from './scopes.ts'

/** Class → what it contains. */
export const rateClasses = {
  read: 'Reads of a few rows',
  write: 'Changes',
  heavy: 'Analytics, searches, exports and checks of workflows',
  outgoing: 'Requests that call n8n or send a message',
} as const

export type RateClass = keyof typeof rateClasses

const heavy = [
  'POST /v1/workflows/check',
  'GET /v1/executions/export',
  'GET /v1/audit-events/export',
  'GET /v1/me/export',
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
  'GET /search',
  'GET /search/suggestions',
  'GET /models',
  'GET /errors',
  'GET /executions/export',
  'GET /audit/export.csv',
  'GET /account/export',
]

const outgoing = [
  'GET /v1/workflows/{id}/readiness',
  'POST /v1/workflows/{id}/test',
  'POST /v1/credentials/{id}/test',
  'POST /v1/credentials/{id}/push',
  'POST /v1/credentials/{id}/replace',
  'GET /v1/instances/{id}/workflows',
  'POST /v1/instances/{id}/test',
  'POST /v1/instances/{id}/reporter',
  'PUT /v1/instances/{id}/otel',
  'DELETE /v1/instances/{id}/otel',
  'POST /v1/instances/{id}/webhook-token',
  'DELETE /v1/instances/{id}',
  'POST /v1/instances/{id}/workflows/{n8nWorkflowId}/import',
  'GET /v1/deployments/{id}/drift',
  'POST /v1/deployments/plan',
  'POST /v1/deployments',
  'PATCH /v1/deployments/{id}',
  'DELETE /v1/deployments/{id}',
  'POST /v1/deployments/{id}/activate',
  'POST /v1/deployments/{id}/adopt',
  'POST /v1/deployments/{id}/deactivate',
  'POST /v1/deployments/{id}/deploy',
  'POST /v1/deployments/{id}/overwrite',
  'POST /v1/deployments/{id}/retry',
  'POST /v1/deployments/{id}/rollback',
  'POST /v1/deployments/{id}/undeploy',
  'POST /v1/promotions',
  'POST /v1/releases',
  'POST /v1/releases/{id}/resume',
  'POST /v1/releases/{id}/rollback',
  'POST /v1/releases/{id}/start',
  'POST /v1/executions/poll',
  'POST /v1/alerts/channels/{id}/test',
  'POST /v1/alerts/deliveries/{id}/replay',
  'GET /deployments/new',
  'GET /deployments/{id}/drift',
  'GET /instances/{id}/import',
  'POST /workflows/{id}/tests',
  'POST /credentials/{id}/push',
  'POST /credentials/{id}/replace',
  'POST /credentials/{id}/validate',
  'POST /instances',
  'POST /instances/{id}/import',
  'POST /instances/{id}/key',
  'POST /instances/{id}/otel',
  'POST /instances/{id}/otel/remove',
  'POST /instances/{id}/poll',
  'POST /instances/{id}/remove',
  'POST /instances/{id}/reporter',
  'POST /instances/{id}/test',
  'POST /instances/{id}/webhook-token',
  'POST /deployments',
  'POST /deployments/track',
  'POST /deployments/{id}/activate',
  'POST /deployments/{id}/adopt',
  'POST /deployments/{id}/deactivate',
  'POST /deployments/{id}/delete',
  'POST /deployments/{id}/overwrite',
  'POST /deployments/{id}/retry',
  'POST /deployments/{id}/rollback',
  'POST /deployments/{id}/undeploy',
  'POST /releases/new',
  'POST /releases/promote',
  'POST /releases/{id}/resume',
  'POST /releases/{id}/rollback',
  'POST /releases/{id}/start',
  'POST /alerts/channels/{id}/test',
  'POST /alerts/deliveries/{id}/replay',
]

const classes: ReadonlyMap<string, RateClass> = new Map([
  ...heavy.map((route) => [route, 'heavy'] as const),
  ...outgoing.map((route) => [route, 'outgoing'] as const),
])

/** Routes with a class of their own. */
export const classifiedRoutes: readonly string[] = [...classes.keys()]

/** @param path with parameters as Hono or OpenAPI write them */
export const rateClassOf = (method: string, path: string): RateClass =>
  classes.get(routeOf(method, path)) ?? (method === 'GET' ? 'read' : 'write')
