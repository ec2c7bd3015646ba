/** Each code: a workflow with the mistake, one without it, and its fix. */
import { beforeAll, describe, expect, test } from 'vitest'
import { check } from '../../src/check/check.ts'
import { loadParser } from '../../src/check/code/parser.ts'
import { typesOf } from '../../src/check/types-of.ts'
import { checkCodes } from '../../src/check/codes.ts'
import { loadFacts } from '../../src/check/facts/load.ts'
import { fixWith } from '../../src/check/fix.ts'
import type { JsonObject } from '../../src/lib/json-object.ts'

beforeAll(loadParser)

interface TestNode {
  name: string
  type: string
  typeVersion?: number
  parameters?: object
  [field: string]: unknown
}

const node = (
  name: string,
  type: string,
  typeVersion: number,
  parameters: object = {},
  more: object = {},
): TestNode => ({
  id: name,
  name,
  type: type.includes('.') ? type : `n8n-nodes-base.${type}`,
  typeVersion,
  position: [0, 0],
  parameters,
  ...more,
})
const hook = node('Hook', 'webhook', 2, { path: 'a', httpMethod: 'POST', options: {} })
const http = (parameters: object, typeVersion = 4.2) =>
  node('Request', 'httpRequest', typeVersion, { url: 'https://api.test', options: {}, ...parameters })
const set = (value: unknown, name = 'Edit') =>
  node(name, 'set', 3.4, {
    assignments: { assignments: [{ id: 'a', name: 'x', type: 'string', value }] },
    options: {},
  })
const code = (jsCode: string, more: object = {}) => node('Code', 'code', 2, { jsCode, ...more })
const ai = (name: string, type: string, version: number, parameters: object = {}) =>
  node(name, `@n8n/n8n-nodes-langchain.${type}`, version, parameters)
const model = ai('Model', 'lmChatOpenAi', 1.2, { model: { __rl: true, mode: 'list', value: 'gpt-4o' } })
const agent = (parameters: object = {}) =>
  ai('Agent', 'agent', 1.7, { promptType: 'define', text: '=hi', options: {}, ...parameters })

const compared = (rightValue: unknown, type = 'number', operation = 'gt') =>
  node('If', 'if', 2.2, {
    conditions: {
      options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 },
      conditions: [
        {
          id: 'a',
          leftValue: '={{ $json.body.a }}',
          rightValue,
          operator: { type, operation },
        },
      ],
      combinator: 'and',
    },
    options: {},
  })

const condition = (type: string, operation: string | undefined, leftValue = '={{ $json.body.a }}') => ({
  ...node('If', 'if', 2.2),
  parameters: {
    conditions: {
      options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 },
      conditions: [{ id: 'a', leftValue, rightValue: '', operator: { type, operation } }],
      combinator: 'and',
    },
    options: {},
  },
})
const sheets = (parameters: object) =>
  node('Sheets', 'googleSheets', 4.5, {
    operation: 'append',
    documentId: { __rl: true, mode: 'id', value: '1AbC' },
    sheetName: { __rl: true, mode: 'name', value: 'Data' },
    ...parameters,
  })
const slack = (parameters: object) =>
  node('Slack', 'slack', 2.3, {
    select: 'channel',
    channelId: { __rl: true, mode: 'name', value: '#general' },
    ...parameters,
  })

/** `A>B`: the first main output; `A:1>B:2`: output 1 to input 2; `A~ai_tool>B`: another type. */
function connect(links: string[]): JsonObject {
  const connections: Record<string, Record<string, unknown[][]>> = {}
  for (const link of links) {
    const [, from = '', type = 'main', output = '0', to = '', input = '0'] =
      /^([\w ]+)(?:~(\w+))?(?::(\d))?>([\w ]+)(?::(\d))?$/.exec(link) ?? []
    const outputs = ((connections[from] ??= {})[type] ??= [])
    while (outputs.length <= Number(output)) outputs.push([])
    outputs[Number(output)]?.push({ node: to, type, index: Number(input) })
  }
  return connections
}

const workflow = (nodes: TestNode[], links?: string[], more: object = {}): JsonObject => ({
  name: 'Test',
  nodes,
  connections: connect(links ?? nodes.slice(1).map(({ name }, index) => `${nodes[index]?.name}>${name}`)),
  settings: { executionOrder: 'v1' },
  ...more,
})

const findingsOf = async (json: JsonObject, context = {}) =>
  check(json, await loadFacts(typesOf(json)), context)

interface Case {
  code: string
  wrong: JsonObject
  right?: JsonObject
  node?: string
  context?: object
  /** The fix removes the finding. */
  isFixed?: boolean
}

const chat = ai('Chat', 'chatTrigger', 1.1, { options: {} })
const telegram = node('Telegram', 'telegramTrigger', 1.2, { updates: ['message'], additionalFields: {} })
const loop = node('Loop', 'splitInBatches', 3, { options: {} })
const merge = node('Merge', 'merge', 3, { mode: 'append' })
const respond = node('Respond', 'respondToWebhook', 1.1, { options: {} })
const waiting = node('Hook', 'webhook', 2, {
  path: 'a',
  httpMethod: 'POST',
  responseMode: 'responseNode',
  options: {},
})
const filter = (operation: string) =>
  node('If', 'if', 2.2, {
    conditions: {
      options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 },
      combinator: 'and',
      conditions: [
        { id: 'a', leftValue: '={{ $json.body.a }}', rightValue: 1, operator: { type: 'number', operation } },
      ],
    },
    options: {},
  })
const sub = (value: object) =>
  node('Sub', 'executeWorkflow', 1.2, {
    workflowId: { __rl: true, mode: 'id', value: 'W1' },
    workflowInputs: { mappingMode: 'defineBelow', value },
    options: {},
  })
const subContext = { subWorkflowInputs: new Map([['W1', ['email']]]) }

