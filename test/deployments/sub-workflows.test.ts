/** Sub-workflows are resolved per instance, deployed before their callers, and protected while a caller is live. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkInvariants, createDeployWorld, type DeployWorld, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())
afterEach(() => checkInvariants(world))

const node = (name: string, type: string, typeVersion: number, parameters: object) => ({
  id: name,
  name,
  type,
  typeVersion,
  position: [0, 0],
  parameters,
})
const child = (name: string) => ({
  name,
  nodes: [node('Called', 'n8n-nodes-base.executeWorkflowTrigger', 1, {})],
  connections: {},
})
const locator = (value: string) => ({
  __rl: true,
  mode: 'list',
  value,
  cachedResultUrl: `/workflow/${value}`,
})
const parent = (name: string, workflowId: unknown, typeVersion = 1.2) => ({
  name,
  nodes: [
    node('Hourly', 'n8n-nodes-base.scheduleTrigger', 1.2, { rule: { interval: [{ field: 'hours' }] } }),
    node('Call', 'n8n-nodes-base.executeWorkflow', typeVersion, { workflowId, options: {} }),
  ],
  connections: { Hourly: { main: [[{ node: 'Call', type: 'main', index: 0 }]] } },
})

/** A second instance of the user with the same stub. */
async function second(user: WorldUser): Promise<string> {
  const { status, body } = await user.api('POST', '/v1/instances', {
    name: 'second',
    baseUrl: 'https://other.example.com',
    apiKey: world.stub.apiKey,
  })
  expect(status).toBe(201)
  return body.id
}
const remote = (id: string) => world.stub.state.workflows.get(id)
const calledBy = (id: string) => {
  const parameters = remote(id)?.nodes.find(({ name }) => name === 'Call')?.['parameters'] as {
    workflowId: { value: string }
  }
  return parameters.workflowId.value ?? parameters.workflowId
}
const planOn = async (user: WorldUser, workflowId: string, instanceId: string, more = {}) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId, ...more })).body
const deployOn = async (user: WorldUser, workflowId: string, instanceId: string, more = {}) =>
  user.api('POST', '/v1/deployments', { workflowId, instanceId, ...more })

describe.each([
  ['n8n’s ID on another instance', (_: string, n8nId: string) => locator(n8nId)],
  ['the ID of the workflow in Flowkeep', (id: string) => locator(id)],
  ['a plain string', (_: string, n8nId: string) => n8nId],
])('a reference by %s', (_, reference) => {
  test('is planned and deployed with its sub-workflow in one request', async () => {
    const user = await world.user()
    const childId = await user.workflow(child('Child'))
    const { body: first } = await user.deploy(childId)
    expect(first.status).toBe('active')
    const called = reference(childId, first.n8nWorkflowId)
    // Only version 1 of the node takes a plain string.
    const parentId = await user.workflow(
      parent(`Parent of ${childId}`, called, typeof called === 'string' ? 1 : 1.2),
    )
    const instanceId = await second(user)
    const plan = await planOn(user, parentId, instanceId)
    expect(plan.problems).toEqual([])
    expect(plan).toMatchObject({
      ready: true,
      dependencies: [{ workflowId: childId, name: 'Child', action: 'deploy', status: null, ready: true }],
    })
    const { status, body } = await deployOn(user, parentId, instanceId, { planHash: plan.planHash })
    expect([status, body.status, body.error]).toEqual([201, 'active', null])
    const { items } = (await user.api('GET', `/v1/deployments?workflowId=${childId}`)).body
    const there = items.find((each: { instanceId: string }) => each.instanceId === instanceId)
    expect(there.status).toBe('active')
    expect(calledBy(body.n8nWorkflowId)).toBe(there.n8nWorkflowId)
    expect(there.n8nWorkflowId).not.toBe(first.n8nWorkflowId)
    expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body).toMatchObject({ drifted: false })
    expect((await planOn(user, parentId, instanceId)).dependencies).toMatchObject([{ action: 'none' }])
  })
})

test('without its dependencies, the parent is blocked and lists what to deploy', async () => {
  const user = await world.user()
  const childId = await user.workflow(child('Child'))
  const parentId = await user.workflow(parent('Parent alone', locator(childId)))
  const plan = await planOn(user, parentId, user.instanceId, { withDependencies: false })
  expect(plan).toMatchObject({
    ready: false,
    problems: [{ code: 'sub-workflow-not-deployed', node: 'Call', level: 'error' }],
  })
  const { body } = await deployOn(user, parentId, user.instanceId, { withDependencies: false })
  expect(body).toMatchObject({
    status: 'failed',
    step: 'sub-workflows',
    error: expect.stringContaining('Child'),
  })
  expect(body.n8nWorkflowId).toBeNull()
  await user.act(body.id, 'undeploy')
})

