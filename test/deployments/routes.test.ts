import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type World } from '../executions/world.ts'
import { createTestDatabase } from '../harness/database.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase(), { quotas: { instances: 100, deployments: 5 } })
})
afterAll(() => world.close())

const absentId = '0198c0de-0000-7000-8000-000000000000'

async function setting() {
  const user = await world.user()
  const workflowId = await world.workflow(user, {
    versions: 3,
    endpoints: ['webhook/orders', 'webhook/a b/:id'],
    nodes: [{ name: 'Slack', type: 'n8n-nodes-base.slack', typeVersion: 2.2, parameters: {} }],
  })
  const { id: instanceId, token } = await world.instance(user, 'prod')
  const deploy = (more: object = {}, headers: Record<string, string> = {}) =>
    world.call('POST', '/v1/deployments', {
      user,
      body: { workflowId, instanceId, n8nWorkflowId: 'wf1', ...more },
      headers,
    })
  return { user, workflowId, instanceId, token, deploy }
}

test('a workflow on an instance can be tracked, read, listed and untracked', async () => {
  const { user, workflowId, instanceId, deploy } = await setting()
  const credentialId = await world.credential(user, 'slackApi')
  const made = await deploy({ bindings: { slackApi: credentialId } })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    id: expect.any(String),
    workflowId,
    instanceId,
    version: 3,
    n8nWorkflowId: 'wf1',
    status: 'tracking',
    step: null,
    error: null,
    bindings: [{ node: 'Slack', type: 'slackApi', credentialId }],
    managed: false,
    reportSuccess: false,
    intent: null,
    liveSince: null,
    needsRedeploy: false,
    webhookUrls: [
      'https://n8n.example.com/prod/webhook/orders',
      'https://n8n.example.com/prod/webhook/a%20b/:id',
    ],
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  const path = `/v1/deployments/${made.body.id}`
  expect((await world.call('GET', path, { user })).body).toEqual(made.body)
  expect((await world.call('GET', '/v1/deployments', { user })).body).toEqual({
    items: [made.body],
    nextCursor: null,
  })
  const count = async (query: string) =>
    (await world.call('GET', `/v1/deployments?${query}`, { user })).body.items.length
  expect(await count(`workflowId=${workflowId}&instanceId=${instanceId}&status=tracking`)).toBe(1)
  expect(await count(`workflowId=${absentId}`)).toBe(0)
  expect(await count(`instanceId=${absentId}`)).toBe(0)
  expect(await count('status=active')).toBe(0)
  expect((await world.call('DELETE', path, { user })).status).toBe(204)
  expect((await world.call('GET', path, { user })).status).toBe(404)
  expect((await world.call('DELETE', path, { user })).status).toBe(404)
})

