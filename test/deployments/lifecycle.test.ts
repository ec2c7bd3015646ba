import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkInvariants, createDeployWorld, type DeployWorld, type N8nCall, orders } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())
afterEach(() => checkInvariants(world))

const remoteOf = (deployment: { n8nWorkflowId: string }) =>
  world.stub.state.workflows.get(deployment.n8nWorkflowId)
const slackCredentialOf = (deployment: { n8nWorkflowId: string }) => {
  const slack = remoteOf(deployment)?.nodes.find(({ name }) => name === 'Slack')
  return (slack?.['credentials'] as { slackApi?: { id: string } } | undefined)?.slackApi?.id ?? ''
}
const writesSince = (count: number) =>
  world.stub
    .calls()
    .slice(count)
    .filter(({ method }) => method !== 'GET')
    .map(({ step }) => step)

async function deployed() {
  const user = await world.user()
  const credentialId = await user.credential()
  const content = orders()
  const workflowId = await user.workflow(content)
  const { body } = await user.deploy(workflowId)
  expect(body.status).toBe('active')
  const textOf = () => {
    const remote = remoteOf(body)
    const live = remote?.activeVersionId ? remote.versions.get(remote.activeVersionId) : undefined
    const slack = live?.nodes.find(({ name }) => name === 'Slack')
    return (slack?.['parameters'] as { text: string } | undefined)?.text
  }
  /** Version `number`, with the number in its text. */
  const version = (number: number) =>
    user.change(workflowId, {
      ...content,
      nodes: orders({ path: content.nodes[0]!.webhookId!, text: `v${number}` }).nodes,
    })
  return { user, credentialId, workflowId, content, body, id: String(body.id), textOf, version }
}

test('another version of a deployment that Flowkeep manages can only be deployed, not recorded', async () => {
  const { user, id, version } = await deployed()
  await version(2)
  const refused = await user.api('PATCH', `/v1/deployments/${id}`, { version: 2 })
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
  expect((await user.api('GET', `/v1/deployments/${id}`)).body).toMatchObject({ version: 1 })
  const history = await user.api('GET', `/v1/deployments/${id}/versions`)
  expect(history.body.items).toHaveLength(1)
})

describe('an unfinished deploy', () => {
  test.each([
    ['activate', 'active'],
    ['deactivate', 'inactive'],
  ])(
    'is replaced by %s: the recorded version is the one in n8n, and the status is %s',
    async (action, status) => {
      const { user, id, textOf, version } = await deployed()
      await version(2)
      world.stub.failNext({ step: 'publish', mode: '4xx' })
      const failed = await user.act(id, 'deploy', {})
      expect(failed.body).toMatchObject({ status: 'failed', step: 'publish', version: 1 })
      // n8n still has the workflow.
      const deleted = await user.api('DELETE', `/v1/deployments/${id}`)
      expect([deleted.status, deleted.body.code]).toEqual([409, 'in-use'])
      const settled = await user.act(id, action)
      expect(settled.body).toMatchObject({ status, version: 1, intent: null })
      if (status === 'active') expect(textOf()).toBe('v1')
      const back = await user.act(id, 'rollback', { version: 1 })
      expect(back.body).toMatchObject({ status: 'active', version: 1 })
      expect(textOf()).toBe('v1')
    },
  )
})