const cases: Case[] = [
  {
    code: 'wrong-shape',
    wrong: workflow([
      hook,
      node('Edit', 'set', 3.4, { assignments: { assignments: { a: 'b' } }, options: {} }),
    ]),
    node: 'Edit',
    isFixed: true,
  },
  {
    code: 'wrong-shape',
    wrong: workflow([
      hook,
      node('Edit', 'set', 3.4, { assignments: { assignments: [{ key: 'a', value: 'b' }] }, options: {} }),
    ]),
    node: 'Edit',
    right: workflow([hook, node('Edit', 'set', 3.4, { assignments: { assignments: [] }, options: {} })]),
  },
  {
    code: 'wrong-shape',
    wrong: workflow([
      hook,
      node('Edit', 'set', 3.4, { assignments: [{ name: 'a', value: 'b' }], options: {} }),
    ]),
    node: 'Edit',
    right: workflow([hook, set('a')]),
    isFixed: true,
  },
  {
    code: 'wrong-shape',
    wrong: workflow([
      hook,
      node('If', 'if', 2.2, {
        conditions: {
          conditions: [{ leftValue: '={{ $json.body.a }}', rightValue: 'b', operator: 'equals' }],
          combinator: 'and',
        },
      }),
    ]),
    node: 'If',
    isFixed: true,
  },
  {
    code: 'wrong-shape',
    wrong: workflow([
      node('Cron', 'scheduleTrigger', 1.2, { rule: [{ field: 'hours', hoursInterval: 1 }] }),
      set('a'),
    ]),
    node: 'Cron',
    isFixed: true,
  },
  {
    code: 'missing-prompt',
    wrong: workflow(
      [telegram, agent({ promptType: 'auto' }), model],
      ['Telegram>Agent', 'Model~ai_languageModel>Agent'],
    ),
    node: 'Agent',
    right: workflow(
      [chat, agent({ promptType: 'auto' }), model],
      ['Chat>Agent', 'Model~ai_languageModel>Agent'],
    ),
  },
  {
    code: 'unknown-node-type',
    wrong: workflow([hook, node('Sheet', 'googlesheets', 4.5, { operation: 'read' })]),
    node: 'Sheet',
    isFixed: true,
  },
  {
    code: 'unknown-node-version',
    wrong: workflow([hook, http({}, 9)]),
    node: 'Request',
    right: workflow([hook, http({})]),
    isFixed: true,
  },
  {
    code: 'missing-type-version',
    wrong: workflow([hook, { ...set('a'), typeVersion: undefined } as unknown as TestNode]),
    node: 'Edit',
    right: workflow([hook, set('a')]),
    isFixed: true,
  },
  {
    code: 'missing-parameter',
    wrong: workflow([hook, node('Request', 'httpRequest', 4.2, {})]),
    node: 'Request',
    right: workflow([hook, http({})]),
  },
  { code: 'no-trigger', wrong: workflow([set('a')]), right: workflow([hook, set('a')]) },
  {
    code: 'excluded-node-type',
    wrong: workflow([hook, node('Run', 'executeCommand', 1, { command: 'ls' })]),
    node: 'Run',
  },
  {
    code: 'webhook-without-path',
    wrong: workflow([node('Hook', 'webhook', 2), set('a')]),
    node: 'Hook',
    right: workflow([hook, set('a')]),
  },
  {
    code: 'unknown-option',
    wrong: workflow([hook, node('Slack', 'slack', 2.3, { resource: 'chat', operation: 'post' })]),
    node: 'Slack',
    right: workflow([
      hook,
      node('Slack', 'slack', 2.3, {
        resource: 'message',
        operation: 'post',
        select: 'channel',
        channelId: { __rl: true, mode: 'id', value: 'C1' },
        text: 'a',
      }),
    ]),
  },
  {
    code: 'unknown-option',
    wrong: workflow([
      hook,
      node('Slack', 'slack', 2.3, {
        resource: 'Message',
        operation: 'post',
        select: 'channel',
        channelId: { __rl: true, mode: 'id', value: 'C1' },
        text: 'a',
      }),
    ]),
    node: 'Slack',
    isFixed: true,
  },
  // n8n's HTTP client accepts methods in lowercase.
  {
    code: 'unknown-option',
    wrong: workflow([hook, http({ method: 'fetch' })]),
    node: 'Request',
    right: workflow([hook, http({ method: 'post' })]),
  },
  {
    code: 'unknown-parameter',
    wrong: workflow([hook, node('Code', 'code', 2, { functionCode: 'return items' })]),
    node: 'Code',
    right: workflow([hook, code('return items')]),
    isFixed: true,
  },
  {
    code: 'unknown-parameter',
    wrong: workflow([hook, http({ method: 'POST', body: { a: 1 } })]),
    node: 'Request',
    isFixed: true,
  },
  {
    code: 'unknown-parameter',
    wrong: workflow([hook, http({ headers: { 'X-A': 'b' } })]),
    node: 'Request',
    isFixed: true,
  },
  {
    code: 'unknown-parameter',
    wrong: workflow([hook, http({ options: { timeOut: 1000 } })]),
    node: 'Request',
    right: workflow([hook, http({ options: { timeout: 1000 } })]),
    isFixed: true,
  },
  {
    code: 'parameter-of-other-version',
    wrong: workflow([
      hook,
      node('Edit', 'set', 3.4, { values: { string: [{ name: 'a', value: 'b' }] }, options: {} }),
    ]),
    node: 'Edit',
    isFixed: true,
  },
  {
    code: 'parameter-of-other-version',
    wrong: workflow([
      hook,
      node('If', 'if', 2, {
        conditions: { string: [{ value1: '={{ $json.a }}', operation: 'equal', value2: 'b' }] },
      }),
    ]),
    node: 'If',
    right: workflow([
      hook,
      node('If', 'if', 1, {
        conditions: { string: [{ value1: '={{ $json.body.a }}', operation: 'equal', value2: 'b' }] },
      }),
    ]),
    isFixed: true,
  },
  {
    code: 'parameter-not-used',
    wrong: workflow([
      hook,
      node('Mail', 'emailSend', 2.1, {
        fromEmail: 'a@b.test',
        toEmail: 'c@d.test',
        subject: 's',
        emailFormat: 'html',
        html: 'x',
        text: 'y',
        options: {},
      }),
    ]),
    node: 'Mail',
  },
  {
    code: 'parameter-switch-off',
    wrong: workflow([hook, http({ method: 'POST', jsonBody: '{}', specifyBody: 'json' })]),
    node: 'Request',
    right: workflow([hook, http({ method: 'POST', sendBody: true, jsonBody: '{}', specifyBody: 'json' })]),
    isFixed: true,
  },
  {
    code: 'unknown-parameter',
    wrong: workflow([hook, node('Split', 'splitOut', 1, { fieldName: 'body.items' })]),
    node: 'Split',
    right: workflow([hook, node('Split', 'splitOut', 1, { fieldToSplitOut: 'body.items' })]),
    isFixed: true,
  },
  {
    code: 'unknown-option',
    wrong: workflow([hook, node('Send', 'telegram', 1.2, { operation: 'send', chatId: '1', text: 'a' })]),
    node: 'Send',
    right: workflow([
      hook,
      node('Send', 'telegram', 1.2, { operation: 'sendMessage', chatId: '1', text: 'a' }),
    ]),
    isFixed: true,
  },
  {
    code: 'invalid-expression',
    wrong: workflow([hook, set('=Hi {{ $(‘Hook’).item.json.body.a }}!')]),
    node: 'Edit',
    right: workflow([hook, set("=Hi {{ $('Hook').item.json.body.a }}!")]),
    isFixed: true,
  },
  {
    code: 'invalid-value',
    wrong: workflow([hook, compared('ten')]),
    node: 'If',
  },
  {
    code: 'invalid-value',
    wrong: workflow([hook, compared('10')]),
    node: 'If',
    right: workflow([hook, compared(10)]),
    isFixed: true,
  },
  {
    code: 'invalid-value',
    wrong: workflow([hook, compared('true', 'boolean', 'equals')]),
    node: 'If',
    right: workflow([hook, compared(true, 'boolean', 'equals')]),
    isFixed: true,
  },
  {
    code: 'misplaced-parameter',
    wrong: workflow([hook, http({ onError: 'continueRegularOutput' })]),
    node: 'Request',
    right: workflow([hook, { ...http({}), onError: 'continueRegularOutput' }]),
    isFixed: true,
  },
  {
    code: 'misplaced-parameter',
    wrong: workflow(
      [hook, agent({ systemMessage: 'Be brief' }), model],
      ['Hook>Agent', 'Model~ai_languageModel>Agent'],
    ),
    node: 'Agent',
    isFixed: true,
  },
  {
    code: 'boolean-as-text',
    wrong: workflow([
      hook,
      http({ sendQuery: 'true', queryParameters: { parameters: [{ name: 'a', value: 'b' }] } }),
    ]),
    node: 'Request',
    isFixed: true,
  },
  {
    code: 'locator-as-text',
    wrong: workflow([hook, node('Sub', 'executeWorkflow', 1.2, { workflowId: 'W1', options: {} })]),
    node: 'Sub',
    right: workflow([hook, node('Sub', 'executeWorkflow', 1, { workflowId: 'W1', options: {} })]),
    isFixed: true,
  },
  {
    code: 'locator-as-text',
    wrong: workflow([
      hook,
      node('Sheet', 'googleSheets', 4.5, {
        resource: 'sheet',
        operation: 'read',
        documentId: '1AbC',
        sheetName: { __rl: true, mode: 'name', value: 'A' },
        options: {},
      }),
    ]),
    node: 'Sheet',
    right: workflow([
      hook,
      node('Sheet', 'googleSheets', 4.5, {
        resource: 'sheet',
        operation: 'read',
        documentId: { __rl: true, mode: 'id', value: '1AbC' },
        sheetName: { __rl: true, mode: 'name', value: 'A' },
        options: {},
      }),
    ]),
    isFixed: true,
  },
  {
    code: 'unknown-locator-mode',
    wrong: workflow([
      hook,
      node('Sheet', 'googleSheets', 4.5, {
        resource: 'sheet',
        operation: 'read',
        documentId: { __rl: true, mode: 'key', value: '1AbC' },
        sheetName: { __rl: true, mode: 'name', value: 'A' },
      }),
    ]),
    node: 'Sheet',
  },
  {
    code: 'unknown-operator',
    wrong: workflow([hook, filter('smaller')]),
    node: 'If',
    right: workflow([hook, filter('lt')]),
  },
  {
    code: 'unknown-credential-type',
    wrong: workflow([hook, http({ authentication: 'genericCredentialType', genericAuthType: 'bearerAuth' })]),
    node: 'Request',
    isFixed: true,
  },
  {
    code: 'invalid-json',
    wrong: workflow([
      hook,
      http({ method: 'POST', sendBody: true, specifyBody: 'json', jsonBody: '{ a: 1, }' }),
    ]),
    node: 'Request',
    right: workflow([
      hook,
      http({ method: 'POST', sendBody: true, specifyBody: 'json', jsonBody: '{ "a": 1 }' }),
    ]),
  },
  {
    code: 'invalid-json',
    wrong: workflow([
      hook,
      http({
        method: 'POST',
        sendBody: true,
        specifyBody: 'json',
        jsonBody: '={ "a": "{{ $json.body.a }}", }',
      }),
    ]),
    node: 'Request',
    right: workflow([
      hook,
      http({
        method: 'POST',
        sendBody: true,
        specifyBody: 'json',
        jsonBody: '={ "a": {{ $json.body.a }}, "b": "{{ 1 }}" }',
      }),
    ]),
  },
  {
    code: 'placeholder',
    wrong: workflow([
      hook,
      http({
        sendHeaders: true,
        headerParameters: { parameters: [{ name: 'X-Key', value: 'YOUR_API_KEY' }] },
      }),
    ]),
    node: 'Request',
    right: workflow([
      hook,
      http({
        sendQuery: true,
        queryParameters: { parameters: [{ name: 'insertDataOption', value: 'INSERT_ROWS' }] },
      }),
    ]),
  },
  {
    code: 'hard-coded-secret',
    wrong: workflow([
      hook,
      http({
        sendHeaders: true,
        headerParameters: {
          parameters: [{ name: 'Authorization', value: `Bearer ${'k9Jq2vX7mZp4'.repeat(3)}` }],
        },
      }),
    ]),
    node: 'Request',
    right: workflow([
      hook,
      http({
        sendHeaders: true,
        headerParameters: {
          parameters: [{ name: 'Authorization', value: 'Bearer eyJ_YOUR_JWT_TOKEN_HERE' }],
        },
      }),
    ]),
  },
  {
    code: 'literal-expression',
    wrong: workflow([hook, set('{{ $json.body.a }}')]),
    node: 'Edit',
    right: workflow([hook, set('Hello {{ name }}')]),
    isFixed: true,
  },
  {
    code: 'expression-without-braces',
    wrong: workflow([hook, set('=$json.body.a')]),
    node: 'Edit',
    right: workflow([hook, set('=5 $ each')]),
    isFixed: true,
  },
  {
    code: 'expression-without-braces',
    wrong: workflow([hook, set('$json.body.a')]),
    node: 'Edit',
    right: workflow([hook, set('$json is the item')]),
    isFixed: true,
  },
  {
    code: 'expression-without-braces',
    wrong: workflow([hook, set("=Hello ${$json.body.a}, ${ $('Hook').item.json.body.b }")]),
    node: 'Edit',
    right: workflow([hook, set('={{ `Hello ${$json.body.a}` }}')]),
    isFixed: true,
  },
  {
    code: 'expression-without-braces',
    wrong: workflow([hook, set('={ $json.body.a }')]),
    node: 'Edit',
    right: workflow([hook, set('={ "a": 1 }')]),
    isFixed: true,
  },
  {
    code: 'invalid-expression',
    wrong: workflow([hook, set('={{ $json.body.a + }}')]),
    node: 'Edit',
    right: workflow([hook, set('={{ $json.body.a + 1 }}')]),
  },
  {
    code: 'invalid-expression',
    wrong: workflow([hook, set('={{ {a: {b: 1}} }}')]),
    node: 'Edit',
    isFixed: true,
  },
  {
    code: 'unknown-node-reference',
    wrong: workflow([hook, set("={{ $('Nope').item.json.a }}")]),
    node: 'Edit',
    right: workflow([hook, set("={{ $('Hook').item.json.body }}")]),
  },
  {
    code: 'unknown-node-reference',
    wrong: workflow([hook, set('={{ $node["hook"].json.body }}')]),
    node: 'Edit',
    isFixed: true,
  },
  {
    code: 'unknown-node-reference',
    wrong: workflow([hook, code("return [{ json: $('Nope').first().json }]")]),
    node: 'Code',
    right: workflow([hook, code("// $('Nope')\nreturn [{ json: $('Hook').first().json }]")]),
  },
  {
    code: 'reference-not-executed',
    wrong: workflow([hook, set("={{ $('Later').first().json.x }}"), set('a', 'Later')]),
    node: 'Edit',
    right: workflow([
      hook,
      set("={{ $('Later').isExecuted ? $('Later').first().json.x : 1 }}"),
      set('a', 'Later'),
    ]),
  },
  {
    code: 'unknown-field',
    wrong: workflow([hook, set('={{ $json.email }}')]),
    node: 'Edit',
    right: workflow([hook, set('={{ $json.body.email }}')]),
  },
  {
    code: 'unknown-field',
    wrong: workflow([hook, set('a'), set('={{ $json.y }}', 'Next')]),
    node: 'Next',
    right: workflow([hook, set('a'), set('={{ $json.x }}', 'Next')]),
  },
  {
    code: 'from-ai-outside-tool',
    wrong: workflow([hook, set("={{ $fromAI('a', 'b', 'string') }}")]),
    node: 'Edit',
  },
  {
    code: 'invalid-code',
    wrong: workflow([hook, code('return [{ json: { a: 1 } }')]),
    node: 'Code',
    right: workflow([hook, code('return [{ json: { a: await 1 } }]')]),
  },
  {
    code: 'unknown-field',
    wrong: workflow([hook, set("={{ $('Hook').json.body.a }}")]),
    node: 'Edit',
    right: workflow([hook, set("={{ $('Hook').first().json.body.a + $node['Hook'].json.body.a }}")]),
  },
  {
    code: 'unknown-field',
    wrong: workflow([hook, set('={{ $input.json.body.a }}')]),
    node: 'Edit',
    right: workflow([hook, set('={{ $input.item.json.body.a }}')]),
  },
  {
    code: 'unknown-variable',
    wrong: workflow([hook, set('={{ $inputs.first().json.body.a }}')]),
    node: 'Edit',
    right: workflow([
      hook,
      set("={{ [1].map(($x) => $x + '$y' + `$z ${$input.first().json.body.a}`).join() }}"),
    ]),
  },
  {
    code: 'unknown-variable',
    wrong: workflow([hook, code('return $inputs.all()')]),
    node: 'Code',
    right: workflow([hook, code('const $all = $input.all()\nreturn $all')]),
  },
  ...(
    [
      ['={{ json.body.a }}', '={{ $json.body.a }}'],
      ['={{ now.toISO() }}', '={{ $now.toISO() }}'],
      ["={{ node['Hook'].json.body.a }}", "={{ $node['Hook'].json.body.a }}"],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-variable',
    wrong: workflow([hook, set(wrong)]),
    node: 'Edit',
    right: workflow([hook, set(right)]),
    isFixed: true,
  })),
  ...(
    [
      ['={{ moment().day }}', '={{ [1].map((moment) => moment) + parseInt("1") + `${Math.PI}` }}'],
      ['={{ process.arch }}', "={{ $fromAI('a', 'b', 'string', process) }}"],
      [
        '={{ fetch("https://a.test") }}',
        '={{ (() => { try { return 1 } catch (error) { return error } })() }}',
      ],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-variable',
    wrong: workflow([hook, set(wrong)]),
    node: 'Edit',
    right: workflow([hook, set(right)]),
  })),
  ...(
    [
      ['return [{ json: { host: new URL("https://a.test").host } }]', 'return [{ json: { a: typeof URL } }]'],
      [
        'return [{ json: item.json }]',
        'for (const item of $input.all()) item.json.a = 1\nreturn $input.all()',
      ],
      ['return result', 'result = []\nloop: for (const a of items) { break loop }\nreturn result'],
      [
        'const r = await axios.get("https://a.test")\nreturn [{ json: r }]',
        'class A { axios() {} }\nreturn [{ json: { axios: new A().axios() } }]',
      ],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-variable',
    wrong: workflow([hook, code(wrong)]),
    node: 'Code',
    right: workflow([hook, code(right)]),
  })),
  ...(
    [
      ['={{ $("Hook").item.body.a }}', '={{ $("Hook").item.json.body.a }}'],
      ['={{ $("Hook").first().body.a }}', '={{ $("Hook").first().json.body.a }}'],
      ['={{ $("Hook").first.json.body.a }}', '={{ $("Hook").first().json.body.a }}'],
      ['={{ $("Hook").item().json.body.a }}', '={{ $("Hook").item.json.body.a }}'],
      ['={{ $input.item.body.a }}', '={{ $input.item.json.body.a }}'],
      ['={{ $input.all()[0].body }}', '={{ $input.all()[0].json.body }}'],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-field',
    wrong: workflow([hook, set(wrong)]),
    node: 'Edit',
    right: workflow([hook, set(right)]),
    isFixed: true,
  })),
  ...(
    [
      [
        'return $input.all().map((a) => ({ json: { b: a.email } }))',
        'return $input.all().map((a) => ({ json: { b: a.json.body } }))',
      ],
      [
        'return [{ json: { a: $input.first().json.email } }]',
        'return [{ json: { a: $input.first().json.body.email } }]',
      ],
      [
        'const [a] = items\nconst b = items[0]\nreturn [{ json: { c: b.text } }]',
        'const b = { text: 1 }\nreturn [{ json: { c: b.text } }]',
      ],
      ['return [{ json: { a: $input.all().json } }]', 'return items.filter((a) => a.json.body && a.binary)'],
      ['return this.getInputData()', 'return [{ json: { a: this.helpers } }]'],
      [
        'return [{ json: { a: $("Hook").json } }]',
        'for (const a of $("Hook").all()) a.json.b = a.json.b + 1\nreturn items',
      ],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-field',
    wrong: workflow([hook, code(wrong)]),
    node: 'Code',
    right: workflow([hook, code(right)]),
  })),
  ...(
    [
      ['={{ $now.format("YYYY-MM-DD") }}', '={{ $now.format("yyyy-MM-dd") }}'],
      [
        '={{ DateTime.fromISO($json.body.a).toFormat("DD.MM.YYYY HH:MM") }}',
        '={{ $now.toFormat("dd.MM.yyyy HH:mm") }}',
      ],
      ['={{ $now.add(1, "day").toISO() }}', '={{ $now.plus(1, "day").toISO() }}'],
      ['={{ $today.minus({ days: 1 }).toISOString() }}', '={{ new Date().toISOString() }}'],
      ['={{ $now.subtract(1, "day") }}', '={{ $now.year + $now.toMillis() }}'],
      ['={{ $now().toISO() }}', '={{ $now.toISO() }}'],
      ['={{ $today.formatDate("yyyy") }}', '={{ $today.format("yyyy") }}'],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-date-syntax',
    wrong: workflow([hook, set(wrong)]),
    node: 'Edit',
    right: workflow([hook, set(right)]),
    isFixed: true,
  })),
  {
    code: 'unknown-date-syntax',
    wrong: workflow([hook, code('return [{ json: { a: $now.format("yyyy") } }]')]),
    node: 'Code',
    right: workflow([hook, code('return [{ json: { a: $now.toFormat("yyyy") } }]')]),
    isFixed: true,
  },
  {
    code: 'unknown-field',
    wrong: workflow([hook, code('return $input.getAll()')]),
    node: 'Code',
    right: workflow([hook, code('return $input.all()')]),
  },
  {
    code: 'unknown-date-syntax',
    wrong: workflow([hook, set('={{ $now.plusDays(3) }}')]),
    node: 'Edit',
    right: workflow([hook, set('={{ $now.plus({ days: 3 }) }}')]),
  },
  {
    code: 'unknown-date-syntax',
    wrong: workflow([hook, set('={{ $now.getFullYear() }}')]),
    node: 'Edit',
    right: workflow([hook, set('={{ new Date().getFullYear() }}')]),
  },
  {
    code: 'env-not-available',
    wrong: workflow([hook, set('={{ $env.API_KEY }}')]),
    node: 'Edit',
    right: workflow([hook, set('={{ $vars.apiKey }}')]),
  },
  {
    code: 'env-not-available',
    wrong: workflow([hook, code('return [{ json: { a: $env.API_KEY } }]')]),
    node: 'Code',
  },
  ...['=={{ $json.body.a }}', '= ={{ $json.body.a }}', '==={{ $json.body.a }}', ' ={{ $json.body.a }}'].map(
    (wrong) => ({
      code: 'literal-expression',
      wrong: workflow([hook, set(wrong)]),
      node: 'Edit',
      right: workflow([hook, set('=a={{ $json.body.a }}')]),
      isFixed: true,
    }),
  ),
  {
    code: 'literal-expression',
    wrong: workflow([hook, code('return [{ json: { a: "{{ $json.body.a }}" } }]')]),
    node: 'Code',
    right: workflow([hook, code('return [{ json: { a: "{{ name }}" } }]')]),
  },
  ...(
    [
      ['return [{ json: "a" }]', 'return [{ json: { a: "a" } }]'],
      ['return [{ json: $input.all() }]', 'return [{ json: { all: $input.all() } }]'],
      [
        'return items.map((a) => ({ json: `${a.json.body}` }))',
        'return items.map((a) => ({ json: a.json.body }))',
      ],
      [
        'return items.map(async (a) => ({ json: {} }))',
        'return await Promise.all(items.map(async (a) => ({ json: {} })))',
      ],
      ['={{ $json.body }}', 'return { json: { a: 1 } }'],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'code-returns-no-items',
    wrong: workflow([hook, code(wrong)]),
    node: 'Code',
    right: workflow([hook, code(right)]),
  })),
  { code: 'constant-condition', wrong: workflow([hook, node('If', 'if', 2.2, {})]), node: 'If' },
  {
    code: 'constant-condition',
    wrong: workflow([hook, condition('string', 'equals', 'body.status')]),
    node: 'If',
    right: workflow([hook, condition('string', 'equals')]),
  },
  {
    code: 'constant-condition',
    wrong: workflow([hook, node('Switch', 'switch', 3.2, { rules: { values: [{ outputKey: 'a' }] } })]),
    node: 'Switch',
  },
  ...(
    [
      ['number', 'larger', 'gt'],
      ['number', 'smallerEqual', 'lte'],
      ['string', '==', 'equals'],
      ['boolean', 'isTrue', 'true'],
      ['string', 'isNotEmpty', 'notEmpty'],
    ] as const
  ).map(([type, wrong, right]) => ({
    code: 'unknown-operator',
    wrong: workflow([hook, condition(type, wrong)]),
    node: 'If',
    right: workflow([hook, condition(type, right)]),
    isFixed: true,
  })),
  ...(
    [
      ['integer', 'number'],
      ['date', 'dateTime'],
    ] as const
  ).map(([wrong, right]) => ({
    code: 'unknown-operator',
    wrong: workflow([hook, condition(wrong, 'equals')]),
    node: 'If',
    right: workflow([hook, condition(right, 'equals')]),
    isFixed: true,
  })),
  {
    code: 'unknown-operator',
    wrong: workflow([hook, condition('string', undefined)]),
    node: 'If',
  },
  ...(
    [
      ['notionapi', 'notionApi', true],
      ['slackApiToken', 'slackApi', false],
    ] as const
  ).map(([wrong, right, isFixed]) => ({
    code: 'unknown-credential-type',
    wrong: workflow([hook, http({ authentication: 'predefinedCredentialType', nodeCredentialType: wrong })]),
    node: 'Request',
    right: workflow([hook, http({ authentication: 'predefinedCredentialType', nodeCredentialType: right })]),
    isFixed,
  })),
  ...[
    { value: { a: '={{ $json.body.a }}' }, schema: [] },
    { a: '={{ $json.body.a }}' },
    [{ column: 'a', value: '={{ $json.body.a }}' }],
    { mappingMode: 'define', value: { a: 'b' } },
    { mappingMode: 'auto' },
  ].map((columns) => ({
    code: 'wrong-shape',
    wrong: workflow([hook, sheets({ columns })]),
    node: 'Sheets',
    right: workflow([hook, sheets({ columns: { mappingMode: 'autoMapInputData', value: {}, schema: [] } })]),
    isFixed: true,
  })),
  {
    code: 'wrong-shape',
    wrong: workflow([hook, ai('Model', 'openAi', 1.8, { messages: { messages: [{ content: 'a' }] } })]),
    node: 'Model',
    right: workflow([hook, ai('Model', 'openAi', 1.8, { messages: { values: [{ content: 'a' }] } })]),
    isFixed: true,
  },
  {
    code: 'invalid-json',
    wrong: workflow([hook, slack({ messageType: 'block', blocksUi: '{ "blocks": [ { type: section } ] }' })]),
    node: 'Slack',
    right: workflow([hook, slack({ messageType: 'block', blocksUi: '{ "blocks": [] }' })]),
  },
  {
    code: 'parameter-of-other-version',
    wrong: workflow([
      hook,
      sheets({
        operation: 'update',
        columnToMatchOn: 'id',
        valueToMatchOn: '={{ $json.body.id }}',
        fieldsUi: { values: [{ column: 'a', fieldValue: 'b' }] },
      }),
    ]),
    node: 'Sheets',
    isFixed: true,
  },
  {
    code: 'parameter-of-other-version',
    wrong: workflow([
      hook,
      node('Sheets', 'googleSheets', 4.5, { operation: 'append', sheetId: '1AbC', range: 'Data!A:B' }),
    ]),
    node: 'Sheets',
    isFixed: true,
  },
  ...['#general', 'C0123456789', '={{ $json.body.channel }}'].map((channel) => ({
    code: 'parameter-of-other-version',
    wrong: workflow([hook, node('Slack', 'slack', 2.3, { channel, text: 'a' })]),
    node: 'Slack',
    right: workflow([hook, slack({ text: 'a' })]),
    isFixed: true,
  })),
  ...[
    {
      dataType: 'string',
      value1: '={{ $json.body.a }}',
      rules: { rules: [{ value2: 'x' }] },
      fallbackOutput: 1,
    },
    { value1: '={{ $json.body.a }}', rules: { rules: [{ operation: 'larger', value2: 5, output: 0 }] } },
  ].map((parameters) => ({
    code: 'parameter-of-other-version',
    wrong: workflow([hook, node('Switch', 'switch', 3.2, parameters)]),
    node: 'Switch',
    isFixed: true,
  })),
  {
    code: 'parameter-of-other-version',
    wrong: workflow([
      hook,
      node('Switch', 'switch', 3.2, { mode: 'expression', output: '={{ 1 }}', outputsAmount: 3 }),
    ]),
    node: 'Switch',
    isFixed: true,
  },
  ...[
    { mode: 'mergeByKey', propertyName1: 'a', propertyName2: 'b' },
    { mode: 'combineByPosition' },
    { mode: 'combine', combinationMode: 'multiplex' },
  ].map((parameters) => ({
    code: 'parameter-of-other-version',
    wrong: workflow([hook, node('Merge', 'merge', 3, parameters)]),
    node: 'Merge',
    isFixed: true,
  })),
  {
    code: 'unknown-option',
    wrong: workflow([
      hook,
      node('Switch', 'switch', 3.2, {
        rules: {
          values: [{ conditions: condition('string', 'equals').parameters.conditions }],
        },
        options: { fallbackOutput: 'default' },
      }),
    ]),
    node: 'Switch',
  },
  {
    code: 'parameter-switch-off',
    wrong: workflow([hook, node('Discord', 'discord', 2, { operation: 'send', content: 'a' })]),
    node: 'Discord',
    isFixed: true,
  },
  {
    code: 'parameter-switch-off',
    wrong: workflow([hook, agent({ promptType: undefined, text: '={{ $json.body.a }}' })]),
    node: 'Agent',
    right: workflow([hook, agent({ promptType: undefined, text: '={{ $json.chatInput }}' })]),
    isFixed: true,
  },
  ...(
    [
      ['Berlin', 'Europe/Berlin', true],
      ['UTC+2', 'UTC', false],
    ] as const
  ).map(([wrong, right, isFixed]) => ({
    code: 'unknown-time-zone',
    wrong: workflow([hook], [], { settings: { timezone: wrong } }),
    right: workflow([hook], [], { settings: { timezone: right } }),
    isFixed,
  })),
  {
    code: 'placeholder',
    wrong: workflow([hook], [], { settings: { errorWorkflow: 'YOUR_ERROR_WORKFLOW_ID' } }),
    right: workflow([hook], [], { settings: { errorWorkflow: 'kUE12BflB9s1kgBn' } }),
  },
  { code: 'unknown-node-type', wrong: workflow([hook, node('Test', 'e2eTest', 1)]), node: 'Test' },
  {
    code: 'connection-type-not-available',
    wrong: workflow(
      [hook, agent(), model, http({})],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Request~ai_tool>Agent'],
    ),
    node: 'Request',
    isFixed: true,
  },
  ...['$fromAI()', "$fromAI('the url')", "$fromAI('url', 'The URL', 'text')"].map((call) => ({
    code: 'invalid-from-ai',
    wrong: workflow(
      [
        hook,
        agent(),
        model,
        node('Tool', 'httpRequestTool', 4.2, { url: `={{ ${call} }}`, toolDescription: 'a' }),
      ],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Tool~ai_tool>Agent'],
    ),
    node: 'Tool',
    right: workflow(
      [
        hook,
        agent(),
        model,
        node('Tool', 'httpRequestTool', 4.2, {
          url: "={{ $fromAI('url', `It's the (URL)`, 'string') + $fromAI('a_b') }}",
          toolDescription: 'a',
        }),
      ],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Tool~ai_tool>Agent'],
    ),
  })),
  ...(
    [
      ['api.test/v1', 'https://api.test/v1', true],
      ['=api.test/{{ $json.body.a }}', '={{ $json.body.url }}/a', true],
      ['"https://api.test"', '=https://{{ $json.body.host }}', false],
    ] as const
  ).map(([wrong, right, isFixed]) => ({
    code: 'invalid-value',
    wrong: workflow([hook, http({ url: wrong })]),
    node: 'Request',
    right: workflow([hook, http({ url: right })]),
    isFixed,
  })),
  ...(
    [
      ['number', 'abc', '5'],
      ['boolean', 'maybe', 'true'],
      ['array', 'a, b', '["a"]'],
      ['object', 'a', '={{ $json.body }}'],
    ] as const
  ).map(([type, wrong, right]) => {
    const edit = (value: string) =>
      node('Edit', 'set', 3.4, {
        assignments: { assignments: [{ id: 'a', name: 'x', type, value }] },
        options: {},
      })
    return {
      code: 'invalid-value',
      wrong: workflow([hook, edit(wrong)]),
      node: 'Edit',
      right: workflow([hook, edit(right)]),
    }
  }),
  {
    code: 'unknown-credential-type',
    wrong: workflow([hook, http({ authentication: 'genericCredentialType' })]),
    node: 'Request',
  },
  {
    code: 'unknown-credential-type',
    wrong: workflow([hook, http({ authentication: 'predefinedCredentialType' })]),
    node: 'Request',
    right: workflow([
      hook,
      http({ authentication: 'predefinedCredentialType', nodeCredentialType: 'slackApi' }),
    ]),
  },
  {
    code: 'invalid-value',
    wrong: workflow([hook, node('Limit', 'limit', 1, { maxItems: 'ten' })]),
    node: 'Limit',
    right: workflow([hook, node('Limit', 'limit', 1, { maxItems: '10' })]),
  },
  ...(
    [
      ['sort', 1, { options: {} }, { sortFieldsUi: { sortField: [{ fieldName: 'a', order: 'ascending' }] } }],
      [
        'sort',
        1,
        { sortFieldsUi: { sortField: [{ fieldName: '', order: 'ascending' }] } },
        { type: 'random' },
      ],
      ['summarize', 1, {}, { fieldsToSummarize: { values: [{ aggregation: 'count', field: 'a' }] } }],
      ['summarize', 1.1, { fieldsToSummarize: { values: [{ aggregation: 'count', field: '' }] } }, undefined],
      [
        'removeDuplicates',
        2,
        { compare: 'selectedFields' },
        { compare: 'selectedFields', fieldsToCompare: 'a' },
      ],
      [
        'removeDuplicates',
        1.1,
        { compare: 'allFieldsExcept', fieldsToExclude: ' ' },
        { compare: 'allFields' },
      ],
      ['merge', 3, { mode: 'combine' }, { mode: 'combine', fieldsToMatchString: 'id' }],
      [
        'merge',
        3,
        { mode: 'combine', advanced: true },
        { mode: 'combine', advanced: true, mergeByFields: '={{ $json.fields }}' },
      ],
      ['merge', 3, { mode: 'combine', combineBy: 'combineByFields' }, { mode: 'append' }],
      ['compareDatasets', 2.3, {}, { mergeByFields: { values: [{ field1: 'a', field2: 'b' }] } }],
    ] as const
  ).map(([type, version, wrong, right]) => ({
    code: 'missing-fields',
    wrong: workflow([hook, node('Rows', type, version, wrong)]),
    node: 'Rows',
    ...(right && { right: workflow([hook, node('Rows', type, version, right)]) }),
  })),
  ...['={{ }}', '={{}}', '=Hello {{ $json.body.a }}, {{ }}'].map((value) => ({
    code: 'invalid-expression',
    wrong: workflow([hook, set(value)]),
    node: 'Edit',
    // n8n runs what is not closed, even if it is empty.
    right: workflow([hook, set(value.replace(/\}\}$/, ''))]),
  })),
  {
    code: 'unknown-variable',
    wrong: workflow([hook, set('={{ $credentials.apiKey }}')]),
    node: 'Edit',
  },
  {
    code: 'unknown-date-syntax',
    wrong: workflow([
      hook,
      node('Date', 'dateTime', 2, { operation: 'formatDate', format: 'custom', customFormat: 'DD.MM.YYYY' }),
    ]),
    node: 'Date',
    isFixed: true,
  },
  ...['https://n8n.test/webhook/orders', '/webhook/orders'].map((path) => ({
    code: 'webhook-path-as-url',
    wrong: workflow([{ ...hook, parameters: { ...hook.parameters, path } }]),
    node: 'Hook',
    right: workflow([{ ...hook, parameters: { ...hook.parameters, path: 'webhooks/orders' } }]),
    isFixed: true,
  })),
  {
    code: 'unknown-locator-mode',
    wrong: workflow([
      hook,
      node('Call', 'executeWorkflow', 1.2, { workflowId: { __rl: true, mode: 'name', value: 'Billing' } }),
    ]),
    node: 'Call',
    right: workflow([
      hook,
      node('Call', 'executeWorkflow', 1.2, { workflowId: { __rl: true, mode: 'id', value: 'a1' } }),
    ]),
  },
  {
    code: 'unknown-option',
    wrong: workflow([
      hook,
      node('Sort', 'sort', 1, { sortFieldsUi: { sortField: [{ fieldName: 'a', order: 'desc' }] } }),
    ]),
    node: 'Sort',
    isFixed: true,
  },
  {
    code: 'unknown-connection-type',
    wrong: workflow([hook, set('a')], ['Hook~Main>Edit']),
    node: 'Hook',
    isFixed: true,
  },
  {
    code: 'unknown-on-error',
    wrong: workflow([hook, { ...http({}), onError: 'continueOnFail' }]),
    node: 'Request',
    isFixed: true,
  },
  {
    code: 'invalid-code',
    wrong: workflow([hook, code('```javascript\nreturn $input.all()\n```')]),
    node: 'Code',
    isFixed: true,
  },
  {
    code: 'invalid-code',
    wrong: workflow([
      hook,
      node('Code', 'code', 2, { language: 'pythonNative', pythonCode: 'const a = $input.all()\nreturn a' }),
    ]),
    node: 'Code',
    right: workflow([
      hook,
      node('Code', 'code', 2, { language: 'pythonNative', pythonCode: 'a = _items\nreturn a' }),
    ]),
    isFixed: true,
  },
  {
    code: 'code-returns-no-items',
    wrong: workflow([hook, code('return "a"')]),
    node: 'Code',
    right: workflow([hook, code('const out = []\nout.push({ json: {} })\nreturn out')]),
  },
  {
    code: 'code-returns-no-items',
    wrong: workflow([hook, code('const a = $input.all()')]),
    node: 'Code',
    right: workflow([hook, code('if ($json) { return [] }\nthrow new Error("a")')]),
  },
  {
    code: 'code-returns-no-items',
    wrong: workflow([hook, code('return [{ json: {} }]', { mode: 'runOnceForEachItem' })]),
    node: 'Code',
    right: workflow([hook, code('return { json: {} }', { mode: 'runOnceForEachItem' })]),
  },
  {
    code: 'module-not-allowed',
    wrong: workflow([hook, code('const a = require("axios")\nreturn []')]),
    node: 'Code',
  },
  {
    code: 'input-in-wrong-mode',
    wrong: workflow([
      hook,
      code('return { json: { n: $input.all().length } }', { mode: 'runOnceForEachItem' }),
    ]),
    node: 'Code',
    right: workflow([hook, code('return [{ json: { n: $input.all().length } }]')]),
  },
  {
    code: 'python-not-available',
    wrong: workflow([hook, node('Code', 'code', 2, { language: 'python', pythonCode: 'return []' })]),
    node: 'Code',
  },
  {
    code: 'unknown-connection-type',
    wrong: workflow([hook, agent(), model], ['Hook>Agent', 'Model~llm>Agent']),
    node: 'Model',
  },
  {
    code: 'unknown-connection-type',
    wrong: workflow([hook, agent(), model], ['Hook>Agent', 'Model~ai_model>Agent']),
    node: 'Model',
    isFixed: true,
  },
  {
    code: 'connection-type-not-available',
    wrong: workflow(
      [hook, agent(), model, ai('Calculator', 'toolCalculator', 1)],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Calculator~ai_memory>Agent'],
    ),
    node: 'Calculator',
    isFixed: true,
  },
  {
    code: 'sub-node-by-main',
    wrong: workflow([hook, agent(), model], ['Hook>Agent', 'Model>Agent']),
    node: 'Model',
    right: workflow([hook, agent(), model], ['Hook>Agent', 'Model~ai_languageModel>Agent']),
    isFixed: true,
  },
  {
    code: 'connection-reversed',
    wrong: workflow([hook, agent(), model], ['Hook>Agent', 'Agent~ai_languageModel>Model']),
    node: 'Agent',
    isFixed: true,
  },
  {
    code: 'connection-type-not-available',
    wrong: workflow(
      [hook, agent(), model, ai('Parser', 'outputParserStructured', 1.2, { jsonSchemaExample: '{}' })],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Parser~ai_outputParser>Agent'],
    ),
    node: 'Agent',
    isFixed: true,
  },
  {
    code: 'connection-type-mismatch',
    wrong: workflow([hook, set('a')], [], {
      connections: { Hook: { main: [[{ node: 'Edit', type: 'ai_tool', index: 0 }]] } },
    }),
    node: 'Hook',
    isFixed: true,
  },
  {
    code: 'input-index-out-of-range',
    wrong: workflow(
      [hook, set('a', 'A'), set('b', 'B'), merge],
      ['Hook>A', 'Hook>B', 'A>Merge', 'B>Merge:2'],
    ),
    node: 'Merge',
    right: workflow(
      [hook, set('a', 'A'), set('b', 'B'), merge],
      ['Hook>A', 'Hook>B', 'A>Merge', 'B>Merge:1'],
    ),
    isFixed: true,
  },
  {
    code: 'output-index-out-of-range',
    wrong: workflow([hook, http({}), set('a')], ['Hook>Request', 'Request:1>Edit']),
    node: 'Request',
    right: workflow(
      [hook, { ...http({}), onError: 'continueErrorOutput' }, set('a')],
      ['Hook>Request', 'Request:1>Edit'],
    ),
    isFixed: true,
  },
  {
    code: 'output-index-out-of-range',
    wrong: workflow([hook, code('return []'), set('a')], ['Hook>Code', 'Code:1>Edit']),
    node: 'Code',
    right: workflow([hook, code('return []'), set('a')], ['Hook>Code', 'Code>Edit']),
  },
  {
    code: 'workflow-by-name',
    wrong: workflow([hook, node('Call', 'executeWorkflow', 1, { workflowId: 'My sub-workflow' })]),
    node: 'Call',
    right: workflow([hook, node('Call', 'executeWorkflow', 1, { workflowId: 'fV6eYdjsPcDPPZcN' })]),
  },
  {
    code: 'workflow-by-name',
    wrong: { ...workflow([hook, set('a')]), settings: { errorWorkflow: 'Error handler' } },
    right: { ...workflow([hook, set('a')]), settings: { errorWorkflow: 'DEFAULT' } },
  },
  {
    code: 'missing-ai-input',
    wrong: workflow([hook, agent()]),
    node: 'Agent',
    right: workflow([hook, agent(), model], ['Hook>Agent', 'Model~ai_languageModel>Agent']),
  },
  {
    code: 'output-parser-missing',
    wrong: workflow(
      [hook, agent({ hasOutputParser: true }), model],
      ['Hook>Agent', 'Model~ai_languageModel>Agent'],
    ),
    node: 'Agent',
    right: workflow(
      [
        hook,
        agent({ hasOutputParser: true }),
        model,
        ai('Parser', 'outputParserStructured', 1.2, { jsonSchemaExample: '{}' }),
      ],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Parser~ai_outputParser>Agent'],
    ),
  },
  {
    code: 'too-many-connections',
    wrong: workflow(
      [hook, agent(), model, { ...model, id: 'b', name: 'Other' }],
      ['Hook>Agent', 'Model~ai_languageModel>Agent', 'Other~ai_languageModel>Agent'],
    ),
    node: 'Agent',
  },
  { code: 'merge-input-missing', wrong: workflow([hook, merge]), node: 'Merge' },
  {
    code: 'unreachable-node',
    wrong: workflow([hook, set('a'), set('b', 'Alone')], ['Hook>Edit']),
    node: 'Alone',
  },
  {
    code: 'endless-loop',
    wrong: workflow(
      [hook, set('a'), node('Wait', 'wait', 1.1, { amount: 1 })],
      ['Hook>Edit', 'Edit>Wait', 'Wait>Edit'],
    ),
    node: 'Edit',
    right: workflow([hook, set('a'), filter('gt')], ['Hook>Edit', 'Edit>If', 'If>Edit']),
  },
  {
    code: 'loop-wired-to-done',
    wrong: workflow([hook, loop, set('a')], ['Hook>Loop', 'Loop>Edit', 'Edit>Loop']),
    node: 'Loop',
    right: workflow([hook, loop, set('a')], ['Hook>Loop', 'Loop:1>Edit', 'Edit>Loop']),
    isFixed: true,
  },
  {
    code: 'loop-not-closed',
    wrong: workflow([hook, loop, set('a')], ['Hook>Loop', 'Loop:1>Edit']),
    node: 'Loop',
  },
  {
    code: 'respond-node-missing',
    wrong: workflow([waiting, set('a')]),
    node: 'Hook',
    right: workflow([waiting, respond]),
  },
  { code: 'respond-node-unused', wrong: workflow([hook, respond]), node: 'Hook', isFixed: true },
  {
    code: 'memory-without-session',
    wrong: workflow(
      [telegram, agent(), model, ai('Memory', 'memoryBufferWindow', 1.3)],
      ['Telegram>Agent', 'Model~ai_languageModel>Agent', 'Memory~ai_memory>Agent'],
    ),
    node: 'Memory',
    right: workflow(
      [chat, agent(), model, ai('Memory', 'memoryBufferWindow', 1.3)],
      ['Chat>Agent', 'Model~ai_languageModel>Agent', 'Memory~ai_memory>Agent'],
    ),
  },
  {
    code: 'unknown-sub-workflow-input',
    wrong: workflow([hook, sub({ emial: 'a' })]),
    node: 'Sub',
    context: subContext,
    isFixed: true,
  },
  {
    code: 'missing-sub-workflow-input',
    wrong: workflow([hook, sub({})]),
    node: 'Sub',
    context: subContext,
    right: workflow([hook, sub({ email: 'a' })]),
  },
  {
    code: 'unknown-execution-order',
    wrong: workflow([hook, set('a')], undefined, { settings: { executionOrder: 'v2' } }),
    isFixed: true,
  },
  {
    code: 'unknown-time-zone',
    wrong: workflow([hook, set('a')], undefined, { settings: { timezone: 'Berlin' } }),
    right: workflow([hook, set('a')], undefined, { settings: { timezone: 'Europe/Berlin' } }),
  },
  {
    code: 'unknown-on-error',
    wrong: workflow([hook, { ...set('a'), onError: 'continue' }]),
    node: 'Edit',
    right: workflow([hook, { ...set('a'), onError: 'continueRegularOutput' }]),
  },
  {
    code: 'too-many-tries',
    wrong: workflow([hook, { ...set('a'), retryOnFail: true, maxTries: 10 }]),
    node: 'Edit',
    isFixed: true,
  },
  {
    code: 'retry-wait-too-long',
    wrong: workflow([hook, { ...set('a'), retryOnFail: true, waitBetweenTries: 30_000 }]),
    node: 'Edit',
    right: workflow([hook, { ...set('a'), retryOnFail: true, waitBetweenTries: 5000 }]),
    isFixed: true,
  },
  { code: 'connection-by-id', wrong: workflow([{ ...hook, id: 'h' }, set('a')], ['h>Edit']), isFixed: true },
  {
    code: 'duplicate-node-id',
    wrong: workflow([hook, { ...set('a'), id: 'Hook' }]),
    node: 'Edit',
    isFixed: true,
  },
  {
    code: 'invalid-schedule',
    wrong: workflow([
      node('Cron', 'scheduleTrigger', 1.2, {
        rule: { interval: [{ field: 'cronExpression', expression: '0 25 * * *' }] },
      }),
      set('a'),
    ]),
    node: 'Cron',
  },
  {
    code: 'duplicate-webhook-path',
    wrong: workflow([hook, set('a'), { ...hook, id: 'b', name: 'Other' }], ['Hook>Edit', 'Other>Edit']),
    node: 'Other',
  },
]

