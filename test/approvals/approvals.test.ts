/** What an access token may do once, after a person approves exactly that request. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withToken } from '../../src/db/actor.ts'
import type { Answer, TestUser } from '../harness/app.ts'
import { restoredAfterTest } from '../harness/clock.ts'
import { createN8nWorld, type N8nWorld, orders, type Setting } from '../deployments/n8n-world.ts'

let world: N8nWorld
/** Milliseconds between the machine's clock and Flowkeep's. */
const laterBy = restoredAfterTest(0)
beforeAll(async () => {
  world = await createN8nWorld({ now: () => new Date(Date.now() + laterBy.value) })
})
afterAll(() => world.close())

type Call = TestUser['call']
const ordinary = [
  'workflows:read',
  'workflows:write',
  'credentials:use',
  'credentials:write',
  'instances:read',
  'instances:write',
  'deployments:read',
  'deploy',
  'executions:read',
]

async function tokenOf(user: TestUser, scopes: readonly string[] = ordinary, name = 'Agent'): Promise<Call> {
  const { json, text } = await user.call('POST', '/v1/tokens', { body: { name, scopes } })
  if (!json.token) throw new Error(text)
  return (method, path, options = {}) => world.call(method, path, { token: json.token, ...options })
}

const markProduction = (user: TestUser, instanceId: string) =>
  user.call('PATCH', `/v1/instances/${instanceId}`, {
    body: { environment: 'production' },
    headers: { 'If-Match': '*' },
  })

const writes = () => world.stub.calls().filter(({ method }) => method !== 'GET').length

/** The ID of the approval that the answer asks for. */
function askedIn(answer: Answer): string {
  expect(answer).toMatchObject({ status: 403, json: { code: 'approval-required' } })
  return answer.json.approvalId
}

const approve = (user: TestUser, id: string) => user.call('POST', `/v1/approvals/${id}/approve`)
const deny = (user: TestUser, id: string) => user.call('POST', `/v1/approvals/${id}/deny`)
const statusOf = async (user: TestUser, id: string) =>
  (await user.call('GET', `/v1/approvals/${id}`)).json.status

async function production(): Promise<Setting & { agent: Call }> {
  const setting = await world.setting()
  await markProduction(setting.user, setting.instanceId)
  return { ...setting, agent: await tokenOf(setting.user) }
}

const deployment = ({ workflowId, instanceId }: Setting, more: object = {}) => ({
  body: { workflowId, instanceId, ...more },
})

