import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkInvariants, createDeployWorld, type DeployWorld } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

let made = 0
/** Two nodes connected by their IDs, a common mistake of AI models. */
const byId = (connections?: object) => {
  const path = `by-id-${(made += 1)}`
  const hook = { type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0], parameters: { path } }
  const set = { type: 'n8n-nodes-base.noOp', typeVersion: 1, position: [200, 0], parameters: {} }
  return {
    name: 'By id',
    nodes: [
      { id: 'node0', name: 'Hook', ...hook },
      { id: 'node1', name: 'Done', ...set },
    ],
    connections: connections ?? { node0: { main: [[{ node: 'node1', type: 'main', index: 0 }]] } },
    settings: {},
  }
}
const byName = { Hook: { main: [[{ node: 'Done', type: 'main', index: 0 }]] } }

async function save(workflow: object) {
  const user = await world.user()
  const { body } = await user.api('POST', '/v1/workflows', { workflow, prompt: 'as asked for', model: 'm' })
  return { user, workflowId: body.id as string, warnings: body.warnings as { code: string }[] }
}

test('connections by ID block the plan until their fix is accepted', async () => {
  const { user, workflowId, warnings } = await save(byId())
  expect(warnings.map(({ code }) => code)).toContain('connection-by-id')
  const place = { workflowId, instanceId: user.instanceId }
  const { body: plan } = await user.api('POST', '/v1/deployments/plan', place)
  expect(plan).toMatchObject({ ready: false, fixes: [] })
  expect(plan.problems[0]).toMatchObject({
    code: 'connection-by-id',
    level: 'error',
    node: 'Hook',
    pointer: '/connections/node0',
    fix: { label: 'Connect "Hook" by name' },
    n8n: expect.stringContaining('unknown_connection_source'),
  })
  const refused = await user.api('POST', '/v1/deployments', place)
  expect([refused.status, refused.body.code]).toEqual([422, 'invalid-workflow'])
  expect(plan.problems).toMatchObject(refused.body.problems)

  const fixes = ['connection-by-id']
  const { body: fixed } = await user.api('POST', '/v1/deployments/plan', { ...place, fixes })
  expect(fixed).toMatchObject({ ready: true, version: 1, fixes, problems: [] })
  const before = await user.api('GET', `/v1/workflows/${workflowId}/versions`)
  expect(before.body.items).toHaveLength(1)

  const body = { ...place, fixes, planHash: fixed.planHash }
  const { status, body: deployment } = await user.api('POST', '/v1/deployments', body)
  expect(status).toBe(201)
  expect(deployment).toMatchObject({ status: 'active', version: 2, error: null })
  expect(world.stub.state.workflows.get(deployment.n8nWorkflowId)?.connections).toEqual(byName)
  const { body: versions } = await user.api('GET', `/v1/workflows/${workflowId}/versions`)
  expect(versions.items).toMatchObject([
    { version: 2, parent: 1, author: 'flowkeep', prompt: 'as asked for', model: 'm' },
    { version: 1, parent: null, author: 'user' },
  ])
  await checkInvariants(world)
})

test('the same fix of the same version creates one version, and a redeploy accepts fixes too', async () => {
  const { user, workflowId } = await save(byId(byName))
  const { body: deployment } = await user.deploy(workflowId)
  const { connections } = byId()
  await user.api(
    'PATCH',
    `/v1/workflows/${workflowId}`,
    { workflow: { ...byId(), connections } },
    { 'If-Match': '*' },
  )
  const deploy = (body: object) => user.api('POST', `/v1/deployments/${deployment.id}/deploy`, body)
  expect((await deploy({ version: 2 })).status).toBe(422)
  expect((await deploy({ version: 2, fixes: ['unheard-of'] })).status).toBe(422)
  for (let repeat = 0; repeat < 2; repeat += 1) {
    const { body } = await deploy({ version: 2, fixes: ['connection-by-id', 'unheard-of'] })
    expect(body).toMatchObject({ status: 'active', version: 3 })
  }
  expect((await user.api('GET', `/v1/workflows/${workflowId}`)).body).toMatchObject({
    version: 3,
  })
})

test('never drops a connection to a missing node', async () => {
  const gone = { Hook: { main: [[{ node: 'Gone', type: 'main', index: 0 }]] } }
  const { user, workflowId } = await save(byId(gone))
  const fixes = ['dangling-connection', 'connection-by-id', 'empty-connection', 'invalid-connection']
  const place = { workflowId, instanceId: user.instanceId, fixes }
  const { body: plan } = await user.api('POST', '/v1/deployments/plan', place)
  expect(plan).toMatchObject({
    ready: false,
    fixes: [],
    problems: [{ code: 'dangling-connection', level: 'error' }],
  })
  expect(plan.problems[0]).not.toHaveProperty('fix')
  expect((await user.api('POST', '/v1/deployments', place)).status).toBe(422)
})

test('an adopted edit from n8n is a version with its own author and name', async () => {
  const { user, workflowId } = await save(byId(byName))
  const { body: deployment } = await user.deploy(workflowId)
  await user.api(
    'PATCH',
    `/v1/workflows/${workflowId}`,
    { prompt: 'second', model: 'n' },
    { 'If-Match': '*' },
  )
  const remote = world.stub.state.workflows.get(deployment.n8nWorkflowId)
  if (!remote) throw new Error('Not deployed')
  remote.name = 'Renamed in n8n'
  const { body: adopted } = await user.api('POST', `/v1/deployments/${deployment.id}/adopt`)
  expect(adopted).toMatchObject({ version: 3 })
  const { body: versions } = await user.api('GET', `/v1/workflows/${workflowId}/versions`)
  expect(versions.items).toMatchObject([
    { version: 3, parent: 1, author: 'n8n', prompt: null, model: null, name: 'Renamed in n8n' },
    { version: 2, prompt: 'second', author: 'user' },
    { version: 1, prompt: 'as asked for', author: 'user' },
  ])
  expect((await user.api('GET', `/v1/workflows/${workflowId}`)).body).toMatchObject({
    name: 'Renamed in n8n',
    prompt: null,
  })
})

test('forms and MCP servers have their own URLs', async () => {
  const node = (name: string, type: string, typeVersion: number, parameters: object) => ({
    id: name,
    name,
    type,
    typeVersion,
    parameters,
    position: [0, 0],
  })
  const { user, workflowId } = await save({
    name: 'Endpoints',
    nodes: [
      node('Form', 'n8n-nodes-base.formTrigger', 2.1, { path: 'sign-up', formTitle: 'T' }),
      node('Tools', '@n8n/n8n-nodes-langchain.mcpTrigger', 2, { path: 'tools' }),
      node('Hook', 'n8n-nodes-base.webhook', 2, { path: 'in' }),
    ],
    connections: {},
    settings: {},
  })
  const urls = ['form/sign-up', 'mcp/tools', 'webhook/in'].map((path) => `https://n8n.example.com/${path}`)
  const place = { workflowId, instanceId: user.instanceId }
  expect((await user.api('POST', '/v1/deployments/plan', place)).body.webhookUrls).toEqual(urls)
  expect((await user.deploy(workflowId)).body.webhookUrls).toEqual(urls)
})