describe.each(cases.map((each, index) => [`${each.code} (${index})`, each] as const))('%s', (_, each) => {
  const hits = async (json: JsonObject) =>
    (await findingsOf(json, each.context)).filter(
      (finding) => finding.code === each.code && (each.node === undefined || finding.node === each.node),
    )

  test('is found', async () => {
    expect(checkCodes).toContain(each.code)
    expect(await hits(each.wrong)).not.toEqual([])
  })

  test.skipIf(!each.right)('is not found without the mistake', async () => {
    expect(await hits(each.right ?? {})).toEqual([])
  })

  test.skipIf(!each.isFixed)('is fixed, once', async () => {
    const before = structuredClone(each.wrong)
    const { workflow: fixed } = await fixWith(each.wrong, loadFacts, each.context)
    expect(await hits(fixed)).toEqual([])
    expect(each.wrong).toEqual(before)
    const again = await fixWith(fixed, loadFacts, each.context)
    expect(again).toEqual({ workflow: fixed, applied: [] })
  })
})

test('does not rename an option to one of another type', async () => {
  const json = workflow([hook, http({ options: { headers: { Accept: 'text/html' } } })])
  const [finding] = await findingsOf(json)
  expect(finding).toMatchObject({ code: 'unknown-parameter', pointer: '/nodes/1/parameters/options/headers' })
  expect(finding?.fix).toBeUndefined()
})

