import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkInvariants, createDeployWorld, type DeployWorld, orders } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const remoteOf = (deployment: { n8nWorkflowId: string }) =>
  world.stub.state.workflows.get(deployment.n8nWorkflowId)

test('a workflow without a name in its JSON gets its Flowkeep name in n8n', async () => {
  const user = await world.user()
  const workflow = {
    nodes: [
      {
        id: 'h',
        name: 'Hook',
        type: 'n8n-nodes-base.webhook',
        typeVersion: 2,
        position: [0, 0],
        parameters: { path: 'unnamed' },
      },
    ],
    connections: {},
  }
  const saved = await user.api('POST', '/v1/workflows', { name: 'Saved as', workflow })
  const place = { workflowId: saved.body.id, instanceId: user.instanceId }
  const first = await user.api('POST', '/v1/deployments/plan', place)
  expect(first.body.changes).toContainEqual({ pointer: '/name', detail: 'is missing; set to Saved as' })
  const { body } = await user.deploy(saved.body.id)
  expect(body).toMatchObject({ status: 'active', version: 1 })
  expect(remoteOf(body)?.name).toBe('Saved as')
  const drift = await user.api('GET', `/v1/deployments/${body.id}/drift`)
  expect(drift.body.drifted).toBe(false)
  const renamed = await user.api(
    'PATCH',
    `/v1/workflows/${saved.body.id}`,
    { name: 'New' },
    { 'If-Match': '*' },
  )
  const { body: plan } = await user.api('POST', '/v1/deployments/plan', place)
  expect([renamed.status, plan.ready, plan.live.diff]).toMatchObject([200, true, { name: 'New' }])
  expect(plan.planHash).not.toBe(first.body.planHash)
  const { body: again } = await user.api('POST', `/v1/deployments/${body.id}/deploy`, { version: 2 })
  expect(again).toMatchObject({ status: 'active', version: 2 })
  expect(remoteOf(body)?.name).toBe('New')
  await user.api('POST', `/v1/deployments/${body.id}/deactivate`)
  const { items } = (await user.api('GET', '/v1/audit-events?action=deployment.finished')).body
  expect(items.map(({ details }: { details: unknown }) => details)).toEqual([
    { action: 'deactivate', status: 'inactive', version: 2 },
    { action: 'deploy', status: 'active', version: 2, from: 1 },
    { action: 'deploy', status: 'active', version: 1 },
  ])
})

test('a workflow that an earlier release named "Untitled workflow" in n8n gets its Flowkeep name by a deploy', async () => {
  const user = await world.user()
  const schedule = { rule: { interval: [{ field: 'hours' }] } }
  const type = 'n8n-nodes-base.scheduleTrigger'
  const each = { id: 'h', name: 'Hourly', type, typeVersion: 1.2, position: [0, 0], parameters: schedule }
  const workflow = { nodes: [each], connections: {} }
  const saved = await user.api('POST', '/v1/workflows', { name: 'Saved as', workflow })
  const { body } = await user.deploy(saved.body.id)
  const [versions] = [`/v1/workflows/${saved.body.id}/versions`]
  const remote = remoteOf(body)
  if (!remote) throw new Error('Not in n8n')
  remote.name = 'Untitled workflow'
  expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body).toMatchObject({ drifted: false })
  const adopted = await user.api('POST', `/v1/deployments/${body.id}/adopt`)
  expect([adopted.body.version, (await user.api('GET', versions)).body.items]).toMatchObject([
    1,
    [{ version: 1, name: 'Saved as' }],
  ])
  const again = await user.api('POST', `/v1/deployments/${body.id}/deploy`, { version: 1 })
  expect([again.body.status, remoteOf(body)?.name]).toEqual(['active', 'Saved as'])
})

test('deploying pushes the credential, sets the error reporter, publishes, and waits for the triggers', async () => {
  const user = await world.user()
  const credentialId = await user.credential('slackApi', { accessToken: 'xoxb-canary-1234567890' })
  const workflowId = await user.workflow(orders({ path: 'orders' }))
  const { status, body } = await user.deploy(workflowId)
  expect(status).toBe(201)
  expect(body).toMatchObject({
    status: 'active',
    step: null,
    error: null,
    intent: null,
    managed: true,
    version: 1,
    bindings: [{ node: 'Slack', type: 'slackApi', credentialId }],
    webhookUrls: ['https://n8n.example.com/webhook/orders'],
    liveSince: expect.any(String),
  })
  const remote = remoteOf(body)
  expect(remote).toMatchObject({ name: 'Orders', isLive: true, triggerCount: 1 })
  expect(remote?.settings).toMatchObject({
    saveDataSuccessExecution: 'all',
    saveDataErrorExecution: 'all',
    executionOrder: 'v1',
  })
  const reporter = world.stub.state.workflows.get(String(remote?.settings['errorWorkflow']))
  expect(reporter?.isLive).toBe(true)
  const slack = remote?.nodes.find(({ name }) => name === 'Slack')
  const pushed = [...world.stub.state.credentials.values()].find(({ type }) => type === 'slackApi')
  expect(pushed?.data).toEqual({ accessToken: 'xoxb-canary-1234567890' })
  expect(slack?.['credentials']).toEqual({ slackApi: { id: pushed?.id, name: pushed?.name } })
  const { body: history } = await user.api('GET', `/v1/deployments/${body.id}/versions`)
  expect(history.items).toMatchObject([{ sequence: 1, version: 1, bindings: body.bindings }])
  expect(world.answers.join()).not.toContain('xoxb-canary')
  expect(world.logs.join()).not.toContain('xoxb-canary')
  await checkInvariants(world)
})