test('an unknown ID blocks the plan; a matching name is only suggested', async () => {
  const user = await world.user()
  const childId = await user.workflow(child('Send mail'))
  const workflowId = await user.workflow(
    parent('Parent of nobody', { ...locator('fV6eUnknown'), cachedResultName: 'Send mail' }),
  )
  const plan = await planOn(user, workflowId, user.instanceId)
  expect(plan).toMatchObject({ ready: false, problems: [{ code: 'sub-workflow-missing', node: 'Call' }] })
  expect(plan.problems[0].message).toContain(childId)
  expect(plan.problems[0].n8n).toContain('not published')
  const { body } = await user.deploy(workflowId)
  expect(body).toMatchObject({ status: 'failed', step: 'sub-workflows' })
  await user.act(body.id, 'undeploy')
})

test('another user’s workflow cannot be referenced by its ID, n8n ID or name', async () => {
  const stranger = await world.user()
  const theirs = await stranger.workflow(child('Of a stranger'))
  const { body: made } = await stranger.deploy(theirs)
  const user = await world.user()
  const calling = (id: string) =>
    user.workflow(parent('Parent of another', { ...locator(id), cachedResultName: 'Of a stranger' }))
  const byId = await planOn(user, await calling(theirs), user.instanceId)
  expect(byId).toMatchObject({ ready: false, dependencies: [], problems: [{ code: 'sub-workflow-missing' }] })
  const unknown = await planOn(user, await calling('fV6eUnknown'), user.instanceId)
  expect(unknown.problems).toMatchObject([{ code: 'sub-workflow-missing' }])
  expect(JSON.stringify(unknown)).not.toContain(theirs)
  // Both use the same n8n, which has the workflow, so the reference stays and the other user's workflow is not planned.
  const byN8nId = await planOn(user, await calling(made.n8nWorkflowId), user.instanceId)
  expect(byN8nId).toMatchObject({ ready: true, dependencies: [] })
  expect(JSON.stringify(byN8nId)).not.toContain(theirs)
})

test('keeps a reference to a workflow that exists in n8n but not in Flowkeep', async () => {
  const user = await world.user()
  const { body: made } = await user.deploy(await user.workflow(child('Known')))
  const [row] = await world.database.sql`select id from deployments where id = ${made.id}`
  expect(row).toBeDefined()
  await world.database.sql`delete from deployments where id = ${made.id}`
  const { body } = await user.deploy(
    await user.workflow(parent('Parent in n8n', locator(made.n8nWorkflowId))),
  )
  expect(body).toMatchObject({ status: 'active', error: null })
  expect(calledBy(body.n8nWorkflowId)).toBe(made.n8nWorkflowId)
})

test('a workflow that calls itself is deployed with its own ID', async () => {
  const user = await world.user()
  const workflowId = await user.workflow(child('Loop'))
  await user.change(workflowId, parent('Loop', locator(workflowId)))
  const { body } = await user.deploy(workflowId)
  expect(body).toMatchObject({ status: 'active', error: null })
  expect(calledBy(body.n8nWorkflowId)).toBe(body.n8nWorkflowId)
})

test('rejects workflows that call each other, with the reason', async () => {
  const user = await world.user()
  const one = await user.workflow(child('One'))
  const two = await user.workflow(parent('Two', locator(one)))
  await user.change(one, parent('One', locator(two)))
  const plan = await planOn(user, one, user.instanceId)
  expect(plan.ready).toBe(false)
  expect(plan.problems.map(({ code }: { code: string }) => code)).toContain('sub-workflow-cycle')
  expect((await user.deploy(one)).status).toBe(409)
})

describe('a workflow that a live workflow calls', () => {
  async function family() {
    const user = await world.user()
    const childId = await user.workflow(child('Child'))
    const { body: called } = await user.deploy(childId)
    const { body: calls } = await user.deploy(await user.workflow(parent('Parent', locator(childId))))
    expect(calls.status).toBe('active')
    return { user, called: String(called.id), calls: String(calls.id), body: calls, childBody: called }
  }

  test.each(['undeploy', 'deactivate'])('is protected from %s', async (action) => {
    const { user, called, calls } = await family()
    const refused = await user.act(called, action)
    expect(refused).toMatchObject({ status: 409, body: { code: 'in-use' } })
    expect(refused.body.dependents).toMatchObject([{ deploymentId: calls, workflowName: 'Parent' }])
    expect((await user.act(called, `${action}?force=true`)).status).toBe(200)
  })

  test('can be undeployed once nothing calls it', async () => {
    const { user, called, calls } = await family()
    await user.act(calls, 'undeploy')
    expect((await user.act(called, 'undeploy')).body.status).toBe('undeployed')
  })

  test('is also protected if only n8n knows the caller', async () => {
    const { user, called, calls } = await family()
    await world.database.sql`delete from deployments where id = ${calls}`
    expect((await user.act(called, 'undeploy')).body.dependents).toMatchObject([
      { deploymentId: null, workflowName: 'Parent' },
    ])
  })

  test('is activated before its caller is deployed', async () => {
    const { user, called, calls } = await family()
    await user.act(called, 'deactivate?force=true')
    const plan = await planOn(
      user,
      (await user.api('GET', `/v1/deployments/${calls}`)).body.workflowId,
      user.instanceId,
    )
    expect(plan.dependencies).toMatchObject([{ action: 'activate', status: 'inactive' }])
    await user.act(calls, 'deploy', {})
    expect((await user.api('GET', `/v1/deployments/${called}`)).body.status).toBe('active')
  })
})