test.each([
  'n8n-nodes-langchain.lmChatOpenAi',
  'nodes-langchain.lmChatOpenAi',
  '@n8n/n8n-nodes-base.lmChatOpenAi',
])('repairs the package of %s', async (type) => {
  const json = workflow([hook, agent(), { ...model, type }], ['Hook>Agent', 'Model~ai_languageModel>Agent'])
  const [finding] = await findingsOf(json)
  expect(finding).toMatchObject({
    code: 'unknown-node-type',
    node: 'Model',
    fix: { operations: [{ value: model.type }] },
  })
})

test.each([
  ['set', 'n8n-nodes-base.set'],
  ['agent', '@n8n/n8n-nodes-langchain.agent'],
  ['n8n-nodes-base.editFields', 'n8n-nodes-base.set'],
  ['n8n-nodes-base.loopOverItems', 'n8n-nodes-base.splitInBatches'],
  ['n8n-nodes-base.executeSubWorkflow', 'n8n-nodes-base.executeWorkflow'],
  ['@n8n/n8n-nodes-langchain.openAiChatModel', '@n8n/n8n-nodes-langchain.lmChatOpenAi'],
  ['@n8n/n8n-nodes-langchain.structuredOutputParser', '@n8n/n8n-nodes-langchain.outputParserStructured'],
  ['@n8n/n8n-nodes-langchain.basicLlmChain', '@n8n/n8n-nodes-langchain.chainLlm'],
  ['n8n-nodes-base.aiAgent', '@n8n/n8n-nodes-langchain.agent'],
])('%s means %s', async (type, meant) => {
  const findings = await findingsOf(workflow([hook, { ...node('Step', 'set', 1), type }]))
  const found = findings.find(({ pointer }) => pointer === '/nodes/1/type')
  expect(found).toMatchObject({
    code: 'unknown-node-type',
    n8n: `Unrecognized node type: ${type}`,
    fix: { operations: [{ value: meant }] },
  })
})

