import { seeded } from '../harness/random.ts'
import { expect, test } from 'vitest'
import { loadFacts } from '../../src/check/facts/load.ts'
import { checkPublish, type PublishContext } from '../../src/check/publish.ts'
import { distanceWithin } from '../../src/lib/edit-distance.ts'
import { fuzzedWorkflow } from './fuzz.ts'

const names = (
  'httpRequest noOp openAi crypto executeWorkflow telegram splitOut googleSheets formTrigger webhook scheduleTrigger ' +
  'wait manualTrigger slack if set executeWorkflowTrigger executeCommand dateTime'
).split(' ')
const facts = await loadFacts(names.map((name) => `n8n-nodes-base.${name}`))

const node = (
  name: string,
  type: string,
  typeVersion: number | undefined,
  parameters: object,
  more = {},
) => ({
  id: name,
  name,
  type,
  position: [0, 0],
  parameters,
  ...(typeVersion !== undefined && { typeVersion }),
  ...more,
})
const hourly = node('Hourly', 'n8n-nodes-base.scheduleTrigger', 1.2, {
  rule: { interval: [{ field: 'hours' }] },
})
const foundIn = (context: PublishContext, ...nodes: ReturnType<typeof node>[]) => {
  const [first] = nodes
  const connections = { Hourly: { main: [[{ node: first?.name, type: 'main', index: 0 }]] } }
  return checkPublish({ nodes: [hourly, ...nodes], connections }, facts, context)
}
const found = (...nodes: ReturnType<typeof node>[]) => foundIn({}, ...nodes)
const codes = (...nodes: ReturnType<typeof node>[]) =>
  found(...nodes).map(({ level, code, pointer }) => `${level} ${code} ${pointer}`)

test.each([
  ['n8n-nodes-base.openai', 'n8n-nodes-base.openAi'],
  ['n8n-nodes-base.googlesheets', 'n8n-nodes-base.googleSheets'],
  ['n8n-nodes-base.agent', '@n8n/n8n-nodes-langchain.agent'],
  ['n8n-nodes-base.htpRequest', 'n8n-nodes-base.httpRequest'],
])('%s does not exist: suggests %s', (type, meant) => {
  const [finding] = found(node('X', type, 1, {}))
  expect(finding).toMatchObject({ code: 'unknown-node-type', level: 'error', node: 'X' })
  expect(finding?.message).toContain(`Did you mean ${meant}?`)
  expect(finding?.n8n).toBe(`Unrecognized node type: ${type}`)
})

test('suggests the one name that a comparison with every name finds', () => {
  const random = seeded(11)
  const short = (type: string) => type.slice(type.lastIndexOf('.') + 1).toLowerCase()
  const all = [...facts.typeNames()]
  const base = all.filter((type) => type.startsWith('n8n-nodes-base.') && short(type).length > 5)
  const cases = Array.from({ length: 60 }, () => {
    const type = base[Math.floor(random() * base.length)] ?? ''
    const at = type.length - 1 - Math.floor(random() * 4)
    const letter = 'aeqxz'.charAt(Math.floor(random() * 5))
    return type.slice(0, at) + letter + type.slice(at + Math.floor(random() * 3))
  }).filter((type) => !all.includes(type))
  expect(cases.length).toBeGreaterThan(40)
  for (const type of cases) {
    const distances = all.map((each) => ({
      each,
      distance: distanceWithin(short(type), short(each), 2) + (each.startsWith('n8n-nodes-base.') ? 0 : 0.5),
    }))
    const least = Math.min(...distances.map(({ distance }) => distance))
    const nearest = distances.filter(({ distance }) => distance === least).map(({ each }) => each)
    const [finding] = found(node('X', type, 1, {}))
    if (nearest.length === 1 && least <= 2)
      expect(finding?.fix?.operations, type).toMatchObject([{ value: nearest[0] }])
    else expect(finding?.fix, type).toBeUndefined()
  }
})

