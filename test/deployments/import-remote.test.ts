import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createN8nWorld, type N8nWorld, orders, type Setting } from './n8n-world.ts'

let world: N8nWorld
beforeAll(async () => {
  world = await createN8nWorld()
})
afterAll(() => world.close())

/** Calls n8n directly, like a user there. */
async function inN8n(content: Record<string, unknown>): Promise<string> {
  const response = await world.stub.fetch('https://n8n.example.com/api/v1/workflows', {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': world.stub.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify(content),
  })
  expect(response.status).toBe(200)
  return ((await response.json()) as { id: string }).id
}

const tell = orders.nodes[1] as Record<string, unknown>
const theirs = {
  name: 'Theirs',
  nodes: [
    orders.nodes[0],
    { ...tell, credentials: { httpHeaderAuth: { id: 'theirOwn00000001', name: 'Their own' } } },
  ],
  connections: orders.connections,
  settings: { executionOrder: 'v1', saveDataErrorExecution: 'none' },
}

const listOf = async ({ user, instanceId }: Setting, query = '') =>
  (await user.call('GET', `/v1/instances/${instanceId}/workflows${query}`)).json
const importing = ({ user, instanceId }: Setting, id: string) =>
  user.call('POST', `/v1/instances/${instanceId}/workflows/${id}/import`)

describe('GET /v1/instances/{id}/workflows', () => {
  test('lists the workflows in n8n with their tracking deployments, without the error reporter', async () => {
    const setting = await world.setting()
    const deployment = await setting.deploy()
    const id = await inN8n(theirs)
    expect(world.stub.state.workflows.size).toBe(3)
    const { items, nextCursor } = await listOf(setting)
    expect(nextCursor).toBe(null)
    expect(items.toSorted((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1))).toEqual([
      {
        id: deployment.n8nWorkflowId,
        name: 'Orders',
        active: true,
        archived: false,
        nodeCount: 3,
        deploymentId: deployment.id,
        workflowId: setting.workflowId,
      },
      {
        id,
        name: 'Theirs',
        active: false,
        archived: false,
        nodeCount: 2,
        deploymentId: null,
        workflowId: null,
      },
    ])
    expect((await listOf(setting, '?name=heir')).items).toHaveLength(1)
  })

  test('returns all pages', async () => {
    const setting = await world.setting()
    for (let index = 0; index < 5; index += 1) await inN8n({ ...theirs, name: `W${index}` })
    const names: string[] = []
    let query = '?limit=2'
    for (let page = 0; page < 3; page += 1) {
      const { items, nextCursor } = await listOf(setting, query)
      names.push(...items.map(({ name }: { name: string }) => name))
      query = `?limit=2&cursor=${encodeURIComponent(nextCursor)}`
    }
    expect(names.toSorted()).toEqual(['W0', 'W1', 'W2', 'W3', 'W4'])
  })

  test.each(['limit=0', 'limit=51', 'limit=x', 'cursor=%00', 'cursor=bm8', 'name=', 'active=true'])(
    'rejects %s with a pointer',
    async (query) => {
      const setting = await world.setting()
      const { code, errors } = await listOf(setting, `?${query}`)
      expect([code, errors[0].pointer]).toEqual(['invalid', query.split('=')[0]])
    },
  )
})