describe('a deployment to production', () => {
  test('runs once after its approval, and exactly as it was approved', async () => {
    const setting = await production()
    const { user, agent, instanceId, workflowId } = setting
    const before = writes()
    const refused = await agent('POST', '/v1/deployments', deployment(setting))
    const id = askedIn(refused)
    expect(refused.json).toMatchObject({
      approveUrl: `https://flowkeep.example.com/approvals/${id}`,
      summary: 'Deploy “Orders” v1 on “Prod”, a production instance',
      requiredScopes: ['deploy:production'],
    })
    expect(writes()).toBe(before)
    const asked = await user.call('GET', `/v1/approvals/${id}`)
    expect(asked.json).toMatchObject({
      kind: 'deploy',
      status: 'pending',
      token: { name: 'Agent' },
      details: {
        plan: { version: 1, live: null, slots: [{ node: 'Tell', credential: { name: 'CRM header' } }] },
      },
    })
    expect(asked.json.planHash).toMatch(/^[0-9a-f]{64}$/)
    // Repeating the request does not ask again.
    expect(askedIn(await agent('POST', '/v1/deployments', deployment(setting)))).toBe(id)

    expect(await approve(user, id)).toMatchObject({ status: 200, json: { status: 'approved' } })
    const done = await agent('POST', '/v1/deployments', deployment(setting))
    expect(done).toMatchObject({ status: 201, json: { status: 'active', version: 1 } })
    expect(await statusOf(user, id)).toBe('used')

    // The next version needs another one.
    await user.call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { workflow: { ...orders, name: 'Orders 2' } },
      headers: { 'If-Match': '*' },
    })
    const next = await agent('POST', `/v1/deployments/${done.json.id}/deploy`, { body: {} })
    expect(askedIn(next)).not.toBe(id)
    const events = await user.call('GET', '/v1/audit-events?action=approval')
    const actions = events.json.items.map(({ action, token }: { action: string; token: unknown }) => [
      action,
      token !== null,
    ])
    expect(actions).toEqual([
      ['approval.asked', true],
      ['approval.used', true],
      ['approval.approved', false],
      ['approval.asked', true],
    ])
    expect(instanceId).toBe(done.json.instanceId)
  })

  test('does not run with an approval of an earlier plan', async () => {
    const setting = await production()
    const { user, agent, workflowId } = setting
    const id = askedIn(await agent('POST', '/v1/deployments', deployment(setting)))
    await approve(user, id)
    const elsewhere = JSON.parse(JSON.stringify(orders).replace('crm.example.com', 'attacker.example.net'))
    await user.call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { workflow: elsewhere },
      headers: { 'If-Match': '*' },
    })
    const before = writes()
    const other = askedIn(await agent('POST', '/v1/deployments', deployment(setting)))
    expect(other).not.toBe(id)
    expect(writes()).toBe(before)
    expect(await statusOf(user, id)).toBe('expired')
    expect(await approve(user, id)).toMatchObject({ status: 409, json: { code: 'conflict' } })
  })

  test('does not run with arguments other than the approved ones', async () => {
    const setting = await production()
    const { user, agent } = setting
    const id = askedIn(await agent('POST', '/v1/deployments', deployment(setting, { publish: false })))
    await approve(user, id)
    expect(askedIn(await agent('POST', '/v1/deployments', deployment(setting)))).not.toBe(id)
    expect(await statusOf(user, id)).toBe('approved')
  })

  test('activating, deactivating, retrying and rolling back also ask, each separately', async () => {
    const setting = await production()
    const { user, agent } = setting
    const { id } = await setting.deploy()
    const asked = new Set<string>()
    for (const [path, body] of [
      ['deploy', {}],
      ['rollback', { version: 1 }],
      ['activate', undefined],
      ['deactivate', undefined],
      ['retry', undefined],
    ] as const) {
      const before = writes()
      const send = () => agent('POST', `/v1/deployments/${id}/${path}`, body === undefined ? {} : { body })
      const approval = askedIn(await send())
      expect(writes()).toBe(before)
      asked.add(approval)
      await approve(user, approval)
      expect({ path, answer: await send() }).toMatchObject({ path, answer: { status: 200 } })
      expect(await statusOf(user, approval)).toBe('used')
    }
    expect(asked.size).toBe(5)
  })

  test('an approval of one kind of change does not allow another one', async () => {
    const setting = await production()
    const { user, agent } = setting
    const { id } = await setting.deploy()
    const approval = askedIn(await agent('POST', `/v1/deployments/${id}/deactivate`))
    await approve(user, approval)
    const before = writes()
    expect(askedIn(await agent('POST', `/v1/deployments/${id}/activate`))).not.toBe(approval)
    expect(askedIn(await agent('POST', `/v1/deployments/${id}/retry`))).not.toBe(approval)
    expect(writes()).toBe(before)
  })

  test('repeating a request right after its approval was used is a conflict, and later another request', async () => {
    const setting = await production()
    const { agent } = setting
    const { id } = await setting.deploy()
    const send = () => agent('POST', `/v1/deployments/${id}/activate`)
    const approval = askedIn(await send())
    await approve(setting.user, approval)
    expect((await send()).json).toMatchObject({ status: 'active' })
    expect(await send()).toMatchObject({ status: 409, json: { code: 'conflict' } })
    laterBy.value += 61_000
    expect(askedIn(await send())).not.toBe(approval)
  })

  test('of two racing requests, one runs', async () => {
    const setting = await production()
    const { user, agent } = setting
    const { id } = await setting.deploy()
    const send = () => agent('POST', `/v1/deployments/${id}/deactivate`)
    const approval = askedIn(await send())
    await approve(user, approval)
    const answers = await Promise.all(Array.from({ length: 5 }, send))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const events = await user.call('GET', '/v1/audit-events?action=approval.used')
    expect(events.json.items).toHaveLength(1)
  })

  test('one statement uses an approval: of racing uses, one succeeds', async () => {
    const setting = await production()
    const { user, agent } = setting
    const id = askedIn(await agent('POST', '/v1/deployments', deployment(setting)))
    await approve(user, id)
    const [row] = await world.database.sql`select hash, token_id from approvals where id = ${id}`
    const actor = { tokenId: row?.['token_id'], name: 'Agent', scopes: new Set<string>(), expiresAt: null }
    const use = () => withToken(actor, () => world.deps.approvals.use(user.id, row?.['hash']))
    const uses = await Promise.all(Array.from({ length: 10 }, use))
    expect(uses.filter(Boolean)).toHaveLength(1)
  })

  test('asks for no approval of a blocked plan', async () => {
    const setting = await world.setting()
    await setting.user.call('DELETE', `/v1/credentials/${setting.credentialId}`)
    await markProduction(setting.user, setting.instanceId)
    const agent = await tokenOf(setting.user)
    const answer = await agent('POST', '/v1/deployments', deployment(setting))
    expect(answer.json.code).toBe('deployment-blocked')
    expect((await setting.user.call('GET', '/v1/approvals')).json.items).toEqual([])
  })
})

