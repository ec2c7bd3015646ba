/** A parent and its child are deployed to a second n8n in one request, and the child is protected while it is called. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, onRealN8n, until, type World } from './world.ts'

const secondUrl = process.env.N8N_URL_2 ?? ''
const secondKey = process.env.N8N_API_KEY_2 ?? ''

const node = (id: string, type: string, typeVersion: number, parameters: object) => ({
  id,
  name: id,
  type: `n8n-nodes-base.${type}`,
  typeVersion,
  position: [0, 0],
  parameters,
})
const suffix = randomBytes(4).toString('hex')
const path = `live-${suffix}`

onRealN8n('N8N_URL_2', 'N8N_API_KEY_2')('a parent and its child', () => {
  let world: World
  let secondId = ''

  const save = async (workflow: object) =>
    String((await world.call('POST', '/v1/workflows', { workflow })).json.id)
  const settled = async (id: string) =>
    (
      await until(
        () => world.call('GET', `/v1/deployments/${id}`),
        ({ json }) => json.intent === null || json.status === 'failed',
        90_000,
      )
    ).json
  const deploy = async (workflowId: string, instanceId: string) => {
    const { status, json } = await world.call('POST', '/v1/deployments', { workflowId, instanceId })
    expect([status, json.detail]).toEqual([201, undefined])
    return settled(json.id)
  }

  beforeAll(async () => {
    world = await createWorld()
    const second = await world.call('POST', '/v1/instances', {
      name: 'second',
      baseUrl: secondUrl,
      apiKey: secondKey,
    })
    expect(second.status).toBe(201)
    secondId = second.json.id
  })
  afterAll(() => world?.close())

  test('the parent returns the output of the child on its own n8n', async () => {
    const childId = await save({
      name: `live child ${suffix}`,
      nodes: [
        node('Called', 'executeWorkflowTrigger', 1.1, { inputSource: 'passthrough' }),
        node('Say', 'set', 3.4, {
          assignments: { assignments: [{ id: 'a', name: 'said', value: 'by the child', type: 'string' }] },
          options: {},
        }),
      ],
      connections: { Called: { main: [[{ node: 'Say', type: 'main', index: 0 }]] } },
      settings: { executionOrder: 'v1' },
    })
    const first = await deploy(childId, world.instanceId)
    expect(first).toMatchObject({ status: 'active', error: null })
    const locator = { __rl: true, mode: 'list', value: first.n8nWorkflowId, cachedResultName: 'child' }
    const parentId = await save({
      name: `live parent ${suffix}`,
      nodes: [
        { ...node('Hook', 'webhook', 2, { path, responseMode: 'lastNode', options: {} }), webhookId: path },
        node('Call', 'executeWorkflow', 1.2, {
          workflowId: locator,
          workflowInputs: { mappingMode: 'defineBelow', value: {} },
          options: {},
        }),
      ],
      connections: { Hook: { main: [[{ node: 'Call', type: 'main', index: 0 }]] } },
      settings: { executionOrder: 'v1' },
    })
    const plan = await world.call('POST', '/v1/deployments/plan', {
      workflowId: parentId,
      instanceId: secondId,
    })
    expect(plan.json).toMatchObject({
      ready: true,
      dependencies: [{ workflowId: childId, action: 'deploy', ready: true }],
    })
    const parent = await deploy(parentId, secondId)
    expect(parent).toMatchObject({ status: 'active', error: null })
    const { json: list } = await world.call(
      'GET',
      `/v1/deployments?workflowId=${childId}&instanceId=${secondId}`,
    )
    const [child] = list.items
    expect(child.status).toBe('active')
    const answer = await until(
      () => fetch(`${secondUrl}/webhook/${path}`),
      ({ status }) => status === 200,
      20_000,
    )
    expect(await answer.text()).toContain('by the child')
    const drift = await world.call('GET', `/v1/deployments/${parent.id}/drift`)
    expect(drift.json).toMatchObject({ drifted: false })
    const refused = await world.call('POST', `/v1/deployments/${child.id}/undeploy`)
    expect(refused).toMatchObject({
      status: 409,
      json: { code: 'in-use', dependents: [{ deploymentId: parent.id }] },
    })
  })
})
