/** Problems that make n8n refuse to publish a workflow block its deployment, unless a reason is given. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, orders, type WorldUser } from './deploy-world.ts'

let world: DeployWorld

beforeAll(async () => {
  world = await createDeployWorld()
})

beforeEach(() => {
  world.stub.clearFaults()
  Object.assign(world.stub.state, { editorVersion: '2.41.1', communityPackages: [] })
})

afterAll(() => world.close())

/** n8n has no version 9 of the node. */
function refused({ path, typeVersion = 9 }: { path?: string; typeVersion?: number } = {}) {
  const content = orders({ ...(path !== undefined && { path }) })
  const step = {
    id: 'step',
    name: 'Step',
    type: 'n8n-nodes-base.set',
    typeVersion,
    position: [0, 0],
    parameters: {},
  }
  return {
    ...content,
    nodes: [content.nodes[0], step],
    connections: { Hook: { main: [[{ node: 'Step', type: 'main', index: 0 }]] } },
  }
}

const writes = () => world.stub.calls().filter(({ method }) => method !== 'GET')

const forcedEvents = async (user: WorldUser) => {
  const { body } = await user.api('GET', '/v1/audit-events?action=deployment.forced')
  return body.items.map(({ subjectId, details }: { subjectId: string; details: object }) => {
    return { subjectId, details }
  })
}

const planOf = async (user: WorldUser, workflowId: string, more: object = {}) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId: user.instanceId, ...more })).body

describe('a workflow that n8n would refuse to publish', () => {
  test('is not sent to n8n, and the response lists the problems of the plan', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(refused())
    const plan = await planOf(user, workflowId)
    expect(plan).toMatchObject({
      ready: false,
      n8nVersion: '2.41',
      problems: [{ code: 'unknown-node-version', level: 'error', blocks: true, forceable: true }],
    })
    const before = writes().length
    for (const more of [{}, { planHash: plan.planHash }]) {
      const { status, body } = await user.deploy(workflowId, more)
      expect(status).toBe(422)
      expect(body).toMatchObject({ code: 'deployment-blocked', n8nVersion: '2.41', problems: plan.problems })
      expect(body.detail).toMatch(/version 9/)
    }
    expect(writes()).toHaveLength(before)
    expect((await user.api('GET', '/v1/deployments')).body.items).toEqual([])
  })

  test('is sent with a reason, which the audit trail records, and n8n refuses it', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(refused())
    const reason = 'n8n was upgraded an hour ago'
    const { status, body } = await user.deploy(workflowId, { force: `  ${reason} ` })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      status: 'failed',
      step: 'publish',
      error: expect.stringContaining('version 9'),
    })
    expect(await forcedEvents(user)).toEqual([
      { subjectId: body.id, details: { version: 1, reason, codes: ['unknown-node-version'] } },
    ])
  })

  test.each([[''], ['   '], ['x'.repeat(501)], [true]])('is not sent with the reason %j', async (force) => {
    const user = await world.user()
    const { status, body } = await user.deploy(await user.workflow(refused()), { force })
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid', '/force'])
  })

  test('can be deployed without publishing it, and then not activated', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(refused())
    const plan = await planOf(user, workflowId, { publish: false })
    expect(plan).toMatchObject({
      ready: true,
      problems: [{ code: 'unknown-node-version', level: 'warning', blocks: false, forceable: false }],
    })
    const { body } = await user.deploy(workflowId, { publish: false })
    expect(body).toMatchObject({ status: 'inactive' })
    const before = writes().length
    const blocked = await user.act(body.id, 'activate')
    expect([blocked.status, blocked.body.code]).toEqual([422, 'deployment-blocked'])
    expect(writes()).toHaveLength(before)
    const forced = await user.act(body.id, 'activate?force=Ask%20n8n')
    expect(forced.body).toMatchObject({ status: 'failed', step: 'publish' })
    expect(await forcedEvents(user)).toMatchObject([{ details: { reason: 'Ask n8n', version: 1 } }])
  })

  test('blocks deploying a version of a live workflow and rolling back to it', async () => {
    const user = await world.user()
    await user.credential()
    const workflowId = await user.workflow()
    const { body } = await user.deploy(workflowId)
    const version = await user.change(workflowId, refused())
    const blocked = await user.act(body.id, 'deploy', {})
    expect([blocked.status, blocked.body.code]).toEqual([422, 'deployment-blocked'])
    const { body: unchanged } = await user.api('GET', `/v1/deployments/${body.id}`)
    expect(unchanged).toMatchObject({ status: 'active', version: 1, intent: null })
    await user.act(body.id, 'deploy', { version, publish: false })
    await user.act(body.id, 'deploy', { version: 1 })
    const back = await user.act(body.id, 'rollback', { version })
    expect([back.status, back.body.code]).toEqual([422, 'deployment-blocked'])
    const forced = await user.act(body.id, 'rollback', { version, force: 'Trust me' })
    expect(forced.body).toMatchObject({ status: 'failed', step: 'publish' })
    expect(await forcedEvents(user)).toMatchObject([{ subjectId: body.id, details: { version } }])
  })

  test('blocks its caller before other sub-workflows are deployed', async () => {
    const user = await world.user()
    const trigger = {
      id: 't',
      name: 'Start',
      type: 'n8n-nodes-base.executeWorkflowTrigger',
      typeVersion: 1.1,
      position: [0, 0],
      parameters: { inputSource: 'passthrough' },
    }
    const fine = await user.workflow({ name: 'Fine', nodes: [trigger], connections: {} })
    const [, step] = refused().nodes
    const connections = { Start: { main: [[{ node: 'Step', type: 'main', index: 0 }]] } }
    const broken = await user.workflow({ name: 'Broken', nodes: [trigger, step], connections })
    const call = (id: string, index: number) => ({
      id: `call${index}`,
      name: `Call ${index}`,
      type: 'n8n-nodes-base.executeWorkflow',
      typeVersion: 1.2,
      position: [0, 0],
      parameters: {
        workflowId: { __rl: true, mode: 'id', value: id },
        workflowInputs: { mappingMode: 'defineBelow', value: {} },
      },
    })
    const [hook] = orders().nodes
    const caller = {
      name: 'Caller',
      nodes: [hook, call(fine, 0), call(broken, 1)],
      connections: {
        Hook: { main: [[{ node: 'Call 0', type: 'main', index: 0 }]] },
        'Call 0': { main: [[{ node: 'Call 1', type: 'main', index: 0 }]] },
      },
    }
    const workflowId = await user.workflow(caller)
    const plan = await planOf(user, workflowId)
    expect(plan.problems).toMatchObject([{ code: 'dependency-not-ready', blocks: true, forceable: true }])
    const before = writes().length
    const { status, body } = await user.deploy(workflowId)
    expect([status, body.code]).toEqual([422, 'deployment-blocked'])
    expect(body.detail).toMatch(/^Sub-workflow "Broken": /)
    expect(writes()).toHaveLength(before)
    await user.deploy(workflowId, { force: 'Try' })
    expect(await forcedEvents(user)).toMatchObject([{ details: { reason: 'Try' } }])
  })
})

