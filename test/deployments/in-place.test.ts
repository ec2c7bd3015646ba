/** A workflow that existed in n8n before Flowkeep is deployed in place, without a second copy. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  checkInvariants,
  createDeployWorld,
  type DeployWorld,
  orders,
  type WorldUser,
} from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const n8n = async (method: string, path: string, body?: object) => {
  const answer = await world.stub.fetch(`${world.stub.baseUrl}/api/v1${path}`, {
    method,
    headers: { 'x-n8n-api-key': world.stub.apiKey, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as { id: string }
}

/** Created in n8n: a published workflow with two accounts of one type. */
async function byHand(path: string) {
  const { nodes, connections, settings, name } = orders({ path })
  const [hook, slack] = nodes
  for (const id of ['salesInN8n000001', 'opsInN8n00000001']) {
    world.stub.state.credentials.set(id, {
      id,
      name: `Account ${id.slice(0, 3)}`,
      type: 'slackApi',
      data: {},
      createdAt: '',
      updatedAt: '',
    })
  }
  const named = (id: string) => ({ credentials: { slackApi: { id, name: `Account ${id.slice(0, 3)}` } } })
  const { id } = await n8n('POST', '/workflows', {
    name,
    settings,
    nodes: [
      hook,
      { ...slack, ...named('salesInN8n000001') },
      { ...slack, id: 'ops', name: 'Ops', ...named('opsInN8n00000001') },
    ],
    connections: { ...connections, Slack: { main: [[{ node: 'Ops', type: 'main', index: 0 }]] } },
  })
  await n8n('POST', `/workflows/${id}/activate`)
  return id
}

async function imported(path: string) {
  const user = await world.user()
  const n8nWorkflowId = await byHand(path)
  const { status, body } = await user.api(
    'POST',
    `/v1/instances/${user.instanceId}/workflows/${n8nWorkflowId}/import`,
  )
  if (status !== 201) throw new Error(JSON.stringify(body))
  return { user, n8nWorkflowId, workflowId: String(body.workflowId), id: String(body.deployment.id) }
}

const copies = () => [...world.stub.state.workflows.values()].filter(({ name }) => name === 'Orders')
const planOf = async (user: WorldUser, workflowId: string) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId: user.instanceId })).body

test('its plan finds it, keeps the credential of each node, and reports no conflict', async () => {
  const { user, workflowId, id } = await imported('in-place-plan')
  const plan = await planOf(user, workflowId)
  expect(plan).toMatchObject({
    ready: true,
    deploymentId: id,
    conflicts: [],
    problems: [],
    live: { version: 1, missing: false },
    slots: [
      { node: 'Slack', status: 'n8n', reason: 'live', credential: { n8nCredentialId: 'salesInN8n000001' } },
      { node: 'Ops', status: 'n8n', reason: 'live', credential: { n8nCredentialId: 'opsInN8n00000001' } },
    ],
  })
})

test('deploying it returns 200 with the tracking deployment, and n8n has one copy', async () => {
  const { user, workflowId, id, n8nWorkflowId } = await imported('in-place-deploy')
  const before = copies().length
  const { planHash } = await planOf(user, workflowId)
  const key = { 'Idempotency-Key': 'in-place' }
  const sent = { workflowId, instanceId: user.instanceId, planHash }
  const { status, body } = await user.api('POST', '/v1/deployments', sent, key)
  expect([status, body]).toMatchObject([
    200,
    { id, n8nWorkflowId, status: 'active', managed: false, version: 1 },
  ])
  expect(copies()).toHaveLength(before)
  const remote = world.stub.state.workflows.get(n8nWorkflowId)
  expect(remote?.nodes.flatMap(({ credentials }) => Object.values(credentials ?? {}))).toMatchObject([
    { id: 'salesInN8n000001' },
    { id: 'opsInN8n00000001' },
  ])
  const again = await user.api('POST', '/v1/deployments', sent, key)
  expect([again.status, again.body.id]).toEqual([200, id])
  const { body: history } = await user.api('GET', `/v1/deployments/${id}/versions`)
  expect(history.items.at(-1)).toMatchObject({ sequence: 1, version: 1 })
  expect((await user.deploy(workflowId)).body).toMatchObject({ code: 'deployment-exists' })
  await checkInvariants(world)
})

