import { describe, expect, test } from 'vitest'
import {
  byTrend,
  errorTitle,
  readableMessage,
  trendOf,
  trendLabel,
} from '../../../src/web/components/error-trend.ts'
import { explain, type Remedy } from '../../../src/executions/diagnosis/explain.ts'
import { triggerLabel } from '../../../src/web/components/node-labels.ts'
import { serviceOf, typeLabel } from '../../../src/n8n/reading/type-labels.ts'
import { listParameters, parameterType } from '../../../src/executions/diagnosis/parameters.ts'
import { effectOf, retrySafety } from '../../../src/web/executions/detail/retry-safety.ts'
import { workflowGraph } from '../../../src/executions/diagnosis/run-graph.ts'
import type { NodeRun } from '../../../src/executions/record/node-runs.ts'

describe('error explanations', () => {
  test.each<[string, number | null, Remedy, RegExp]>([
    ['Authorization failed - please check your credentials', 401, 'credential', /rejected the credential/],
    [
      '403 Forbidden: the token lacks scope issues:create',
      403,
      'credential',
      /scope or permission is missing/,
    ],
    ['Request failed with status code 403', null, 'credential', /scope or permission is missing/],
    ['Slack error response: "invalid_auth"', null, 'credential', /rejected the credential/],
    ['password authentication failed for user "n8n"', null, 'credential', /rejected the credential/],
    ['Node does not have any credentials set', null, 'credential', /has no credential/],
    ['The resource you are requesting could not be found', 404, 'input', /could not find the resource/],
    ['Rate limit reached for gpt-5-mini', 429, 'wait', /rate limit was exceeded/],
    ['You exceeded your current quota, please check your plan', 429, 'setup', /no quota/],
    ['Bad gateway', 502, 'service', /internal error \(502\)/],
    ['timeout of 10000ms exceeded', null, 'wait', /did not respond in time/],
    ['connect ECONNREFUSED 10.0.0.4:5432', null, 'address', /on port 5432\. Postgres usually uses/],
    ['connect ECONNREFUSED ::1', null, 'address', /refused the connection\./],
    ['getaddrinfo ENOTFOUND db.internal', null, 'address', /hostname could not be resolved/],
    ['self-signed certificate in certificate chain', null, 'address', /not trusted/],
    ['Connection terminated unexpectedly', null, 'wait', /closed the connection/],
    [
      "Cannot read properties of undefined (reading 'email') [line 3]",
      null,
      'code',
      /reads “email” from a value that is undefined/,
    ],
    ['Cannot read properties of null', null, 'code', /value that is null/],
    ['items.map is not a function', null, 'code', /“items\.map”/],
    ['Unexpected token < in JSON at position 0', null, 'input', /is not valid JSON/],
    [
      "This model's maximum context length is 8192 tokens",
      null,
      'input',
      /exceeds the model's context length/,
    ],
    ["Node 'Fetch' hasn't been executed", null, 'code', /has not run yet/],
    ['duplicate key value violates unique constraint "x"', null, 'input', /already exists/],
    ['Unrecognized node type: n8n-nodes-acme.thing', null, 'setup', /does not support this node type/],
  ])('%s (%s) has remedy %s', (message, httpStatus, remedy, cause) => {
    const explained = explain({ message, httpStatus, service: 'Linear' })
    expect(explained.remedy).toBe(remedy)
    expect(explained.cause).toMatch(cause)
    expect(explained.advice).toMatch(/\.$/)
  })

  test.each([
    ['OpenAI', 'The request exceeds the size limit of OpenAI.'],
    ['The service', 'The request exceeds the size limit of the service.'],
  ])('names %s within a sentence', (service, cause) => {
    expect(explain({ message: 'Payload too large', httpStatus: 413, service }).cause).toBe(cause)
  })

  test('has no explanation for an unknown message', () => {
    expect(explain({ message: 'Flux capacitor', httpStatus: null, service: 'The service' })).toMatchObject({
      cause: null,
      remedy: 'unknown',
    })
  })

  test('handles a hostile message quickly', () => {
    for (const part of ['ECONNREFUSED ', 'a ', "Cannot read property '", 'credential ', ':']) {
      const message = part.repeat(2000 / part.length)
      expect(explain({ message, httpStatus: null, service: 'The service' }).advice).not.toBe('')
    }
  })
})