describe('nothing blocks', () => {
  test('a redeploy of the version that n8n runs', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(refused({ typeVersion: 3.4 }))
    const { body } = await user.deploy(workflowId)
    expect(body.status).toBe('active')
    await world.database.sql`update workflow_versions set workflow_data = ${JSON.stringify(refused())}::jsonb
      where workflow_id = ${workflowId}`
    const plan = await planOf(user, workflowId)
    expect(plan.problems).toMatchObject([{ code: 'unknown-node-version', level: 'error', blocks: false }])
    expect((await user.act(body.id, 'deploy', {})).status).toBe(200)
    expect((await user.act(body.id, 'activate')).status).toBe(200)
    // With a fix, it is another version.
    const connections = { Hook: { main: [[{ node: 'step', type: 'main', index: 0 }]] } }
    await world.database.sql`update workflow_versions
      set workflow_data = ${JSON.stringify({ ...refused(), connections })}::jsonb where workflow_id = ${workflowId}`
    const fixed = await user.act(body.id, 'deploy', { fixes: ['connection-by-id'] })
    expect([fixed.status, fixed.body.code]).toEqual([422, 'deployment-blocked'])
  })

  test('a workflow without problems with a reason, and no event is recorded', async () => {
    const user = await world.user()
    const { body } = await user.deploy(await user.workflow(refused({ typeVersion: 3.4 })), {
      force: 'In a hurry',
    })
    expect(body.status).toBe('active')
    expect(await forcedEvents(user)).toEqual([])
  })

  test('a community node that cannot be verified', async () => {
    const user = await world.user()
    Object.assign(world.stub.state, { communityPackages: null })
    const content = refused({ typeVersion: 3.4 })
    const nodes = content.nodes.map((node) =>
      node?.name === 'Step' ? { ...node, type: '@acme/n8n-nodes-shop.shop' } : node,
    )
    const workflowId = await user.workflow({ ...content, nodes })
    expect((await planOf(user, workflowId)).problems).toMatchObject([
      { code: 'community-node-unverified', level: 'error', blocks: false, forceable: false },
    ])
    expect((await user.deploy(workflowId)).status).toBe(201)
  })
})