describe('planHash', () => {
  test('deploys, redeploys and rolls back exactly the plan', async () => {
    const setting = await world.setting()
    const { user, workflowId, instanceId } = setting
    const plan = async (more: object = {}) =>
      (await user.call('POST', '/v1/deployments/plan', { body: { workflowId, instanceId, ...more } })).json
    const first = await plan()
    const created = await user.call(
      'POST',
      '/v1/deployments',
      deployment(setting, { planHash: first.planHash }),
    )
    expect(created.status).toBe(201)
    const { id } = created.json
    await user.call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { workflow: { ...orders, name: 'Orders 2' } },
      headers: { 'If-Match': '*' },
    })
    const stale = await user.call('POST', `/v1/deployments/${id}/deploy`, {
      body: { planHash: first.planHash },
    })
    expect(stale).toMatchObject({ status: 409, json: { code: 'conflict' } })
    const { planHash } = await plan()
    const redeployed = await user.call('POST', `/v1/deployments/${id}/deploy`, { body: { planHash } })
    expect(redeployed.json).toMatchObject({ status: 'active', version: 2 })
    const back = await plan({ version: 1, rollback: true })
    const wrong = { version: 1, planHash }
    expect((await user.call('POST', `/v1/deployments/${id}/rollback`, { body: wrong })).status).toBe(409)
    const rolledBack = await user.call('POST', `/v1/deployments/${id}/rollback`, {
      body: { version: 1, planHash: back.planHash },
    })
    expect(rolledBack.json).toMatchObject({ status: 'active', version: 1 })
  })
})

