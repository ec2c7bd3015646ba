/** Stored values on a real n8n: items as n8n returns them, polled and without the secrets that the run contained. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { node } from './workflows.ts'
import { createWorld, n8nUrl, onRealN8n, until, type World } from './world.ts'

onRealN8n()('stored values on a real n8n', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())

  test('a failed run shows what its nodes received and returned', async () => {
    const path = `values-${randomBytes(5).toString('hex')}`
    const hook = {
      ...node('Hook', 'webhook', 2, [0, 0], { httpMethod: 'POST', path, options: {} }),
      webhookId: path,
    }
    const fields = {
      assignments: {
        assignments: [{ id: 'a', name: 'order', type: 'string', value: '={{ $json.body.order }}' }],
      },
      options: {},
    }
    const code = {
      jsCode: 'if (!$input.first().json.customer) throw new Error("No customer")\nreturn $input.all()',
    }
    const nodes = [hook, node('Take', 'set', 3.4, [200, 0], fields), node('Check', 'code', 2, [400, 0], code)]
    const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] })
    const created = await world.n8n('POST', '/workflows', {
      name: path,
      nodes,
      connections: { Hook: to('Take'), Take: to('Check') },
      settings: { executionOrder: 'v1', saveDataSuccessExecution: 'all', saveDataErrorExecution: 'all' },
    })
    expect(created.status).toBe(200)
    const imported = await world.call(
      'POST',
      `/v1/instances/${world.instanceId}/workflows/${created.json.id}/import`,
    )
    expect(imported.status).toBe(201)
    const { workflowId } = imported.json
    expect((await world.call('PUT', `/v1/workflows/${workflowId}/value-storage`, {})).status).toBe(200)
    expect((await world.n8n('POST', `/workflows/${created.json.id}/publish`, {})).status).toBe(200)
    const secret = `q8-${randomBytes(12).toString('base64url')}`
    const sent = () =>
      fetch(`${n8nUrl}/webhook/${path}?api_key=${secret}`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Authorization: `Bearer ${secret}`,
          Cookie: `sid=${secret}`,
        },
        body: JSON.stringify({
          order: 'A-4711',
          password: secret,
          raw: JSON.stringify({ password: secret }),
        }),
      })
    await until(sent, ({ status }) => status !== 404)
    const read = async () => {
      await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
      const { items } = (await world.call('GET', `/v1/executions?workflowId=${workflowId}`)).json
      const [run] = items
      return run ? await world.call('GET', `/v1/executions/${run.id}/values`) : null
    }
    const answer = await until(read, (each) => each?.status === 200)
    const { json } = answer ?? { json: null }
    expect(JSON.stringify(json)).not.toContain(secret)
    expect(json.trigger).toBe('Hook')
    const [first, second, third] = json.nodes
    expect(first.runs[0].outputs[0].items[0].json).toMatchObject({
      headers: { authorization: '[redacted]', cookie: '[redacted]' },
      query: { api_key: '[redacted]' },
      body: { order: 'A-4711', password: '[redacted]' },
    })
    expect(second.runs[0].outputs).toMatchObject([{ total: 1, items: [{ json: { order: 'A-4711' } }] }])
    expect(third).toMatchObject({
      name: 'Check',
      runs: [{ inputs: [{ node: 'Take', total: 1, items: [{ json: { order: 'A-4711' } }] }] }],
    })
    const diagnosis = (await world.call('GET', `/v1/executions/${json.executionId}/diagnosis`)).json
    expect(diagnosis.node).toMatchObject({
      name: 'Check',
      inputValues: [{ items: [{ json: { order: 'A-4711' } }] }],
    })
    expect(diagnosis.text).toContain('A-4711')
    expect(diagnosis.text).not.toContain(secret)
    expect((await world.call('DELETE', `/v1/workflows/${workflowId}/value-storage`)).status).toBe(204)
    expect((await world.call('GET', `/v1/executions/${json.executionId}/values`)).status).toBe(404)
  })
})