test('reports nothing in a workflow without mistakes', async () => {
  const nodes = [
    waiting,
    filter('gt'),
    set('={{ $json.body.a }}'),
    http({ method: 'post' }),
    agent(),
    model,
    respond,
  ]
  const links = [
    'Hook>If',
    'If>Edit',
    'If:1>Request',
    'Edit>Agent',
    'Agent>Respond',
    'Request>Respond',
    'Model~ai_languageModel>Agent',
  ]
  expect(await findingsOf(workflow(nodes, links))).toEqual([])
})

test('gives the same findings in the order of the nodes, and at most 200', async () => {
  const many = Array.from({ length: 300 }, (_, index) => set('{{ $json.a }}', `N${index}`))
  const json = workflow([hook, ...many])
  const findings = await findingsOf(json)
  expect(findings).toHaveLength(200)
  expect(await findingsOf(structuredClone(json))).toEqual(findings)
  const indexes = findings.map(({ pointer }) => Number(pointer.split('/')[2]))
  expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
})

test('does not set another version while it converts parameters to the current one', async () => {
  const given = workflow([
    hook,
    http({ requestMethod: 'POST', bodyParametersJson: '={"a":1}', responseFormat: 'json' }),
  ])
  const { workflow: fixed } = await fixWith(given, loadFacts)
  expect(fixed).toMatchObject({
    nodes: [{}, { typeVersion: 4.2, parameters: { method: 'POST', sendBody: true, jsonBody: '={"a":1}' } }],
  })
})