test.each([
  ['n8n-nodes-base.start', /no Start node/],
  ['n8n-nodes-base.zzzzzzzzqqq', /^n8n has no node type n8n-nodes-base\.zzzzzzzzqqq$/],
])('%s does not exist and nothing is similar', (type, message) => {
  expect(found(node('X', type, 1, {}))[0]?.message).toMatch(message)
})

test('a community node that cannot be verified on the server is an error', () => {
  expect(codes(node('X', 'n8n-nodes-acme.widget', 1, {}))).toEqual([
    'error community-node-unverified /nodes/1/type',
  ])
})

test('types of disabled nodes are checked, their parameters are not', () => {
  expect(codes(node('X', 'n8n-nodes-base.nope12345', 1, {}, { disabled: true }))).toEqual([
    'error unknown-node-type /nodes/1/type',
  ])
  expect(codes(node('X', 'n8n-nodes-base.httpRequest', 4.2, {}, { disabled: true }))).toEqual([])
})

test.each([
  ['n8n-nodes-base.httpRequest', 9, ['error unknown-node-version /nodes/1/typeVersion']],
  ['n8n-nodes-base.httpRequest', 4.25, ['error unknown-node-version /nodes/1/typeVersion']],
  ['n8n-nodes-base.noOp', 7, []],
  ['n8n-nodes-base.openAi', 1.8, []],
  ['n8n-nodes-base.noOp', undefined, ['hint missing-type-version /nodes/1/typeVersion']],
])('%s in version %s', (type, version, expected) => {
  expect(codes(node('X', type, version, { url: 'https://example.com' }))).toEqual(expected)
})

test.each([
  ['httpRequest', 4.2, {}, ['url']],
  ['httpRequest', 4.2, { url: '={{ $json.url }}' }, []],
  ['crypto', 1, {}, ['value']],
  ['crypto', 1, { action: 'generate' }, []],
  ['executeWorkflow', 1.2, { workflowId: { __rl: true, mode: 'list', value: '' } }, ['workflowId']],
  ['telegram', 1.2, { text: 'Hi' }, ['chatId']],
  ['splitOut', 1, { options: {} }, ['fieldToSplitOut']],
])('%s %s with %j is missing %j', (type, version, parameters, names) => {
  const nodes = node('X', `n8n-nodes-base.${type}`, version, parameters)
  expect(codes(nodes)).toEqual(names.map((name) => `error missing-parameter /nodes/1/parameters/${name}`))
})

test('checks the format of resource locators and tool names', () => {
  const sheets = node('Sheets', 'n8n-nodes-base.googleSheets', 4.5, {
    operation: 'read',
    documentId: { __rl: true, mode: 'url', value: 'not a URL' },
    sheetName: { __rl: true, mode: 'name', value: 'Sheet1' },
  })
  expect(codes(sheets)).toEqual(['error invalid-parameter /nodes/1/parameters/documentId'])
})

test('ignores missing parameters of an unconnected node, but not of a trigger', () => {
  const loose = node('Loose', 'n8n-nodes-base.httpRequest', 4.2, {})
  expect(checkPublish({ nodes: [hourly, loose], connections: {} }, facts)).toEqual([])
  const form = node('Form', 'n8n-nodes-base.formTrigger', 2.2, {})
  expect(checkPublish({ nodes: [form], connections: {} }, facts)).toMatchObject([
    { code: 'missing-parameter', node: 'Form', pointer: '/nodes/0/parameters/formTitle' },
  ])
})

test('names the parameters as n8n does, with the structure of nested ones', () => {
  const headers = (parameters: unknown) =>
    node('X', 'n8n-nodes-base.httpRequest', 4.2, {
      url: '',
      sendHeaders: true,
      headerParameters: { parameters },
    })
  expect(found(headers([{ name: 'a', value: 'b' }]))).toMatchObject([
    { pointer: '/nodes/1/parameters/url', n8n: 'Missing or invalid required parameters: url' },
  ])
  expect(found(headers({ a: 'b' }))).toMatchObject([
    {
      code: 'invalid-parameter',
      pointer: '/nodes/1/parameters/headerParameters',
      n8n: 'Internal server error',
    },
  ])
})

