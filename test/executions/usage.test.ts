/** Tokens from n8n's run data. `model-run.json` was recorded on n8n 2.41.1 with local providers; see `model-providers.ts`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KnownExecutions } from '../../src/executions/poll/known-executions.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { emptyDelivery } from '../../src/executions/record/merge.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { usageOf } from '../../src/executions/record/usage.ts'
import { createTestDatabase } from '../harness/database.ts'
import recorded from './model-run.json' with { type: 'json' }
import { createWorld, type World } from './world.ts'

const { execution } = recorded
const ai = (name: string) => `@n8n/n8n-nodes-langchain.${name}`
const startedAt = '2026-11-22T10:00:00.000Z'
const startTime = Date.parse(startedAt)

const ran = (more: object) => ({ startTime, executionTime: 5, executionStatus: 'success', ...more })
const asData = (runData: object) => ({ resultData: { runData } })
const nodesOf = (nodes: Record<string, [type: string, parameters?: object]>) => ({
  nodes: Object.entries(nodes).map(([name, [type, parameters = {}]]) => ({ name, type, parameters })),
})
const answering = (json: unknown, metadata?: object) =>
  ran({ data: { main: [[{ json }]] }, ...(metadata && { metadata: { tokenUsage: metadata } }) })
const asked = (usage: object, model?: string) =>
  ran({
    data: { ai_languageModel: [[{ json: { response: { generations: [] }, ...usage } }]] },
    ...(model && { inputOverride: { ai_languageModel: [[{ json: { options: { model } } }]] } }),
  })
const used = (runData: object, nodes = {}, since: string = startedAt) =>
  usageOf(asData(runData), nodesOf(nodes), since)

test('the recorded run: models connected to chains and agents, and nodes of three providers', () => {
  expect(usageOf(execution.data, execution.workflowData, execution.startedAt)).toEqual([
    { node: 'Model O', provider: 'openai', model: 'gpt-4o-mini', calls: 1, input: 1165, output: 211 },
    // n8n records no usage of OpenAI's Responses API for a connected model.
    { node: 'Model O13', provider: 'openai', model: 'gpt-4.1', calls: 1, input: 3, output: 3, estimated: 6 },
    {
      node: 'Model A',
      provider: 'anthropic',
      model: 'claude-sonnet-4-20250514',
      calls: 1,
      input: 1501,
      output: 233,
    },
    // n8n does not record the thinking of a connected Gemini model.
    {
      node: 'Model G',
      provider: 'googlegemini',
      model: 'gemini-2.5-flash',
      calls: 1,
      input: 1348,
      output: 194,
    },
    { node: 'Model AO', provider: 'openai', model: 'gpt-4o-mini', calls: 2, input: 2663, output: 521 },
    { node: 'OpenAI v2', provider: 'openai', model: 'gpt-4o-mini', calls: 1, input: 1515, output: 277 },
    {
      node: 'OpenAI v1',
      provider: 'openai',
      model: 'gpt-4o-2024-07-18',
      calls: 1,
      input: 1424,
      cached: 128,
      output: 288,
    },
    {
      node: 'Anthropic M',
      provider: 'anthropic',
      model: 'claude-3-5-haiku-20241022',
      calls: 1,
      input: 1723,
      cached: 300,
      written: 90,
      output: 299,
    },
    {
      node: 'Gemini M',
      provider: 'googlegemini',
      model: 'gemini-2.5-pro',
      calls: 1,
      input: 1570,
      cached: 200,
      output: 310,
    },
  ])
})

describe('the model', () => {
  const usage = { tokenUsage: { promptTokens: 10, completionTokens: 2, totalTokens: 12 } }
  const modelOf = (run: object, parameters: object) =>
    used({ M: [run] }, { M: [ai('lmChatOpenAi'), parameters] })?.[0]?.model
  test('comes from the options of the request before the parameters', () => {
    expect(modelOf(asked(usage, 'gpt-4o'), { model: 'gpt-4' })).toBe('gpt-4o')
  })
  test('comes from the response before the options', () => {
    const run = asked(
      { ...usage, response: { generations: [[{ generationInfo: { model_name: 'a' } }]] } },
      'b',
    )
    expect(modelOf(run, {})).toBe('a')
  })
  test.each([
    [{ model: 'gpt-4' }, 'gpt-4'],
    [{ model: { __rl: true, mode: 'list', value: 'gpt-4.1' } }, 'gpt-4.1'],
    [{ modelName: 'models/gemini-2.5-flash' }, 'gemini-2.5-flash'],
    [{ modelId: { value: 'claude-x' } }, 'claude-x'],
    [{ model: '={{ $json.model }}' }, undefined],
    [{ model: { value: 7 } }, undefined],
    [{}, undefined],
  ])('comes from the parameters %j', (parameters, model) => {
    expect(modelOf(asked(usage), parameters)).toBe(model)
  })
})

describe('counts once', () => {
  const response = { model: 'gpt-4o', usage: { prompt_tokens: 100, completion_tokens: 20 } }
  test('a response that later nodes pass on', () => {
    const nodes = { A: [ai('openAi')], B: ['n8n-nodes-base.set'], C: ['n8n-nodes-base.code'] } as const
    expect(
      used({ A: [answering(response)], B: [answering(response)], C: [answering(response)] }, nodes as never),
    ).toEqual([{ node: 'A', provider: 'openai', model: 'gpt-4o', calls: 1, input: 100, output: 20 }])
  })
  test('the node runs of a retry, without those of the original', () => {
    const earlier = { ...answering(response), startTime: startTime - 60_000 }
    expect(used({ A: [earlier, answering(response)] }, { A: [ai('openAi')] })).toMatchObject([
      { calls: 1, input: 100 },
    ])
  })
  test('all requests of a node that calls tools, with the details of the last response', () => {
    const run = answering(
      { ...response, usage: { ...response.usage, prompt_tokens_details: { cached_tokens: 40 } } },
      { inputTokens: 350, outputTokens: 55 },
    )
    expect(used({ A: [run] }, { A: [ai('openAi')] })).toMatchObject([{ input: 350, output: 55, cached: 40 }])
  })
})

test('requests to a provider by the HTTP Request node', () => {
  const nodes = { H: ['n8n-nodes-base.httpRequest'] } as const
  const body = {
    type: 'message',
    model: 'claude-sonnet-4-5',
    usage: { input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 2 },
  }
  const expected = [{ node: 'H', model: 'claude-sonnet-4-5', calls: 1, input: 8, cached: 3, output: 2 }]
  expect(used({ H: [answering(body)] }, nodes as never)).toEqual(expected)
  expect(used({ H: [answering({ statusCode: 200, body })] }, nodes as never)).toEqual(expected)
  expect(used({ H: [answering({ usage: 'much' }), answering({ rows: 3 })] }, nodes as never)).toBeNull()
})

test('a model that reports no usage counts as estimated', () => {
  const run = asked({ tokenUsageEstimate: { promptTokens: 7, completionTokens: 3, totalTokens: 10 } })
  expect(used({ M: [run] })).toEqual([{ node: 'M', calls: 1, input: 7, output: 3, estimated: 10 }])
})

describe('invalid data', () => {
  test.each([
    ['no run data', null],
    ['a list', { M: 7 }],
    ['runs that are not objects', { M: [null, 3, 'x', []] }],
    ['outputs that are not lists', { M: [ran({ data: { ai_languageModel: { 0: 1 }, main: 'x' } })] }],
    [
      'items that are not objects',
      { M: [ran({ data: { ai_languageModel: [[null, 3, { json: 4 }], null] } })] },
    ],
    ['usage that is not an object', { M: [asked({ tokenUsage: 'many' })] }],
    [
      'numbers that are not counts',
      { M: [asked({ tokenUsage: { promptTokens: -5, completionTokens: '9' } })] },
    ],
    ['metadata that is not an object', { M: [answering({}, [1] as never)] }],
  ])('%s: no usage', (_, runData) => {
    expect(usageOf(runData === null ? null : asData(runData), 'nothing', 5)).toBeNull()
  })
  test('numbers beyond what can be counted are limited', () => {
    const run = asked({ tokenUsage: { promptTokens: 1e300, completionTokens: 1.7 } })
    expect(used({ M: [run, run] })).toEqual([{ node: 'M', calls: 2, input: 1e12, output: 2 }])
  })
  test('names are redacted and shortened', () => {
    const secret = `sk-proj-${'a1B2'.repeat(12)}`
    const [entry] =
      used({ [`Call ${secret}`]: [asked({ tokenUsage: { promptTokens: 1 } }, `${secret} x`)] }) ?? []
    expect(JSON.stringify(entry)).not.toContain(secret)
  })
  test('10,000 nodes and models are limited to entries by model, with all tokens', () => {
    const runData = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [
        `Model ${index}`,
        [asked({ tokenUsage: { promptTokens: 3, completionTokens: 1 } }, `m${index % 3000}`)],
      ]),
    )
    const usage = used(runData) ?? []
    expect(usage.length).toBeLessThanOrEqual(401)
    expect(usage.reduce((sum, { input }) => sum + input, 0)).toBe(30_000)
    expect(usage.at(-1)).toEqual({
      calls: expect.any(Number),
      input: expect.any(Number),
      output: expect.any(Number),
    })
  })
})

describe('through the API', () => {
  let world: World
  beforeAll(async () => {
    world = createWorld(await createTestDatabase())
  })
  afterAll(() => world.close())

  test('an execution has its tokens and cost by node and model, and unknown models have no cost', async () => {
    const { userId, report } = await world.tracked()
    const sent = structuredClone(execution)
    const first = await report(sent)
    await report(sent)
    const { body } = await world.call('GET', `/v1/executions/${first.body.id}`, { user: userId })
    const byNode = new Map<string, Record<string, number | null>>(
      body.usage.items.map((item: { node: string }) => [item.node, item]),
    )
    expect(byNode.get('Model O')?.['cost']).toBeCloseTo((1165 * 0.15 + 211 * 0.6) / 1e6, 12)
    expect(byNode.get('OpenAI v1')?.['cost']).toBeCloseTo((1296 * 2.5 + 128 * 1.25 + 288 * 10) / 1e6, 12)
    expect(byNode.get('Anthropic M')?.['cost']).toBeCloseTo(
      (1333 * 0.8 + 300 * 0.08 + 90 * 1 + 299 * 4) / 1e6,
      12,
    )
    expect(byNode.get('Gemini M')?.['cost']).toBeCloseTo((1570 * 1.25 + 310 * 10) / 1e6, 12)
    const sum = (name: string) =>
      body.usage.items.reduce((total: number, item: never) => total + item[name], 0)
    expect(body.usage).toMatchObject({
      calls: 10,
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      estimatedTokens: 6,
      unpricedTokens: 0,
    })
    expect(body.usage.cost).toBeCloseTo(sum('cost'), 12)
  })

  test('a poll fetches the usage of a run with AI nodes that a trace reported, once', async () => {
    const { userId, instanceId } = await world.tracked()
    const known = new KnownExecutions(world.db, () => world.clock.now)
    const nowMs = world.clock.now.getTime()
    const trace = (n8nExecutionId: string) => ({
      ...emptyDelivery,
      n8nExecutionId,
      n8nWorkflowId: 'wf1',
      status: 'success' as const,
      startedAtMs: nowMs - 2000,
      finishedAtMs: nowMs - 1000,
      eventAtMs: nowMs - 1000,
      receivedAtMs: nowMs,
      data: toRunData({ nodes: [] }, null, 'pending'),
    })
    const [first, second] = await ingest(world.db, instanceId, [trace('1'), trace('2'), trace('3')], 'push')
    const usageIn = async (run: { id: string } | undefined) =>
      (await world.call('GET', `/v1/executions/${run?.id}`, { user: userId })).body.usage
    expect(await usageIn(first)).toBeNull()
    expect((await known.withoutData(instanceId, 10)).toSorted()).toEqual(['1', '2', '3'])
    const used = [{ node: 'M', model: 'gpt-4o', calls: 1, input: 10, output: 5 }]
    const polled = (n8nExecutionId: string, usage: typeof used | null) => ({
      ...trace(n8nExecutionId),
      data: toRunData({ nodes: [] }, null, usage),
    })
    await ingest(world.db, instanceId, [polled('1', used), polled('2', null)], 'poll')
    await known.markWithoutData(instanceId, [{ n8nExecutionId: '3', isTooLarge: false }])
    await ingest(world.db, instanceId, [trace('1'), trace('2'), trace('3')], 'push')
    expect(await known.withoutData(instanceId, 10)).toEqual([])
    expect(await usageIn(first)).toMatchObject({ inputTokens: 10, outputTokens: 5 })
    expect(await usageIn(second)).toMatchObject({ items: [], cost: 0 })
  })

  test('a run without AI nodes costs nothing; a run without data is unknown', async () => {
    const { userId, report } = await world.tracked()
    const done = { executionId: '1', workflowId: 'wf1', status: 'success' }
    const [unknown, none] = [
      await report(done),
      await report({ ...done, executionId: '2', data: { rows: 1 } }),
    ]
    const usageOfRun = async ({ body }: { body: { id: string } }) =>
      (await world.call('GET', `/v1/executions/${body.id}`, { user: userId })).body.usage
    expect(await usageOfRun(unknown)).toBeNull()
    expect(await usageOfRun(none)).toMatchObject({ items: [], inputTokens: 0, outputTokens: 0, cost: 0 })
  })
})