test('does not suggest a value with other digits', async () => {
  const json = workflow([
    node('Mail', 'gmailTrigger', 1.2, { pollTimes: { item: [{ mode: 'every5Minutes' }] }, filters: {} }),
    set('a'),
  ])
  const found = (await findingsOf(json)).find(({ code: each }) => each === 'unknown-option')
  expect(found).toMatchObject({ node: 'Mail' })
  expect(found?.fix).toBeUndefined()
})

test('names the language that would make n8n read the code', async () => {
  const json = workflow([hook, code('return $input.all()', { language: 'pythonNative' })])
  const found = (await findingsOf(json)).find(({ pointer }) => pointer.endsWith('/jsCode'))
  expect(found).toMatchObject({ message: 'n8n ignores jsCode unless language is javaScript' })
})

describe('fixes an expression', () => {
  const fixed = async (value: string) => {
    const { workflow: json } = await fixWith(workflow([hook, set(value)]), loadFacts)
    return (json as any).nodes[1].parameters.assignments.assignments[0].value
  }

  test.each([
    ['={{ {{ $json.body }} }}', '={{ $json.body }}'],
    ['={{{ $json.body }}}', '={{ $json.body }}'],
    ['=a {{ $json.body.a + {{ $json.body.b }} }} b', '=a {{ $json.body.a + $json.body.b }} b'],
    ['={{ {{ $json.body.a }} + {{ $json.body.b }} }}', '={{ $json.body.a + $json.body.b }}'],
    ["={{ $('Hook')[0].json.body }}", "={{ $('Hook').all()[0].json.body }}"],
    ['={{ $input[0].json.body }}', '={{ $input.all()[0].json.body }}'],
    ['={{ new Date().toISO() }}', '={{ $now.toISO() }}'],
    [
      '={{ new Date($json.body.a).toFormat("yyyy") }}',
      '={{ DateTime.fromJSDate(new Date($json.body.a)).toFormat("yyyy") }}',
    ],
    ['={{ Date.now().toISOString() }}', '={{ new Date().toISOString() }}'],
    ['={{ Date.now().plus({ days: 1 }) }}', '={{ $now.plus({ days: 1 }) }}'],
  ])('%s', async (given, expected) => expect(await fixed(given)).toBe(expected))

  test.each([
    // The braces are text of the expression, or the meaning is unclear.
    '={{ "{{ $json.body }}" }}',
    '={{ {{ $json.body',
    '={{ {{ {a: {b: 1}} }} }}',
    '={{ new Date().plus({ days: 1 }).toISOString() }}',
    '={{ Date.now().toString() }}',
    '={{ $json.body[0] }}',
    "={{ $('Hook').all()[0].json.body }}",
  ])('but not %s', async (given) => expect(await fixed(given)).toBe(given))
})