describe('redeploying', () => {
  test('brings the current version live under the same n8n ID', async () => {
    const { user, id, body, textOf, version } = await deployed()
    await version(2)
    expect(textOf()).toBe('v1')
    const again = await user.act(id, 'deploy', {})
    expect(again.body).toMatchObject({ status: 'active', version: 2, n8nWorkflowId: body.n8nWorkflowId })
    expect(textOf()).toBe('v2')
    const { items } = (await user.api('GET', `/v1/deployments/${id}/versions`)).body
    expect(items.map((item: { version: number }) => item.version)).toEqual([2, 1])
  })

  test('sends nothing without a difference, and the workflow after a change in n8n', async () => {
    const { user, id, body } = await deployed()
    const before = world.stub.calls().length
    expect((await user.act(id, 'deploy', {})).body).toMatchObject({
      status: 'active',
      updatedAt: body.updatedAt,
    })
    expect(writesSince(before)).toEqual([])
    const remote = remoteOf(body)!
    remote.nodes = remote.nodes.map((node) => ({ ...node, disabled: true }))
    expect((await user.act(id, 'deploy', {})).body.status).toBe('active')
    expect(remoteOf(body)?.nodes.some((node) => node['disabled'] === true)).toBe(false)
  })

  test('sends a credential again only after a change', async () => {
    const { user, id, credentialId, version } = await deployed()
    await version(2)
    const before = world.stub.calls().length
    await user.act(id, 'deploy', {})
    expect(writesSince(before)).toEqual(['workflow-update', 'publish'])
    await user.api(
      'PATCH',
      `/v1/credentials/${credentialId}`,
      { data: { accessToken: 'xoxb-changed-123456' } },
      { 'If-Match': '*' },
    )
    const later = world.stub.calls().length
    await user.act(id, 'deploy', {})
    expect(writesSince(later)[0]).toBe('credential-update')
    const pushed = [...world.stub.state.credentials.values()].filter(
      ({ data }) => data['accessToken'] === 'xoxb-changed-123456',
    )
    expect(pushed).toHaveLength(1)
  })

  test('recreates what was deleted in n8n', async () => {
    const { user, id, body, version } = await deployed()
    world.stub.state.workflows.delete(body.n8nWorkflowId)
    for (const [key, { type }] of world.stub.state.credentials) {
      if (type === 'slackApi') world.stub.state.credentials.delete(key)
    }
    await version(2)
    const again = (await user.act(id, 'deploy', {})).body
    expect(again).toMatchObject({ status: 'active', version: 2 })
    expect(again.n8nWorkflowId).not.toBe(body.n8nWorkflowId)
    expect(world.stub.state.credentials.has(slackCredentialOf(again))).toBe(true)
  })

  test('resets settings that the newer version no longer has', async () => {
    const { user, id, body, content, workflowId } = await deployed()
    await user.change(workflowId, { ...content, settings: { executionOrder: 'v1', executionTimeout: 5 } })
    await user.act(id, 'deploy', {})
    expect(remoteOf(body)?.settings['executionTimeout']).toBe(5)
    await user.change(workflowId, { ...content, settings: { executionOrder: 'v1' } })
    await user.act(id, 'deploy', {})
    expect(remoteOf(body)?.settings['executionTimeout']).toBe(-1)
  })

  test('rejects a second deployment of the same workflow on the instance', async () => {
    const { user, workflowId } = await deployed()
    const second = await user.deploy(workflowId)
    expect([second.status, second.body.code]).toEqual([409, 'deployment-exists'])
  })
})

test('success reporting adds a node on request, without drift, and removes it again', async () => {
  const user = await world.user()
  await user.credential()
  const { body } = await user.deploy(await user.workflow(), { reportSuccess: true })
  expect(body).toMatchObject({ status: 'active', reportSuccess: true })
  const names = () => remoteOf(body)?.nodes.map(({ name }) => name)
  expect(names()).toEqual(['Hook', 'Slack', 'Flowkeep: report success'])
  expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body.drifted).toBe(false)
  const before = world.stub.calls().length
  await user.act(body.id, 'deploy', {})
  expect(writesSince(before)).toEqual([])
  expect((await user.act(body.id, 'deploy', { reportSuccess: false })).body.reportSuccess).toBe(false)
  expect(names()).toEqual(['Hook', 'Slack'])
})

