/** `ready: true` means that n8n publishes the workflow. Every obstacle is a finding with a pointer. */
import { randomUUID } from 'node:crypto'
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
  id: name,
  name,
  type,
  typeVersion,
  position: [0, 0],
  parameters,
})
const hourly = node('Hourly', 'n8n-nodes-base.scheduleTrigger', 1.2, {
  rule: { interval: [{ field: 'hours' }] },
})
const after = (step: object) => ({
  name: `Checked ${randomUUID()}`,
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
    'an unselected sub-workflow',
    { type: 'n8n-nodes-base.executeWorkflow', typeVersion: 1.2 },
    { code: 'missing-parameter', node: 'Step', pointer: '/nodes/1/parameters/workflowId' },
  ],
]

test.each(refused)(
  '%s is an error, but only a warning for an unpublished workflow',
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

test('a missing trigger is an error', async () => {
  const user = await world.user()
  const workflowId = await user.workflow({
    name: 'By hand',
    nodes: [node('Manual', 'n8n-nodes-base.manualTrigger', 1, {})],
    connections: {},
  })
  expect(await planOf(user, workflowId)).toMatchObject({ ready: false, problems: [{ code: 'no-trigger' }] })
})

test('a missing typeVersion that changes nothing is not a problem', async () => {
  const user = await world.user()
  const { typeVersion: _, ...bare } = node('Bare', 'n8n-nodes-base.noOp', 1, {})
  const { name, nodes, connections } = after({})
  const workflowId = await user.workflow({ name, connections, nodes: [...nodes, bare] })
  expect(await planOf(user, workflowId)).toMatchObject({
    ready: true,
    problems: [{ code: 'unreachable-node', level: 'warning', node: 'Bare' }],
  })
})

describe('a community node', () => {
  const type = '@acme/n8n-nodes-shop.widget'
  const installed = { packageName: '@acme/n8n-nodes-shop', types: [type] }
  const state = () => world.stub.state
  afterEach(() => {
    state().communityPackages = []
  })

  test('is accepted and published if n8n lists it', async () => {
    const user = await world.user()
    state().communityPackages = [installed]
    const workflowId = await user.workflow(after({ type }))
    expect(await planOf(user, workflowId)).toMatchObject({ ready: true, problems: [] })
    expect((await user.deploy(workflowId)).body).toMatchObject({ status: 'active', error: null })
  })

  test.each([
    ['does not list', []],
    ['lists another node of the package', [{ ...installed, types: ['@acme/n8n-nodes-shop.gadget'] }]],
    ['could not load', [{ ...installed, failedLoading: true }]],
  ])('that n8n %s blocks the plan with the package name', async (_, packages) => {
    const user = await world.user()
    state().communityPackages = packages
    const workflowId = await user.workflow(after({ type }))
    const plan = await planOf(user, workflowId)
    expect(plan).toMatchObject({
      ready: false,
      problems: [{ code: 'community-node-missing', level: 'error', node: 'Step', pointer: '/nodes/1/type' }],
    })
    expect(plan.problems[0].message).toMatch(/package @acme\/n8n-nodes-shop there/)
    expect(await planOf(user, workflowId, { publish: false })).toMatchObject({ ready: true })
    expect((await user.deploy(workflowId)).body).toMatchObject({ code: 'deployment-blocked' })
    // n8n agrees.
    expect((await user.deploy(workflowId, { force: 'Ask n8n' })).body).toMatchObject({
      status: 'failed',
      error: expect.stringContaining(`Unrecognized node type: ${type}`),
    })
  })

  test.each([
    [
      'the API key lacks the scope to list them',
      type,
      () => void state().withheld.add('community-package-list'),
    ],
    ['the community packages module of n8n is disabled', type, () => void (state().communityPackages = null)],
    ['The n8n API does not list custom nodes', 'CUSTOM.widget', () => undefined],
  ])(
    'that cannot be verified makes the plan not ready but can be deployed: %s',
    async (_, unlisted, arrange) => {
      const user = await world.user()
      arrange()
      const workflowId = await user.workflow(after({ type: unlisted }))
      expect(await planOf(user, workflowId)).toMatchObject({
        ready: false,
        problems: [{ code: 'community-node-unverified', level: 'error', node: 'Step' }],
      })
      expect((await user.deploy(workflowId, { publish: false })).status).toBe(201)
    },
  )

  test('that already runs in n8n is accepted without a list', async () => {
    const user = await world.user()
    state().communityPackages = [installed]
    const workflowId = await user.workflow(after({ type }))
    expect((await user.deploy(workflowId)).body.status).toBe('active')
    state().withheld.add('community-package-list')
    expect(await planOf(user, workflowId)).toMatchObject({ ready: true, problems: [] })
  })

  test('is only looked up for workflows that use one', async () => {
    const user = await world.user()
    const before = world.stub.calls('community-package-list').length
    await planOf(user, await user.workflow(after({})))
    expect(world.stub.calls('community-package-list')).toHaveLength(before)
  })
})

describe('a credential type of a community node', () => {
  async function bound() {
    const user = await world.user()
    world.stub.state.communityPackages = [{ packageName: 'n8n-nodes-acme', types: ['n8n-nodes-acme.crm'] }]
    const credentialId = await user.credential('acmeCrmApi', { token: 'token-of-acme' })
    const credentials = { acmeCrmApi: { id: '1', name: 'acmeCrmApi' } }
    const workflowId = await user.workflow(after({ type: 'n8n-nodes-acme.crm', credentials }))
    return { user, workflowId, credentialId }
  }
  afterEach(() => {
    world.stub.state.communityPackages = []
  })

  test('that n8n does not know blocks the plan', async () => {
    const { user, workflowId, credentialId } = await bound()
    const plan = await planOf(user, workflowId, { bindings: { acmeCrmApi: credentialId } })
    expect(plan).toMatchObject({
      ready: false,
      problems: [{ code: 'unknown-credential-type', level: 'error', node: 'Step', pointer: '/nodes/1' }],
    })
    expect(plan.problems[0].message).toContain('acmeCrmApi')
  })

  test('is accepted if the API key cannot list credential types', async () => {
    const { user, workflowId, credentialId } = await bound()
    world.stub.state.withheld.add('credential-schema')
    const plan = await planOf(user, workflowId, { bindings: { acmeCrmApi: credentialId } })
    expect(plan).toMatchObject({ ready: true, problems: [] })
  })
})

describe('the API key', () => {
  test.each([
    ['publish', 'workflow:activate'],
    ['workflow-create', 'workflow:create'],
    ['credential-create', 'credential:create'],
  ])('that lacks %s blocks the plan with %s', async (step, scope) => {
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

  test('is shown as created in the plan', async () => {
    const { user, workflowId } = await lost()
    expect(await planOf(user, workflowId)).toMatchObject({
      ready: true,
      bindings: [{ type: 'slackApi', action: 'create' }],
      problems: [{ code: 'credential-deleted-in-n8n', level: 'warning', node: 'Slack' }],
    })
  })

  test.each(['deploy', 'overwrite'])('is shown as drift and recreated by %s', async (action) => {
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

describe('consent for a credential', () => {
  async function unsigned() {
    const user = await world.user()
    const clientId = crypto.randomUUID()
    const credentialId = await user.credential('slackOAuth2Api', { clientId, clientSecret: 'of-the-client' })
    const workflow = after({
      ...node('Step', 'n8n-nodes-base.slack', 2.2, {
        authentication: 'oAuth2',
        select: 'channel',
        text: 'Hi',
        channelId: '#all',
      }),
    })
    const inN8n = () =>
      [...world.stub.state.credentials.values()].find(({ data }) => data['clientId'] === clientId)
    const sign = () => void Object.assign(inN8n()!.data, { oauthTokenData: { access_token: 'token' } })
    return { user, credentialId, workflowId: await user.workflow(workflow), inN8n, sign }
  }
  const slots = ({ slots: all }: { slots: { status: string; consentUrl?: string }[] }) => all[0]

  test('is requested by a deploy, which first creates the credential in n8n; afterwards it is bound', async () => {
    const { user, workflowId, inN8n, sign } = await unsigned()
    const before = await planOf(user, workflowId)
    expect(before).toMatchObject({
      ready: false,
      problems: [{ code: 'credential-needs-consent', node: 'Step' }],
    })
    expect(slots(before)).not.toHaveProperty('consentUrl')
    expect(inN8n()).toBeUndefined()

    const refused = await user.deploy(workflowId)
    const consentUrl = `${world.stub.baseUrl}/home/credentials/${inN8n()?.id}`
    expect(refused).toMatchObject({
      status: 422,
      body: {
        problems: [{ code: 'credential-needs-consent', message: expect.stringContaining(consentUrl) }],
        consents: [{ node: 'Step', type: 'slackOAuth2Api', consentUrl }],
      },
    })
    expect(inN8n()?.data).toMatchObject({ clientSecret: 'of-the-client' })
    const waiting = await planOf(user, workflowId)
    expect(waiting).toMatchObject({ ready: false, bindings: [{ status: 'needs-consent', action: null }] })
    expect(slots(waiting)).toMatchObject({ status: 'needs-consent', consentUrl })

    sign()
    expect(await planOf(user, workflowId)).toMatchObject({
      ready: true,
      slots: [{ status: 'bound', credential: { n8nCredentialId: inN8n()?.id } }],
      bindings: [{ status: 'bound', action: 'unchanged' }],
    })
    const { body } = await user.deploy(workflowId)
    expect(body.status).toBe('active')
    expect(inN8n()?.data['oauthTokenData']).toEqual({ access_token: 'token' })
    const remote = world.stub.state.workflows.get(body.n8nWorkflowId)
    expect(remote?.nodes[1]?.['credentials']).toMatchObject({ slackOAuth2Api: { id: inN8n()?.id } })
  })

  test('survives a changed value, and is requested again when n8n lost the credential', async () => {
    const { user, credentialId, workflowId, inN8n, sign } = await unsigned()
    await user.deploy(workflowId)
    sign()
    const { body } = await user.deploy(workflowId)
    const changed = await user.api(
      'PATCH',
      `/v1/credentials/${credentialId}`,
      { data: { clientSecret: 'another' } },
      { 'If-Match': '"1"' },
    )
    expect(changed.status).toBe(200)
    expect(await planOf(user, workflowId)).toMatchObject({ ready: true, bindings: [{ action: 'update' }] })
    expect((await user.act(body.id, 'deploy', {})).body.status).toBe('active')
    expect(inN8n()?.data).toMatchObject({
      clientSecret: 'another',
      oauthTokenData: { access_token: 'token' },
    })

    world.stub.state.credentials.delete(inN8n()!.id)
    expect(await planOf(user, workflowId)).toMatchObject({
      ready: false,
      slots: [{ status: 'needs-consent' }],
    })
    const refused = await user.act(body.id, 'deploy', {})
    expect([refused.status, refused.body.consents.length]).toEqual([422, 1])
    expect(inN8n()).toBeDefined()
    sign()
    expect((await user.act(body.id, 'deploy', {})).body.status).toBe('active')
  })
})

test('warns about an untracked published workflow with the same name and trigger', async () => {
  const user = await world.user()
  const workflow = { ...after({}), name: 'Live already' }
  const { body: deployed } = await user.deploy(await user.workflow(workflow))
  const id = String(deployed.n8nWorkflowId)
  const planned = async (more: object = {}, options: object = {}) =>
    (await planOf(user, await user.workflow({ ...workflow, ...more }), options)).problems
  expect(await planned()).toEqual([])
  const there = world.stub.state.workflows.get(id)
  if (!there) throw new Error('The stub has no such workflow')
  const copy = { ...structuredClone(there), id: 'copyInN8n' }
  world.stub.state.workflows.set(copy.id, copy)
  expect(await planned()).toMatchObject([
    {
      code: 'untracked-copy',
      level: 'warning',
      message: expect.stringContaining(`/v1/instances/${user.instanceId}/workflows/copyInN8n/import`),
    },
  ])
  expect(await planned({}, { publish: false })).toEqual([])
  expect(await planned({ name: 'live already' })).toEqual([])
  const daily = { ...hourly, parameters: { rule: { interval: [{ field: 'days' }] } } }
  expect(await planned({ nodes: [daily, ...workflow.nodes.slice(1)] })).toEqual([])
  copy.activeVersionId = null
  expect(await planned()).toEqual([])
  world.stub.state.workflows.delete(copy.id)
})

test('a workflow that n8n publishes although it cannot work has a warning', async () => {
  const user = await world.user()
  const workflowId = await user.workflow(
    after({
      type: 'n8n-nodes-base.httpRequest',
      typeVersion: 4.2,
      parameters: { url: 'https://example.com/{{ $now }}' },
    }),
  )
  const plan = await planOf(user, workflowId)
  expect(plan).toMatchObject({ ready: true, problems: [{ code: 'literal-expression', level: 'warning' }] })
})