describe('returns 422 with a pointer for', () => {
  test.each([
    ['an unknown workflow', { workflowId: absentId }, '/workflowId'],
    ['an unknown instance', { instanceId: absentId }, '/instanceId'],
    ['an unknown version', { version: 4 }, '/version'],
    ['version 0', { version: 0 }, '/version'],
    ['a path as the n8n workflow', { n8nWorkflowId: '../../credentials' }, '/n8nWorkflowId'],
    ['a query as the n8n workflow', { n8nWorkflowId: 'x?y' }, '/n8nWorkflowId'],
    ['a line break in the n8n workflow', { n8nWorkflowId: 'x\r\n' }, '/n8nWorkflowId'],
    ['an unknown credential', { bindings: { slackApi: absentId } }, '/bindings/slackApi'],
    ['an invalid credential ID', { bindings: { slackApi: '1' } }, '/bindings/slackApi'],
    ['a type that no node needs', { bindings: { acmeApi: absentId } }, '/bindings/acmeApi'],
    ['a slot without a credential', { bindings: [{ node: 'Slack', type: 'slackApi' }] }, '/bindings/0'],
    ['a slot with an unknown field', { bindings: [{ type: 'slackApi', id: '1' }] }, '/bindings/0/id'],
    [
      'an unknown node',
      { bindings: [{ node: 'Nobody', type: 'slackApi', credentialId: absentId }] },
      '/bindings/0',
    ],
    [
      'the same slot twice',
      {
        bindings: [
          { node: 'Slack', type: 'slackApi', n8nCredentialId: 'a' },
          { node: 'Slack', type: 'slackApi', n8nCredentialId: 'b' },
        ],
      },
      '/bindings/1',
    ],
    [
      'the same type twice',
      {
        bindings: [
          { type: 'slackApi', n8nCredentialId: 'a' },
          { type: 'slackApi', n8nCredentialId: 'a' },
        ],
      },
      '/bindings/1',
    ],
    ['a status', { status: 'active' }, '/status'],
  ])('%s', async (_, more, pointer) => {
    const { user, deploy } = await setting()
    const answer = await deploy(more)
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].pointer).toBe(pointer)
    expect((await world.call('GET', '/v1/deployments', { user })).body.items).toEqual([])
  })

  test("rejects another user's resources and a credential of another type", async () => {
    const { user, deploy } = await setting()
    const theirs = await setting()
    const pointerOf = async (more: object) => (await deploy(more)).body.errors[0].pointer
    expect(await pointerOf({ workflowId: theirs.workflowId })).toBe('/workflowId')
    expect(await pointerOf({ instanceId: theirs.instanceId })).toBe('/instanceId')
    const foreign = await world.credential(theirs.user, 'slackApi')
    expect(await pointerOf({ bindings: { slackApi: foreign } })).toBe('/bindings/slackApi')
    const own = await world.credential(user, 'slackApi')
    expect(await pointerOf({ bindings: { githubApi: own } })).toBe('/bindings/githubApi')
  })
})

test('an n8n workflow can be tracked only once per instance', async () => {
  const { deploy, user } = await setting()
  await deploy()
  const again = await deploy({ version: 1 })
  expect([again.status, again.body.code]).toEqual([409, 'deployment-exists'])
  const { id } = await world.instance(user, 'other')
  expect((await deploy({ instanceId: id })).status).toBe(201)
})

test('an Idempotency-Key returns the same deployment, and the quota limits deployments', async () => {
  const { deploy } = await setting()
  const headers = { 'Idempotency-Key': 'k' }
  const first = await deploy({}, headers)
  const again = await deploy({}, headers)
  expect([again.status, again.body]).toEqual([201, first.body])
  for (let index = 2; index <= 5; index++)
    expect((await deploy({ n8nWorkflowId: `w${index}` })).status).toBe(201)
  expect((await deploy({ n8nWorkflowId: 'w6' })).body.code).toBe('quota-exceeded')
})

