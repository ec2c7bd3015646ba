/** Existing error handling in n8n keeps working. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, orders, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const errorTrigger = {
  id: 'e',
  name: 'On error',
  type: 'n8n-nodes-base.errorTrigger',
  typeVersion: 1,
  position: [0, 600],
  parameters: {},
}

const n8n = async (method: string, path: string, body?: object) => {
  const response = await world.stub.fetch(`${world.stub.baseUrl}/api/v1${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': world.stub.apiKey, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return JSON.parse(await response.text())
}

/** The user's published error workflow. */
async function alerts(): Promise<string> {
  const { id } = await n8n('POST', '/workflows', {
    name: 'Alert',
    nodes: [errorTrigger],
    connections: {},
    settings: {},
  })
  await n8n('POST', `/workflows/${id}/publish`, {})
  return id
}

const settingsOf = (id: string) => world.stub.state.workflows.get(id)?.settings ?? {}
const planOf = async (user: WorldUser, workflowId: string) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId: user.instanceId })).body
const reporterOf = async (user: WorldUser) =>
  (await user.api('GET', `/v1/instances/${user.instanceId}`)).body.reporter?.n8nWorkflowId
const isPolledWithin = async (user: WorldUser, ms: number) => {
  const [row] = await world.database.sql`
    select reports_errors from deployments where user_id = ${user.id} order by id desc limit 1`
  return row?.reports_errors === ms > 60_000
}

/** Imports a workflow from n8n that has its own error workflow. */
async function imported(user: WorldUser, settings: object) {
  const { name, nodes, connections } = orders()
  const [hook] = nodes
  const made = await n8n('POST', '/workflows', { name, nodes: [hook], connections: {}, settings })
  await n8n('POST', `/workflows/${made.id}/publish`, {})
  expect(connections).toBeDefined()
  const { status, body } = await user.api(
    'POST',
    `/v1/instances/${user.instanceId}/workflows/${made.id}/import`,
  )
  expect(status).toBe(201)
  return { n8nId: String(made.id), id: String(body.deployment.id), workflowId: String(body.workflowId) }
}

describe('a workflow with its own error workflow', () => {
  test('keeps it, the plan reports it, and failures are polled every minute', async () => {
    const user = await world.user()
    await user.credential()
    const alert = await alerts()
    const content = orders()
    const workflowId = await user.workflow({
      ...content,
      settings: { executionOrder: 'v1', errorWorkflow: alert },
    })
    expect((await planOf(user, workflowId)).forcedSettings).toMatchObject({ errorWorkflow: alert })
    const { body } = await user.deploy(workflowId)
    expect(body.status).toBe('active')
    expect(settingsOf(body.n8nWorkflowId)).toMatchObject({ errorWorkflow: alert })
    expect(await isPolledWithin(user, 60_000)).toBe(true)
    expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body.drifted).toBe(false)
  })

  test('uses the error reporter when a newer version has no error workflow', async () => {
    const user = await world.user()
    await user.credential()
    const alert = await alerts()
    const content = orders()
    const workflowId = await user.workflow({ ...content, settings: { errorWorkflow: alert } })
    const { body } = await user.deploy(workflowId)
    await user.change(workflowId, { ...content, settings: { executionOrder: 'v1' } })
    expect((await user.act(body.id, 'deploy', {})).body.status).toBe('active')
    expect(settingsOf(body.n8nWorkflowId).errorWorkflow).toBe(await reporterOf(user))
    expect(await isPolledWithin(user, 300_000)).toBe(true)
  })
})

test('an error workflow that was set in n8n survives later deploys', async () => {
  const user = await world.user()
  await user.credential()
  const content = orders()
  const workflowId = await user.workflow(content)
  const { body } = await user.deploy(workflowId)
  expect(settingsOf(body.n8nWorkflowId).errorWorkflow).toBe(await reporterOf(user))
  const alert = await alerts()
  settingsOf(body.n8nWorkflowId).errorWorkflow = alert
  for (const text of ['v2', 'v3']) {
    const { nodes } = orders({ path: content.nodes[0]!.webhookId!, text })
    await user.change(workflowId, { ...content, nodes })
    expect((await planOf(user, workflowId)).forcedSettings).toMatchObject({ errorWorkflow: alert })
    expect((await user.act(body.id, 'deploy', {})).body.status).toBe('active')
    expect(settingsOf(body.n8nWorkflowId).errorWorkflow).toBe(alert)
  }
})