describe('changes made in n8n', () => {
  test('are overwritten only after an approval, on any instance', async () => {
    const setting = await world.setting()
    const { user } = setting
    const { id, n8nWorkflowId } = await setting.deploy()
    const agent = await tokenOf(user)
    expect((await agent('POST', `/v1/deployments/${id}/deploy`, { body: {} })).status).toBe(200)
    const live = world.stub.state.workflows.get(n8nWorkflowId)
    if (!live) throw new Error('The stub has no workflow')
    live.nodes = live.nodes.map((node) =>
      node['name'] === 'Hook' ? { ...node, parameters: { path: 'by-hand', options: {} } } : node,
    )
    const before = writes()
    const overwritten = askedIn(await agent('POST', `/v1/deployments/${id}/overwrite`))
    const deployed = await agent('POST', `/v1/deployments/${id}/deploy`, { body: {} })
    askedIn(deployed)
    expect(deployed.json.requiredScopes).toEqual(['destructive'])
    expect(writes()).toBe(before)
    await approve(user, overwritten)
    expect((await agent('POST', `/v1/deployments/${id}/overwrite`)).json).toMatchObject({ status: 'active' })
    expect(JSON.stringify(world.stub.state.workflows.get(n8nWorkflowId))).not.toContain('by-hand')
  })

  test('are not overwritten by the retry of a deploy that failed before them', async () => {
    const setting = await world.setting()
    const { user, workflowId } = setting
    const { id, n8nWorkflowId } = await setting.deploy()
    const agent = await tokenOf(user)
    const fail = async (name: string) => {
      await user.call('PATCH', `/v1/workflows/${workflowId}`, {
        body: { workflow: { ...orders, name } },
        headers: { 'If-Match': '*' },
      })
      world.stub.failNext({ step: 'workflow-update', mode: '4xx' })
      const { json } = await agent('POST', `/v1/deployments/${id}/deploy`, { body: {} })
      expect(json.status).toBe('failed')
    }
    await fail('Orders 2')
    expect((await agent('POST', `/v1/deployments/${id}/retry`)).json).toMatchObject({ status: 'active' })
    await fail('Orders 3')
    const live = world.stub.state.workflows.get(n8nWorkflowId)
    if (!live) throw new Error('The stub has no workflow')
    live.nodes = live.nodes.map((node) =>
      node['name'] === 'Hook' ? { ...node, parameters: { path: 'by-hand', options: {} } } : node,
    )
    const before = writes()
    const asked = await agent('POST', `/v1/deployments/${id}/retry`)
    expect(asked.json.requiredScopes).toEqual(['destructive'])
    expect(writes()).toBe(before)
    await approve(user, askedIn(asked))
    expect((await agent('POST', `/v1/deployments/${id}/retry`)).json).toMatchObject({ status: 'active' })
    expect(JSON.stringify(world.stub.state.workflows.get(n8nWorkflowId))).not.toContain('by-hand')
  })
})

