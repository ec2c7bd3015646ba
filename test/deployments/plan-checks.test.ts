/** `ready: true` means that n8n publishes it: what stands against that is said, with the place. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, orders, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())
afterEach(() => world.stub.state.withheld.clear())

const planOf = async (user: WorldUser, workflowId: string, more: object = {}) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId: user.instanceId, ...more })).body
const node = (name: string, type: string, typeVersion: number, parameters: object) => ({
  ...{ id: name, name, type, typeVersion, position: [0, 0], parameters },
})
const hourly = node('Hourly', 'n8n-nodes-base.scheduleTrigger', 1.2, {
  rule: { interval: [{ field: 'hours' }] },
})
const after = (step: object) => ({
  name: 'Checked',
  nodes: [hourly, { ...node('Step', 'n8n-nodes-base.noOp', 1, {}), ...step }],
  connections: { Hourly: { main: [[{ node: 'Step', type: 'main', index: 0 }]] } },
})

const refused: [string, object, object][] = [
  [
    'a type that does not exist',
    { type: 'n8n-nodes-base.openai' },
    { code: 'unknown-node-type', node: 'Step' },
  ],
  [
    'a version that does not exist',
    { type: 'n8n-nodes-base.httpRequest', typeVersion: 9, parameters: { url: 'https://example.com' } },
    { code: 'unknown-node-version', node: 'Step' },
  ],
  [
    'a parameter that is missing',
    { type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2 },
    { code: 'missing-parameter', node: 'Step', pointer: '/nodes/1/parameters/url' },
  ],
  [
    'a sub-workflow that is not chosen',
    { type: 'n8n-nodes-base.executeWorkflow', typeVersion: 1.2 },
    { code: 'missing-parameter', node: 'Step', pointer: '/nodes/1/parameters/workflowId' },
  ],
]

test.each(refused)(
  '%s is an error, and only a warning of what is left unpublished',
  async (_, step, finding) => {
    const user = await world.user()
    const workflowId = await user.workflow(after(step))
    expect(await planOf(user, workflowId)).toMatchObject({
      ready: false,
      problems: [{ ...finding, level: 'error', n8n: expect.any(String) }],
    })
    expect(await planOf(user, workflowId, { publish: false })).toMatchObject({
      ready: true,
      problems: [{ ...finding, level: 'warning' }],
    })
  },
)

test('nothing that starts it is an error', async () => {
  const user = await world.user()
  const workflowId = await user.workflow({
    name: 'By hand',
    nodes: [node('Manual', 'n8n-nodes-base.manualTrigger', 1, {})],
    connections: {},
  })
  expect(await planOf(user, workflowId)).toMatchObject({ ready: false, problems: [{ code: 'no-trigger' }] })
})

test('a community node and a missing version are warnings', async () => {
  const user = await world.user()
  const { typeVersion: _, ...bare } = node('Bare', 'n8n-nodes-base.noOp', 1, {})
  const { name, nodes, connections } = after({ type: 'n8n-nodes-acme.widget' })
  const workflowId = await user.workflow({ name, connections, nodes: [...nodes, bare] })
  expect(await planOf(user, workflowId)).toMatchObject({
    ready: true,
    problems: [
      { code: 'community-node-type', level: 'warning', node: 'Step' },
      { code: 'missing-type-version', level: 'warning', node: 'Bare' },
    ],
  })
})

describe('the API key', () => {
  test.each([
    ['publish', 'workflow:activate'],
    ['workflow-create', 'workflow:create'],
    ['credential-create', 'credential:create'],
  ])('without %s blocks the plan and names %s', async (step, scope) => {
    const user = await world.user()
    await user.credential()
    const workflowId = await user.workflow()
    expect((await planOf(user, workflowId)).ready).toBe(true)
    world.stub.state.withheld.add(step)
    const plan = await planOf(user, workflowId)
    expect(plan).toMatchObject({ ready: false, problems: [{ code: 'missing-scope', level: 'error' }] })
    expect(plan.problems[0].message).toContain(scope)
  })
})

describe('a credential that was deleted in n8n', () => {
  async function lost() {
    const user = await world.user()
    await user.credential()
    const workflowId = await user.workflow(orders())
    const { body } = await user.deploy(workflowId)
    const slack = world.stub.state.workflows.get(body.n8nWorkflowId)?.nodes[1]?.['credentials'] as {
      slackApi: { id: string }
    }
    world.stub.state.credentials.delete(slack.slackApi.id)
    return { user, workflowId, id: String(body.id), n8nCredentialId: slack.slackApi.id }
  }

  test('shows in the plan as one that is created', async () => {
    const { user, workflowId } = await lost()
    expect(await planOf(user, workflowId)).toMatchObject({
      ready: true,
      bindings: [{ type: 'slackApi', action: 'create' }],
      problems: [{ code: 'credential-deleted-in-n8n', level: 'warning', node: 'Slack' }],
    })
  })

  test.each(['deploy', 'overwrite'])('shows in the drift, and %s heals it', async (action) => {
    const { user, id, n8nCredentialId } = await lost()
    const drift = async () => (await user.api('GET', `/v1/deployments/${id}/drift`)).body
    expect(await drift()).toMatchObject({
      drifted: true,
      credentials: [{ node: 'Slack', type: 'slackApi', n8nCredentialId }],
    })
    expect((await user.act(id, action, {})).body.status).toBe('active')
    expect(world.stub.state.credentials.has(n8nCredentialId)).toBe(true)
    expect(await drift()).toMatchObject({ drifted: false, credentials: [] })
  })
})