describe('the live version', () => {
  test('a change gets the next sequence; the same version again changes nothing', async () => {
    const { user, deploy } = await setting()
    const { body: made } = await deploy({ version: 1 })
    const path = `/v1/deployments/${made.id}`
    const change = (version: unknown) => world.call('PATCH', path, { user, body: { version } })
    expect((await change(2)).body.version).toBe(2)
    expect((await change(2)).body.version).toBe(2)
    expect((await change(1)).body.version).toBe(1)
    expect((await change(4)).body.errors).toMatchObject([{ pointer: '/version' }])
    const { body } = await world.call('GET', `${path}/versions`, { user })
    const history = body.items.map((item: { sequence: number; version: number }) => [
      item.sequence,
      item.version,
    ])
    expect(history).toEqual([
      [3, 1],
      [2, 2],
      [1, 1],
    ])
    const page = await world.call('GET', `${path}/versions?limit=2`, { user })
    expect(page.body.nextCursor).toBe('2')
    const next = await world.call('GET', `${path}/versions?limit=2&cursor=2`, { user })
    expect(next.body).toMatchObject({ items: [{ sequence: 1 }], nextCursor: null })
    expect((await world.call('GET', `${path}/versions?cursor=x`, { user })).status).toBe(422)
  })

  test('liveSince dates a change, so that earlier runs count for the version that ran', async () => {
    const { user, deploy, instanceId, token } = await setting()
    const at = (days: number) => new Date(world.clock.now.getTime() - days * 86_400_000).toISOString()
    const { body: made } = await deploy({ version: 1, liveSince: at(9) })
    const path = `/v1/deployments/${made.id}`
    const change = (version: number, liveSince: string) =>
      world.call('PATCH', path, { user, body: { version, liveSince } })
    expect((await change(2, at(5))).body.version).toBe(2)
    for (const liveSince of [at(5), at(7), at(-1), '1999-01-01T00:00:00Z', 'yesterday']) {
      const refused = await change(3, liveSince)
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/liveSince'])
    }
    expect((await change(3, at(1))).body.version).toBe(3)
    const { body: history } = await world.call('GET', `${path}/versions`, { user })
    expect(history.items.map((item: { createdAt: string }) => item.createdAt)).toEqual([at(1), at(5), at(9)])
    for (const days of [10, 8, 4, 0.5]) {
      const body = { executionId: `${days * 10}`, workflowId: 'wf1', status: 'success', startedAt: at(days) }
      await world.call('POST', `/hooks/n8n/${instanceId}`, { token, body })
    }
    const { body: runs } = await world.call('GET', '/v1/executions', { user })
    const versions = runs.items.map((item: { n8nExecutionId: string; workflowVersion: number }) => [
      item.n8nExecutionId,
      item.workflowVersion,
    ])
    expect(Object.fromEntries(versions)).toEqual({ 100: 1, 80: 1, 40: 2, 5: 3 })
  })

  test('liveSince is rejected in the future and for workflows that Flowkeep deployed', async () => {
    const { deploy } = await setting()
    const future = new Date(world.clock.now.getTime() + 60_000).toISOString()
    expect((await deploy({ liveSince: future })).body.errors).toMatchObject([{ pointer: '/liveSince' }])
    const managed = await deploy({ liveSince: '2026-01-01T00:00:00Z', n8nWorkflowId: undefined })
    expect(managed.body.errors).toMatchObject([{ pointer: '/liveSince' }])
  })

  test('an execution without times keeps the version that was live at its first report', async () => {
    const { user, deploy, instanceId, token } = await setting()
    const { body: made } = await deploy({ version: 1 })
    const report = (executionId: string, status: string) =>
      world.call('POST', `/hooks/n8n/${instanceId}`, {
        token,
        body: { executionId, workflowId: 'wf1', status },
      })
    await report('1', 'running')
    world.clock.now = new Date(world.clock.now.getTime() + 1000)
    await world.call('PATCH', `/v1/deployments/${made.id}`, { user, body: { version: 2 } })
    await report('1', 'success')
    await report('2', 'success')
    await world.call('DELETE', `/v1/deployments/${made.id}`, { user })
    const { body } = await world.call('GET', '/v1/executions', { user })
    const versions = body.items.map((item: { n8nExecutionId: string; workflowVersion: number }) => [
      item.n8nExecutionId,
      item.workflowVersion,
    ])
    expect(Object.fromEntries(versions)).toEqual({ 1: 1, 2: 2 })
  })
})

test("returns 404 for another user's deployment", async () => {
  const { user, deploy } = await setting()
  const { body: made } = await deploy()
  const stranger = await world.user()
  for (const [method, suffix, sent] of [
    ['GET', ''],
    ['GET', '/versions'],
    ['PATCH', '', { version: 1 }],
    ['DELETE', ''],
  ] as const) {
    const call = (id: string) =>
      world.call(method, `/v1/deployments/${id}${suffix}`, { user: stranger, ...(sent && { body: sent }) })
    const [theirs, none] = [await call(made.id), await call(absentId)]
    expect([theirs.status, none.status]).toEqual([404, 404])
    expect(theirs.body.detail).toBe(none.body.detail)
  }
  expect((await world.call('GET', `/v1/deployments/${made.id}`, { user })).body.version).toBe(3)
})