describe('rolling back', () => {
  test('brings an earlier deployed version live in one request', async () => {
    const { user, id, textOf, version } = await deployed()
    await version(2)
    await user.act(id, 'deploy', {})
    expect(textOf()).toBe('v2')
    expect((await user.act(id, 'rollback', { version: 1 })).body).toMatchObject({
      status: 'active',
      version: 1,
    })
    expect(textOf()).toBe('v1')
  })

  test('rejects a version that was never deployed', async () => {
    const { user, id, version } = await deployed()
    await version(2)
    const { status, body } = await user.act(id, 'rollback', { version: 2 })
    expect([status, body.errors[0].pointer]).toEqual([422, '/version'])
  })

  test('keeps the live version when it fails, and a retry continues it', async () => {
    const { user, id, textOf, version } = await deployed()
    await version(2)
    await user.act(id, 'deploy', {})
    world.fail(({ method }) => method === 'PUT', '4xx')
    const failed = (await user.act(id, 'rollback', { version: 1 })).body
    expect(failed).toMatchObject({
      status: 'failed',
      step: 'workflow-update',
      version: 2,
      intent: { action: 'deploy', version: 1 },
    })
    expect(textOf()).toBe('v2')
    expect((await user.act(id, 'retry')).body).toMatchObject({ status: 'active', version: 1 })
    expect(textOf()).toBe('v1')
  })
})

describe('publishing', () => {
  test('unpublishes and publishes again', async () => {
    const { user, id, body } = await deployed()
    const inactive = (await user.act(id, 'deactivate')).body
    expect(inactive).toMatchObject({ status: 'inactive', liveSince: null, error: null })
    expect(remoteOf(body)?.activeVersionId).toBeNull()
    expect((await user.act(id, 'activate')).body).toMatchObject({ status: 'active' })
    expect(remoteOf(body)?.isLive).toBe(true)
  })

  test('is skipped on request', async () => {
    const user = await world.user()
    await user.credential()
    const { body } = await user.deploy(await user.workflow(), { publish: false })
    expect(body).toMatchObject({ status: 'inactive', error: null })
    expect(remoteOf(body)).toMatchObject({ activeVersionId: null, name: 'Orders' })
    expect((await user.act(body.id, 'activate')).body.status).toBe('active')
  })

  test('is skipped with the reason when no trigger can start the workflow', async () => {
    const user = await world.user()
    await user.credential()
    const content = orders()
    const manual = {
      ...content.nodes[0],
      type: 'n8n-nodes-base.manualTrigger',
      typeVersion: 1,
      parameters: {},
    }
    // n8n publishes a workflow with a node that can wait for a reply, such as Slack, although nothing starts it.
    const code = {
      ...content.nodes[1],
      type: 'n8n-nodes-base.noOp',
      typeVersion: 1,
      credentials: {},
      parameters: {},
    }
    const workflowId = await user.workflow({ ...content, nodes: [manual, code] })
    const { body } = await user.deploy(workflowId, { force: 'A colleague starts it by hand' })
    expect(body).toMatchObject({ status: 'inactive', error: expect.stringContaining('trigger') })
    expect((await user.act(body.id, 'activate?force=Try')).body).toMatchObject({
      status: 'inactive',
      error: expect.stringContaining('trigger'),
    })
  })

  test('of a sub-workflow completes immediately, because it has no trigger of its own', async () => {
    const user = await world.user()
    const type = 'n8n-nodes-base.errorTrigger'
    const nodes = [{ id: 'e', name: 'On error', type, typeVersion: 1, position: [0, 0], parameters: {} }]
    const { body } = await user.deploy(await user.workflow({ name: 'Handler', nodes, connections: {} }))
    expect(body.status).toBe('active')
    expect(remoteOf(body)).toMatchObject({ triggerCount: 0, activeVersionId: expect.any(String) })
  })

  test('fails at verifying, with a hint, when no trigger starts', async () => {
    const user = await world.user()
    const nodes = [
      {
        id: 's',
        name: 'Cron',
        type: 'n8n-nodes-base.scheduleTrigger',
        typeVersion: 1.2,
        position: [0, 0],
        parameters: { rule: { interval: [{ field: 'cronExpression', expression: 'not a cron' }] } },
      },
    ]
    const workflowId = await user.workflow({ name: 'Nightly', nodes, connections: {} })
    const { body } = await user.deploy(workflowId, { force: 'Try it' })
    expect(body).toMatchObject({ status: 'failed', step: 'verify', error: expect.stringContaining('cron') })
    expect((await user.act(body.id, 'undeploy')).body.status).toBe('undeployed')
  })

  test('rejects a webhook path that another workflow uses; a retry succeeds once it is free', async () => {
    const user = await world.user()
    await user.credential()
    const { body: first } = await user.deploy(
      await user.workflow(orders({ path: 'one-path', name: 'First' })),
    )
    const second = await user.workflow(orders({ path: 'one-path', name: 'Second' }))
    const { body } = await user.deploy(second, { force: 'The first one is about to be undeployed' })
    expect(body).toMatchObject({
      status: 'failed',
      step: 'publish',
      error: expect.stringContaining('webhook'),
    })
    await user.act(first.id, 'undeploy')
    world.pass(1_000)
    expect((await user.act(body.id, 'retry')).body.status).toBe('active')
  })
})