test('another version replaces the workflow in n8n, and a rollback restores the original', async () => {
  const { user, workflowId, id, n8nWorkflowId } = await imported('in-place-version')
  const { workflow } = (await user.api('GET', `/v1/workflows/${workflowId}`)).body
  await user.change(workflowId, { ...workflow, name: 'Orders, better' })
  expect((await user.deploy(workflowId)).body).toMatchObject({ id, version: 2, status: 'active' })
  expect(world.stub.state.workflows.get(n8nWorkflowId)?.name).toBe('Orders, better')
  expect((await user.act(id, 'rollback', { version: 1 })).body).toMatchObject({
    version: 1,
    status: 'active',
  })
  expect(world.stub.state.workflows.get(n8nWorkflowId)?.name).toBe('Orders')
  const { body } = await user.api('GET', `/v1/deployments/${id}/versions`)
  const versions: number[] = body.items.map(({ version }: { version: number }) => version)
  expect(versions.filter((version, index) => version !== versions[index - 1])).toEqual([1, 2, 1])
})

test('undeploy rejects it, and untracking keeps the workflow and its credentials in n8n', async () => {
  const { user, workflowId, id, n8nWorkflowId } = await imported('in-place-back')
  await user.deploy(workflowId)
  expect((await user.act(id, 'undeploy')).body.code).toBe('conflict')
  expect((await user.api('DELETE', `/v1/deployments/${id}`)).status).toBe(204)
  expect(world.stub.state.workflows.has(n8nWorkflowId)).toBe(true)
  expect(world.stub.state.credentials.has('salesInN8n000001')).toBe(true)
})

test('concurrent requests deploy the tracked workflow', async () => {
  const { user, workflowId, id } = await imported('in-place-race')
  const before = copies().length
  const answers = await Promise.all(Array.from({ length: 4 }, () => user.deploy(workflowId)))
  expect(answers.filter(({ status }) => status === 200).every(({ body }) => body.id === id)).toBe(true)
  expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
  expect(copies()).toHaveLength(before)
  const { body } = await user.api('GET', `/v1/deployments?workflowId=${workflowId}`)
  expect(body.items.map((each: { id: string }) => each.id)).toEqual([id])
})

test('reports a workflow that was deleted in n8n and does not recreate it', async () => {
  const { user, workflowId, n8nWorkflowId } = await imported('in-place-gone')
  world.stub.state.workflows.delete(n8nWorkflowId)
  const before = copies().length
  expect(await planOf(user, workflowId)).toMatchObject({
    ready: false,
    live: { missing: true },
    problems: expect.arrayContaining([
      expect.objectContaining({ code: 'n8n-workflow-missing', level: 'error' }),
    ]),
  })
  expect((await user.deploy(workflowId)).body.status).not.toBe('active')
  expect(copies()).toHaveLength(before)
})

test('rejects a workflow that is tracked twice on an instance', async () => {
  const { user, workflowId } = await imported('in-place-twice')
  const another = await byHand('in-place-twin')
  await user.deploy(workflowId, { n8nWorkflowId: another })
  const { status, body } = await user.deploy(workflowId)
  expect([status, body.code, body.deploymentIds.length]).toEqual([409, 'deployment-exists', 2])
})

test('requires confirmation before sending a secret to a URL that changed since the import', async () => {
  const user = await world.user()
  const id = 'headerInN8n00001'
  world.stub.state.credentials.set(id, {
    id,
    name: 'CRM',
    type: 'httpHeaderAuth',
    data: {},
    createdAt: '',
    updatedAt: '',
  })
  const [hook] = orders({ path: 'in-place-host' }).nodes
  const call = (url: string) => ({
    id: 'call',
    name: 'Call',
    type: 'n8n-nodes-base.httpRequest',
    typeVersion: 4.2,
    position: [220, 0],
    parameters: {
      url,
      authentication: 'genericCredentialType',
      genericAuthType: 'httpHeaderAuth',
      options: {},
    },
    credentials: { httpHeaderAuth: { id, name: 'CRM' } },
  })
  const workflow = (url: string) => ({
    name: 'Calls',
    nodes: [hook, call(url)],
    settings: {},
    connections: { Hook: { main: [[{ node: 'Call', type: 'main', index: 0 }]] } },
  })
  const { id: n8nWorkflowId } = await n8n('POST', '/workflows', workflow('https://crm.example.com/'))
  const path = `/v1/instances/${user.instanceId}/workflows/${n8nWorkflowId}/import`
  const { workflowId } = (await user.api('POST', path)).body
  await user.change(workflowId, workflow('https://elsewhere.example.net/'))
  expect((await planOf(user, workflowId)).problems).toMatchObject([
    { code: 'credential-new-host', node: 'Call' },
  ])
  const refused = await user.deploy(workflowId)
  expect([refused.status, refused.body.problems[0].code]).toEqual([422, 'credential-new-host'])
  const bindings = [{ node: 'Call', type: 'httpHeaderAuth', n8nCredentialId: id }]
  expect((await user.deploy(workflowId, { bindings })).body).toMatchObject({ status: 'active', bindings })
})
