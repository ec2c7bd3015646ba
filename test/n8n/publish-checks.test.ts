import { expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { loadParameterFacts } from '../../src/n8n/checks/parameter-checks.ts'
import { checkPublishable } from '../../src/n8n/checks/publish-checks.ts'

const [catalogue, facts] = [await loadCatalogue(), await loadParameterFacts()]

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
const found = (...nodes: ReturnType<typeof node>[]) => {
  const [first] = nodes
  const connections = { Hourly: { main: [[{ node: first?.name, type: 'main', index: 0 }]] } }
  return checkPublishable({ nodes: [hourly, ...nodes], connections }, catalogue, facts)
}
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
  ['n8n-nodes-base.noOp', undefined, ['warning missing-type-version /nodes/1/typeVersion']],
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
  expect(checkPublishable({ nodes: [hourly, loose], connections: {} }, catalogue, facts)).toEqual([])
  const form = node('Form', 'n8n-nodes-base.formTrigger', 2.2, {})
  expect(checkPublishable({ nodes: [form], connections: {} }, catalogue, facts)).toMatchObject([
    { code: 'missing-parameter', node: 'Form', pointer: '/nodes/0/parameters/formTitle' },
  ])
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