describe('undeploying', () => {
  test('removes only what Flowkeep created', async () => {
    const before = {
      workflows: [...world.stub.state.workflows.keys()],
      credentials: [...world.stub.state.credentials.keys()],
    }
    const { user, id } = await deployed()
    const inUse = await user.api('DELETE', `/v1/deployments/${id}`)
    expect([inUse.status, inUse.body.code]).toEqual([409, 'in-use'])
    const { body } = await user.act(id, 'undeploy')
    expect(body).toMatchObject({ status: 'undeployed', n8nWorkflowId: null, liveSince: null, intent: null })
    expect([...world.stub.state.workflows.keys()]).toEqual(before.workflows)
    expect([...world.stub.state.credentials.keys()]).toEqual(before.credentials)
    expect((await user.act(id, 'undeploy')).body.status).toBe('undeployed')
    expect((await user.api('DELETE', `/v1/deployments/${id}`)).status).toBe(204)
  })

  test('keeps a credential and an error reporter that another deployment uses', async () => {
    const { user, id: first, body } = await deployed()
    const { body: other } = await user.deploy(await user.workflow(orders({ name: 'Other' })))
    const reporter = String(remoteOf(other)?.settings?.['errorWorkflow'])
    expect(world.stub.state.workflows.has(reporter)).toBe(true)
    await user.act(first, 'undeploy')
    expect(remoteOf(body)).toBeUndefined()
    const id = slackCredentialOf(other)
    expect(world.stub.state.credentials.has(id)).toBe(true)
    expect(world.stub.state.workflows.has(reporter)).toBe(true)
    await user.act(String(other.id), 'undeploy')
    expect(world.stub.state.credentials.has(id)).toBe(false)
    expect(world.stub.state.workflows.has(reporter)).toBe(false)
  })

  test('removes a credential that it was bound to earlier', async () => {
    const { user, id, credentialId } = await deployed()
    const other = await user.credential()
    const { body } = await user.act(id, 'deploy', { bindings: { slackApi: other } })
    expect(body.bindings).toEqual([{ node: 'Slack', type: 'slackApi', credentialId: other }])
    await user.act(id, 'undeploy')
    const { rows } = await world.deps.db.execute<{ count: number }>(
      `select count(*)::integer as count from remote_credentials where credential_id in ('${credentialId}', '${other}')`,
    )
    expect(rows).toEqual([{ count: 0 }])
  })

  test('allows deploying the same deployment again', async () => {
    const { user, id, textOf } = await deployed()
    await user.act(id, 'undeploy')
    const { body } = await user.act(id, 'deploy', {})
    expect(body).toMatchObject({ status: 'active', n8nWorkflowId: expect.any(String) })
    expect(textOf()).toBeUndefined()
    expect(remoteOf(body)?.isLive).toBe(true)
  })

  test('rejects a workflow that existed in n8n before, which can be redeployed or untracked', async () => {
    const { user, credentialId, workflowId, body: made } = await deployed()
    await user.act(String(made.id), 'undeploy')
    const theirs = world.stub.fetch(`${world.stub.baseUrl}/api/v1/workflows`, {
      method: 'POST',
      headers: { 'x-n8n-api-key': world.stub.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Theirs', nodes: [], connections: {}, settings: {} }),
    })
    const { id: n8nWorkflowId } = (await (await theirs).json()) as { id: string }
    const { body } = await user.deploy(workflowId, { n8nWorkflowId, bindings: { slackApi: credentialId } })
    expect((await user.act(body.id, 'activate')).body.code).toBe('conflict')
    expect((await user.act(body.id, 'undeploy')).body.code).toBe('conflict')
    expect((await user.act(body.id, 'deploy', {})).body).toMatchObject({
      status: 'active',
      managed: false,
      n8nWorkflowId,
    })
    expect((await user.api('PATCH', `/v1/deployments/${body.id}`, { version: 1 })).status).toBe(409)
    // While an operation works on it, it stays.
    const lease = (until: Date | null) =>
      world.database.sql`update deployments set lease_until = ${until} where id = ${body.id}`
    await lease(new Date(world.clock.now.getTime() + 1000))
    expect((await user.api('DELETE', `/v1/deployments/${body.id}`)).status).toBe(409)
    await lease(null)
    expect((await user.api('DELETE', `/v1/deployments/${body.id}`)).status).toBe(204)
    expect(world.stub.state.workflows.has(n8nWorkflowId)).toBe(true)
  })
})

describe('a creation without a response', () => {
  const isCreation = ({ method, body }: N8nCall) =>
    method === 'POST' && String(body?.name).startsWith('flowkeep-')

  test.each(['reset-after-apply', 'http500-after-apply'] as const)(
    'is found by the request that made it: %s',
    async (mode) => {
      const user = await world.user()
      await user.credential()
      const workflowId = await user.workflow()
      world.fail(isCreation, mode)
      expect((await user.deploy(workflowId)).body).toMatchObject({ status: 'active', error: null })
    },
  )

  test('is replaced if somebody archived the workflow in n8n', async () => {
    const user = await world.user()
    await user.credential()
    const workflowId = await user.workflow()
    const known = new Set(world.stub.state.workflows.keys())
    world.fail(isCreation, 'reset-after-apply', { kill: true })
    void user.deploy(workflowId)
    await world.restart()
    const created = [...world.stub.state.workflows.values()].filter(
      ({ id, name }) => !known.has(id) && name.startsWith('flowkeep-'),
    )
    expect(created).toHaveLength(1)
    Object.assign(created[0]!, { isArchived: true })
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(1)
    const [deployment] = (await user.api('GET', '/v1/deployments')).body.items
    expect(deployment).toMatchObject({ status: 'active', error: null })
    expect(deployment.n8nWorkflowId).not.toBe(created[0]?.id)
    expect(world.stub.state.workflows.has(String(created[0]?.id))).toBe(false)
  })
})

describe('a crash during', () => {
  test.each([
    ['rolling back', 'rollback', { version: 1 }, 'PUT', 'active', 1],
    ['publishing', 'activate', undefined, 'POST', 'active', 2],
    ['unpublishing', 'deactivate', undefined, 'POST', 'inactive', 2],
    ['undeploying', 'undeploy', undefined, 'DELETE', 'undeployed', 2],
  ] as const)('%s is completed by the scheduled job', async (_, action, sent, method, status, version) => {
    const { user, id, version: change } = await deployed()
    await change(2)
    await user.act(id, 'deploy', {})
    if (action === 'activate') await user.act(id, 'deactivate')
    world.fail((call) => call.method === method, 'reset-after-apply', { kill: true })
    void user.act(id, action, sent)
    await world.restart()
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(1)
    const { body } = await user.api('GET', `/v1/deployments/${id}`)
    expect(body).toMatchObject({ status, version, error: null, intent: null })
  })
})
