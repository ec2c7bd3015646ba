/**
 * @module The stub against what n8n 2.41.1 answers. With N8N_URL and N8N_API_KEY (of an n8n that may be filled and
 * emptied) the same table runs against the real one, which is what keeps the stub true.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { createN8nStub } from '../harness/n8n-stub.ts'

type Json = Record<string, unknown>
type Api = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string | null>,
) => Promise<Answer>
interface Answer {
  status: number
  html: boolean
  body: Json
}
/** Values that earlier rows leave for later ones. */
type Memory = Record<string, string>
interface Row {
  name: string
  method: string
  path: string | ((memory: Memory) => string)
  body?: unknown
  headers?: Record<string, string | null>
  /** with another one while n8n still works on an earlier row */
  status: number
  html?: true
  /** keys that the answer must have, these and no others */
  keys?: string[]
  /** part of the answer */
  like?: Json
  check?: (body: Json, memory: Memory) => void
  /** asked again for up to 8 s until status and content fit */
  eventually?: true
}

const hook = (path: string, more: Json = {}) => ({
  ...{ id: 'a1', name: 'Webhook', type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0] },
  webhookId: '6f1f3a52-7a4c-4a53-9a8d-3a2b6b8f0c11',
  parameters: { path, httpMethod: 'POST', responseMode: 'onReceived', options: {} },
  ...more,
})
const set = (more: Json = {}) => ({
  ...{ id: 'a2', name: 'Set', type: 'n8n-nodes-base.set', typeVersion: 3.4, position: [200, 0] },
  parameters: { assignments: { assignments: [] }, options: {} },
  ...more,
})
const node = (type: string, typeVersion: number, parameters: Json = {}, more: Json = {}) => ({
  ...{ id: type, name: type, type, typeVersion, position: [0, 0], parameters },
  ...more,
})
const run = Math.random().toString(36).slice(2, 8)
const path = (name: string) => `conformance-${run}-${name}`
const workflow = (more: Json = {}) => ({
  ...{ name: `Conformance ${run}`, nodes: [hook(path('draft')), set()], settings: {} },
  connections: { Webhook: { main: [[{ node: 'Set', type: 'main', index: 0 }]] } },
  ...more,
})
const only = (...nodes: Json[]) => workflow({ nodes, connections: {} })
const without = (object: Json, key: string) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
const credential = (more: Json = {}) => ({
  ...{ name: `Conformance ${run}`, type: 'httpHeaderAuth', data: { name: 'X-Key', value: 'v' } },
  ...more,
})