test('reports methods of dates that only expressions have', async () => {
  const pointers = async (jsCode: string) =>
    (await findingsOf(workflow([hook, code(jsCode)])))
      .filter((each) => each.code === 'unknown-date-syntax')
      .map(({ fix }) => (fix?.operations?.[0] as { value?: unknown } | undefined)?.value)
  expect(await pointers('return [{ json: { a: new Date().format("yyyy") } }]')).toEqual([
    'return [{ json: { a: $now.format("yyyy") } }]',
  ])
  expect(await pointers('const d = new Date()\nreturn [{ json: { a: d.toISO() } }]')).toEqual([
    'const d = new Date()\nreturn [{ json: { a: DateTime.fromJSDate(d).toISO() } }]',
  ])
  expect(await pointers('return [{ json: { a: new Date().toISOString(), b: Date.now() } }]')).toEqual([])
})

describe('moves the time of a schedule to where n8n reads it', () => {
  const cron = '0 9 * * 1-5'
  const entry = { field: 'cronExpression', expression: cron }
  const fixed = async (parameters: object) => {
    const json = workflow([node('Cron', 'scheduleTrigger', 1.2, parameters), set('a')])
    return ((await fixWith(json, loadFacts)).workflow as any).nodes[0].parameters
  }

  test.each([
    [{ cronExpression: cron }, { rule: { interval: [entry] } }],
    [{ cron }, { rule: { interval: [entry] } }],
    [{ rule: cron }, { rule: { interval: [entry] } }],
    [{ rule: { cronExpression: cron } }, { rule: { interval: [entry] } }],
    [{ rule: { interval: [{ expression: cron }] } }, { rule: { interval: [entry] } }],
    [
      { rule: { interval: [{ field: 'cronExpression', cronExpression: cron }] } },
      { rule: { interval: [entry] } },
    ],
    [
      { interval: [{ field: 'minutes', minutesInterval: 5 }] },
      { rule: { interval: [{ field: 'minutes', minutesInterval: 5 }] } },
    ],
  ])('%j', async (given, expected) => expect(await fixed(given)).toEqual(expected))

  test.each([
    { cronExpression: 'every morning' },
    { rule: { interval: [{ field: 'hours', expression: cron }] } },
    { rule: { interval: [entry, { field: 'days', triggerAtHour: 9 }] } },
  ])('but not %j', async (given) => expect(await fixed(given)).toEqual(given))
})