test.each([
  ['googleSheets', 4.5, { documentId: null }, '/nodes/1/parameters/documentId'],
  ['if', 2.2, { conditions: { conditions: {}, combinator: 'and' } }, '/nodes/1/parameters/conditions'],
])('reports the parameter of %s %s that n8n fails on', (type, version, parameters, pointer) => {
  const findings = found(node('X', `n8n-nodes-base.${type}`, version, parameters))
  expect(findings).toMatchObject([
    { code: 'invalid-parameter', pointer, n8n: 'Error validating node parameters' },
  ])
})

test('requires fields of a sub-workflow trigger', () => {
  const trigger = node('T', 'n8n-nodes-base.executeWorkflowTrigger', 1.1, {})
  expect(checkPublish({ nodes: [trigger], connections: {} }, facts)).toMatchObject([
    { code: 'missing-parameter', pointer: '/nodes/0/parameters/workflowInputs/values' },
  ])
})

test('reports missing credentials on request only', () => {
  const slack = (credentials: object) =>
    node(
      'Slack',
      'n8n-nodes-base.slack',
      2.2,
      { select: 'channel', channelId: { __rl: true, mode: 'name', value: '#a' }, text: 'Hi' },
      credentials,
    )
  const missing = (credentials: object) =>
    foundIn({ credentials: 'attached' }, slack(credentials)).map(({ code, pointer, n8n }) => [
      code,
      pointer,
      n8n,
    ])
  const pointer = '/nodes/1/credentials/slackApi'
  expect(codes(slack({}))).toEqual([])
  expect(missing({})).toEqual([['credential-missing', pointer, 'Missing required credential: slackApi']])
  expect(missing({ credentials: { slackApi: { id: null, name: 'S' } } })).toEqual([
    ['credential-missing', pointer, 'Credential not configured: slackApi'],
  ])
  expect(missing({ credentials: { slackApi: { id: 'a', name: 'S' } } })).toEqual([])
})

test('finds a webhook that another node or another published workflow uses', () => {
  const hook = (name: string, parameters: object, more = {}) =>
    node(name, 'n8n-nodes-base.webhook', 2, parameters, { webhookId: name, ...more })
  const between = (...nodes: ReturnType<typeof node>[]) =>
    checkPublish({ nodes, connections: {} }, facts, { webhooks: new Map([['POST taken', 'Orders']]) })
  const orders = hook('A', { path: 'orders' })
  expect(between(orders, hook('B', { path: '/orders/' }))).toMatchObject([
    { code: 'duplicate-webhook-path', node: 'B', pointer: '/nodes/1/parameters/path' },
  ])
  expect(between(orders, hook('B', { path: 'orders', httpMethod: 'POST' }))).toEqual([])
  expect(between(orders, hook('B', { path: 'orders' }, { disabled: true }))).toEqual([])
  expect(between(orders, hook('B', { path: '={{ "orders" }}' }))).toEqual([])
  expect(between(hook('A', { path: 'taken', httpMethod: 'POST' }))).toMatchObject([
    { code: 'webhook-path-taken', n8n: 'There is a conflict with one of the webhooks.' },
  ])
})

test('checks called workflows only where the instance is known', () => {
  const call = (value: unknown) =>
    node('Call', 'n8n-nodes-base.executeWorkflow', 1.2, { workflowId: { __rl: true, mode: 'id', value } })
  const published = new Map([
    ['live', true],
    ['draft', false],
  ])
  const codesOf = (value: unknown, context: PublishContext = { published, id: 'own' }) =>
    foundIn(context, call(value)).map(({ code }) => code)
  expect(codesOf('nope', {})).toEqual([])
  expect(['live', 'own', '={{ $json.id }}'].flatMap((id) => codesOf(id))).toEqual([])
  expect(['draft', 'nope'].flatMap((id) => codesOf(id))).toEqual([
    'sub-workflow-not-published',
    'sub-workflow-not-published',
  ])
  expect(codesOf(12)).toEqual(['invalid-parameter'])
})

