/** @module The paths of n8n's public API that the stub supports, and the response of `/discover`. */
import * as credentials from './n8n-stub-credentials.ts'
import * as otel from './n8n-stub-otel.ts'
import * as executions from './n8n-stub-executions.ts'
import type { StubStep } from './n8n-stub-faults.ts'
import type { Generation, Json, StubContext } from './n8n-stub-state.ts'
import { Refusal, SETTING_NAMES } from './n8n-stub-validation.ts'
import * as workflows from './n8n-stub-workflows.ts'

type Handler = (
  context: StubContext,
  request: { id: string; body: unknown; query: URLSearchParams },
) => Json | Json[]
/** `since`: not on 1.x and 2.0 */
export type Route = [method: string, path: RegExp, step: StubStep, handler: Handler, since?: '2.41']

const ROUTES: Route[] = [
  ['GET', /^\/discover$/, 'discover', (c, { query }) => discovery(c, query), '2.41'],
  ['GET', /^\/workflows$/, 'workflow-list', (c, { query }) => workflows.listWorkflows(c, query)],
  ['POST', /^\/workflows$/, 'workflow-create', (c, { body }) => workflows.createWorkflow(c, body)],
  ['GET', /^\/workflows\/([^/]+)$/, 'workflow-get', (c, { id }) => workflows.getWorkflow(c, id)],
  [
    'PUT',
    /^\/workflows\/([^/]+)$/,
    'workflow-update',
    (c, r) => workflows.updateWorkflow(c, r.id, r.body, r.query),
  ],
  ['DELETE', /^\/workflows\/([^/]+)$/, 'workflow-delete', (c, { id }) => workflows.deleteWorkflow(c, id)],
  [
    'POST',
    /^\/workflows\/([^/]+)\/publish$/,
    'publish',
    (c, r) => workflows.publishWorkflow(c, r.id, r.body),
    '2.41',
  ],
  [
    'POST',
    /^\/workflows\/([^/]+)\/unpublish$/,
    'unpublish',
    (c, { id }) => workflows.unpublishWorkflow(c, id),
    '2.41',
  ],
  [
    'POST',
    /^\/workflows\/([^/]+)\/activate$/,
    'publish',
    (c, r) => workflows.publishWorkflow(c, r.id, r.body),
  ],
  [
    'POST',
    /^\/workflows\/([^/]+)\/deactivate$/,
    'unpublish',
    (c, { id }) => workflows.unpublishWorkflow(c, id),
  ],
  [
    'GET',
    /^\/credentials$/,
    'credential-list',
    (c, { query }) => credentials.listCredentials(c, query),
    '2.41',
  ],
  ['POST', /^\/credentials$/, 'credential-create', (c, { body }) => credentials.createCredential(c, body)],
  [
    'GET',
    /^\/credentials\/schema\/([^/]+)$/,
    'credential-schema',
    (c, { id }) => credentials.credentialSchema(c, id),
  ],
  [
    'GET',
    /^\/credentials\/([^/]+)$/,
    'credential-get',
    (c, { id }) => credentials.getCredential(c, id),
    '2.41',
  ],
  [
    'PATCH',
    /^\/credentials\/([^/]+)$/,
    'credential-update',
    (c, r) => credentials.updateCredential(c, r.id, r.body),
    '2.41',
  ],
  [
    'DELETE',
    /^\/credentials\/([^/]+)$/,
    'credential-delete',
    (c, { id }) => credentials.deleteCredential(c, id),
  ],
  [
    'POST',
    /^\/credentials\/([^/]+)\/test$/,
    'test',
    (c, { id }) => credentials.testCredential(c, id),
    '2.41',
  ],
  ['GET', /^\/community-packages$/, 'community-package-list', (c) => listCommunityPackages(c), '2.41'],
  ['GET', /^\/variables$/, 'variable-list', (c) => listVariables(c)],
  ['GET', /^\/settings\/otel$/, 'otel-get', (c) => otel.getOtel(c), '2.41'],
  ['PUT', /^\/settings\/otel$/, 'otel-update', (c, { body }) => otel.updateOtel(c, body), '2.41'],
  ['POST', /^\/settings\/otel\/test-trace$/, 'otel-test', (c, { body }) => otel.testOtel(c, body), '2.41'],
  ['GET', /^\/executions$/, 'execution-list', (c, { query }) => executions.listExecutions(c, query)],
  [
    'GET',
    /^\/executions\/([^/]+)$/,
    'execution-get',
    (c, { id, query }) => executions.getExecution(c, id, query),
  ],
  ['DELETE', /^\/executions\/([^/]+)$/, 'other', (c, { id }) => executions.deleteExecution(c, id)],
  [
    'POST',
    /^\/executions\/([^/]+)\/stop$/,
    'execution-stop',
    (c, { id }) => executions.stopExecution(c, id),
    '2.41',
  ],
  ['POST', /^\/executions\/([^/]+)\/retry$/, 'other', (c, { id }) => executions.retryExecution(c, id)],
]

const RESOURCES = [
  ['/workflows', 'workflow'],
  ['/credentials', 'credential'],
  ['/community-packages', 'communityPackage'],
] as const

function listVariables({ state }: StubContext): Json {
  if (!state.variables) {
    const feature = 'feat:variables'
    throw new Refusal(
      403,
      `Your license does not allow for ${feature}. To enable ${feature}, please upgrade to a license that supports this feature.`,
    )
  }
  const data = Object.entries(state.variables).map(([key, value]) => ({
    id: key,
    key,
    value,
    type: 'string',
  }))
  return { data, nextCursor: null }
}

function listCommunityPackages({ state }: StubContext): Json[] {
  // The response of n8n without its module.
  if (!state.communityPackages) throw new Refusal(500, 'Internal server error')
  return state.communityPackages.map(({ packageName, types, failedLoading }) => ({
    packageName,
    installedVersion: '1.0.0',
    installedNodes: types.map((type) => ({ name: type, type, latestVersion: 1 })),
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...(failedLoading !== undefined && { failedLoading }),
  }))
}

export function routesAt(generation: Generation, path: string): Route[] {
  return ROUTES.filter(([, pattern, , , since]) => pattern.test(path) && (!since || generation === since))
}

function discovery(context: StubContext, query: URLSearchParams): Json {
  const resource = query.get('resource')
  const properties = Object.fromEntries(SETTING_NAMES[context.state.generation].map((name) => [name, {}]))
  const schemas: Record<string, Json> = {
    'POST /workflows': { type: 'object', properties: { settings: { type: 'object', properties } } },
    'POST /credentials': { type: 'object', properties: { id: { type: 'string', maxLength: 16 } } },
  }
  const resources: Record<string, { endpoints: Json[] }> = {}
  for (const [method, pattern, step] of ROUTES) {
    const path = pattern.source.slice(1, -1).replaceAll('\\/', '/').replaceAll('([^/]+)', '{id}')
    const name = RESOURCES.find(([start]) => path.startsWith(start))?.[1] ?? step
    if ((resource !== null && resource !== name) || context.state.withheld.has(step)) continue
    const schema = query.get('include') === 'schemas' ? schemas[`${method} ${path}`] : undefined
    resources[name] ??= { endpoints: [] }
    resources[name].endpoints.push({
      method,
      path: `/api/v1${path}`,
      ...(schema && { requestSchema: schema }),
    })
  }
  return { data: { scopes: [], resources, filters: {}, specUrl: '/api/v1/openapi.yml' } }
}