describe('POST /v1/instances/{id}/workflows/{n8nWorkflowId}/import', () => {
  test('saves and tracks the workflow without changing n8n', async () => {
    const setting = await world.setting()
    const theirOwn = { id: 'theirOwn00000001', name: 'Their own', type: 'httpHeaderAuth' }
    world.stub.state.credentials.set(theirOwn.id, {
      ...theirOwn,
      data: {},
      createdAt: new Date().toISOString(),
      updatedAt: new Date().toISOString(),
    })
    const id = await inN8n(theirs)
    const before = JSON.stringify([...world.stub.state.workflows])
    const { status, json } = await importing(setting, id)
    expect(status).toBe(201)
    expect(json).toEqual({
      workflowId: expect.any(String),
      deployment: expect.objectContaining({
        workflowId: json.workflowId,
        instanceId: setting.instanceId,
        n8nWorkflowId: id,
        version: 1,
        status: 'tracking',
        managed: false,
        bindings: [{ node: 'Tell', type: 'httpHeaderAuth', n8nCredentialId: 'theirOwn00000001' }],
      }),
      ambiguousTypes: [],
      check: {
        n8nVersion: '2.41',
        publishable: true,
        counts: { error: 0, warning: 0, hint: 0 },
        worst: [],
      },
    })
    const workflow = (await setting.user.call('GET', `/v1/workflows/${json.workflowId}`)).json
    expect(workflow).toMatchObject({ name: 'Theirs', version: 1, webhookPaths: ['orders'] })
    expect(workflow.workflow).toEqual({
      ...theirs,
      nodes: [theirs.nodes[0], { ...tell, credentials: { httpHeaderAuth: { name: 'Their own' } } }],
    })
    expect(JSON.stringify([...world.stub.state.workflows])).toBe(before)
    const drift = `/v1/deployments/${json.deployment.id}/drift`
    expect((await setting.user.call('GET', drift)).json).toMatchObject({
      drifted: false,
      published: { expected: null },
    })
    Object.assign(world.stub.state.workflows.get(id)?.nodes[1] as object, { disabled: true })
    expect((await setting.user.call('GET', drift)).json).toMatchObject({
      drifted: true,
      diff: { changed: [{ node: 'Tell', paths: ['disabled'] }] },
    })
  })

  test('binds a credential that Flowkeep created in n8n', async () => {
    const setting = await world.setting()
    await setting.deploy()
    const own = [...world.stub.state.credentials.values()].find(({ name }) => name === 'CRM header')
    const nodes = [orders.nodes[0], { ...tell, credentials: { httpHeaderAuth: { id: own?.id, name: 'x' } } }]
    const { json } = await importing(setting, await inN8n({ ...theirs, nodes }))
    expect(json.deployment.bindings).toEqual([
      { node: 'Tell', type: 'httpHeaderAuth', credentialId: setting.credentialId },
    ])
  })

  test('binds each node to its own credential and lists types with several credentials', async () => {
    const setting = await world.setting()
    const other = {
      ...tell,
      id: 'x',
      name: 'Other',
      credentials: { httpHeaderAuth: { id: 'second', name: 'B' } },
    }
    const id = await inN8n({ ...theirs, nodes: [...theirs.nodes, other] })
    const { json } = await importing(setting, id)
    expect(json).toMatchObject({
      ambiguousTypes: ['httpHeaderAuth'],
      deployment: {
        bindings: [
          { node: 'Tell', type: 'httpHeaderAuth', n8nCredentialId: 'theirOwn00000001' },
          { node: 'Other', type: 'httpHeaderAuth', n8nCredentialId: 'second' },
        ],
      },
    })
    Object.assign(world.stub.state.workflows.get(id)?.nodes[0] as object, { disabled: true })
    const drift = await setting.user.call('GET', `/v1/deployments/${json.deployment.id}/drift`)
    expect(drift.json.diff.changed).toEqual([{ node: 'Hook', paths: ['disabled'] }])
  })

  test('imports a workflow once, however often and concurrently it is requested', async () => {
    const setting = await world.setting()
    const id = await inN8n(theirs)
    const racing = await Promise.all(Array.from({ length: 5 }, () => importing(setting, id)))
    expect(racing.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409])
    const made = racing.find(({ status }) => status === 201)?.json
    const again = await importing(setting, id)
    expect([again.status, again.json]).toMatchObject([
      409,
      { code: 'deployment-exists', deploymentId: made.deployment.id, workflowId: made.workflowId },
    ])
    const { items } = (await setting.user.call('GET', '/v1/workflows')).json
    expect(items.map((item: { name: string }) => item.name)).toEqual(['Theirs', 'Orders'])
  })

  test('records the reports that arrived earlier', async () => {
    const setting = await world.setting()
    const id = await inN8n(theirs)
    const { webhookToken } = (
      await setting.user.call('POST', `/v1/instances/${setting.instanceId}/webhook-token`)
    ).json
    const report = { executionId: '7', workflowId: id, status: 'success' }
    await world.call('POST', `/hooks/n8n/${setting.instanceId}`, { body: report, token: webhookToken })
    const { json } = await importing(setting, id)
    const runs = await setting.user.call('GET', `/v1/executions?deploymentId=${json.deployment.id}`)
    expect(runs.json.items).toMatchObject([{ n8nExecutionId: '7' }])
  })

  test('rejects the error reporter, a workflow missing in n8n, and an invalid ID', async () => {
    const setting = await world.setting()
    await setting.deploy()
    const reporter = [...world.stub.state.workflows.values()].find(({ name }) => name !== 'Orders')
    expect((await importing(setting, reporter?.id ?? '')).json.code).toBe('conflict')
    expect((await importing(setting, 'absent')).status).toBe(404)
    const calls = world.stub.calls().length
    expect((await importing(setting, encodeURIComponent('../credentials'))).status).toBe(404)
    expect(world.stub.calls().length).toBe(calls)
  })
})

test('returns 404 for another user’s instance without a request to n8n', async () => {
  const setting = await world.setting()
  const id = await inN8n(theirs)
  const stranger = await world.user()
  const calls = world.stub.calls().length
  for (const [method, what] of [
    ['GET', 'workflows'],
    ['POST', `workflows/${id}/import`],
  ] as const) {
    const answer = await stranger.call(method, `/v1/instances/${setting.instanceId}/${what}`)
    expect([answer.status, answer.json.code]).toEqual([404, 'not-found'])
  }
  expect(world.stub.calls().length).toBe(calls)
})