test.each([
  [['manualTrigger'], ['error no-trigger']],
  [['manualTrigger', 'wait'], ['warning no-trigger']],
  [['scheduleTrigger'], []],
])('a workflow of %j starts: %j', (types, expected) => {
  const nodes = types.map((type) => node(type, `n8n-nodes-base.${type}`, 1.1, {}))
  const findings = checkPublish({ nodes, connections: {} }, facts)
  expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual(expected)
})

test('reports a node that n8n 2 does not load by default', () => {
  const command = node('X', 'n8n-nodes-base.executeCommand', 1, { command: 'ls' })
  expect(codes(command)).toEqual(['error excluded-node-type /nodes/1/type'])
  const installed = { types: new Set(['n8n-nodes-base.executeCommand']), isComplete: false }
  expect(foundIn({ installed }, command)).toEqual([])
})

const fuzzed = Number(process.env.FLOWKEEP_FUZZ_ROUNDS ?? 4000)
test(`answers ${fuzzed} random workflows without an exception`, () => {
  const random = seeded(7)
  for (let round = 0; round < fuzzed; round += 1) {
    const findings = checkPublish(fuzzedWorkflow(random, names), facts, { credentials: 'attached' })
    expect(Array.isArray(findings)).toBe(true)
  }
})

test('a webhook without a path uses its ID', () => {
  expect(codes(node('X', 'n8n-nodes-base.webhook', 2, { options: {} }))).toEqual([])
  expect(codes(node('X', 'n8n-nodes-base.webhook', 2, {}, { webhookId: 'abc' }))).toEqual([])
})

const cron = (expression: unknown) =>
  codes(
    node('X', 'n8n-nodes-base.scheduleTrigger', 1.2, {
      rule: { interval: [{ field: 'cronExpression', expression }] },
    }),
  )

test.each([
  '* * *',
  'every day',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '*/0 * * * *',
  '',
  5,
])('the cron expression %j is invalid', (expression) => {
  expect(cron(expression)).toEqual(['error invalid-schedule /nodes/1/parameters/rule/interval/0/expression'])
})

test.each([
  '* * * * *',
  '0 9 * * 1-5',
  '*/15 8-18 * JAN-DEC mon,fri',
  '0 0 12 1 * *',
  '@daily',
  '={{ $vars.cron }}',
])('the cron expression %s is valid', (expression) => expect(cron(expression)).toEqual([]))

test.each([
  ['a manual trigger', node('Start', 'n8n-nodes-base.manualTrigger', 1, {}), 'Start', 'the editor starts'],
  ['a disabled trigger', { ...hourly, disabled: true }, 'Hourly', 'This trigger is disabled'],
  ['no trigger', node('Later', 'n8n-nodes-base.noOp', 1, {}), undefined, 'has no trigger'],
  [
    'a disabled manual trigger',
    node('Start', 'n8n-nodes-base.manualTrigger', 1, {}, { disabled: true }),
    undefined,
    'has no trigger',
  ],
])('a workflow with %s is refused, with the reason', (_, first, name, reason) => {
  const findings = checkPublish({ nodes: [first], connections: {} }, facts)
  expect(findings).toEqual([
    {
      code: 'no-trigger',
      level: 'error',
      ...(name && { node: name }),
      pointer: name ? '/nodes/0' : '/nodes',
      message: expect.stringContaining(reason),
      n8n: 'Workflow cannot be activated because it has no trigger node.',
    },
  ])
})

test('names the first trigger that n8n does not start, unless another one starts', () => {
  const manual = node('Start', 'n8n-nodes-base.manualTrigger', 1, {})
  const off = { ...hourly, disabled: true }
  expect(checkPublish({ nodes: [off, manual], connections: {} }, facts)).toMatchObject([{ node: 'Hourly' }])
  expect(checkPublish({ nodes: [manual, hourly], connections: {} }, facts)).toEqual([])
})
