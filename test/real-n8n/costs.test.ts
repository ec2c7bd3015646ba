/**
 * Tokens and costs of AI nodes on a real n8n, with local providers that keep what they would bill: within 1% per provider, and
 * counted once. n8n does not record the cache and the thinking of connected models, so those providers answer without them.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BilledCall, type ModelProviders, startModelProviders } from './model-providers.ts'
import { node } from './workflows.ts'
import { createWorld, n8nUrl, onRealN8n, until, type World } from './world.ts'

/** US dollars per million tokens. */
const prices = {
  'gpt-4o-mini*': { input: 0.15, output: 0.6, cached: 0.075, written: 0.15 },
  'claude-sonnet-4-*': { input: 3, output: 15, cached: 0.3, written: 3.75 },
  'gemini-2.5-flash*': { input: 0.3, output: 2.5, cached: 0.075, written: 0.3 },
}
const providerOf = {
  openai: ['gpt-4o-mini*', 'openAiApi'],
  anthropic: ['claude-sonnet-4-*', 'anthropicApi'],
  gemini: ['gemini-2.5-flash*', 'googlePalmApi'],
} as const
type Provider = keyof typeof providerOf

const billed = (calls: BilledCall[], provider: Provider): number => {
  const price = prices[providerOf[provider][0]]
  return calls
    .filter((call) => call.provider === provider)
    .reduce(
      (sum, { input, cachedInput, cacheWrite, output }) =>
        sum +
        (input * price.input +
          cachedInput * price.cached +
          cacheWrite * price.written +
          output * price.output) /
          1e6,
      0,
    )
}

const ai = (name: string, type: string, typeVersion: number, parameters: object) => ({
  ...node(name, '', typeVersion, [0, 0], parameters),
  type: `@n8n/n8n-nodes-langchain.${type}`,
})
const model = (value: string) => ({ __rl: true, mode: 'id', value })