describe('node labels', () => {
  test.each([
    ['n8n-nodes-base.gmailTrigger', 'Gmail trigger'],
    ['n8n-nodes-base.httpRequest', 'HTTP request'],
    ['n8n-nodes-base.constructor', 'Constructor'],
    ['weird', 'Weird'],
  ])('%s: %s', (type, words) => expect(typeLabel(type)).toBe(words))

  test.each([
    ['n8n-nodes-base.linear', 'Linear'],
    ['n8n-nodes-base.slackTool', 'Slack'],
    ['@n8n/n8n-nodes-langchain.lmChatAnthropic', 'Anthropic'],
    ['n8n-nodes-base.code', 'The service'],
    [null, 'The service'],
  ])('%s calls the service %s', (type, service) => expect(serviceOf(type)).toBe(service))

  test.each([
    ['trigger', ['n8n-nodes-base.gmailTrigger'], 'Gmail trigger'],
    ['webhook', ['n8n-nodes-base.webhook', 'n8n-nodes-base.formTrigger'], 'Webhook'],
    ['manual', ['n8n-nodes-base.gmailTrigger'], 'Manual'],
    [null, [], '?'],
    ['toString', [], 'toString'],
  ])('a run in mode %s of %j was started by: %s', (mode, types, words) => {
    expect(triggerLabel(mode, types)).toBe(words)
  })
})

describe('the effect of a node', () => {
  test.each([
    ['n8n-nodes-base.set', {}, 'none'],
    ['n8n-nodes-base.gmailTrigger', {}, 'none'],
    ['n8n-nodes-base.slack', { operation: 'post' }, 'writes'],
    ['n8n-nodes-base.slack', { operation: 'getAll' }, 'none'],
    ['n8n-nodes-base.slack', {}, 'unknown'],
    ['n8n-nodes-base.slack', { operation: '={{ $json.op }}' }, 'unknown'],
    ['n8n-nodes-base.linear', { operation: 'create' }, 'writes'],
    ['n8n-nodes-base.postgres', { operation: 'executeQuery', query: 'select * from a' }, 'none'],
    ['n8n-nodes-base.postgres', { operation: 'executeQuery', query: 'delete from a' }, 'writes'],
    ['n8n-nodes-base.postgres', { operation: 'executeQuery', query: 'select 1; drop table a' }, 'unknown'],
    ['n8n-nodes-base.postgres', { operation: 'executeQuery', query: 'select delete_all()' }, 'unknown'],
    ['n8n-nodes-base.postgres', { operation: 'executeQuery', query: '={{ $json.sql }}' }, 'unknown'],
    ['n8n-nodes-base.code', {}, 'unknown'],
    ['n8n-nodes-base.executeWorkflow', {}, 'unknown'],
    ['@n8n/n8n-nodes-langchain.agent', {}, 'none'],
    ['@n8n/n8n-nodes-langchain.lmChatOpenAi', {}, 'none'],
    ['@n8n/n8n-nodes-langchain.memoryPostgresChat', {}, 'writes'],
    ['n8n-nodes-acme.thing', { operation: 'get' }, 'unknown'],
    [null, {}, 'unknown'],
  ])('%s with %j: %s', (type, parameters, effect) => {
    expect(effectOf(type, parameters)).toBe(effect)
  })

  test.each([
    ['httpRequest', 4.2, {}, 'none'],
    ['httpRequest', 4.2, { method: 'POST' }, 'writes'],
    ['httpRequest', 3, { requestMethod: 'POST' }, 'none'],
    ['httpRequest', 3, { method: '={{ $json.method }}' }, 'unknown'],
    ['httpRequest', 2, { requestMethod: 'POST' }, 'writes'],
    ['httpRequest', 1, { requestMethod: 'GET' }, 'none'],
    ['httpRequest', 1, { requestMethod: '={{ $json.method }}' }, 'unknown'],
    ['httpRequest', 2, {}, 'unknown'],
    ['httpRequest', 2, { method: 'GET' }, 'unknown'],
    ['httpRequest', undefined, {}, 'unknown'],
    ['httpRequest', undefined, { method: 'DELETE' }, 'writes'],
    ['httpRequest', 4.2, undefined, 'unknown'],
    ['httpRequestTool', 4.2, { method: 'PUT' }, 'writes'],
  ])('%s of version %s with %j: %s', (short, typeVersion, parameters, effect) => {
    expect(effectOf(`n8n-nodes-base.${short}`, parameters, typeVersion)).toBe(effect)
  })
})

