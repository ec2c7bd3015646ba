/** n8n determines whether a workflow is active, not the recorded state. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkInvariants, createDeployWorld, type DeployWorld, orders } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())
afterEach(() => checkInvariants(world))

async function deployed() {
  const user = await world.user()
  await user.credential()
  const { body } = await user.deploy(await user.workflow())
  expect(body.status).toBe('active')
  const remote = () => world.stub.state.workflows.get(body.n8nWorkflowId)
  return { user, id: String(body.id), remote, body }
}

/** Like a user in n8n's editor. */
const n8n = (method: string, path: string, body: object = {}) =>
  world.stub.fetch(`${world.stub.baseUrl}/api/v1${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': world.stub.apiKey, 'Content-Type': 'application/json' },
    ...(method !== 'GET' && { body: JSON.stringify(body) }),
  })

describe('a chat trigger without a webhook ID', () => {
  const chat = () => ({
    ...orders(),
    nodes: [
      ...(orders().nodes as object[]),
      {
        id: 'chat',
        name: 'Chat',
        type: '@n8n/n8n-nodes-langchain.chatTrigger',
        typeVersion: 1.1,
        position: [0, 400],
        parameters: { public: true },
      },
    ],
  })

  test('keeps the ID that n8n assigned, and therefore its URL, when a new version is deployed', async () => {
    const user = await world.user()
    await user.credential()
    const workflowId = await user.workflow(chat())
    const { body } = await user.deploy(workflowId)
    const idInN8n = () =>
      world.stub.state.workflows.get(body.n8nWorkflowId)?.nodes.find(({ name }) => name === 'Chat')?.webhookId
    const given = idInN8n()
    expect(given).toEqual(expect.any(String))
    const { body: plan } = await user.api('POST', '/v1/deployments/plan', {
      workflowId,
      instanceId: body.instanceId,
    })
    expect(plan.live).toMatchObject({ differs: false })
    expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body.drifted).toBe(false)
    const changed = { ...chat(), settings: { executionOrder: 'v1', timezone: 'Asia/Kathmandu' } }
    await user.api('PATCH', `/v1/workflows/${workflowId}`, { workflow: changed }, { 'If-Match': '"1"' })
    const { body: second } = await user.act(body.id, 'deploy', {})
    expect(second).toMatchObject({ status: 'active', version: 2 })
    expect(idInN8n()).toBe(given)
  })

  test('has a planned URL that survives a rename and an undeploy, and is hidden while undeployed', async () => {
    const user = await world.user()
    await user.credential()
    const first = chat()
    const workflowId = await user.workflow(first)
    const place = { workflowId, instanceId: user.instanceId }
    const urls = async () => (await user.api('POST', '/v1/deployments/plan', place)).body.webhookUrls
    const planned = await urls()
    expect(planned).toHaveLength(2)
    expect(planned).toContainEqual(expect.stringMatching(/\/webhook\/[0-9a-f-]{36}\/chat$/))
    const { body } = await user.deploy(workflowId)
    expect(body.webhookUrls).toEqual(planned)
    const renamed = structuredClone(first)
    Object.assign(renamed.nodes.at(-1) ?? {}, { name: 'Talk' })
    await user.api('PATCH', `/v1/workflows/${workflowId}`, { workflow: renamed }, { 'If-Match': '"1"' })
    expect(await urls()).toEqual(planned)
    expect((await user.act(body.id, 'deploy', {})).body).toMatchObject({ version: 2, webhookUrls: planned })
    expect((await user.act(body.id, 'undeploy', {})).body).toMatchObject({ webhookUrls: [] })
    expect((await user.deploy(workflowId)).body.webhookUrls).toEqual(planned)
  })
})

describe.each(['activate', 'retry', 'deploy'])('%s', (action) => {
  test('publishes a workflow that was unpublished in n8n', async () => {
    const { user, id, remote, body } = await deployed()
    await n8n('POST', `/workflows/${body.n8nWorkflowId}/unpublish`)
    expect(remote()?.activeVersionId).toBeNull()
    expect((await user.act(id, action, {})).body).toMatchObject({ status: 'active', error: null })
    expect(remote()).toMatchObject({ isLive: true, activeVersionId: remote()?.versionId })
  })

  test('recreates a workflow that was deleted in n8n', async () => {
    const { user, id, body } = await deployed()
    world.stub.state.workflows.delete(body.n8nWorkflowId)
    const { body: healed } = await user.act(id, action, {})
    expect(healed).toMatchObject({ status: 'active', error: null })
    expect(world.stub.state.workflows.get(healed.n8nWorkflowId)).toMatchObject({
      name: 'Orders',
      isLive: true,
    })
  })

  test('recreates a credential that was deleted in n8n', async () => {
    const { user, id, remote } = await deployed()
    const named = remote()?.nodes.find(({ name }) => name === 'Slack')?.['credentials'] as {
      slackApi: { id: string }
    }
    world.stub.state.credentials.delete(named.slackApi.id)
    expect((await user.act(id, action, {})).body.status).toBe('active')
    expect(world.stub.state.credentials.has(named.slackApi.id)).toBe(true)
  })

  test('the plan and the drift report an archived workflow', async () => {
    const { user, id, remote, body } = await deployed()
    Object.assign(remote() as object, { isArchived: true })
    const { workflowId, instanceId } = body
    const { body: plan } = await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId })
    expect(plan).toMatchObject({ ready: false })
    expect(plan.problems).toContainEqual(expect.objectContaining({ code: 'n8n-workflow-archived' }))
    const { body: drift } = await user.api('GET', `/v1/deployments/${id}/drift`)
    expect(drift).toMatchObject({ drifted: true, archived: true })
    Object.assign(remote() as object, { isArchived: false })
  })

  test('reports that the workflow is archived in n8n', async () => {
    const { user, id, remote } = await deployed()
    Object.assign(remote()!, { isArchived: true, activeVersionId: null, isLive: false, webhooks: [] })
    const before = world.stub.calls().length
    expect((await user.act(id, action, {})).body).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('Unarchive it there'),
    })
    const writes = world.stub
      .calls()
      .slice(before)
      .filter(({ method }) => method !== 'GET')
    expect(writes.filter(({ step }) => !step?.startsWith('credential-'))).toEqual([])
    await user.act(id, 'undeploy')
  })

  test('sends nothing when the workflow is already published in n8n', async () => {
    const { user, id } = await deployed()
    const before = world.stub.calls().length
    expect((await user.act(id, action, {})).body.status).toBe('active')
    const calls = world.stub.calls().slice(before)
    expect(calls.length).toBeGreaterThan(0)
    expect(calls.filter(({ method }) => method !== 'GET')).toEqual([])
  })
})

test('activating publishes the deployed version, not a draft left in n8n', async () => {
  const { user, id, remote, body } = await deployed()
  const versionId = remote()?.versionId
  const { name, nodes, connections, settings } = remote()!
  await n8n('POST', `/workflows/${body.n8nWorkflowId}/unpublish`)
  await n8n('PUT', `/workflows/${body.n8nWorkflowId}`, {
    name,
    connections,
    settings,
    nodes: nodes.map((node) => ({ ...node, disabled: node['name'] === 'Slack' })),
  })
  expect(remote()?.versionId).not.toBe(versionId)
  expect((await user.act(id, 'activate')).body.status).toBe('active')
  expect(remote()?.activeVersionId).toBe(versionId)
  expect(remote()?.versionId).not.toBe(versionId)
})

describe('deactivating', () => {
  test('succeeds when the workflow is already unpublished in n8n', async () => {
    const { user, id, remote, body } = await deployed()
    await n8n('POST', `/workflows/${body.n8nWorkflowId}/unpublish`)
    expect((await user.act(id, 'deactivate')).body).toMatchObject({ status: 'inactive', error: null })
    expect(remote()?.activeVersionId).toBeNull()
  })

  test('unpublishes a workflow that was published in n8n', async () => {
    const { user, id, remote, body } = await deployed()
    await user.act(id, 'deactivate')
    await n8n('POST', `/workflows/${body.n8nWorkflowId}/publish`)
    expect(remote()?.activeVersionId).not.toBeNull()
    expect((await user.act(id, 'deactivate')).body.status).toBe('inactive')
    expect(remote()?.activeVersionId).toBeNull()
  })

  test('reports that the workflow was deleted in n8n', async () => {
    const { user, id, body } = await deployed()
    world.stub.state.workflows.delete(body.n8nWorkflowId)
    expect((await user.act(id, 'deactivate')).body).toMatchObject({
      status: 'inactive',
      error: expect.stringContaining('no longer has'),
    })
    expect((await user.act(id, 'activate')).body).toMatchObject({ status: 'active', error: null })
  })
})

describe('a temporary outage of n8n', () => {
  const unavailable = ['refuse', 'reset', 'timeout', 'http500', 'http502-html', 'http503', 'html200'] as const

  test.each(unavailable)('%s: the deployment waits, and the scheduled job completes it', async (mode) => {
    const user = await world.user()
    await user.credential()
    await user.warm()
    world.fail(({ method }) => method === 'PUT', mode)
    const { status, body } = await user.deploy(await user.workflow())
    expect(status).toBe(201)
    expect(body).toMatchObject({
      status: 'deploying',
      step: 'workflow-update',
      error: expect.stringMatching(/retries|resumes/),
    })
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(0)
    world.pass(11_000)
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(1)
    expect((await user.api('GET', `/v1/deployments/${body.id}`)).body).toMatchObject({
      status: 'active',
      step: null,
      error: null,
    })
  })

  test('backs off after each attempt and finally gives up with the reason', async () => {
    const user = await world.user()
    await user.credential()
    await user.warm()
    const down = () => world.fail(({ method }) => method === 'PUT', 'refuse')
    down()
    const { body } = await user.deploy(await user.workflow())
    const current = async () => (await user.api('GET', `/v1/deployments/${body.id}`)).body
    let attempts = 1
    for (let minute = 0; minute < 24 * 60 && (await current()).status === 'deploying'; minute += 1) {
      if (world.pendingFaults() === 0) down()
      world.pass(60_000)
      attempts += await world.deps.deployer.resumeDeployments(10)
    }
    expect(attempts).toBe(20)
    expect(await current()).toMatchObject({
      status: 'failed',
      step: 'workflow-update',
      error: expect.stringMatching(/The n8n server refused the connection.*Gave up after 20 attempts/),
    })
    down()
    expect((await user.act(body.id, 'retry')).body.status).toBe('deploying')
    expect((await user.act(body.id, 'undeploy')).body.status).toBe('undeployed')
  })

  test('a retry skips the wait for the next attempt', async () => {
    const user = await world.user()
    await user.credential()
    await user.warm()
    world.fail(({ path }) => path.endsWith('/publish'), 'reset')
    const { body } = await user.deploy(await user.workflow(orders()))
    expect(body).toMatchObject({ status: 'deploying', step: 'publish' })
    expect((await user.act(body.id, 'retry')).body).toMatchObject({ status: 'active', error: null })
  })

  test('a rejection fails immediately', async () => {
    const user = await world.user()
    await user.credential()
    await user.warm()
    world.fail(({ method }) => method === 'PUT', '4xx')
    const { body } = await user.deploy(await user.workflow())
    expect(body).toMatchObject({ status: 'failed', step: 'workflow-update' })
    await user.act(body.id, 'undeploy')
  })
})