const WORKFLOWS = '/api/v1/workflows'
const CREDENTIALS = '/api/v1/credentials'
const EXECUTIONS = '/api/v1/executions'
const create = (name: string, body: unknown, status = 200, more: Partial<Row> = {}): Row => {
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
const createCredential = (name: string, body: unknown, status = 200, more: Partial<Row> = {}): Row => {
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
const list = (path: string, status = 200): Row => ({ name: path, method: 'GET', path, status })
const keep =
  (key: string, from = 'id') =>
  (body: Json, memory: Memory) => {
    memory[key] = String(body[from])
  }
const at =
  (key: string, tail = '') =>
  (memory: Memory) =>
    `${WORKFLOWS}/${memory[key]}${tail}`
const publish = (name: string, key: string, status: number, more: Partial<Row> = {}): Row => {
  return { name, method: 'POST', path: at(key, '/publish'), body: {}, status, ...more }
}
const live = (key: string): Row => {
  return {
    name: `${key} goes live`,
    method: 'GET',
    path: at(key),
    status: 200,
    like: { active: true, triggerCount: 1 },
    eventually: true,
  }
}
const call = (name: string, status: number, method = 'POST'): Row => {
  const row = {
    name: `calling ${name} gives ${status}`,
    method,
    path: `/webhook/${path(name)}`,
    status,
    eventually: true as const,
  }
  return method === 'POST' ? { ...row, body: {} } : row
}
/** A workflow of these nodes that n8n takes and answers so to a publish. */
const published = (name: string, nodes: Json[], status: number): Row[] => [
  create(`${name}: taken as a draft`, only(...nodes), 200, { check: keep('each') }),
  publish(`${name}: publish gives ${status}`, 'each', status, status >= 400 ? { keys: ['message'] } : {}),
]

const WORKFLOW_KEYS = [
  ...[
    'id',
    'name',
    'description',
    'active',
    'activeVersionId',
    'createdAt',
    'updatedAt',
    'isArchived',
    'versionId',
  ],
  ...['versionCounter', 'sourceWorkflowId', 'triggerCount', 'nodes', 'connections', 'nodeGroups', 'settings'],
  ...['staticData', 'pinData', 'meta', 'activeVersion'],
]
const EXECUTION_KEYS = [
  ...[
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
  ],
]
const CREDENTIAL_KEYS = [
  ...['id', 'name', 'type', 'isManaged', 'isGlobal', 'isResolvable', 'resolvableAllowFallback', 'resolverId'],
  ...['createdAt', 'updatedAt'],
]
const slack = (more: Json = {}) =>
  node('n8n-nodes-base.slack', 2.2, { resource: 'message', operation: 'post' }, more)
const cron = (expression: string) =>
  node('n8n-nodes-base.scheduleTrigger', 1.2, {
    rule: { interval: [{ field: 'cronExpression', expression }] },
  })

const groups: Record<string, Row[]> = {
  'requests as such': [
    {
      name: 'no key',
      method: 'GET',
      path: WORKFLOWS,
      headers: { 'x-n8n-api-key': null },
      status: 401,
      keys: ['message'],
    },
    {
      name: 'wrong key',
      method: 'GET',
      path: WORKFLOWS,
      headers: { 'x-n8n-api-key': 'no' },
      status: 401,
      keys: ['message'],
    },
    {
      name: 'bearer',
      method: 'GET',
      path: WORKFLOWS,
      headers: { 'x-n8n-api-key': null, authorization: 'Bearer x' },
      status: 401,
    },
    { name: 'invalid JSON', method: 'POST', path: WORKFLOWS, body: '{"a":', status: 500, html: true },
    {
      name: 'invalid JSON before the key',
      method: 'POST',
      path: WORKFLOWS,
      body: '{',
      headers: { 'x-n8n-api-key': 'no' },
      status: 500,
      html: true,
    },
    {
      name: 'more than 16 MB',
      method: 'POST',
      path: WORKFLOWS,
      body: workflow({ name: 'x'.repeat(17_000_000) }),
      status: 413,
      html: true,
    },
    { name: 'no body', method: 'POST', path: WORKFLOWS, status: 415, keys: ['message'] },
    {
      name: 'text',
      method: 'POST',
      path: WORKFLOWS,
      body: '{}',
      headers: { 'content-type': 'text/plain' },
      status: 415,
    },
    { name: 'array', method: 'POST', path: WORKFLOWS, body: [], status: 400, keys: ['message'] },
    { name: 'null', method: 'POST', path: WORKFLOWS, body: 'null', status: 400 },
    { name: 'unknown route', method: 'GET', path: '/api/v1/nothing', status: 404, keys: ['message'] },
    {
      name: 'unknown route without key',
      method: 'GET',
      path: '/api/v1/nothing',
      headers: { 'x-n8n-api-key': null },
      status: 404,
    },
    {
      name: 'unknown method',
      method: 'PATCH',
      path: `${WORKFLOWS}/nope`,
      body: {},
      status: 405,
      keys: ['message'],
    },
    { name: 'unknown method of a list', method: 'DELETE', path: WORKFLOWS, status: 405 },
    { name: 'PUT of a credential', method: 'PUT', path: `${CREDENTIALS}/nope`, body: {}, status: 405 },
    { name: 'POST of an execution', method: 'POST', path: EXECUTIONS, body: {}, status: 405 },
    {
      name: 'trailing slash',
      method: 'GET',
      path: `${WORKFLOWS}/`,
      status: 200,
      keys: ['data', 'nextCursor'],
    },
    { name: 'outside of the API', method: 'GET', path: '/api/v2/workflows', status: 404, html: true },
    {
      name: 'discovery',
      method: 'GET',
      path: '/api/v1/discover?resource=workflow&include=schemas',
      status: 200,
      keys: ['data'],
    },
  ],
  'what a workflow may have': [
    create('a plain one', workflow(), 200, {
      keys: [...WORKFLOW_KEYS, 'tags', 'shared', 'parentFolder'],
      like: { active: false, triggerCount: 0, activeVersionId: null },
    }),
    ...['name', 'nodes', 'connections', 'settings'].map((key) =>
      create(`no ${key}`, without(workflow(), key), 400),
    ),
    ...[
      'id',
      'active',
      'tags',
      'versionId',
      'createdAt',
      'updatedAt',
      'meta',
      'triggerCount',
      'isArchived',
      'activeVersion',
      'description',
      'foo',
      'versionCounter',
      'parentFolder',
      'hash',
    ].map((key) => create(`its own ${key}`, workflow({ [key]: null }), 400)),
    create('pin data', workflow({ pinData: {} })),
    create('static data', workflow({ staticData: { a: 1 } })),
    create('static data as JSON', workflow({ staticData: '{"a":1}' })),
    create('static data as text', workflow({ staticData: 'a' }), 400),
    create('a project that is not there', workflow({ projectId: 'nope' }), 404),
    create('empty name', workflow({ name: '' }), 400),
    create('blank name', workflow({ name: '  ' })),
    create('128 characters', workflow({ name: 'x'.repeat(128) })),
    create('129 characters', workflow({ name: 'x'.repeat(129) }), 400),
    create('a number as name', workflow({ name: 4 }), 400),
    create('no nodes at all', only()),
    create('nodes null', workflow({ nodes: null }), 400),
    create('a node null', workflow({ nodes: [null] }), 400),
    create('settings null', workflow({ settings: null }), 400),
    create('settings as text', workflow({ settings: '{}' }), 400),
  ],
  'what a node may have': [
    ...Object.entries<unknown[]>({
      ...{ foo: [1], color: [1], issues: [{}], createdAt: ['x'], extendsCredential: ['x'] },
      ...{
        disabled: ['x', null],
        notes: [1],
        executeOnce: [null],
        webhookId: [null],
        credentials: ['x', [], null],
      },
      ...{ parameters: ['x', null], typeVersion: ['1'], position: [['0', 1], [1], [1, 2, 3], {}], id: [4] },
      ...{ name: ['', null, 5], type: ['', 5] },
    }).flatMap(([key, values]) =>
      values.map((value) =>
        create(`no ${key} ${JSON.stringify(value)}`, only(hook('x'), set({ [key]: value })), 400),
      ),
    ),
    ...Object.entries<unknown[]>({
      ...{
        retryOnFail: [true],
        maxTries: [99],
        waitBetweenTries: [1],
        onError: ['zzz'],
        continueOnFail: [true],
      },
      ...{ alwaysOutputData: [true], notesInFlow: [true], webhookId: [''], id: [''], type: ['with space'] },
      ...{
        typeVersion: [0, 99],
        customTelemetryTags: [{}],
        credentials: [{ a: null }, { a: 'x' }, { a: {} }],
      },
    }).flatMap(([key, values]) =>
      values.map((value) =>
        create(`${key} ${JSON.stringify(value)}`, only(hook('x'), set({ [key]: value }))),
      ),
    ),
    ...['name', 'type', 'position'].map((key) =>
      create(`not without ${key}`, only(hook('x'), without(set(), key)), 400),
    ),
    ...['id', 'typeVersion', 'parameters'].map((key) =>
      create(`without ${key}`, only(hook('x'), without(set(), key))),
    ),
    create('no two of a name', only(hook('x'), set(), set({ id: 'a3' })), 400),
    create('no two of an id', only(hook('x'), set(), set({ name: 'Other' })), 400),
    create('names that differ by case', only(hook('x'), set(), set({ id: 'a3', name: 'set' }))),
    create('names that differ by a blank', only(hook('x'), set(), set({ id: 'a3', name: 'Set ' }))),
  ],
  'which connections it may have': [
    ...Object.entries<unknown>({
      ...{ 'from nowhere': { Nope: { main: [[{ node: 'Set', type: 'main', index: 0 }]] } } },
      ...{
        'from nowhere, empty': { Nope: {} },
        'to nowhere': { Webhook: { main: [[{ node: 'Nope', type: 'main', index: 0 }]] } },
      },
      ...{ 'null target': { Webhook: { main: [[null]] } }, 'text target': { Webhook: { main: [['Set']] } } },
      ...{ 'one level less': { Webhook: { main: [{ node: 'Set', type: 'main', index: 0 }] } } },
      ...{
        'no index': { Webhook: { main: [[{ node: 'Set', type: 'main' }]] } },
        'no type': { Webhook: { main: [[{ node: 'Set', index: 0 }]] } },
      },
      ...{ 'negative index': { Webhook: { main: [[{ node: 'Set', type: 'main', index: -1 }]] } } },
      ...{ 'text index': { Webhook: { main: [[{ node: 'Set', type: 'main', index: '0' }]] } } },
      ...{ 'null outputs': { Webhook: { main: null } }, 'text outputs': { Webhook: { main: 'x' } } },
      ...{ 'null source': { Webhook: null }, 'array source': { Webhook: [] }, null: null, array: [] },
    }).map(([name, connections]) => create(`not: ${name}`, workflow({ connections }), 400)),
    ...Object.entries<unknown>({
      ...{ 'a null slot': { Webhook: { main: [null, [{ node: 'Set', type: 'main', index: 0 }]] } } },
      ...{ 'an unknown type': { Webhook: { zzz: [[{ node: 'Set', type: 'zzz', index: 0 }]] } } },
      ...{ 'an extra key': { Webhook: { main: [[{ node: 'Set', type: 'main', index: 0, foo: 1 }]] } } },
      ...{ 'to itself': { Webhook: { main: [[{ node: 'Webhook', type: 'main', index: 0 }]] } } },
    }).map(([name, connections]) => create(name, workflow({ connections }))),
  ],
  'which settings it may have': [
    ...Object.entries<unknown>({
      ...{
        foo: 1,
        executionTimeout: '1',
        saveDataErrorExecution: 'DEFAULT',
        saveExecutionProgress: 'DEFAULT',
      },
      ...{
        errorWorkflow: null,
        callerPolicy: 'x',
        timeSavedMode: 'x',
        redactionPolicy: 'x',
        availableInMCP: 1,
      },
      ...{ customTelemetryTags: [{ key: 'a' }] },
    }).map(([key, value]) =>
      create(`not ${key} ${JSON.stringify(value)}`, workflow({ settings: { [key]: value } }), 400),
    ),
    ...Object.entries<unknown>({
      ...{ executionOrder: 'zzz', timezone: 'Nope/Zone', executionTimeout: -1, saveManualExecutions: true },
      ...{
        errorWorkflow: 'nope',
        callerPolicy: 'none',
        timeSavedPerExecution: 1,
        callerIds: '1',
        customTelemetryTags: [],
      },
    }).map(([key, value]) => {
      return create(`${key} ${JSON.stringify(value)}`, workflow({ settings: { [key]: value } }), 200, {
        like: { settings: { [key]: value } },
      })
    }),
    ...Object.entries({ binaryMode: 'separate', redactionPolicy: 'none', credentialResolverId: 'x' }).map(
      ([key, value]) => {
        return create(`${key}, and does not keep it`, workflow({ settings: { [key]: value } }), 200, {
          check: (body) => expect(body.settings).toEqual({}),
        })
      },
    ),
  ],
  drafts: [
    create('made', workflow({ settings: { executionOrder: 'v1' } }), 200, {
      check: (body, memory) => {
        keep('draft')(body, memory)
        keep('v1', 'versionId')(body, memory)
      },
    }),
    {
      name: 'read',
      method: 'GET',
      path: at('draft'),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'tags', 'shared'],
    },
    {
      name: 'settings are merged',
      method: 'PUT',
      path: at('draft'),
      body: workflow({ settings: { saveDataErrorExecution: 'all' } }),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'tags'],
      like: { versionCounter: 2 },
      check: (body) => expect(body.settings).toEqual({ executionOrder: 'v1', saveDataErrorExecution: 'all' }),
    },
    {
      name: 'the same again is a new version id',
      method: 'PUT',
      path: at('draft'),
      body: workflow(),
      status: 200,
      like: { versionCounter: 2 },
      check: (body, memory) => expect(body.versionId).not.toBe(memory.v1),
    },
    {
      name: 'an empty name on update',
      method: 'PUT',
      path: at('draft'),
      body: workflow({ name: '' }),
      status: 200,
      like: { name: '' },
    },
    { name: 'an unknown query', method: 'PUT', path: at('draft', '?foo=1'), body: workflow(), status: 200 },
    {
      name: 'a wrong publishIfActive',
      method: 'PUT',
      path: at('draft', '?publishIfActive=x'),
      body: workflow(),
      status: 400,
    },
    {
      name: 'publishIfActive=false',
      method: 'PUT',
      path: at('draft', '?publishIfActive=false'),
      body: workflow(),
      status: 200,
      like: { active: false },
    },
    {
      name: 'unpublishing a draft',
      method: 'POST',
      path: at('draft', '/unpublish'),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'shared'],
    },
    {
      name: 'deleted',
      method: 'DELETE',
      path: at('draft'),
      status: 200,
      keys: [...without2(WORKFLOW_KEYS, 'activeVersion'), 'shared'],
    },
    { name: 'deleted twice', method: 'DELETE', path: at('draft'), status: 404, keys: ['message'] },
    { name: 'read when gone', method: 'GET', path: at('draft'), status: 404, keys: ['message'] },
    { name: 'updated when gone', method: 'PUT', path: at('draft'), body: workflow(), status: 404 },
    ...['publish', 'unpublish', 'activate', 'deactivate'].map((verb) => ({
      name: `${verb} when gone`,
      method: 'POST',
      path: at('draft', `/${verb}`),
      status: 404,
    })),
    { name: 'an encoded slash', method: 'GET', path: `${WORKFLOWS}/a%2Fb`, status: 404 },
  ],
  'lists of workflows': [
    create('Alpha', workflow({ name: `${run}Alpha` })),
    create('alpha2', workflow({ name: `${run}alpha2` })),
    create('Al_ha', workflow({ name: `${run}Al_ha` })),
    ...Object.entries({ Alpha: 2, alpha: 2, lph: 2, Al_ha: 3, 'A%25a': 3, 'Al_ha%20': 3, x: 0 }).map(
      ([name, count]) => ({
        name: `by ${name}: ${count}`,
        method: 'GET',
        path: `${WORKFLOWS}?name=${run}${name}`,
        status: 200,
        keys: ['data', 'nextCursor'],
        check: (body: Json) => expect(body.data).toHaveLength(name === 'lph' ? 0 : count),
      }),
    ),
    {
      name: 'a page of 2',
      method: 'GET',
      path: `${WORKFLOWS}?name=${run}al&limit=2`,
      status: 200,
      check: (body, memory) => {
        expect(body.data).toHaveLength(2)
        keep('cursor', 'nextCursor')(body, memory)
      },
    },
    {
      name: 'and the rest',
      method: 'GET',
      path: (memory) => `${WORKFLOWS}?name=${run}al&limit=1&cursor=${memory.cursor}`,
      status: 200,
      check: (body) => {
        expect(body.data).toHaveLength(1)
        expect(body.nextCursor).toBeNull()
      },
    },
    ...[0, 250, 251, 1000].map((limit) => list(`${WORKFLOWS}?limit=${limit}`)),
    ...['limit=-1', 'limit=x', 'cursor=zzz', 'active=maybe'].map((query) =>
      list(`${WORKFLOWS}?${query}`, 400),
    ),
    ...['cursor=', 'foo=1', 'active=true', 'name=', 'limit='].map((query) => list(`${WORKFLOWS}?${query}`)),
  ],
  publishing: [
    create('made', workflow({ nodes: [hook(path('one')), set()] }), 200, {
      check: (body, memory) => {
        keep('one')(body, memory)
        keep('v1', 'versionId')(body, memory)
      },
    }),
    publish('published, and nothing runs yet', 'one', 200, {
      keys: WORKFLOW_KEYS,
      like: { active: true, triggerCount: 0 },
    }),
    live('one'),
    call('one', 200),
    call('one', 404, 'GET'),
    publish('again', 'one', 200, { like: { active: true, triggerCount: 1 } }),
    { name: 'without a body', method: 'POST', path: at('one', '/publish'), status: 200 },
    publish('with what it does not know', 'one', 200, { body: { foo: 1 } }),
    publish('a version that is not there', 'one', 404, { body: { versionId: 'nope' } }),
    {
      name: 'a draft beside it',
      method: 'PUT',
      path: at('one', '?publishIfActive=false'),
      body: workflow({ nodes: [hook(path('two')), set()] }),
      status: 200,
      check: (body, memory) => {
        expect(body.activeVersionId).toBe(memory.v1)
        expect(body.versionId).not.toBe(memory.v1)
      },
    },
    call('one', 200),
    publish('the draft', 'one', 200, { check: (body) => expect(body.activeVersionId).toBe(body.versionId) }),
    call('two', 200),
    call('one', 404),
    publish('the first version again', 'one', 200, { body: {}, check: () => undefined }),
    { name: 'a rollback', method: 'POST', path: at('one', '/publish'), body: {}, status: 200 },
    {
      name: 'an update that n8n cannot publish',
      method: 'PUT',
      path: at('one'),
      body: only(set()),
      status: 400,
      keys: ['message'],
    },
    {
      name: 'is saved all the same',
      method: 'GET',
      path: at('one'),
      status: 200,
      like: { active: true },
      check: (body) => {
        expect(body.nodes).toHaveLength(1)
        expect(body.activeVersionId).not.toBe(body.versionId)
      },
    },
    call('two', 200),
    {
      name: 'an update that publishes',
      method: 'PUT',
      path: at('one'),
      body: workflow({ nodes: [hook(path('three')), set()] }),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'tags'],
      check: (body) => expect(body.activeVersionId).toBe(body.versionId),
    },
    call('three', 200),
    create('another with that path', workflow({ nodes: [hook(path('three')), set()] }), 200, {
      check: keep('rival'),
    }),
    publish('is a conflict', 'rival', 409, { keys: ['message'] }),
    { name: 'and by activating', method: 'POST', path: at('rival', '/activate'), status: 409 },
    create(
      'another with that path and method GET',
      only(hook(path('three'), { parameters: { path: path('three'), httpMethod: 'GET' } })),
      200,
      { check: keep('get') },
    ),
    publish('is none', 'get', 200),
    ...published('the path twice', [hook(path('dup')), hook(path('dup'), { id: 'b', name: 'B' })], 409),
    { name: 'deleting while published', method: 'DELETE', path: at('one'), status: 409, keys: ['message'] },
    {
      name: 'unpublished',
      method: 'POST',
      path: at('one', '/unpublish'),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'shared'],
      like: { active: false, activeVersionId: null, triggerCount: 1 },
    },
    { name: 'deleting at once', method: 'DELETE', path: at('one'), status: 409, keys: ['message'] },
    { name: 'unpublished twice', method: 'POST', path: at('one', '/unpublish'), status: 200 },
    call('three', 404),
    { name: 'deleted a little later', method: 'DELETE', path: at('one'), status: 200, eventually: true },
    publish('and the path is free', 'rival', 200),
    live('rival'),
    {
      name: 'activate is publish',
      method: 'POST',
      path: at('rival', '/activate'),
      status: 200,
      keys: WORKFLOW_KEYS,
    },
    {
      name: 'deactivate is unpublish',
      method: 'POST',
      path: at('rival', '/deactivate'),
      status: 200,
      like: { active: false },
    },
  ],
  'what n8n publishes': [
    ...published('nothing', [], 400),
    ...published('no trigger', [set()], 400),
    ...published('a manual trigger', [node('n8n-nodes-base.manualTrigger', 1)], 400),
    ...published('a disabled trigger', [hook(path('off'), { disabled: true })], 400),
    ...published('an unknown node type', [hook(path('u1')), node('n8n-nodes-base.nope', 1)], 400),
    ...published(
      'an unknown node type, disabled',
      [hook(path('u2')), node('n8n-nodes-base.nope', 1, {}, { disabled: true })],
      400,
    ),
    ...published('an unknown version', [hook(path('u3')), set({ typeVersion: 99 })], 400),
    ...published('no version', [hook(path('u4')), without(set(), 'typeVersion')], 200),
    ...published('a missing credential', [hook(path('u5')), slack()], 400),
    ...published('a missing credential, disabled', [hook(path('u6')), slack({ disabled: true })], 200),
    ...published(
      'a credential without id',
      [hook(path('u7')), slack({ credentials: { slackApi: { id: null, name: 'x' } } })],
      400,
    ),
    ...published(
      'a missing generic credential',
      [
        hook(path('u8')),
        node('n8n-nodes-base.httpRequest', 4.2, {
          url: 'http://x',
          authentication: 'genericCredentialType',
          genericAuthType: 'httpHeaderAuth',
        }),
      ],
      200,
    ),
    ...published(
      'a credential that is not there',
      [
        hook(path('u9')),
        node(
          'n8n-nodes-base.httpRequest',
          4.2,
          { url: 'http://x' },
          { credentials: { httpHeaderAuth: { id: 'nope', name: 'x' } } },
        ),
      ],
      200,
    ),
    ...published('an error trigger', [node('n8n-nodes-base.errorTrigger', 1)], 200),
    ...published(
      'a trigger for other workflows',
      [node('n8n-nodes-base.executeWorkflowTrigger', 1.1, { inputSource: 'passthrough' })],
      200,
    ),
    ...published('a cron', [cron('0 5 * * *')], 200),
    live('each'),
    ...published(
      'a form',
      [
        node(
          'n8n-nodes-base.formTrigger',
          2.2,
          { formTitle: 'x', formFields: { values: [{ fieldLabel: 'a' }] }, options: {} },
          { webhookId: crypto.randomUUID() },
        ),
      ],
      200,
    ),
    live('each'),
    ...published('two triggers', [hook(path('t1')), cron('0 5 * * *')], 200),
    {
      name: 'count as two',
      method: 'GET',
      path: at('each'),
      status: 200,
      like: { triggerCount: 2 },
      eventually: true,
    },
    ...published('a cron that is none', [cron('not a cron')], 200),
    {
      name: 'never goes live',
      method: 'GET',
      path: at('each'),
      status: 200,
      like: { active: true, triggerCount: 0 },
    },
  ],
  credentials: [
    createCredential('a plain one', credential(), 200, { keys: CREDENTIAL_KEYS, check: keep('credential') }),
    createCredential('an id of ours', credential({ id: `c-_${run}` }), 200, { like: { id: `c-_${run}` } }),
    createCredential('that id again', credential({ id: `c-_${run}` }), 409),
    createCredential('16 characters', credential({ id: `${run}${'x'.repeat(16 - run.length)}` })),
    ...['x'.repeat(17), 'a b', '', null, 4].map((id) =>
      createCredential(`no id ${JSON.stringify(id)}`, credential({ id }), 400),
    ),
    ...['name', 'type', 'data'].map((key) => createCredential(`no ${key}`, without(credential(), key), 400)),
    createCredential('empty name', credential({ name: '' })),
    createCredential('129 characters', credential({ name: 'x'.repeat(129) })),
    createCredential('a number as name', credential({ name: 1 }), 400),
    createCredential('unknown type', credential({ type: 'nopeApi' }), 400),
    ...[[], null, 'x', { name: 'x', value: 'y', foo: 1 }, { name: 1 }, { name: null }, { nothing: 'x' }].map(
      (data) => {
        return createCredential(`no data ${JSON.stringify(data)}`, credential({ data }), 400)
      },
    ),
    ...[
      {},
      { name: '', value: '' },
      { name: '={{ 1 }}' },
      { allowedHttpRequestDomains: 'none', allowedDomains: 'x' },
    ].map((data) => {
      return createCredential(`data ${JSON.stringify(data)}`, credential({ data }))
    }),
    createCredential('what it does not know', credential({ foo: 1 })),
    createCredential('its own createdAt', credential({ createdAt: '2026-01-01T00:00:00.000Z' }), 400),
    createCredential('a project that is not there', credential({ projectId: 'nope' }), 404),
    createCredential('a required field', { name: 'Slack', type: 'slackApi', data: {} }, 400),
    createCredential('a required field given', {
      name: 'Slack',
      type: 'slackApi',
      data: { accessToken: 'x' },
    }),
    createCredential(
      'a value not offered',
      { name: 'Postgres', type: 'postgres', data: { ssl: 'zzz' } },
      400,
    ),
    createCredential('a value offered', {
      name: 'Postgres',
      type: 'postgres',
      data: { ssl: 'disable', port: 5432 },
    }),
    createCredential('tokens of OAuth', {
      name: 'Google',
      type: 'googleSheetsOAuth2Api',
      data: { clientId: 'a', clientSecret: 'b', oauthTokenData: { access_token: 'x' } },
    }),
    ...Object.entries<[unknown, number]>({
      'a name': [{ name: 'Renamed' }, 200],
      nothing: [{}, 200],
      'what it does not know': [{ foo: 1 }, 200],
      'all data': [{ data: { name: 'x', value: 'z' } }, 200],
      'some data': [{ data: { value: 'q' }, isPartialData: true }, 200],
      'data not its own': [{ data: { foo: 1 } }, 400],
      'a type without data': [{ type: 'slackApi' }, 400],
      'a type with data': [{ type: 'slackApi', data: { accessToken: 'x' } }, 200],
      'an unknown type': [{ type: 'nopeApi', data: {} }, 400],
      'a share': [{ isGlobal: true }, 403],
      'a short name': [{ name: 'x' }, 200],
      'data under a short name': [{ data: { accessToken: 'y' } }, 400],
    }).map(([name, [body, status]]) => ({
      name: `patching ${name}`,
      method: 'PATCH',
      path: (memory: Memory) => `${CREDENTIALS}/${memory.credential}`,
      body,
      status,
      keys: status === 200 ? CREDENTIAL_KEYS : ['message'],
    })),
    {
      name: 'read',
      method: 'GET',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 200,
      keys: CREDENTIAL_KEYS,
    },
    {
      name: 'tested',
      method: 'POST',
      path: (memory) => `${CREDENTIALS}/${memory.credential}/test`,
      status: 200,
      keys: ['status', 'message'],
      like: { status: 'Error' },
    },
    {
      name: 'listed',
      method: 'GET',
      path: `${CREDENTIALS}?limit=1`,
      status: 200,
      keys: ['data', 'nextCursor'],
      check: (body) =>
        expect(Object.keys((body.data as Json[])[0] ?? {}).toSorted()).toEqual([
          'createdAt',
          'id',
          'name',
          'shared',
          'type',
          'updatedAt',
        ]),
    },
    {
      name: 'deleted',
      method: 'DELETE',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 200,
      keys: [...CREDENTIAL_KEYS, 'usageScope'],
    },
    {
      name: 'deleted twice',
      method: 'DELETE',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 404,
      keys: ['message'],
    },
    {
      name: 'read when gone',
      method: 'GET',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 404,
    },
    {
      name: 'patched when gone',
      method: 'PATCH',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      body: {},
      status: 404,
    },
    {
      name: 'tested when gone',
      method: 'POST',
      path: (memory) => `${CREDENTIALS}/${memory.credential}/test`,
      status: 404,
    },
    {
      name: 'schema',
      method: 'GET',
      path: `${CREDENTIALS}/schema/httpHeaderAuth`,
      status: 200,
      check: (body) =>
        expect(body).toEqual({
          additionalProperties: false,
          type: 'object',
          required: [],
          properties: {
            name: { type: 'string' },
            value: { type: 'string' },
            useCustomAuth: { type: 'notice' },
            allowedHttpRequestDomains: { type: 'string', enum: ['all', 'domains', 'none'] },
            allowedDomains: { type: 'string' },
          },
        }),
    },
    {
      name: 'schema of an unknown type',
      method: 'GET',
      path: `${CREDENTIALS}/schema/nopeApi`,
      status: 404,
      keys: ['message'],
    },
    list(`${CREDENTIALS}?limit=251`),
    list(`${CREDENTIALS}?limit=-1`, 400),
  ],
  executions: [
    create('one that runs well', workflow({ nodes: [hook(path('ok')), set()] }), 200, { check: keep('ok') }),
    publish('published', 'ok', 200),
    create(
      'one that fails',
      workflow({
        nodes: [
          hook(path('fail')),
          node('n8n-nodes-base.stopAndError', 1, { errorMessage: 'Deliberate' }, { name: 'Set' }),
        ],
      }),
      200,
      { check: keep('fail') },
    ),
    publish('published too', 'fail', 200),
    create(
      'one that waits',
      workflow({
        nodes: [
          hook(path('wait')),
          node(
            'n8n-nodes-base.wait',
            1.1,
            { resume: 'timeInterval', amount: 2, unit: 'hours' },
            { name: 'Set' },
          ),
        ],
      }),
      200,
      { check: keep('wait') },
    ),
    publish('published as well', 'wait', 200),
    ...['ok', 'fail', 'wait'].flatMap((key) => [
      live(key),
      { ...call(key, 200), check: (body: Json) => expect(body).toEqual({ message: 'Workflow was started' }) },
    ]),
    call('ok', 200),
    call('ok', 200),
    call('nobody', 404),
    {
      name: 'newest first',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.ok}&status=success`,
      status: 200,
      keys: ['data', 'nextCursor'],
      eventually: true,
      check: (body, memory) => {
        const found = body.data as Json[]
        expect(found).toHaveLength(3)
        expect(Object.keys(found[0] ?? {}).toSorted()).toEqual(EXECUTION_KEYS.toSorted())
        expect(Number(found[0]?.id)).toBeGreaterThan(Number(found[1]?.id))
        memory.execution = String(found[0]?.id)
      },
    },
    {
      name: 'a page of 2',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.ok}&limit=2`,
      status: 200,
      check: (body, memory) => {
        expect(body.data).toHaveLength(2)
        keep('cursor', 'nextCursor')(body, memory)
      },
    },
    {
      name: 'and the rest, by the limit of the cursor',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.ok}&limit=9&cursor=${memory.cursor}`,
      status: 200,
      check: (body) => {
        expect(body.data).toHaveLength(1)
        expect(body.nextCursor).toBeNull()
      },
    },
    {
      name: 'waiting ones are listed',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.wait}`,
      status: 200,
      eventually: true,
      check: (body) => expect(body.data).toMatchObject([{ status: 'waiting', finished: false }]),
    },
    {
      name: 'read',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.execution}`,
      status: 200,
      like: { status: 'success', finished: true, mode: 'webhook', deletedAt: null },
      check: (body) => {
        expect(body).not.toHaveProperty('data')
        expect(body.workflowVersionId).toEqual(expect.any(String))
      },
    },
    {
      name: 'read with data',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.execution}?includeData=true`,
      status: 200,
      check: (body) => {
        expect(body).toMatchObject({ data: { resultData: { runData: {} } }, workflowData: {} })
      },
    },
    {
      name: 'a success retried',
      method: 'POST',
      path: (memory) => `${EXECUTIONS}/${memory.execution}/retry`,
      body: {},
      status: 409,
      keys: ['message'],
    },
    {
      name: 'the failure',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.fail}&status=error`,
      status: 200,
      eventually: true,
      check: (body, memory) => {
        const [found] = body.data as Json[]
        expect(found).toMatchObject({ status: 'error', finished: false })
        memory.failure = String(found?.id)
      },
    },
    {
      name: 'with its error',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.failure}?includeData=true`,
      status: 200,
      check: (body) =>
        expect(body).toMatchObject({
          data: { resultData: { error: { message: 'Deliberate' }, lastNodeExecuted: 'Set' } },
        }),
    },
    {
      name: 'a failure retried',
      method: 'POST',
      path: (memory) => `${EXECUTIONS}/${memory.failure}/retry`,
      body: {},
      status: 200,
      like: { mode: 'retry', status: 'error' },
    },
    {
      name: 'deleted',
      method: 'DELETE',
      path: (memory) => `${EXECUTIONS}/${memory.execution}`,
      status: 200,
      check: (body) => expect(body.id).toEqual(expect.any(Number)),
    },
    {
      name: 'deleted twice',
      method: 'DELETE',
      path: (memory) => `${EXECUTIONS}/${memory.execution}`,
      status: 404,
    },
    ...['99999999', '99999999999999999999'].map((id) => list(`${EXECUTIONS}/${id}`, 404)),
    ...['abc', '0', '1.5'].map((id) => list(`${EXECUTIONS}/${id}`, 400)),
    list(`${EXECUTIONS}/99999999/retry`, 405),
    ...['status=bogus', 'limit=-1', 'limit=x', 'cursor=zz', 'includeData=x', 'startedAfter=x'].map((query) =>
      list(`${EXECUTIONS}?${query}`, 400),
    ),
    ...[
      'limit=251',
      'foo=1',
      'workflowId=nope',
      'startedAfter=2020-01-01T00:00:00.000Z',
      'status=running',
    ].map((query) => list(`${EXECUTIONS}?${query}`)),
    {
      name: 'nothing before 2020',
      method: 'GET',
      path: `${EXECUTIONS}?startedBefore=2020-01-01T00:00:00.000Z`,
      status: 200,
      check: (body) => expect(body.data).toEqual([]),
    },
    { name: 'unpublished', method: 'POST', path: at('fail', '/unpublish'), status: 200 },
    { name: 'deleted with its workflow', method: 'DELETE', path: at('fail'), status: 200, eventually: true },
    {
      name: 'they are gone',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.failure}`,
      status: 404,
    },
  ],
}

function without2(keys: string[], key: string): string[] {
  return keys.filter((each) => each !== key)
}

const stub = await createN8nStub({ publishDelayMs: 40, unpublishDelayMs: 40 })
targets('the stub', { baseUrl: stub.baseUrl, apiKey: stub.apiKey, fetch: stub.fetch })

const { N8N_URL, N8N_API_KEY } = process.env
const isGiven = N8N_URL !== undefined && N8N_API_KEY !== undefined
describe.skipIf(!isGiven)(isGiven ? 'a real n8n' : 'a real n8n (N8N_URL and N8N_API_KEY are not set)', () => {
  targets('answers so', { baseUrl: N8N_URL ?? '', apiKey: N8N_API_KEY ?? '', fetch })
})

function targets(title: string, target: { baseUrl: string; apiKey: string; fetch: typeof fetch }) {
  const api: Api = async (method, path, body, headers = {}) => {
    const all = {
      'x-n8n-api-key': target.apiKey,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    }
    const kept = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
    const response = await target.fetch(target.baseUrl + path, {
      method,
      headers: Object.fromEntries(kept),
      redirect: 'manual',
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const html = response.headers.get('content-type')?.startsWith('text/html') ?? false
    return { status: response.status, html, body: html || text === '' ? {} : (JSON.parse(text) as Json) }
  }

  describe(title, () => {
    const made = { workflows: new Set<string>(), credentials: new Set<string>() }
    for (const [group, rows] of Object.entries(groups)) {
      describe(group, () => {
        const memory: Memory = {}
        test.each(rows)('$name ($status)', { timeout: 15_000 }, async (row) => {
          const path = typeof row.path === 'string' ? row.path : row.path(memory)
          const attempt = async () => {
            const answer = await api(row.method, path, row.body, row.headers)
            if (row.method === 'POST' && answer.status === 200) {
              if (path === WORKFLOWS) made.workflows.add(String(answer.body.id))
              if (path === CREDENTIALS) made.credentials.add(String(answer.body.id))
            }
            expect(
              { status: answer.status, html: answer.html },
              JSON.stringify(answer.body).slice(0, 300),
            ).toEqual({
              status: row.status,
              html: row.html ?? false,
            })
            if (row.keys) expect(Object.keys(answer.body).toSorted()).toEqual(row.keys.toSorted())
            if (row.like) expect(answer.body).toMatchObject(row.like)
            row.check?.(answer.body, memory)
          }
          await (row.eventually
            ? expect.poll(async () => attempt().then(() => 'fits', String), { timeout: 8000 }).toBe('fits')
            : attempt())
        })
      })
    }

    afterAll(async () => {
      for (const id of made.credentials) await api('DELETE', `${CREDENTIALS}/${id}`)
      for (const id of made.workflows) await api('POST', `${WORKFLOWS}/${id}/unpublish`)
      for (const id of made.workflows) {
        for (let tries = 0; tries < 20; tries += 1) {
          if ((await api('DELETE', `${WORKFLOWS}/${id}`)).status !== 409) break
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    }, 60_000)
  })
}