describe('a sub-workflow that is no longer live', () => {
  const child = (notes: string) => ({
    name: 'Child',
    nodes: [
      {
        id: 'called',
        name: 'Called',
        type: 'n8n-nodes-base.executeWorkflowTrigger',
        typeVersion: 1,
        position: [0, 0],
        parameters: {},
        notes,
      },
    ],
    connections: {},
  })

  /** A live workflow whose sub-workflow was undeployed and whose newest version is not reviewed. */
  async function parentOfUndeployed() {
    const { user, instanceId, credentialId } = await world.setting()
    const post = async (path: string, body: object) => (await user.call('POST', path, { body })).json
    const { id: childId } = await post('/v1/workflows', { workflow: child('reviewed') })
    const call = {
      id: 'call',
      name: 'Call',
      type: 'n8n-nodes-base.executeWorkflow',
      typeVersion: 1.2,
      position: [440, 0],
      parameters: { workflowId: { __rl: true, mode: 'list', value: childId }, options: {} },
    }
    const parent = {
      ...orders,
      nodes: [...orders.nodes, call],
      connections: { ...orders.connections, Tell: { main: [[{ node: 'Call', type: 'main', index: 0 }]] } },
    }
    const { id: workflowId } = await post('/v1/workflows', { workflow: parent })
    const { id } = await post('/v1/deployments', { workflowId, instanceId })
    const { items } = (await user.call('GET', `/v1/deployments?workflowId=${childId}`)).json
    const undeploy = async () => {
      const { json } = await user.call('POST', `/v1/deployments/${items[0].id}/undeploy?force=true`)
      expect(json.status).toBe('undeployed')
      await user.call('PATCH', `/v1/workflows/${childId}`, {
        body: { workflow: child('edited by the agent') },
        headers: { 'If-Match': '*' },
      })
    }
    return { user, instanceId, credentialId, id, childId, post, undeploy, agent: await tokenOf(user) }
  }
  const named = (name: string) =>
    [...world.stub.state.workflows.values()].filter((each) => each.name === name)

  test('is not overwritten by a deployment of its caller if it was changed in n8n', async () => {
    const { user, id, childId, agent } = await parentOfUndeployed()
    const { items } = (await user.call('GET', `/v1/deployments?workflowId=${childId}`)).json
    await user.call('PATCH', `/v1/workflows/${childId}`, {
      body: { workflow: child('second') },
      headers: { 'If-Match': '*' },
    })
    world.stub.failNext({ step: 'workflow-update', mode: '4xx' })
    const failed = await user.call('POST', `/v1/deployments/${items[0].id}/deploy`, { body: {} })
    expect(failed.json.status).toBe('failed')
    const live = world.stub.state.workflows.get(items[0].n8nWorkflowId)
    if (!live) throw new Error('The stub has no workflow')
    live.nodes = live.nodes.map((node) => ({ ...node, parameters: { inputSource: 'passthrough' } }))
    const before = writes()
    const asked = await agent('POST', `/v1/deployments/${id}/deploy`, { body: {} })
    expect(asked.json).toMatchObject({
      code: 'approval-required',
      summary: expect.stringContaining('“Orders”'),
      requiredScopes: ['destructive'],
    })
    expect(writes()).toBe(before)
  })

  test('is not deployed by the replacement of a credential', async () => {
    const { user, credentialId, post, undeploy, agent } = await parentOfUndeployed()
    const data = { name: 'X-Key', value: 'another-secret' }
    const other = await post('/v1/credentials', { type: 'httpHeaderAuth', name: 'Other', data })
    await undeploy()
    const replace = () =>
      agent('POST', `/v1/credentials/${credentialId}/replace`, { body: { with: other.id } })
    await approve(user, askedIn(await replace()))
    expect((await replace()).json.deployments).toMatchObject([{ status: 'failed' }])
    expect(named('Child')).toEqual([])
    expect(named('Orders')).toMatchObject([{ isLive: true }])
  })

  test('is not deployed by an activation that finishes a deploy', async () => {
    const { user, instanceId, id, undeploy, agent } = await parentOfUndeployed()
    const { workflowId } = (await user.call('GET', `/v1/deployments/${id}`)).json
    await user.call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { name: 'Renamed' },
      headers: { 'If-Match': '*' },
    })
    world.stub.failNext({ step: 'workflow-update', mode: '4xx' })
    const failed = await user.call('POST', `/v1/deployments/${id}/deploy`, { body: { force: 'Try it' } })
    expect(failed.json.status).toBe('failed')
    await undeploy()
    await markProduction(user, instanceId)
    const activate = () => agent('POST', `/v1/deployments/${id}/activate`)
    const asked = await activate()
    expect(asked.json.requiredScopes).toEqual(['deploy:production'])
    await approve(user, askedIn(asked))
    expect((await activate()).json.code).toBe('deployment-blocked')
    expect(named('Child')).toEqual([])
  })
})