onRealN8n()('costs of AI nodes on a real n8n', () => {
  let world: World
  let providers: ModelProviders
  const credentials: Record<string, { id: string; name: string }> = {}

  beforeAll(async () => {
    providers = await startModelProviders()
    world = await createWorld()
    const data = {
      openAiApi: { apiKey: 'none', url: `${providers.url}/v1` },
      anthropicApi: { apiKey: 'none', url: providers.url },
      googlePalmApi: { apiKey: 'none', host: providers.url },
    }
    for (const [type, fields] of Object.entries(data)) {
      const name = `cost-${type}-${randomBytes(4).toString('hex')}`
      const { status, json } = await world.n8n('POST', '/credentials', { name, type, data: fields })
      expect(status).toBe(200)
      credentials[type] = { id: json.id, name }
    }
    const items = Object.entries(prices).map(([name, price]) => ({
      model: name,
      inputPerMillion: price.input,
      outputPerMillion: price.output,
      cachedInputPerMillion: price.cached,
      cacheWriteInputPerMillion: price.written,
    }))
    expect((await world.call('PUT', '/v1/model-prices', { items })).status).toBe(200)
  })
  afterAll(async () => {
    await world?.close()
    await providers?.close()
  })

  const withCredential = <T extends { name: string }>(provider: Provider, each: T) => {
    const type = providerOf[provider][1]
    return { ...each, credentials: { [type]: credentials[type] } }
  }

  /** A published workflow that Flowkeep tracks: a webhook, then `mains`; `connected` models feed a main node. */
  async function start(mains: { name: string }[], connected: [model: { name: string }, to: string][]) {
    const path = `cost-${randomBytes(5).toString('hex')}`
    const hook = {
      ...node('Hook', 'webhook', 2, [0, 0], {
        httpMethod: 'POST',
        path,
        responseMode: 'lastNode',
        options: {},
      }),
      webhookId: path,
    }
    const chain = [hook, ...mains, node('Copy', 'noOp', 1, [0, 0], {})]
    const connections = Object.fromEntries([
      ...chain
        .slice(0, -1)
        .map(({ name }, index) => [
          name,
          { main: [[{ node: chain[index + 1]?.name, type: 'main', index: 0 }]] },
        ]),
      ...connected.map(([{ name }, to]) => [
        name,
        { ai_languageModel: [[{ node: to, type: 'ai_languageModel', index: 0 }]] },
      ]),
    ])
    const settings = { executionOrder: 'v1', saveDataSuccessExecution: 'all', saveDataErrorExecution: 'all' }
    const nodes = [...chain, ...connected.map(([each]) => each)]
    const created = await world.n8n('POST', '/workflows', { name: path, nodes, connections, settings })
    expect({ status: created.status, json: created.json.message }).toEqual({ status: 200, json: undefined })
    expect((await world.n8n('POST', `/workflows/${created.json.id}/publish`, {})).status).toBe(200)
    const imported = await world.call(
      'POST',
      `/v1/instances/${world.instanceId}/workflows/${created.json.id}/import`,
    )
    expect(imported.status).toBe(201)
    const run = () =>
      until(
        () => fetch(`${n8nUrl}/webhook/${path}`, { method: 'POST', body: '{}' }),
        ({ status }) => status !== 404,
      )
    return { workflowId: String(imported.json.workflowId), run }
  }

  /** The usage of all runs of a workflow, once Flowkeep has their data. */
  async function usageOf(workflowId: string, runs: number) {
    await until(
      async () => {
        await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
        const { items } = (await world.call('GET', `/v1/executions?workflowId=${workflowId}`)).json
        return Promise.all(
          items.map(
            async ({ id }: { id: string }) => (await world.call('GET', `/v1/executions/${id}`)).json.usage,
          ),
        )
      },
      (usages) => usages.length === runs && usages.every((usage) => usage !== null),
    )
    const { json } = await world.call('GET', `/v1/analytics/costs?by=model&workflowId=${workflowId}`)
    return json
  }

  function expectBills(json: { items: { model: string; usage: { cost: number } }[] }, calls: BilledCall[]) {
    for (const provider of ['openai', 'anthropic', 'gemini'] as const) {
      const prefix = providerOf[provider][0].slice(0, -1)
      const cost = json.items
        .filter((item) => item.model.startsWith(prefix))
        .reduce((sum, { usage }) => sum + usage.cost, 0)
      const bill = billed(calls, provider)
      const error = Math.abs(cost - bill) / bill
      console.log(
        `${provider}: billed $${bill.toFixed(8)}, computed $${cost.toFixed(8)}, error ${(100 * error).toFixed(4)}%`,
      )
      expect(bill).toBeGreaterThan(0)
      expect(error).toBeLessThan(0.01)
    }
  }

  test('nodes that call a provider: within 1% of the bill, with caches and thinking', async () => {
    const before = providers.calls.length
    providers.hasCache = true
    const message = { messages: { values: [{ content: 'Hello' }] }, simplify: false, options: {} }
    const common = { resource: 'text', operation: 'message' }
    const { workflowId, run } = await start(
      [
        withCredential(
          'openai',
          ai('OpenAI', 'openAi', 1.8, { ...common, modelId: model('gpt-4o-mini'), ...message }),
        ),
        withCredential(
          'anthropic',
          ai('Anthropic', 'anthropic', 1, {
            ...common,
            modelId: model('claude-sonnet-4-20250514'),
            ...message,
          }),
        ),
        withCredential(
          'gemini',
          ai('Gemini', 'googleGemini', 1, {
            ...common,
            modelId: model('models/gemini-2.5-flash'),
            ...message,
          }),
        ),
      ],
      [],
    )
    for (let index = 0; index < 3; index++) expect((await run()).status).toBe(200)
    const json = await usageOf(workflowId, 3)
    expectBills(json, providers.calls.slice(before))
    expect(json.usage).toMatchObject({ calls: 9, estimatedTokens: 0, unpricedTokens: 0 })
  })

  test('models connected to a chain: within 1% of the bill', async () => {
    const before = providers.calls.length
    providers.hasCache = false
    const chainOf = (name: string) => ai(name, 'chainLlm', 1.9, { promptType: 'define', text: 'Hello' })
    const { workflowId, run } = await start(
      [chainOf('Chain 1'), chainOf('Chain 2'), chainOf('Chain 3')],
      [
        [
          withCredential(
            'openai',
            ai('M1', 'lmChatOpenAi', 1.2, { model: model('gpt-4o-mini'), options: {} }),
          ),
          'Chain 1',
        ],
        [
          withCredential(
            'anthropic',
            ai('M2', 'lmChatAnthropic', 1.3, { model: model('claude-sonnet-4-20250514'), options: {} }),
          ),
          'Chain 2',
        ],
        [
          withCredential(
            'gemini',
            ai('M3', 'lmChatGoogleGemini', 1, { modelName: 'models/gemini-2.5-flash', options: {} }),
          ),
          'Chain 3',
        ],
      ],
    )
    for (let index = 0; index < 3; index++) expect((await run()).status).toBe(200)
    const json = await usageOf(workflowId, 3)
    expectBills(json, providers.calls.slice(before))
    expect(json.usage).toMatchObject({ calls: 9, estimatedTokens: 0, unpricedTokens: 0 })
  })
})