describe('a webhook path', () => {
  test('of another published workflow in n8n blocks the deployment until it is free', async () => {
    const user = await world.user()
    const path = 'taken-path'
    const { body: first } = await user.deploy(await user.workflow(refused({ path, typeVersion: 3.4 })))
    const workflowId = await user.workflow(refused({ path, typeVersion: 3.4 }))
    const { status, body } = await user.deploy(workflowId)
    expect([status, body.code, body.problems[0].code]).toEqual([
      422,
      'deployment-blocked',
      'webhook-path-taken',
    ])
    await user.act(first.id, 'deactivate')
    world.pass(1_000)
    expect((await user.deploy(workflowId)).body.status).toBe('active')
  })
})

test('a webhook path is found on any page of the workflows in n8n', async () => {
  const user = await world.user()
  const path = 'taken-on-a-page'
  const create = async (name: string) => {
    const answer = await world.stub.fetch(`${world.stub.baseUrl}/api/v1/workflows`, {
      method: 'POST',
      headers: { 'x-n8n-api-key': world.stub.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ name, nodes: [], connections: {}, settings: {} }),
    })
    expect(answer.status).toBe(200)
  }
  // Whichever end n8n lists first, the workflow is not on the first page.
  for (let index = 0; index < 11; index += 1) await create(`Earlier ${index}`)
  await user.deploy(await user.workflow(refused({ path, typeVersion: 3.4 })))
  for (let index = 0; index < 11; index += 1) await create(`Later ${index}`)
  const { body } = await user.deploy(await user.workflow(refused({ path, typeVersion: 3.4 })))
  expect([body.code, body.problems?.[0]?.code]).toEqual(['deployment-blocked', 'webhook-path-taken'])
})

describe('readiness', () => {
  test('counts the findings for the n8n version of the instance and lists the errors', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(refused())
    const read = async () => (await user.api('GET', `/v1/workflows/${workflowId}/readiness`)).body.check
    expect(await read()).toMatchObject({
      n8nVersion: '2.41',
      publishable: false,
      counts: { error: 1 },
      worst: [{ code: 'unknown-node-version', node: 'Step' }],
    })
    await user.api('PATCH', `/v1/instances/${user.instanceId}`, { n8nVersion: '2.20' }, { 'If-Match': '*' })
    expect(await read()).toMatchObject({ n8nVersion: '2.20' })
  })
})

describe('the version of n8n', () => {
  const old = () => {
    const content = refused({ typeVersion: 3.4 })
    return { ...content, nodes: content.nodes.map((node) => (node?.name === 'Step' ? newNode : node)) }
  }
  /** A version of the node that n8n has only since 2.41. */
  let newNode: object

  beforeAll(async () => {
    const { loadNodeIndex } = await import('../../src/check/facts/load.ts')
    const { types } = await loadNodeIndex()
    const found = [...types.values()].find((row) => row.in?.join() === '2.41')
    if (!found) throw new Error('No node type is new in 2.41')
    newNode = {
      id: 'step',
      name: 'Step',
      type: found.type,
      typeVersion: 1,
      position: [0, 0],
      parameters: {},
      disabled: true,
    }
  })

  const set = (user: WorldUser, n8nVersion: string) =>
    user.api('PATCH', `/v1/instances/${user.instanceId}`, { n8nVersion }, { 'If-Match': '*' })

  test('that the user set decides while n8n does not state its own', async () => {
    const user = await world.user()
    world.stub.state.editorVersion = null
    const workflowId = await user.workflow(old())
    await set(user, '2.20.4')
    const { body } = await user.deploy(workflowId)
    expect(body).toMatchObject({ code: 'deployment-blocked', n8nVersion: '2.20' })
    expect(body.problems[0].code).toBe('unknown-node-type')
    await set(user, '2.41')
    expect((await user.deploy(workflowId)).body.code).not.toBe('deployment-blocked')
  })

  test('is asked again before a problem blocks, because n8n may have been upgraded', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(old())
    await set(user, '2.20.4')
    expect(await planOf(user, workflowId)).toMatchObject({ n8nVersion: '2.41' })
    expect((await user.deploy(workflowId)).body.code).not.toBe('deployment-blocked')
  })
})