describe('deletions, replacements and force', () => {
  test('each asks, and happens only after the approval', async () => {
    const setting = await world.setting()
    const { user, workflowId, credentialId, instanceId } = setting
    const { id } = await setting.deploy()
    const agent = await tokenOf(user)
    const other = await user.call('POST', '/v1/credentials', {
      body: { type: 'httpHeaderAuth', name: 'Other', data: { name: 'X-Key', value: 'another-secret' } },
    })
    const ifMatch = { headers: { 'If-Match': '*' } }
    const steps: [string, string, object?][] = [
      [
        'PATCH',
        `/v1/credentials/${credentialId}`,
        { body: { data: { value: 'changed-secret' } }, ...ifMatch },
      ],
      ['POST', `/v1/credentials/${credentialId}/replace`, { body: { with: other.json.id } }],
      ['DELETE', `/v1/credentials/${credentialId}`],
      ['POST', `/v1/deployments/${id}/undeploy`],
      ['DELETE', `/v1/deployments/${id}`],
      ['DELETE', `/v1/workflows/${workflowId}`],
      ['DELETE', `/v1/instances/${instanceId}`],
    ]
    for (const [method, path, options] of steps) {
      const before = writes()
      const approval = askedIn(await agent(method, path, options))
      expect(writes()).toBe(before)
      expect(await approve(user, approval)).toMatchObject({ status: 200 })
      const done = await agent(method, path, options)
      expect({ path, status: done.status, text: done.text }).toMatchObject({
        path,
        status: method === 'DELETE' ? 204 : 200,
      })
      expect((await user.call('GET', `/v1/approvals/${approval}`)).json.status).toBe('used')
    }
    const all = (await user.call('GET', '/v1/approvals')).text
    expect(all).not.toContain('changed-secret')
    for (const path of [`/v1/workflows/${workflowId}`, `/v1/instances/${instanceId}`])
      expect((await user.call('GET', path)).status).toBe(404)
  })

  test('deleting something in use asks only with force, and names what it affects', async () => {
    const setting = await world.setting()
    const { user, workflowId } = setting
    await setting.deploy()
    const agent = await tokenOf(user)
    expect((await agent('DELETE', `/v1/workflows/${workflowId}`)).json.code).toBe('in-use')
    const approval = askedIn(await agent('DELETE', `/v1/workflows/${workflowId}?force=true`))
    expect((await user.call('GET', `/v1/approvals/${approval}`)).json).toMatchObject({
      summary: 'Delete the workflow “Orders”, with force',
      details: { deployments: [{ workflow: 'Orders', instance: { name: 'Prod' } }] },
    })
    expect((await agent('DELETE', '/v1/workflows/01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d')).status).toBe(404)
  })

  test('one deployment in production counts, however many newer ones are elsewhere', async () => {
    const setting = await world.setting()
    const { user, workflowId, instanceId } = setting
    await setting.deploy()
    await markProduction(user, instanceId)
    const staging = await user.call('POST', '/v1/instances', {
      body: { name: 'Staging', baseUrl: 'https://staging.example.com', apiKey: world.stub.apiKey },
    })
    for (let index = 0; index < 100; index += 1) {
      const body = { workflowId, instanceId: staging.json.id, n8nWorkflowId: `tracked${index}` }
      expect((await user.call('POST', '/v1/deployments', { body })).status).toBe(201)
    }
    const agent = await tokenOf(user, ['workflows:write', 'deploy', 'destructive'])
    const asked = await agent('DELETE', `/v1/workflows/${workflowId}?force=true`)
    askedIn(asked)
    expect(asked.json.requiredScopes).toEqual(['deploy:production'])
  })

  test('an approval is valid for exactly the secret that was sent', async () => {
    const { user, credentialId } = await world.setting()
    const agent = await tokenOf(user)
    const change = (value: string) =>
      agent('PATCH', `/v1/credentials/${credentialId}`, {
        body: { data: { value } },
        headers: { 'If-Match': '*' },
      })
    const approval = askedIn(await change('one-secret'))
    await approve(user, approval)
    expect(askedIn(await change('another-secret'))).not.toBe(approval)
    expect((await change('one-secret')).status).toBe(200)
  })

  test('force asks on any instance', async () => {
    const setting = await world.setting()
    const { user, workflowId } = setting
    const unpublishable = {
      ...orders,
      nodes: orders.nodes.map((node) => ({ ...node, disabled: node.name === 'Hook' })),
    }
    await user.call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { workflow: unpublishable },
      headers: { 'If-Match': '*' },
    })
    const agent = await tokenOf(user)
    const blocked = await agent('POST', '/v1/deployments', deployment(setting))
    expect(blocked.json.code).toBe('deployment-blocked')
    const before = writes()
    const forced = () => agent('POST', '/v1/deployments', deployment(setting, { force: 'It is a draft' }))
    const asked = await forced()
    expect(asked.json.requiredScopes).toEqual(['destructive'])
    expect(writes()).toBe(before)
    await approve(user, askedIn(asked))
    expect((await forced()).status).toBe(201)
  })

  test('a dry run and reading need none', async () => {
    const { user, credentialId } = await world.setting()
    const other = await user.call('POST', '/v1/credentials', {
      body: { type: 'httpHeaderAuth', name: 'Other', data: { name: 'X-Key', value: 'another-secret' } },
    })
    const agent = await tokenOf(user)
    const body = { with: other.json.id, dryRun: true }
    expect((await agent('POST', `/v1/credentials/${credentialId}/replace`, { body })).status).toBe(200)
    const rename = { body: { name: 'Renamed' }, headers: { 'If-Match': '*' } }
    expect((await agent('PATCH', `/v1/credentials/${credentialId}`, rename)).status).toBe(200)
  })

  test('a token with the scopes, an admin token and a session need none', async () => {
    for (const scopes of [[...ordinary, 'destructive'], ['admin'], null]) {
      const { user, workflowId } = await world.setting()
      const call = scopes ? await tokenOf(user, scopes) : user.call
      expect((await call('DELETE', `/v1/workflows/${workflowId}`)).status).toBe(204)
    }
  })

  test('a token without the ordinary scope cannot ask', async () => {
    const { user, workflowId } = await world.setting()
    const reader = await tokenOf(user, ['workflows:read'])
    expect((await reader('DELETE', `/v1/workflows/${workflowId}`)).json.code).toBe('insufficient-scope')
    expect((await user.call('GET', '/v1/approvals')).json.items).toEqual([])
  })
})

