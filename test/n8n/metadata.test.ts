import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'

const catalogue = await loadCatalogue()
const extract = (workflow: Record<string, unknown>) => extractMetadata(workflow, catalogue)
const codes = (workflow: Record<string, unknown>) => extract(workflow).warnings.map((warning) => warning.code)

const webhook = (parameters: object, rest: object = {}) => ({
  name: 'Hook',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  parameters,
  ...rest,
})
const slack = (name: string, rest: object = {}) => ({
  name,
  type: 'n8n-nodes-base.slack',
  typeVersion: 2.3,
  parameters: {},
  ...rest,
})
const form = (typeVersion: number, parameters: object, rest: object = {}) => ({
  name: 'Form',
  type: 'n8n-nodes-base.formTrigger',
  typeVersion,
  parameters,
  ...rest,
})
const langchain = (type: string, typeVersion: number, parameters: object, rest: object = {}) => ({
  name: 'L',
  type: `@n8n/n8n-nodes-langchain.${type}`,
  typeVersion,
  parameters,
  ...rest,
})
const to = (node: unknown) => ({ main: [[{ node, type: 'main', index: 0 }]] })

test('extracts the facts of a workflow', () => {
  const workflow = {
    nodes: [
      webhook({ path: 'orders' }),
      slack('Tell B'),
      slack('Tell A'),
      slack('Off', { disabled: true, parameters: { authentication: 'oAuth2' } }),
      { name: 'Note', type: 'n8n-nodes-base.stickyNote', typeVersion: 1 },
    ],
    connections: { Hook: { main: [[{ node: 'Tell A', type: 'main', index: 0 }]] } },
  }
  expect(extract(workflow)).toEqual({
    nodeTypes: ['n8n-nodes-base.slack', 'n8n-nodes-base.stickyNote', 'n8n-nodes-base.webhook'],
    requiredCredentialTypes: ['slackApi'],
    triggerTypes: ['n8n-nodes-base.webhook'],
    webhookPaths: ['orders'],
    endpoints: ['webhook/orders'],
    nodeCount: 5,
    warnings: [],
    requirements: [{ type: 'slackApi', nodes: ['Tell A', 'Tell B'] }],
    unresolved: [],
  })
})

test.each<[Record<string, unknown>]>([
  [{}],
  [{ nodes: [] }],
  [{ nodes: 'x', connections: 'y' }],
  [{ nodes: [null, 5], connections: null }],
])('of %j is empty', (workflow) => {
  expect(extract(workflow)).toEqual({
    nodeTypes: [],
    requiredCredentialTypes: [],
    triggerTypes: [],
    webhookPaths: [],
    endpoints: [],
    nodeCount: 0,
    warnings: [],
    requirements: [],
    unresolved: [],
  })
})

test('lists requirements that are only attached, and nodes whose type is computed at run time', () => {
  const kafka = {
    name: 'Kafka',
    type: 'n8n-nodes-base.kafka',
    typeVersion: 1,
    parameters: { useSchemaRegistry: true },
    credentials: { schemaRegistryApi: { id: '1' } },
  }
  const http = {
    name: 'Call',
    type: 'n8n-nodes-base.httpRequest',
    typeVersion: 4.2,
    parameters: { authentication: 'genericCredentialType', genericAuthType: '={{ $json.t }}' },
  }
  const { requirements, unresolved, warnings } = extract({ nodes: [kafka, http] })
  expect(requirements).toEqual([
    { type: 'kafka', nodes: ['Kafka'] },
    { type: 'schemaRegistryApi', nodes: ['Kafka'], optional: true },
  ])
  expect(unresolved).toEqual([{ node: 'Call', reason: expect.stringContaining('genericAuthType') }])
  expect(warnings).toContainEqual({
    code: 'unresolved-credential-type',
    message: unresolved[0]?.reason,
    node: 'Call',
  })
})

test('detects a community trigger by its name', () => {
  const nodes = [{ name: 'T', type: 'n8n-nodes-acme.acmeTrigger' }]
  expect(extract({ nodes }).triggerTypes).toEqual(['n8n-nodes-acme.acmeTrigger'])
  expect(codes({ nodes })).toEqual(['unknown-node-type'])
})

