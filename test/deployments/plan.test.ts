import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, orders, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const planOf = async (user: WorldUser, workflowId: string, more: object = {}) =>
  user.api('POST', '/v1/deployments/plan', { workflowId, instanceId: user.instanceId, ...more })

const gmail = {
  name: 'Mail',
  nodes: [
    {
      id: 's',
      name: 'Every hour',
      type: 'n8n-nodes-base.scheduleTrigger',
      typeVersion: 1.2,
      position: [0, 0],
      parameters: { rule: { interval: [{ field: 'hours' }] } },
    },
    {
      id: 'g',
      name: 'Gmail',
      type: 'n8n-nodes-base.gmail',
      typeVersion: 2.1,
      position: [220, 0],
      parameters: { sendTo: 'a@example.com', subject: 'x', message: 'y', options: {} },
    },
  ],
  connections: { 'Every hour': { main: [[{ node: 'Gmail', type: 'main', index: 0 }]] } },
}

const writes = () => world.stub.calls().filter(({ method }) => method !== 'GET').length

test('a plan lists what deploying creates, forces and repairs, and changes nothing', async () => {
  const user = await world.user()
  const credentialId = await user.credential()
  const workflowId = await user.workflow({ ...orders(), settings: { executionOrder: 'v1', unheardOf: 1 } })
  const before = writes()
  const { status, body } = await planOf(user, workflowId)
  expect(status).toBe(200)
  expect(writes()).toBe(before)
  expect(body).toMatchObject({
    ready: true,
    version: 1,
    deploymentId: null,
    publish: true,
    bindings: [
      {
        type: 'slackApi',
        displayName: 'Slack API',
        nodes: ['Slack'],
        status: 'bound',
        credentialId,
        action: 'create',
        candidates: [{ id: credentialId, status: 'untested' }],
      },
    ],
    unresolved: [],
    conflicts: [],
    forcedSettings: {
      saveDataSuccessExecution: 'all',
      saveDataErrorExecution: 'all',
      errorWorkflow: null,
    },
    changes: [{ pointer: '/settings/unheardOf' }],
    live: null,
    problems: [],
    planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
})

test('after a deploy, the plan lists the differences from the live version', async () => {
  const user = await world.user()
  await user.credential()
  const content = orders()
  const workflowId = await user.workflow(content)
  const { body: deployment } = await user.deploy(workflowId)
  const same = (await planOf(user, workflowId)).body
  expect(same).toMatchObject({
    ready: true,
    deploymentId: deployment.id,
    bindings: [{ action: 'unchanged' }],
    live: { version: 1, missing: false, differs: false },
  })
  await user.change(workflowId, {
    ...content,
    nodes: content.nodes.map((node) =>
      node.name === 'Slack' ? { ...node, parameters: { ...node.parameters, text: 'v2' } } : node,
    ),
  })
  const changed = (await planOf(user, workflowId)).body
  expect(changed.live).toMatchObject({
    version: 1,
    differs: true,
    diff: { added: [], removed: [], changed: [{ node: 'Slack', paths: ['parameters.text'] }] },
  })
  expect(changed.planHash).not.toBe(same.planHash)
  world.stub.state.workflows.delete(deployment.n8nWorkflowId)
  expect((await planOf(user, workflowId)).body.live).toMatchObject({
    missing: true,
    differs: true,
    diff: null,
  })
})

test('a webhook path of another published workflow is a conflict that names its deployment', async () => {
  const user = await world.user()
  await user.credential()
  const { body: taken } = await user.deploy(await user.workflow(orders({ path: 'taken', name: 'First' })))
  const { body } = await planOf(user, await user.workflow(orders({ path: 'taken', name: 'Second' })))
  expect(body).toMatchObject({
    ready: false,
    conflicts: [
      {
        method: 'POST',
        path: 'taken',
        name: 'First',
        n8nWorkflowId: taken.n8nWorkflowId,
        deploymentId: taken.id,
      },
    ],
  })
})

describe('credentials', () => {
  test('that are missing or ambiguous make the plan not ready and reject the deployment with a pointer', async () => {
    const user = await world.user()
    const workflowId = await user.workflow()
    expect((await planOf(user, workflowId)).body).toMatchObject({
      ready: false,
      bindings: [{ status: 'missing', action: null, candidates: [] }],
    })
    const refused = await user.deploy(workflowId)
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/bindings'])
    const first = await user.credential()
    const second = await user.credential()
    const { body } = await planOf(user, workflowId)
    expect(body).toMatchObject({ ready: false, bindings: [{ status: 'ambiguous', credentialId: null }] })
    expect(body.bindings[0].candidates.map(({ id }: { id: string }) => id)).toEqual([second, first])
    const ambiguous = await user.deploy(workflowId)
    expect([ambiguous.status, ambiguous.body.errors[0].pointer]).toEqual([422, '/bindings'])
    expect((await user.api('GET', '/v1/deployments')).body.items).toEqual([])
    const chosen = await user.deploy(workflowId, { bindings: { slackApi: first } })
    expect(chosen.body).toMatchObject({
      status: 'active',
      bindings: [{ node: 'Slack', type: 'slackApi', credentialId: first }],
    })
  })

  test('rejects a binding that no node needs or that belongs to another user', async () => {
    const user = await world.user()
    const stranger = await world.user()
    await user.credential()
    const workflowId = await user.workflow()
    const foreign = await stranger.credential()
    for (const [bindings, pointer] of [
      [{ slackApi: foreign }, '/bindings/slackApi'],
      [{ githubApi: foreign }, '/bindings/githubApi'],
    ]) {
      const { status, body } = await planOf(user, workflowId, { bindings })
      expect([status, body.errors[0].pointer]).toEqual([422, pointer])
    }
  })

  test('binds a type that needs consent to an existing n8n credential', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(gmail)
    const consented = {
      id: 'consented-gmail1',
      name: 'Gmail of the shop',
      type: 'gmailOAuth2',
      data: {} as Record<string, unknown>,
      createdAt: '',
      updatedAt: '',
    }
    world.stub.state.credentials.set(consented.id, consented)
    await user.credential('gmailOAuth2', { clientId: 'id', clientSecret: 'secret-of-the-client' })
    const { body } = await planOf(user, workflowId)
    expect(body).toMatchObject({
      ready: false,
      bindings: [
        {
          type: 'gmailOAuth2',
          status: 'needs-consent',
          n8nCandidates: [{ id: consented.id, name: consented.name }],
        },
      ],
    })
    const refused = await user.deploy(workflowId)
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/bindings'])
    const bindings = { gmailOAuth2: { n8nCredentialId: consented.id } }
    const { body: unsigned } = await planOf(user, workflowId, { bindings })
    expect(unsigned).toMatchObject({
      ready: false,
      slots: [
        {
          node: 'Gmail',
          status: 'needs-consent',
          consentUrl: `${world.stub.baseUrl}/home/credentials/${consented.id}`,
        },
      ],
      problems: [{ code: 'credential-needs-consent', level: 'error', node: 'Gmail' }],
    })
    consented.data = { oauthTokenData: { access_token: 'token' } }
    expect((await planOf(user, workflowId, { bindings })).body).toMatchObject({
      ready: true,
      bindings: [{ status: 'n8n', action: 'existing', n8nCredentialId: consented.id }],
    })
    const { body: deployment } = await user.deploy(workflowId, { bindings })
    expect(deployment.status).toBe('active')
    const remote = world.stub.state.workflows.get(deployment.n8nWorkflowId)
    expect(remote?.nodes.find(({ name }) => name === 'Gmail')?.['credentials']).toEqual({
      gmailOAuth2: { id: consented.id, name: consented.name },
    })
    await user.act(deployment.id, 'undeploy')
    expect(world.stub.state.credentials.has(consented.id)).toBe(true)
  })

  test('detects an n8n credential that is missing or of another type before anything runs', async () => {
    const user = await world.user()
    const workflowId = await user.workflow(gmail)
    const bindings = { gmailOAuth2: { n8nCredentialId: 'nowhere' } }
    const { body } = await planOf(user, workflowId, { bindings })
    expect(body).toMatchObject({ ready: false, bindings: [{ status: 'missing' }] })
    expect(body.problems).toHaveLength(1)
    const failed = await user.deploy(workflowId, { bindings })
    expect(failed.body).toMatchObject({ status: 'failed', step: 'credentials' })
    expect(failed.body.error).toContain('gmailOAuth2')
  })
})

test('rejects a plan that has changed', async () => {
  const user = await world.user()
  await user.credential()
  const content = orders()
  const workflowId = await user.workflow(content)
  const { planHash } = (await planOf(user, workflowId)).body
  await user.change(workflowId, { ...content, name: 'Renamed' })
  const refused = await user.deploy(workflowId, { planHash })
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
  const { planHash: now } = (await planOf(user, workflowId)).body
  expect((await user.deploy(workflowId, { planHash: now })).body.status).toBe('active')
})

test('describes an unreachable instance in our own words', async () => {
  const user = await world.user()
  await user.credential()
  const workflowId = await user.workflow()
  world.fail(() => true, 'leak', { kill: false })
  const { status, body, text } = await planOf(user, workflowId)
  expect([status, body.code]).toEqual([502, 'instance-unreachable'])
  expect(text).not.toContain(world.stub.apiKey)
  expect(text).not.toContain('script')
})

test("returns 404 for another user's workflow, instance and deployment", async () => {
  const user = await world.user()
  const stranger = await world.user()
  await user.credential()
  const workflowId = await user.workflow()
  const { body: deployment } = await user.deploy(workflowId)
  expect((await planOf(stranger, workflowId)).body.errors[0].pointer).toBe('/workflowId')
  const before = world.stub.calls().length
  for (const [action, sent] of [
    ['activate', undefined],
    ['deactivate', undefined],
    ['deploy', {}],
    ['rollback', { version: 1 }],
    ['undeploy', undefined],
    ['retry', undefined],
  ] as const) {
    expect((await stranger.act(deployment.id, action, sent)).status, action).toBe(404)
  }
  expect(world.stub.calls().length).toBe(before)
})
