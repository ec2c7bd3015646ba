/** A workflow that existed in n8n first is deployed in place on a real n8n and runs only once. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createReceiver, type Receiver } from './receiver.ts'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const unique = () => `slots-${randomBytes(5).toString('hex')}`
const periodSeconds = 2

onRealN8n()('imported workflows on a real n8n', () => {
  let world: World
  let receiver: Receiver

  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())
  beforeEach(async () => {
    receiver = await createReceiver()
  })
  afterEach(() => receiver.close())

  async function byHand(name: string, nodes: { name: string }[]) {
    const body = { name, nodes, connections: chain(...nodes.map((each) => each.name)) }
    const created = await world.n8n('POST', '/workflows', { ...body, settings: { executionOrder: 'v1' } })
    expect(created.status).toBe(200)
    expect((await world.n8n('POST', `/workflows/${created.json.id}/publish`, {})).status).toBe(200)
    return String(created.json.id)
  }
  async function importIt(n8nWorkflowId: string) {
    const path = `/v1/instances/${world.instanceId}/workflows/${n8nWorkflowId}/import`
    const { status, json } = await world.call('POST', path)
    expect(status).toBe(201)
    return { workflowId: String(json.workflowId), id: String(json.deployment.id) }
  }
  async function deploy(workflowId: string) {
    const place = { workflowId, instanceId: world.instanceId }
    const plan = (await world.call('POST', '/v1/deployments/plan', place)).json
    const { status, json } = await world.call('POST', '/v1/deployments', {
      ...place,
      planHash: plan.planHash,
    })
    return { plan, deployment: await settled({ status, json }) }
  }
  async function settled({ status, json }: { status: number; json: { id: string } }) {
    expect({ status, json }).toMatchObject({ status: 200 })
    const answer = await until(
      () => world.call('GET', `/v1/deployments/${json.id}`),
      (each) => each.json.intent === null,
    )
    expect(answer.json).toMatchObject({ status: 'active', error: null, managed: false })
    return answer.json
  }
  const named = async (name: string) => (await world.n8n('GET', `/workflows?name=${name}`)).json.data

  test('a schedule fires once per tick after the deploy', async () => {
    const name = unique()
    const n8nWorkflowId = await byHand(name, [
      node('Every tick', 'scheduleTrigger', 1.2, [0, 0], {
        rule: { interval: [{ field: 'seconds', secondsInterval: periodSeconds }] },
      }),
      node('Bill', 'httpRequest', 4.2, [220, 0], { url: `${receiver.url}/BILL`, options: {} }),
    ])
    const { workflowId, id } = await importIt(n8nWorkflowId)
    const { plan, deployment } = await deploy(workflowId)
    expect(plan).toMatchObject({ ready: true, deploymentId: id, live: { version: 1 } })
    expect([deployment.id, deployment.n8nWorkflowId]).toEqual([id, n8nWorkflowId])
    expect(await named(name)).toHaveLength(1)
    await until(
      async () => receiver.received.length,
      (count) => count >= 1,
    )
    const before = receiver.received.length
    await until(
      async () => receiver.received.length,
      (count) => count >= before + 4,
    )
    await world.call('POST', `/v1/deployments/${id}/deactivate`)
    const runsOf = async () =>
      (await world.n8n('GET', `/executions?workflowId=${n8nWorkflowId}&limit=100`)).json.data as unknown[]
    // Every call came from a run of this workflow. A second copy would have made its own calls.
    const runs = await until(runsOf, (each) => each.length >= receiver.received.length)
    expect(receiver.received).toHaveLength(runs.length)
  })

  test('a webhook has no conflict and responds with the deployed version', async () => {
    const path = unique()
    const answering = (value: string) => [
      {
        ...node('Hook', 'webhook', 2, [0, 0], { path, responseMode: 'lastNode', options: {} }),
        webhookId: path,
      },
      node('Answer', 'set', 3.4, [220, 0], {
        mode: 'manual',
        assignments: { assignments: [{ id: 'a', name: 'answer', value, type: 'string' }] },
        options: {},
      }),
    ]
    const n8nWorkflowId = await byHand(path, answering('by hand'))
    const { workflowId, id } = await importIt(n8nWorkflowId)
    const { plan } = await deploy(workflowId)
    expect(plan).toMatchObject({ ready: true, deploymentId: id, conflicts: [], problems: [] })
    const stored = (await world.call('GET', `/v1/workflows/${workflowId}`)).json
    const workflow = { ...stored.workflow, nodes: answering('version two') }
    const changed = await world.call(
      'PATCH',
      `/v1/workflows/${workflowId}`,
      { workflow },
      { 'If-Match': '*' },
    )
    expect(changed.json.version).toBe(2)
    await settled(await world.call('POST', `/v1/deployments/${id}/deploy`, {}))
    await until(
      async () => (await fetch(`${n8nUrl}/webhook/${path}`)).text(),
      (text) => text.includes('version two'),
      15_000,
    )
    expect(await named(path)).toHaveLength(1)
    const history = (await world.call('GET', `/v1/deployments/${id}/versions`)).json.items
    expect(history.at(-1)).toMatchObject({ sequence: 1, version: 1 })
    expect(history[0]).toMatchObject({ version: 2 })
    expect((await world.call('POST', `/v1/deployments/${id}/undeploy`)).status).toBe(409)
    expect((await world.call('DELETE', `/v1/deployments/${id}`)).status).toBe(204)
    expect((await fetch(`${n8nUrl}/webhook/${path}`)).status).toBe(200)
  })
})
