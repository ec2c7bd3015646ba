/** @module The format of the conformance table. A row is one request and the response of n8n 2.41.1. */
export type Json = Record<string, unknown>
export type Api = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string | null>,
) => Promise<Answer>
export interface Answer {
  status: number
  html: boolean
  body: Json
}
/** Values from earlier rows for later ones. */
export type Memory = Record<string, string>
export interface Row {
  name: string
  method: string
  path: string | ((memory: Memory) => string)
  body?: unknown
  headers?: Record<string, string | null>
  status: number
  html?: true
  /** the exact keys of the response */
  keys?: string[]
  /** part of the response */
  like?: Json
  check?: (body: Json, memory: Memory) => void
  /** holds only for about 0.2 s after the previous row; skipped on a real n8n, because a busy machine may be slower */
  hurried?: true
  /** repeated for up to 8 s until status and content match */
  eventually?: true
}

export const hook = (path: string, more: Json = {}) => ({
  id: 'a1',
  name: 'Webhook',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  position: [0, 0],
  webhookId: '6f1f3a52-7a4c-4a53-9a8d-3a2b6b8f0c11',
  parameters: { path, httpMethod: 'POST', responseMode: 'onReceived', options: {} },
  ...more,
})
export const set = (more: Json = {}) => ({
  id: 'a2',
  name: 'Set',
  type: 'n8n-nodes-base.set',
  typeVersion: 3.4,
  position: [200, 0],
  parameters: { assignments: { assignments: [] }, options: {} },
  ...more,
})
export const node = (type: string, typeVersion: number, parameters: Json = {}, more: Json = {}) => ({
  id: type,
  name: type,
  type,
  typeVersion,
  position: [0, 0],
  parameters,
  ...more,
})
export const run = Math.random().toString(36).slice(2, 8)
export const path = (name: string) => `conformance-${run}-${name}`
export const workflow = (more: Json = {}) => ({
  name: `Conformance ${run}`,
  nodes: [hook(path('draft')), set()],
  settings: {},
  connections: { Webhook: { main: [[{ node: 'Set', type: 'main', index: 0 }]] } },
  ...more,
})
export const only = (...nodes: Json[]) => workflow({ nodes, connections: {} })
export const without = (object: Json, key: string) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
export const credential = (more: Json = {}) => ({
  name: `Conformance ${run}`,
  type: 'httpHeaderAuth',
  data: { name: 'X-Key', value: 'v' },
  ...more,
})

export const WORKFLOWS = '/api/v1/workflows'
export const CREDENTIALS = '/api/v1/credentials'
export const EXECUTIONS = '/api/v1/executions'
export const create = (name: string, body: unknown, status = 200, more: Partial<Row> = {}): Row => {
  return {
    name,
    method: 'POST',
    path: WORKFLOWS,
    body,
    status,
    ...(status >= 400 && { keys: ['message'] }),
    ...more,
  }
}
export const createCredential = (name: string, body: unknown, status = 200, more: Partial<Row> = {}): Row => {
  return {
    name,
    method: 'POST',
    path: CREDENTIALS,
    body,
    status,
    ...(status >= 400 && { keys: ['message'] }),
    ...more,
  }
}
export const list = (path: string, status = 200): Row => ({ name: path, method: 'GET', path, status })
export const keep =
  (key: string, from = 'id') =>
  (body: Json, memory: Memory) => {
    memory[key] = String(body[from])
  }
export const at =
  (key: string, tail = '') =>
  (memory: Memory) =>
    `${WORKFLOWS}/${memory[key]}${tail}`
export const publish = (name: string, key: string, status: number, more: Partial<Row> = {}): Row => {
  return { name, method: 'POST', path: at(key, '/publish'), body: {}, status, ...more }
}
export const live = (key: string): Row => {
  return {
    name: `${key} goes live`,
    method: 'GET',
    path: at(key),
    status: 200,
    like: { active: true, triggerCount: 1 },
    eventually: true,
  }
}
export const call = (name: string, status: number, method = 'POST'): Row => {
  const row = {
    name: `calling ${name} gives ${status}`,
    method,
    path: `/webhook/${path(name)}`,
    status,
    eventually: true as const,
  }
  return method === 'POST' ? { ...row, body: {} } : row
}
/** A workflow with these nodes that n8n accepts, and its response to publishing it. */
export const published = (name: string, nodes: Json[], status: number): Row[] => [
  create(`${name}: taken as a draft`, only(...nodes), 200, { check: keep('each') }),
  publish(`${name}: publish gives ${status}`, 'each', status, status >= 400 ? { keys: ['message'] } : {}),
]

export const WORKFLOW_KEYS = [
  'id',
  'name',
  'description',
  'active',
  'activeVersionId',
  'createdAt',
  'updatedAt',
  'isArchived',
  'versionId',
  'versionCounter',
  'sourceWorkflowId',
  'triggerCount',
  'nodes',
  'connections',
  'nodeGroups',
  'settings',
  'staticData',
  'pinData',
  'meta',
  'activeVersion',
]
export const EXECUTION_KEYS = [
  'id',
  'finished',
  'mode',
  'retryOf',
  'retrySuccessId',
  'status',
  'startedAt',
  'stoppedAt',
  'workflowId',
  'waitTill',
]
export const CREDENTIAL_KEYS = [
  'id',
  'name',
  'type',
  'isManaged',
  'isGlobal',
  'isResolvable',
  'resolvableAllowFallback',
  'resolverId',
  'createdAt',
  'updatedAt',
]
export const slack = (more: Json = {}) =>
  node('n8n-nodes-base.slack', 2.2, { resource: 'message', operation: 'post' }, more)
export const cron = (expression: string) =>
  node('n8n-nodes-base.scheduleTrigger', 1.2, {
    rule: { interval: [{ field: 'cronExpression', expression }] },
  })