describe('retry safety', () => {
  const run = (name: string, type: string): NodeRun => ({
    name,
    type,
    status: 'success',
    startedAt: null,
    durationMs: 1,
    items: 1,
    runs: 1,
    error: null,
  })
  const trigger = run('Webhook', 'n8n-nodes-base.webhook')
  const graph = workflowGraph({
    nodes: [
      { name: 'Post', type: 'n8n-nodes-base.slack', parameters: { operation: 'post' } },
      { name: 'Create', type: 'n8n-nodes-base.linear', parameters: { operation: 'create' } },
      { name: 'Find', type: 'n8n-nodes-base.linear', parameters: { operation: 'getAll' } },
    ],
    connections: {
      Post: { main: [[{ node: 'Create', type: 'main', index: 0 }]] },
      Find: { main: [[{ node: 'Create', type: 'main', index: 0 }]] },
    },
  })
  const [post, create, find] = [
    run('Post', 'n8n-nodes-base.slack'),
    run('Create', 'n8n-nodes-base.linear'),
    run('Find', 'n8n-nodes-base.linear'),
  ]
  const code = run('Script', 'n8n-nodes-base.code')

  test.each<[NodeRun[], string, number | null, string, string]>([
    [
      [trigger, find],
      'Find',
      500,
      'safe',
      'From this node: yes. From the start: yes. No node has written data.',
    ],
    [
      [trigger, post, create],
      'Create',
      403,
      'writes',
      'From this node: yes. From the start: no. Post would write twice.',
    ],
    [
      [trigger, create],
      'Create',
      null,
      'unknown',
      'From this node: unknown. Create may have completed its request before it failed. From the start: unknown. Create may have written data.',
    ],
    [
      [trigger, code, find],
      'Find',
      null,
      'unknown',
      'From this node: yes. From the start: unknown. Script may have written data.',
    ],
    [
      [trigger, post, code, find],
      'Find',
      null,
      'writes',
      'From this node: yes. From the start: no. Post would write twice. Unknown: Script.',
    ],
    [
      [trigger, code],
      'Script',
      null,
      'unknown',
      'From this node: unknown. The effect of Script is unknown. From the start: unknown. Script may have written data.',
    ],
    [
      [trigger, find, create],
      'Create',
      403,
      'safe',
      'From this node: yes. From the start: yes. No node has written data.',
    ],
    [
      [trigger, { ...find, items: 12 }, create],
      'Create',
      403,
      'unknown',
      'From this node: unknown. Create was rejected for one of 12 items, but may have processed others. From the start: unknown. Create may have written data.',
    ],
    [
      [trigger, create],
      'Create',
      403,
      'unknown',
      'From this node: unknown. Create was rejected, but may have processed earlier items. From the start: unknown. Create may have written data.',
    ],
    [
      [trigger, post],
      'Create',
      null,
      'writes',
      'From this node: unknown. Create may have completed its request before it failed. From the start: no. Post would write twice. Unknown: Create.',
    ],
  ])('%#: names the nodes that have written data', (nodes, failedAt, httpStatus, verdict, text) => {
    expect(retrySafety(nodes, graph, failedAt, httpStatus)).toEqual({ verdict, text })
  })
})

describe('redacted parameters', () => {
  test('show keys, types and sizes, but no values', () => {
    const { rows, omitted } = listParameters({
      title: 'A secret title',
      body: '={{ $json.secret }}',
      options: { tags: ['a', 'b'], deep: { deeper: { deepest: 'hidden' } } },
      on: true,
      nothing: null,
    })
    expect(rows.map((row) => `${'-'.repeat(row.depth)}${row.key}: ${parameterType(row)}`)).toEqual([
      'title: string · 14',
      'body: expression · 19',
      'options: object',
      '-tags: array · 2',
      '--0: string · 1',
      '--1: string · 1',
      '-deep: object',
      '--deeper: object',
      '---deepest: string · 6',
      'on: boolean',
      'nothing: null',
    ])
    expect(omitted).toBe(0)
  })

  test('are limited to 40 rows', () => {
    const { rows, omitted } = listParameters(
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 1])),
    )
    expect({ rows: rows.length, omitted }).toEqual({ rows: 40, omitted: 60 })
  })

  test.each([[undefined], [null], ['text'], [3]])('are empty for %s', (value) => {
    expect(listParameters(value)).toEqual({ rows: [], omitted: 0 })
  })

  test('redacts secrets that only their name marks, with text too', () => {
    const { rows } = listParameters(
      {
        password: 'hunter2secretpw',
        fields: [
          { name: 'password', value: 'hunter3secretpw' },
          { name: 'city', value: 'Leipzig' },
          { name: 'apiKey', value: '={{ $json.apiKey }}' },
        ],
      },
      { withText: true },
    )
    const values = Object.fromEntries(rows.map(({ pointer, value }) => [pointer, value]))
    expect(values).toMatchObject({
      '/password': '[redacted]',
      '/fields/0/name': 'password',
      '/fields/0/value': '[redacted]',
      '/fields/1/value': 'Leipzig',
      '/fields/2/value': '={{ $json.apiKey }}',
    })
  })
})