test('a workflow with its own Error Trigger keeps calling itself', async () => {
  const user = await world.user()
  await user.credential()
  const content = orders()
  const workflowId = await user.workflow(content)
  const { body } = await user.deploy(workflowId)
  expect(settingsOf(body.n8nWorkflowId).errorWorkflow).toBe(await reporterOf(user))
  await user.change(workflowId, { ...content, nodes: [...content.nodes, errorTrigger] })
  expect((await planOf(user, workflowId)).forcedSettings).toMatchObject({ errorWorkflow: null })
  expect((await user.act(body.id, 'deploy', {})).body.status).toBe('active')
  expect(settingsOf(body.n8nWorkflowId)).not.toHaveProperty('errorWorkflow')
  expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body.drifted).toBe(false)
})

test('an error workflow gets the error reporter, because n8n never calls it for its own failures', async () => {
  const user = await world.user()
  const { body } = await user.deploy(
    await user.workflow({ name: 'Handler', nodes: [errorTrigger], connections: {} }),
  )
  expect(settingsOf(body.n8nWorkflowId).errorWorkflow).toBe(await reporterOf(user))
})

describe('an imported workflow that is deployed in place', () => {
  test('keeps its error workflow, even when a newer version has none', async () => {
    const user = await world.user()
    const alert = await alerts()
    const { n8nId, id, workflowId } = await imported(user, { executionOrder: 'v1', errorWorkflow: alert })
    expect((await user.act(id, 'deploy', {})).body).toMatchObject({ status: 'active', n8nWorkflowId: n8nId })
    expect(settingsOf(n8nId).errorWorkflow).toBe(alert)
    const { nodes } = orders({ path: 'another' })
    await user.change(workflowId, { name: 'Orders', nodes: [nodes[0]], connections: {} })
    expect((await user.act(id, 'deploy', {})).body.status).toBe('active')
    expect(settingsOf(n8nId).errorWorkflow).toBe(alert)
  })

  test('gets its original settings back when it is no longer tracked', async () => {
    const user = await world.user()
    const { n8nId, id } = await imported(user, { executionOrder: 'v1', saveDataSuccessExecution: 'none' })
    expect((await user.act(id, 'deploy', { reportSuccess: true })).body.status).toBe('active')
    expect(settingsOf(n8nId)).toMatchObject({
      errorWorkflow: await reporterOf(user),
      saveDataSuccessExecution: 'all',
    })
    expect(world.stub.state.workflows.get(n8nId)?.nodes).toHaveLength(2)
    expect((await user.api('DELETE', `/v1/deployments/${id}`)).status).toBe(204)
    expect(settingsOf(n8nId)).not.toHaveProperty('errorWorkflow')
    expect(settingsOf(n8nId)).toMatchObject({ saveDataSuccessExecution: 'none', executionOrder: 'v1' })
    const remote = world.stub.state.workflows.get(n8nId)
    expect(remote?.nodes).toHaveLength(1)
    expect(remote?.activeVersionId).toBe(remote?.versionId)
  })

  test('stays tracked while n8n is unavailable, unless forced', async () => {
    const user = await world.user()
    const { n8nId, id } = await imported(user, { executionOrder: 'v1' })
    await user.act(id, 'deploy', {})
    world.fail(({ path }) => path.endsWith(n8nId), 'refuse')
    expect((await user.api('DELETE', `/v1/deployments/${id}`)).body.code).toBe('instance-unreachable')
    expect((await user.api('GET', `/v1/deployments/${id}`)).status).toBe(200)
    world.fail(({ path }) => path.endsWith(n8nId), 'refuse')
    expect((await user.api('DELETE', `/v1/deployments/${id}?force=true`)).status).toBe(204)
  })

  test('gets its original settings back when its instance is removed', async () => {
    const user = await world.user()
    const { n8nId, id } = await imported(user, { executionOrder: 'v1' })
    await user.act(id, 'deploy', {})
    expect(settingsOf(n8nId).errorWorkflow).toBe(await reporterOf(user))
    expect((await user.api('DELETE', `/v1/instances/${user.instanceId}`)).status).toBe(204)
    expect(settingsOf(n8nId)).not.toHaveProperty('errorWorkflow')
  })

  test('stays unchanged if it was only tracked', async () => {
    const user = await world.user()
    const { n8nId, id } = await imported(user, { executionOrder: 'v1', errorWorkflow: 'of-somebody' })
    const writes = () => world.stub.calls().filter(({ method }) => method !== 'GET').length
    const before = writes()
    expect((await user.api('DELETE', `/v1/deployments/${id}`)).status).toBe(204)
    expect(writes()).toBe(before)
    expect(settingsOf(n8nId).errorWorkflow).toBe('of-somebody')
  })
})