test.each([
  [
    'gmail',
    2.1,
    { operation: 'sendEmail', toList: ['a@test.dev', 'b@test.dev'], subject: 's', text: 't' },
    { operation: 'send', sendTo: 'a@test.dev, b@test.dev', subject: 's', message: 't' },
  ],
  ['gmail', 2.1, { operation: 'getMessages' }, { operation: 'getAll' }],
  ['gmail', 2.1, { operation: 'deleteAll' }, { operation: 'deleteAll' }],
  [
    'postgres',
    2.6,
    { operation: 'query', sql: 'select 1' },
    { operation: 'executeQuery', query: 'select 1' },
  ],
] as const)('reads the operation and names of %s %d %j', async (type, version, given, expected) => {
  const json = workflow([hook, node('Service', type, version, given)])
  expect(((await fixWith(json, loadFacts)).workflow as any).nodes[1].parameters).toEqual(expected)
})

test('says that a GET request rarely has a body', async () => {
  const found = async (httpMethod: string) =>
    (
      await findingsOf(
        workflow([{ ...hook, parameters: { path: 'a', httpMethod } }, set('={{ $json.body.a }}')]),
      )
    )
      .filter((each) => each.code === 'unknown-field')
      .map(({ level }) => level)
  expect(await found('GET')).toEqual(['hint'])
  expect(await found('POST')).toEqual([])
  expect(await found('={{ "GET" }}')).toEqual([])
})