describe('the trend of a group', () => {
  const period = { from: '2026-11-15T12:00:00Z', to: '2026-11-22T12:00:00Z' }
  const recently = '2026-11-22T11:00:00Z'
  const long = '2026-10-01T00:00:00Z'
  test.each([
    ['new', { runs: 3, previousRuns: 0, firstSeenAt: '2026-11-21T13:00:00Z', lastSeenAt: recently }],
    ['steady', { runs: 2, previousRuns: 0, firstSeenAt: '2026-11-20T00:00:00Z', lastSeenAt: recently }],
    ['rising', { runs: 30, previousRuns: 10, firstSeenAt: long, lastSeenAt: recently }],
    ['steady', { runs: 11, previousRuns: 10, firstSeenAt: long, lastSeenAt: recently }],
    ['steady', { runs: 2, previousRuns: 0, firstSeenAt: long, lastSeenAt: recently }],
    [
      'quiet',
      { runs: 30, previousRuns: 0, firstSeenAt: '2026-11-16T00:00:00Z', lastSeenAt: '2026-11-18T12:00:00Z' },
    ],
    ['quiet', { runs: 0, previousRuns: 0, firstSeenAt: null, lastSeenAt: null }],
  ])('%s: %j', (trend, facts) => expect(trendOf({ state: 'open', ...facts }, period)).toBe(trend))

  test.each(['regressed', 'resolved', 'ignored'] as const)('is the state of a %s group', (state) => {
    const facts = { runs: 3, previousRuns: 0, firstSeenAt: recently, lastSeenAt: recently }
    expect(trendOf({ state, ...facts }, period)).toBe(state)
  })

  test('lists new and rising groups first, then the most frequent', () => {
    const group = (runs: number, previousRuns: number, firstSeenAt: string) => ({
      state: 'open' as const,
      runs,
      previousRuns,
      firstSeenAt,
      lastSeenAt: recently,
    })
    const [often, rising, fresh] = [group(99, 99, long), group(9, 1, long), group(1, 0, recently)]
    expect(byTrend([often, rising, fresh], period)).toEqual([fresh, rising, often])
  })

  test('shows how long a group has been quiet', () => {
    expect(trendLabel('quiet', '2026-11-22T08:30:00Z', new Date(period.to)).label).toBe('Quiet 3 h')
  })

  test.each([
    ['Slack error response: "invalid_auth"', 'Slack rejected the request: invalid_auth'],
    ['Slack error response: channel_not_found', 'Slack rejected the request: channel_not_found'],
    ['timeout of 30000ms exceeded', 'No response within 30 s'],
    ['connect ECONNREFUSED 10.0.0.4:5432', 'Connection refused by 10.0.0.4:5432'],
    ['getaddrinfo ENOTFOUND mail.example.com', 'Host not found: mail.example.com'],
    ['  Row 12 \n not found ', 'Row 12 not found'],
    ['', 'Failed without a message'],
  ])('the message %j is titled %j', (latestMessage, title) =>
    expect(errorTitle({ message: 'x', latestMessage, httpStatus: null })).toBe(title),
  )

  test('without a stored message, the pattern is the title', () => {
    const message = '<number> Forbidden: <text>'
    expect(errorTitle({ message, latestMessage: null, httpStatus: 403 })).toBe('403 Forbidden: …')
  })

  test.each([
    ['<number> Forbidden: <text>', 403, '403 Forbidden: …'],
    ['<number> Forbidden', null, '… Forbidden'],
    ['claude-<number><number> of <id>', null, 'claude-… of …'],
    ['a <b> tag', null, 'a <b> tag'],
  ])('%s (%s) is shown as %s', (message, httpStatus, text) =>
    expect(readableMessage(message, httpStatus)).toBe(text),
  )
})