test('an error workflow of another instance is resolved on this one', async () => {
  const user = await world.user()
  const alertId = await user.workflow({
    name: 'Alert',
    nodes: [node('On error', 'n8n-nodes-base.errorTrigger', 1, {})],
    connections: {},
  })
  const { body: alert } = await user.deploy(alertId)
  const instanceId = await second(user)
  const { nodes } = parent('Watched', locator('x'))
  const workflowId = await user.workflow({
    name: 'Watched',
    nodes: [nodes[0]],
    connections: {},
    settings: { errorWorkflow: alert.n8nWorkflowId },
  })
  const plan = await planOn(user, workflowId, instanceId)
  expect(plan.dependencies).toMatchObject([{ workflowId: alertId, action: 'deploy' }])
  const { body } = await deployOn(user, workflowId, instanceId)
  expect(body).toMatchObject({ status: 'active', error: null })
  const there = (await user.api('GET', `/v1/deployments?workflowId=${alertId}&instanceId=${instanceId}`)).body
    .items[0]
  expect(remote(body.n8nWorkflowId)?.settings['errorWorkflow']).toBe(there.n8nWorkflowId)
  const unknown = await user.workflow({
    name: 'Unwatched',
    nodes: [nodes[0]],
    connections: {},
    settings: { errorWorkflow: 'ofAnotherN8n' },
  })
  expect((await planOn(user, unknown, instanceId)).problems).toMatchObject([
    { code: 'sub-workflow-missing', pointer: '/settings/errorWorkflow' },
    { code: 'errors-by-polling', level: 'hint' },
  ])
})

test('a URL of n8n’s editor is converted to an ID only on request', async () => {
  const user = await world.user()
  const { body: called } = await user.deploy(await user.workflow(child('Called by URL')))
  const url = `https://n8n.example.com/workflow/${called.n8nWorkflowId}?projectId=x`
  const workflowId = await user.workflow(parent('By URL', { ...locator(url), mode: 'url' }))
  const plan = await planOn(user, workflowId, user.instanceId)
  expect(plan).toMatchObject({
    ready: false,
    problems: [
      { code: 'sub-workflow-url', node: 'Call', pointer: '/nodes/1/parameters/workflowId' },
      { code: 'unknown-locator-mode', level: 'warning' },
    ],
  })
  expect((await user.deploy(workflowId)).status).toBe(422)
  const fixed = { fixes: ['sub-workflow-url'] }
  expect(await planOn(user, workflowId, user.instanceId, fixed)).toMatchObject({
    ready: true,
    dependencies: [{ name: 'Called by URL', action: 'none' }],
  })
  const { body } = await user.deploy(workflowId, fixed)
  expect(body.status).toBe('active')
  expect(calledBy(body.n8nWorkflowId)).toBe(called.n8nWorkflowId)
})

test('warns about an unpublished error workflow', async () => {
  const user = await world.user()
  const alert = {
    name: 'Alert',
    nodes: [node('On error', 'n8n-nodes-base.errorTrigger', 1, {})],
    connections: {},
  }
  const { body: deployed } = await user.deploy(await user.workflow(alert))
  const id = String(deployed.n8nWorkflowId)
  const { nodes, connections } = parent('Watched', locator('x'))
  const alone = { name: 'Alerting', nodes: nodes.slice(0, 1), connections: { ...connections, Hourly: {} } }
  const workflowId = await user.workflow({ ...alone, settings: { errorWorkflow: id } })
  const codes = async (of: string) =>
    (await planOn(user, of, user.instanceId)).problems.map(({ code }: { code: string }) => code)
  expect(await codes(workflowId)).toEqual(['errors-by-polling'])
  await user.act(deployed.id, 'deactivate')
  expect(await codes(workflowId)).toEqual(['error-workflow-unpublished', 'errors-by-polling'])
  const { body } = await user.deploy(workflowId)
  expect(body.status).toBe('active')

  // A workflow that only n8n has.
  const there = remote(id)
  if (!there) throw new Error('The stub has no such workflow')
  world.stub.state.workflows.set('alertOfN8n', { ...there, id: 'alertOfN8n', activeVersionId: null })
  const other = await user.workflow({ ...alone, name: 'Other', settings: { errorWorkflow: 'alertOfN8n' } })
  expect(await codes(other)).toEqual(['error-workflow-unpublished', 'errors-by-polling'])
  world.stub.state.workflows.delete('alertOfN8n')
})