describe('deciding', () => {
  let setting: Setting
  let agent: Call
  let id: string
  const send = () => agent('DELETE', `/v1/workflows/${setting.workflowId}`)
  beforeEach(async () => {
    setting = await world.setting()
    agent = await tokenOf(setting.user)
    id = askedIn(await send())
  })

  test('no access token can approve or deny, not even one with every scope', async () => {
    const admin = await tokenOf(setting.user, ['admin'])
    for (const call of [agent, admin])
      for (const verb of ['approve', 'deny'])
        expect(await call('POST', `/v1/approvals/${id}/${verb}`)).toMatchObject({
          status: 403,
          json: { code: 'insufficient-scope' },
        })
    expect(await statusOf(setting.user, id)).toBe('pending')
    askedIn(await send())
  })

  test("another user can neither see nor decide it, and another token of the user can't use it", async () => {
    const stranger = await world.user()
    expect((await stranger.call('GET', `/v1/approvals/${id}`)).status).toBe(404)
    expect((await approve(stranger, id)).status).toBe(404)
    expect(await statusOf(setting.user, id)).toBe('pending')
    await approve(setting.user, id)
    const other = await tokenOf(setting.user, ordinary, 'Other')
    expect(askedIn(await other('DELETE', `/v1/workflows/${setting.workflowId}`))).not.toBe(id)
    expect((await other('GET', `/v1/approvals/${id}`)).status).toBe(404)
    const own = await agent('GET', '/v1/approvals')
    expect(own.json.items).toMatchObject([{ id, details: null }])
    expect((await setting.user.call('GET', `/v1/workflows/${setting.workflowId}`)).status).toBe(200)
  })

  test('a denied request stays denied, even if it was approved before', async () => {
    await approve(setting.user, id)
    expect((await deny(setting.user, id)).json).toMatchObject({ status: 'denied' })
    expect(await send()).toMatchObject({ status: 403, json: { code: 'approval-denied', approvalId: id } })
    expect((await approve(setting.user, id)).status).toBe(409)
    expect((await setting.user.call('GET', `/v1/workflows/${setting.workflowId}`)).status).toBe(200)
  })

  test('a denial lasts, however many requests follow it', async () => {
    await deny(setting.user, id)
    await world.database.sql`
      insert into approvals (id, user_id, token_id, token_name, kind, subject_id, summary, request, details, scopes,
        request_hash, hash, status, expires_at)
      select uuid_v7(), user_id, token_id, token_name, kind, subject_id, summary, request, details, scopes, 'of ' || n,
        'of ' || n, 'expired', created_at
      from approvals, generate_series(1, 501) n where id = ${id}`
    askedIn(await agent('DELETE', `/v1/credentials/${setting.credentialId}`))
    const [stored] = await world.database.sql`select count(*)::integer as rows from approvals
      where user_id = ${setting.user.id}`
    expect(stored?.['rows']).toBe(502)
    expect(await send()).toMatchObject({ status: 403, json: { code: 'approval-denied', approvalId: id } })
  })

  test('approving twice does not extend an approval', async () => {
    await approve(setting.user, id)
    const { expiresAt } = (await setting.user.call('GET', `/v1/approvals/${id}`)).json
    laterBy.value += 60_000
    expect(await approve(setting.user, id)).toMatchObject({ status: 409, json: { code: 'conflict' } })
    expect((await setting.user.call('GET', `/v1/approvals/${id}`)).json.expiresAt).toBe(expiresAt)
  })

  test('a used approval does not allow a second request', async () => {
    await approve(setting.user, id)
    expect((await send()).status).toBe(204)
    const events = await setting.user.call('GET', '/v1/audit-events?action=approval.used')
    expect(events.json.items).toMatchObject([{ subjectId: id, token: { name: 'Agent' } }])
  })

  test('the approval of a workflow does not apply after it is renamed', async () => {
    await approve(setting.user, id)
    await setting.user.call('PATCH', `/v1/workflows/${setting.workflowId}`, {
      body: { name: 'Payroll' },
      headers: { 'If-Match': '*' },
    })
    expect(askedIn(await send())).not.toBe(id)
  })

  test('a token that loses its scope cannot use its approval', async () => {
    await approve(setting.user, id)
    const { items } = (await setting.user.call('GET', '/v1/tokens')).json
    await setting.user.call('PATCH', `/v1/tokens/${items[0].id}`, { body: { scopes: ['workflows:read'] } })
    expect((await send()).json.code).toBe('insufficient-scope')
  })

  test('names of tokens hide nothing', async () => {
    for (const name of ['a\u202eb', 'a\nb', 'a\u{e0041}', 'a\u200bb'])
      expect(
        (await setting.user.call('POST', '/v1/tokens', { body: { name, scopes: ['deploy'] } })).json,
      ).toMatchObject({
        code: 'invalid',
        errors: [{ pointer: '/name' }],
      })
  })

  test('at most 50 are pending, and the names of what they affect are readable', async () => {
    const { user } = setting
    const create = (index: number) =>
      user.call('POST', '/v1/workflows', {
        body: { workflow: { ...orders, name: `Approve me\u202e ${index}` } },
      })
    for (let index = 0; index < 50; index += 1) {
      const { json } = await create(index)
      const answer = await agent('DELETE', `/v1/workflows/${json.id}`)
      if (index === 49) expect(answer.json.code).toBe('quota-exceeded')
      else expect(answer.json.summary).toBe(`Delete the workflow “Approve me  ${index}”`)
    }
  })
})

