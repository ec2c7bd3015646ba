/** A user's own error workflow is called after a deploy, after an import and deploy in place, and after untracking. */
import { createServer, type Server } from 'node:http'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const name = (what: string) => `live ${what} ${randomBytes(4).toString('hex')}`
const node = (id: string, type: string, typeVersion: number, parameters: object) => ({
  id,
  name: id,
  type: `n8n-nodes-base.${type}`,
  typeVersion,
  position: [0, 0],
  parameters,
})
const link = (from: string, to: string) => ({ [from]: { main: [[{ node: to, type: 'main', index: 0 }]] } })

/** Fails whenever its webhook is called. */
const failing = (path: string, settings: object) => ({
  name: name('failing'),
  nodes: [
    { ...node('Hook', 'webhook', 2, { path, httpMethod: 'GET', options: {} }), webhookId: path },
    node('Fail', 'stopAndError', 1, { errorMessage: 'Deliberate failure' }),
  ],
  connections: link('Hook', 'Fail'),
  settings: { executionOrder: 'v1', ...settings },
})

onRealN8n()("a user's error workflow", () => {
  let world: World
  let receiver: Server
  let alerts = 0
  let alertId = ''

  const create = async (workflow: object) => {
    const { status, json } = await world.n8n('POST', '/workflows', workflow)
    expect(status).toBe(200)
    expect((await world.n8n('POST', `/workflows/${json.id}/publish`, {})).status).toBe(200)
    return String(json.id)
  }
  const settled = (id: string) =>
    until(
      () => world.call('GET', `/v1/deployments/${id}`),
      ({ json }) => json.intent === null || json.status === 'failed',
      90_000,
    )
  /** Makes it fail once. @returns whether the user's error workflow was called */
  const alertsOn = async (path: string) => {
    const before = alerts
    await until(
      () => fetch(`${n8nUrl}/webhook/${path}`),
      ({ status }) => status === 200,
      15_000,
    )
    await until(
      async () => alerts,
      (now) => now > before,
      15_000,
    )
    return true
  }

  beforeAll(async () => {
    world = await createWorld()
    receiver = createServer((_, response) => {
      alerts += 1
      response.end('{}')
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    const address = receiver.address()
    const port = typeof address === 'object' ? address?.port : 0
    alertId = await create({
      name: name('alert'),
      nodes: [
        node('On error', 'errorTrigger', 1, {}),
        node('Tell', 'httpRequest', 4.2, { url: `http://127.0.0.1:${port}/`, options: {} }),
      ],
      connections: link('On error', 'Tell'),
      settings: {},
    })
  })
  afterAll(async () => {
    receiver?.close()
    await world?.close()
  })

  test('a workflow with its own error workflow keeps it, and its failure is polled', async () => {
    const path = `live-${randomBytes(5).toString('hex')}`
    const kept = await world.call('POST', '/v1/workflows', {
      workflow: failing(path, { errorWorkflow: alertId }),
    })
    const target = { workflowId: kept.json.id, instanceId: world.instanceId }
    const plan = await world.call('POST', '/v1/deployments/plan', target)
    expect(plan.json).toMatchObject({ ready: true, forcedSettings: { errorWorkflow: alertId } })
    const { json } = await world.call('POST', '/v1/deployments', target)
    expect((await settled(json.id)).json).toMatchObject({ status: 'active', error: null })
    expect(await alertsOn(path)).toBe(true)
    const runs = await until(
      async () => {
        await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
        return (await world.call('GET', `/v1/executions?deploymentId=${json.id}`)).json.items
      },
      (items) => items.length > 0,
      20_000,
    )
    expect(runs[0]).toMatchObject({ status: 'error' })
    await world.call('POST', `/v1/deployments/${json.id}/undeploy`)
    await settled(json.id)
  })

  test('an imported workflow keeps it when it is deployed in place, and after untracking', async () => {
    const path = `live-${randomBytes(5).toString('hex')}`
    const n8nId = await create(failing(path, { errorWorkflow: alertId, saveDataSuccessExecution: 'none' }))
    const imported = await world.call('POST', `/v1/instances/${world.instanceId}/workflows/${n8nId}/import`)
    expect(imported.status).toBe(201)
    const { id } = imported.json.deployment
    await world.call('POST', `/v1/deployments/${id}/deploy`, {})
    expect((await settled(id)).json).toMatchObject({ status: 'active', n8nWorkflowId: n8nId })
    expect(await alertsOn(path)).toBe(true)
    expect((await world.call('DELETE', `/v1/deployments/${id}`)).status).toBe(204)
    const { json: live } = await world.n8n('GET', `/workflows/${n8nId}`)
    expect(live).toMatchObject({
      active: true,
      settings: { errorWorkflow: alertId, saveDataSuccessExecution: 'none' },
    })
    expect(await alertsOn(path)).toBe(true)
  })
})
