/** Tests of workflows on a real n8n: what each node did, and that nothing is left. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, n8nUrl, onRealN8n, until, type World } from './world.ts'
import { chainOf, node } from './test-workflows.ts'

onRealN8n()('a test of a workflow', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())

  const save = async (workflow: object): Promise<string> => {
    const saved = await world.call('POST', '/v1/workflows', { workflow })
    expect(saved.status).toBe(201)
    return saved.json.id
  }

  const run = async (workflow: object, request: object = {}) => {
    const id = await save(workflow)
    const { status, json } = await world.call('POST', `/v1/workflows/${id}/test`, {
      instanceId: world.instanceId,
      ...request,
    })
    expect(status, JSON.stringify(json)).toBe(200)
    expect(json.removedAt).not.toBeNull()
    const left = await world.n8n('GET', `/workflows?name=flowkeep-test-${json.id}`)
    expect(left.json.data).toEqual([])
    return {
      ...json,
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
      of: (name: string) => json.nodes.find((each: any) => each.name === name),
    }
  }

  test('a webhook workflow gets the input, and expressions that name the trigger read it', async () => {
    const result = await run(
      chainOf(
        node('Orders', 'webhook', { path: 'orders', httpMethod: 'POST' }),
        node('Total', 'set', {
          assignments: {
            assignments: [
              {
                id: 'a',
                name: 'total',
                type: 'number',
                value: "={{ $('Orders').item.json.body.price * 2 }}",
              },
              {
                id: 'b',
                name: 'agent',
                type: 'string',
                value: '={{ $json.headers["user-agent"] ?? "none" }}',
              },
            ],
          },
          options: {},
        }),
      ),
      { input: { body: { price: 21 } } },
    )
    expect(result).toMatchObject({ status: 'passed', error: null })
    expect(result.of('Orders')).toMatchObject({ treatment: 'input', status: 'success', items: 1 })
    expect(result.of('Total')).toMatchObject({
      treatment: 'run',
      status: 'success',
      outputs: [{ items: 1, sample: { total: 42, agent: 'none' } }],
    })
  })

  test('a scheduled workflow gets a time, and writing nodes are replaced by their pinned data', async () => {
    const workflow = chainOf(
      node('Daily', 'scheduleTrigger', { rule: { interval: [{}] } }),
      node('Send', 'httpRequest', { method: 'POST', url: 'http://127.0.0.1:9/never' }),
      node('Read', 'code', {
        jsCode: 'return [{ json: { id: $json.id, at: $("Daily").first().json.timestamp } }]',
      }),
    )
    const result = await run({ ...workflow, pinData: { Send: [{ json: { id: 7 } }] } })
    expect(result.status).toBe('passed')
    expect(result.of('Send')).toMatchObject({ treatment: 'stand-in', reason: 'writes', source: 'pinned' })
    expect(result.of('Read').outputs[0].sample).toEqual({ id: 7, at: expect.stringMatching(/^\d{4}-/) })
  })

  test('a failing node is named with the error of n8n, and nodes behind it do not run', async () => {
    const result = await run(
      chainOf(
        node('Start', 'manualTrigger', {}),
        node('Fail', 'stopAndError', { errorMessage: 'The order has no customer' }),
        node('After', 'noOp', {}),
      ),
    )
    expect(result).toMatchObject({ status: 'failed', error: 'Fail: The order has no customer' })
    expect(result.of('Fail')).toMatchObject({
      status: 'error',
      error: { message: 'The order has no customer' },
    })
    expect(result.of('After')).toMatchObject({ status: 'not-run', items: 0 })
  })

  test('a form, a chat and a sub-workflow get what their triggers output', async () => {
    const fields = (expression: string) =>
      node('Read', 'set', {
        mode: 'raw',
        jsonOutput: `={{ ${expression} }}`,
        options: {},
      })
    const form = await run(
      chainOf(
        node('Form', 'formTrigger', {
          formTitle: 'Contact',
          formFields: { values: [{ fieldLabel: 'Name' }] },
        }),
        fields('{ name: $json.Name, mode: $json.formMode }'),
      ),
      { input: { Name: 'Ada' } },
    )
    expect(form.of('Read').outputs[0].sample).toEqual({ name: 'Ada', mode: 'production' })
    const chat = await run(
      chainOf(
        node('Chat', '@n8n/n8n-nodes-langchain.chatTrigger', {}),
        fields('{ text: $json.chatInput, session: $json.sessionId }'),
      ),
      { input: { chatInput: 'Hello' } },
    )
    expect(chat.of('Read').outputs[0].sample).toEqual({ text: 'Hello', session: 'test' })
    const sub = await run(
      chainOf(
        node('Called', 'executeWorkflowTrigger', {
          workflowInputs: {
            values: [
              { name: 'order', type: 'number' },
              { name: 'note', type: 'string' },
            ],
          },
        }),
        fields('{ order: $json.order, hasNote: $json.note !== null }'),
      ),
      { input: [{ order: 1 }, { order: 2, note: 'x' }] },
    )
    expect(sub.of('Read')).toMatchObject({
      items: 2,
      outputs: [{ sample: { order: 1, hasNote: false } }],
    })
  })

  test('branches run and merge, waits are skipped, and a response is built', async () => {
    const workflow = {
      nodes: [
        node('Hook', 'webhook', { path: 'branch', responseMode: 'responseNode' }),
        node('Even', 'if', {
          conditions: {
            options: { caseSensitive: true, typeValidation: 'strict', version: 2 },
            combinator: 'and',
            conditions: [
              {
                id: 'c',
                leftValue: '={{ $json.query.n }}',
                rightValue: 2,
                operator: { type: 'number', operation: 'equals' },
              },
            ],
          },
          options: {},
        }),
        node('Wait', 'wait', { amount: 5, unit: 'hours' }),
        node('Other', 'noOp', {}),
        node('Merge', 'merge', {}),
        node('Respond', 'respondToWebhook', {
          respondWith: 'json',
          responseBody: '={{ { n: $json.query.n } }}',
        }),
      ],
      connections: {
        Hook: { main: [[{ node: 'Even', type: 'main', index: 0 }]] },
        Even: {
          main: [[{ node: 'Wait', type: 'main', index: 0 }], [{ node: 'Other', type: 'main', index: 0 }]],
        },
        Wait: { main: [[{ node: 'Merge', type: 'main', index: 0 }]] },
        Other: { main: [[{ node: 'Merge', type: 'main', index: 1 }]] },
        Merge: { main: [[{ node: 'Respond', type: 'main', index: 0 }]] },
      },
      settings: {},
    }
    const result = await run(workflow, { input: [{ query: { n: 2 } }, { query: { n: 3 } }] })
    expect(result).toMatchObject({ status: 'passed', error: null })
    expect(result.of('Even').outputs.map(({ items }: { items: number }) => items)).toEqual([1, 1])
    expect(result.of('Wait')).toMatchObject({ treatment: 'skipped', reason: 'waits', items: 1 })
    expect(result.of('Respond')).toMatchObject({ treatment: 'run', status: 'success', items: 2 })
  })

  describe('with credentials', () => {
    test('a bound credential is used by its node and removed again; without one the node is replaced', async () => {
      const credential = await world.call('POST', '/v1/credentials', {
        type: 'httpHeaderAuth',
        name: 'Test key',
        data: { name: 'X-Key', value: 'planted-header-value' },
      })
      const workflow = chainOf(
        node('Start', 'manualTrigger', {}),
        node('Get', 'httpRequest', {
          url: `${world.url}/health/live`,
          authentication: 'genericCredentialType',
          genericAuthType: 'httpHeaderAuth',
        }),
      )
      const without = await run(workflow)
      expect(without.of('Get')).toMatchObject({ treatment: 'stand-in', reason: 'missing-credential' })
      const bound = await run(workflow, { bindings: { httpHeaderAuth: credential.json.id } })
      expect(bound.of('Get'), bound.error).toMatchObject({ treatment: 'run', status: 'success' })
      const credentials = await world.n8n('GET', '/credentials?limit=250')
      expect(JSON.stringify(credentials.json)).not.toContain(`flowkeep-test-${bound.id}`)
      expect(JSON.stringify(bound)).not.toContain('planted-header-value')
    })
  })

  test('a replay of a recorded run compares a version with it', async () => {
    const path = `testruns-${randomBytes(6).toString('hex')}`
    const version = (value: string) =>
      chainOf(
        node('Hook', 'webhook', { path, httpMethod: 'POST' }),
        node('Total', 'set', { mode: 'raw', jsonOutput: value, options: {} }),
      )
    const workflowId = await save(version('={{ { total: $json.body.price * 2 } }}'))
    await world.call('PUT', `/v1/workflows/${workflowId}/value-storage`, {})
    const deployed = await world.call('POST', '/v1/deployments', {
      workflowId,
      instanceId: world.instanceId,
    })
    expect(deployed.json.status, JSON.stringify(deployed.json)).toBe('active')
    const headers = { 'Content-Type': 'application/json' }
    const body = JSON.stringify({ price: 21 })
    await until(
      () => fetch(`${n8nUrl}/webhook/${path}`, { method: 'POST', headers, body }),
      ({ ok }) => ok,
    )
    const runs = await until(
      async () => {
        await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
        return world.call('GET', `/v1/executions?workflowId=${workflowId}`)
      },
      ({ json }) => json.items.length === 1 && json.items[0].finishedAt !== null,
    )
    const replay = async () => {
      const request = { instanceId: world.instanceId, executionId: runs.json.items[0].id }
      const { json } = await world.call('POST', `/v1/workflows/${workflowId}/test`, request)
      expect(json.status, JSON.stringify(json)).toBe('passed')
      return json.nodes.find(({ name }: { name: string }) => name === 'Total').differences
    }
    expect(await replay()).toEqual([])
    for (const [value, differences] of [
      ['={{ { total: $json.body.price * 3 } }}', ['values']],
      ['={{ { sum: $json.body.price } }}', ['shape']],
    ] as const) {
      const changed = { workflow: version(value) }
      await world.call('PATCH', `/v1/workflows/${workflowId}`, changed, { 'If-Match': '*' })
      expect(await replay()).toEqual(differences)
    }
  })
})