describe('time', () => {
  test('a pending one expires after 24 hours, an approved one after an hour', async () => {
    const { user, workflowId } = await world.setting()
    const agent = await tokenOf(user)
    const signIn = async (): Promise<TestUser> => {
      const { json } = await world.call('POST', '/v1/auth/login', {
        body: { email: user.email, password: user.password },
      })
      return {
        ...user,
        call: (method, path, options = {}) =>
          world.call(method, path, { token: json.accessToken, ...options }),
      }
    }
    const send = () => agent('DELETE', `/v1/workflows/${workflowId}`)
    const first = askedIn(await send())
    laterBy.value += 24 * 3_600_000
    const later = await signIn()
    expect(await approve(later, first)).toMatchObject({ status: 409 })
    const second = askedIn(await send())
    expect(second).not.toBe(first)
    expect((await approve(later, second)).status).toBe(200)
    laterBy.value += 3_600_000
    const evening = await signIn()
    expect(await statusOf(evening, second)).toBe('expired')
    const third = askedIn(await send())
    expect(third).not.toBe(second)
    expect((await evening.call('GET', `/v1/workflows/${workflowId}`)).status).toBe(200)
    await approve(evening, third)
    await world.deps.approvals.expireDue(100)
    expect((await send()).status).toBe(204)
    const events = await evening.call('GET', '/v1/audit-events?action=approval.expired')
    expect(events.json.items).toMatchObject([
      { subjectId: second, actor: 'job', token: null },
      { subjectId: first, actor: 'job', token: null },
    ])
  })
})