describe('webhook paths', () => {
  test.each<[object, string[]]>([
    [webhook({ path: 'a/b' }), ['a/b']],
    [webhook({ path: '/a/' }), ['a']],
    [webhook({ path: 5 }), ['5']],
    [webhook({ path: '' }, { webhookId: 'w-1' }), ['w-1']],
    [webhook({}, { webhookId: 'w-1' }), ['w-1']],
    [webhook({ path: 'users/:id' }, { webhookId: 'w-1' }), ['w-1/users/:id']],
    [webhook({ path: 'a' }, { webhookId: 'w-1' }), ['a']],
    [form(1, { path: 'f' }), ['f/n8n-form']],
    [form(2, { path: 'f' }), ['f']],
    [form(2.2, { options: { path: 'g' } }, { webhookId: 'w-1' }), ['g']],
    [form(2.2, { path: 'stale' }, { webhookId: 'w-1' }), ['w-1']],
    [langchain('chatTrigger', 1.1, { public: true }, { webhookId: 'w-1' }), ['w-1/chat']],
    [langchain('chatTrigger', 1.1, {}, { webhookId: 'w-1' }), []],
    [langchain('mcpTrigger', 1, { path: 'm' }), ['m', 'm/messages', 'm/sse']],
    [langchain('mcpTrigger', 2, { path: 'm' }), ['m']],
    [{ name: 'S', type: 'n8n-nodes-base.stripeTrigger', typeVersion: 1, webhookId: 'w-1' }, ['w-1/webhook']],
    [{ name: 'W', type: 'n8n-nodes-base.wait', typeVersion: 1.1, webhookId: 'w-1', parameters: {} }, []],
    [webhook({ path: 'a' }, { disabled: true }), []],
  ])('of %j are %j', (node, expected) => {
    expect(extract({ nodes: [node] }).webhookPaths).toEqual(expected)
    expect(codes({ nodes: [node] })).not.toContain('unknown-webhook-path')
  })

  test.each([
    [webhook({ path: '={{ $env.PATH }}' })],
    [webhook({ path: '' })],
    [webhook({ path: 'users/:id' })],
    [webhook({ path: { x: 1 } }, { webhookId: 5 })],
    [{ name: 'S', type: 'n8n-nodes-base.stripeTrigger', typeVersion: 1 }],
  ])('of %j are unknown', (node) => {
    expect(extract({ nodes: [node] }).webhookPaths).toEqual([])
    expect(codes({ nodes: [node] })).toContain('unknown-webhook-path')
  })
})

describe('a warning', () => {
  const trigger = webhook({ path: 'p' })

  test.each<[string, Record<string, unknown>]>([
    ['no-trigger', { nodes: [slack('A')] }],
    ['no-trigger', { nodes: [webhook({ path: 'p' }, { disabled: true })] }],
    ['missing-node-name', { nodes: [{ ...trigger, name: undefined }] }],
    ['missing-node-name', { nodes: [{ ...trigger, name: '' }] }],
    ['missing-node-type', { nodes: [trigger, { name: 'A' }] }],
    ['missing-node-type', { nodes: [trigger, { name: 'A', type: 5 }] }],
    ['duplicate-node-name', { nodes: [trigger, trigger] }],
    ['unknown-node-type', { nodes: [trigger, { name: 'A', type: 'my node' }] }],
    ['unknown-node-type', { nodes: [trigger, { name: 'A', type: 'constructor' }] }],
    ['unknown-node-version', { nodes: [{ ...trigger, typeVersion: 9 }] }],
    ['dangling-connection', { nodes: [trigger], connections: { Hook: to('Gone') } }],
    ['dangling-connection', { nodes: [trigger], connections: { Gone: to('Hook') } }],
    ['dangling-connection', { nodes: [trigger], connections: { Hook: to('constructor') } }],
    ['connection-name-mismatch', { nodes: [trigger], connections: { Hook: to('hook') } }],
    ['connection-by-id', { nodes: [{ ...trigger, id: 'x' }], connections: { x: to('Hook') } }],
    [
      'unknown-credential-type',
      {
        nodes: [
          trigger,
          {
            name: 'A',
            type: 'n8n-nodes-base.httpRequest',
            typeVersion: 4.2,
            parameters: { authentication: 'predefinedCredentialType', nodeCredentialType: 'noSuchApi' },
          },
        ],
      },
    ],
  ])('%s is reported for %j', (code, workflow) => {
    expect(codes(workflow)).toEqual([code])
  })

  test.each<[unknown, string[]]>([
    [null, []],
    [[], ['invalid-connection']],
    [{ Hook: null }, []],
    [{ Hook: [] }, ['invalid-connection']],
    [{ Hook: { main: null } }, []],
    [{ Hook: { main: [null, [null]] } }, ['empty-connection']],
    [{ Hook: { main: [['Gone'], [5], [{}]] } }, ['invalid-connection']],
    [{ Hook: { main: { 0: [{ node: 'Gone' }] } } }, ['invalid-connection']],
    [{ Hook: 'Gone' }, ['invalid-connection']],
  ])('is reported for connections that n8n rejects: %j', (connections, expected) => {
    expect([...new Set(codes({ nodes: [trigger], connections }))]).toEqual(expected)
  })

  test('contains the node name, or its index if unnamed', () => {
    const { warnings } = extract({ nodes: [trigger, { type: 'my.node' }] })
    expect(warnings.map((warning) => warning.node)).toEqual(['#1', '#1'])
  })

  test('is short and reported at most 200 times', () => {
    const nodes = Array.from({ length: 500 }, (_, index) => ({
      name: `${index}${'x'.repeat(5000)}`,
      type: 'a.b',
    }))
    const { warnings } = extract({ nodes })
    expect(warnings).toHaveLength(200)
    expect(JSON.stringify(warnings).length).toBeLessThan(200 * 500)
  })
})

test('is immune to prototype pollution', () => {
  const text =
    '{"nodes":[{"name":"__proto__","type":"__proto__","typeVersion":1,"parameters":{"__proto__":{"a":1}},"credentials":{"__proto__":{"id":"1"}}}],"connections":{"__proto__":{"main":[[{"node":"constructor"}]]}}}'
  const metadata = extract(JSON.parse(text))
  expect(metadata.nodeTypes).toEqual(['__proto__'])
  expect(metadata.requiredCredentialTypes).toEqual(['__proto__'])
  expect(({} as { id?: string }).id).toBeUndefined()
})
