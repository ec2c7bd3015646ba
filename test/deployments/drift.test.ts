import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StubWorkflow } from '../harness/n8n-stub-state.ts'
import { createN8nWorld, type N8nWorld, orders, secret, type Setting } from './n8n-world.ts'

let world: N8nWorld
beforeAll(async () => {
  world = await createN8nWorld()
})
afterAll(() => world.close())

/** A live deployment, and a user in n8n's editor. */
async function deployed(more: object = {}) {
  const setting = await world.setting()
  const deployment = await setting.deploy(more)
  expect(deployment).toMatchObject({ status: more && 'publish' in more ? 'inactive' : 'active', error: null })
  const remote = world.stub.state.workflows.get(deployment.n8nWorkflowId) as StubWorkflow
  const path = `/v1/deployments/${deployment.id}`
  const get = async (what = '') => (await setting.user.call('GET', path + what)).json
  const post = (what: string) => setting.user.call('POST', `${path}/${what}`)
  /** Saves like the editor: published again, or as a draft. */
  const edit = (change: (content: StubWorkflow) => void, { publish = true } = {}) => {
    change(remote)
    remote.versionId = crypto.randomUUID()
    remote.versions.set(
      remote.versionId,
      structuredClone({ nodes: remote.nodes, connections: remote.connections }),
    )
    if (publish) remote.activeVersionId = remote.versionId
  }
  const nodeOf = (name: string) => remote.nodes.find((node) => node.name === name) as Record<string, unknown>
  return { ...setting, deployment, remote, get, post, edit, nodeOf }
}

const workflowOf = async ({ user, workflowId }: Setting) =>
  (await user.call('GET', `/v1/workflows/${workflowId}`)).json

const none = {
  name: null,
  added: [],
  removed: [],
  changed: [],
  connections: { added: [], removed: [] },
  settings: [],
  cosmetic: [],
}

describe('a deployed workflow', () => {
  test('has no drift after a deploy that added credentials and settings, published or not', async () => {
    const live = await deployed()
    expect(await live.get('/drift')).toEqual({
      drifted: false,
      missing: false,
      archived: false,
      published: { expected: true, actual: true },
      draft: false,
      diff: none,
      credentials: [],
      remoteVersionId: live.remote.versionId,
    })
    expect(live.nodeOf('Tell').credentials).not.toEqual(orders.nodes[1]?.credentials)
    const waiting = await deployed({ publish: false })
    expect(await waiting.get('/drift')).toMatchObject({
      drifted: false,
      published: { expected: false, actual: false },
    })
  })

  const edits: [string, (remote: StubWorkflow) => void, object][] = [
    [
      'a parameter',
      (remote) => Object.assign(remote.nodes[1]?.parameters as object, { url: 'https://elsewhere.example' }),
      { changed: [{ node: 'Tell', paths: ['parameters.url'] }] },
    ],
    [
      'another credential',
      (remote) =>
        Object.assign(remote.nodes[1] as object, { credentials: { httpHeaderAuth: { id: 'other' } } }),
      { changed: [{ node: 'Tell', paths: ['credentials.httpHeaderAuth'] }] },
    ],
    [
      'a disabled node',
      (remote) => Object.assign(remote.nodes[1] as object, { disabled: true }),
      { changed: [{ node: 'Tell', paths: ['disabled'] }] },
    ],
    [
      'a renamed node',
      (remote) => {
        Object.assign(remote.nodes[1] as object, { name: 'Call' })
        remote.connections = { Hook: { main: [[{ node: 'Call', type: 'main', index: 0 }]] } }
      },
      { changed: [{ node: 'Call', paths: ['name'] }] },
    ],
    [
      'a new node, connected',
      (remote) => {
        remote.nodes.push({
          id: 'x',
          name: 'Stop',
          type: 'n8n-nodes-base.noOp',
          position: [0, 0],
          parameters: {},
        })
        Object.assign(remote.connections, { Tell: { main: [[{ node: 'Stop', type: 'main', index: 0 }]] } })
      },
      {
        added: ['Stop'],
        connections: {
          added: [{ from: 'Tell', output: 0, to: 'Stop', input: 0, type: 'main' }],
          removed: [],
        },
      },
    ],
    [
      'a deleted node',
      (remote) => {
        remote.nodes = remote.nodes.filter(({ name }) => name !== 'Tell')
        remote.connections = {}
      },
      {
        removed: ['Tell'],
        connections: {
          added: [],
          removed: [{ from: 'Hook', output: 0, to: 'Tell', input: 0, type: 'main' }],
        },
      },
    ],
    [
      'a setting',
      (remote) => Object.assign(remote.settings, { timezone: 'Asia/Tokyo' }),
      { settings: ['timezone'] },
    ],
    [
      'error reports switched off',
      (remote) => delete remote.settings.errorWorkflow,
      { settings: ['errorWorkflow'] },
    ],
    ['another name', (remote) => Object.assign(remote, { name: 'Renamed' }), { name: 'Renamed' }],
  ]
  test.each(edits)('has drift after %s', async (_, change, expected) => {
    const live = await deployed()
    live.edit(change)
    expect(await live.get('/drift')).toMatchObject({
      drifted: true,
      missing: false,
      archived: false,
      draft: false,
      diff: { ...none, ...expected },
    })
  })

  test('has no drift after changes without effect: positions, notes, IDs, explicit defaults', async () => {
    const live = await deployed()
    live.edit((remote) => {
      Object.assign(remote.nodes[0] as object, { position: [999, 9], disabled: false, id: 'other' })
      Object.assign(remote.nodes[1] as object, { notes: 'See the wiki', onError: 'stopWorkflow' })
      Object.assign(remote.nodes[2]?.parameters as object, { content: 'Forget' })
      Object.assign(remote.settings, { callerPolicy: 'workflowsFromSameOwner', timezone: 'DEFAULT' })
    })
    expect(await live.get('/drift')).toMatchObject({
      drifted: false,
      diff: { ...none, cosmetic: ['Hook', 'Tell', 'Note'] },
    })
  })

  test('has drift when it was unpublished, published, left as a draft or deleted in n8n', async () => {
    const live = await deployed()
    live.edit((remote) => Object.assign(remote.nodes[1] as object, { disabled: true }), { publish: false })
    expect(await live.get('/drift')).toMatchObject({ drifted: true, draft: true })
    live.remote.activeVersionId = null
    expect(await live.get('/drift')).toMatchObject({
      drifted: true,
      published: { expected: true, actual: false },
    })
    world.stub.state.workflows.delete(live.remote.id)
    expect(await live.get('/drift')).toEqual({
      drifted: true,
      missing: true,
      archived: false,
      published: { expected: true, actual: false },
      draft: false,
      diff: null,
      credentials: [],
      remoteVersionId: null,
    })
    const waiting = await deployed({ publish: false })
    waiting.remote.activeVersionId = waiting.remote.versionId
    expect(await waiting.get('/drift')).toMatchObject({ drifted: true, published: { actual: true } })
  })

  test('is not compared while it is not in n8n or n8n is unavailable', async () => {
    const live = await deployed()
    world.stub.failNext({ step: 'workflow-get', mode: 'leak' })
    const away = await live.user.call('GET', `/v1/deployments/${live.deployment.id}/drift`)
    expect([away.status, away.json.code]).toEqual([502, 'instance-unreachable'])
    expect(away.text).not.toContain(world.stub.apiKey)
    await live.post('undeploy')
    const gone = await live.user.call('GET', `/v1/deployments/${live.deployment.id}/drift`)
    expect([gone.status, gone.json.code]).toEqual([409, 'conflict'])
    for (const what of ['adopt', 'overwrite']) expect((await live.post(what)).json.code).toBe('conflict')
  })
})

describe('POST /v1/deployments/{id}/adopt', () => {
  test('creates a version from the workflow in n8n, without what deploying added', async () => {
    const live = await deployed()
    const before = await workflowOf(live)
    live.edit((remote) => {
      Object.assign(remote.nodes[1]?.parameters as object, { method: 'POST' })
      Object.assign(remote.settings, { timezone: 'Asia/Tokyo' })
    })
    const answer = await live.post('adopt')
    expect([answer.status, answer.json]).toEqual([
      200,
      { version: 2, live: true, ambiguousTypes: [], lostVariables: [] },
    ])
    const after = await workflowOf(live)
    expect(after.version).toBe(2)
    expect(after.workflow).toEqual({
      ...before.workflow,
      nodes: before.workflow.nodes.map((node: { name: string; parameters: object }) =>
        node.name === 'Tell'
          ? {
              ...node,
              parameters: { ...node.parameters, method: 'POST' },
              credentials: { httpHeaderAuth: { name: 'CRM header' } },
            }
          : node,
      ),
      settings: { ...orders.settings, timezone: 'Asia/Tokyo' },
    })
    expect(JSON.stringify(after)).not.toContain(live.deployment.n8nWorkflowId)
    expect(await live.get()).toMatchObject({ version: 2, status: 'active', intent: null })
    expect((await live.get('/versions')).items.map((item: { version: number }) => item.version)).toEqual([
      2, 1,
    ])
    expect(await live.get('/drift')).toMatchObject({ drifted: false, diff: none })
  })

  test('takes over the runs of an edit made after a rollback, and stores no prompt for it', async () => {
    const live = await deployed()
    const version = `/v1/workflows/${live.workflowId}`
    const change = {
      workflow: { ...orders, name: 'Orders, changed' },
      prompt: 'PROMPT TWO',
      model: 'model-b',
    }
    await live.user.call('PATCH', version, { body: change, headers: { 'If-Match': '*' } })
    const deployment = `/v1/deployments/${live.deployment.id}`
    const deployedAgain = await live.user.call('POST', `${deployment}/deploy`, { body: {} })
    expect(deployedAgain.json).toMatchObject({ version: 2, status: 'active' })
    await live.user.call('POST', `${deployment}/rollback`, { body: { version: 1 } })
    live.edit((remote) => Object.assign(remote.nodes[1]?.parameters as object, { method: 'POST' }))
    const report = {
      executionId: '1',
      workflowId: live.remote.id,
      status: 'success',
      workflowVersionId: live.remote.versionId,
    }
    const { instanceId, id } = live.deployment
    await world.deps.reports.receive({ id: instanceId, userId: live.user.id }, [report])
    const run = async () => (await live.user.call('GET', `/v1/executions?deploymentId=${id}`)).json.items[0]
    expect(await run()).toMatchObject({ workflowVersion: 1, workflowVersionSource: 'time' })
    expect((await live.post('adopt')).json).toMatchObject({ version: 3, live: true })
    expect(await run()).toMatchObject({ workflowVersion: 3, workflowVersionSource: 'n8n' })
    const made = (await live.user.call('GET', `${version}/versions/3`)).json
    expect(made).toMatchObject({ parent: 1, author: 'n8n', prompt: null, model: null })
    expect((await live.user.call('GET', `${version}/versions/2`)).json).toMatchObject({
      author: 'user',
      prompt: 'PROMPT TWO',
      model: 'model-b',
    })
  })

  test('creates no version without a difference, and only one when repeated or concurrent', async () => {
    const live = await deployed()
    expect((await live.post('adopt')).json).toMatchObject({ version: 1, live: true })
    expect((await workflowOf(live)).workflow).toEqual(orders)
    live.edit((remote) => Object.assign(remote.nodes[1] as object, { disabled: true }))
    const answers = await Promise.all([live.post('adopt'), live.post('adopt'), live.post('adopt')])
    for (const { status } of answers) expect([200, 409]).toContain(status)
    expect((await live.post('adopt')).json).toMatchObject({ version: 2, live: true })
    expect((await workflowOf(live)).version).toBe(2)
    expect((await live.get('/versions')).items).toHaveLength(2)
  })

  test('saves a draft as a version and keeps the published version live', async () => {
    const live = await deployed()
    live.edit((remote) => Object.assign(remote.nodes[1] as object, { disabled: true }), { publish: false })
    expect((await live.post('adopt')).json).toMatchObject({ version: 2, live: false })
    expect((await live.post('adopt')).json).toMatchObject({ version: 2, live: false })
    expect(await live.get()).toMatchObject({ version: 1, status: 'active' })
    expect(await live.get('/drift')).toMatchObject({ drifted: true, draft: true })
  })

  test('records that the workflow was unpublished, without a new version', async () => {
    const live = await deployed()
    live.remote.activeVersionId = null
    expect((await live.post('adopt')).json).toMatchObject({ version: 1, live: true })
    expect(await live.get()).toMatchObject({ status: 'inactive', liveSince: null, version: 1 })
    expect(await live.get('/drift')).toMatchObject({ drifted: false })
  })

  test('binds the credential that was selected in n8n', async () => {
    const live = await deployed()
    const id = 'chosenInN8n00001'
    world.stub.state.credentials.set(id, {
      id,
      name: 'Theirs',
      type: 'httpHeaderAuth',
      data: {},
      createdAt: '',
      updatedAt: '',
    })
    live.edit((remote) =>
      Object.assign(remote.nodes[1] as object, { credentials: { httpHeaderAuth: { id, name: 'Theirs' } } }),
    )
    await live.post('adopt')
    expect(await live.get()).toMatchObject({
      bindings: [{ node: 'Tell', type: 'httpHeaderAuth', n8nCredentialId: id }],
    })
    expect(await live.get('/drift')).toMatchObject({ drifted: false })
    const [, tell] = (await workflowOf(live)).workflow.nodes
    expect(tell.credentials).toEqual({ httpHeaderAuth: { name: 'Theirs' } })
  })

  test('rejects a workflow that was deleted in n8n', async () => {
    const live = await deployed()
    world.stub.state.workflows.delete(live.remote.id)
    const answer = await live.post('adopt')
    expect([answer.status, answer.json.code]).toEqual([409, 'conflict'])
    expect((await workflowOf(live)).version).toBe(1)
  })
})

describe('POST /v1/deployments/{id}/overwrite', () => {
  test('restores the deployed version, published as before', async () => {
    const live = await deployed()
    live.edit((remote) => {
      Object.assign(remote.nodes[1]?.parameters as object, { url: 'https://elsewhere.example' })
      Object.assign(remote.settings, { timezone: 'Asia/Tokyo' })
    })
    live.remote.activeVersionId = null
    const answer = await live.post('overwrite')
    expect([answer.status, answer.json]).toMatchObject([200, { status: 'active', version: 1 }])
    expect(await live.get('/drift')).toMatchObject({ drifted: false, published: { actual: true } })
    expect(live.nodeOf('Tell').parameters).toEqual(orders.nodes[1]?.parameters)
    expect(world.stub.state.workflows.size).toBe(2)
  })

  test('recreates a workflow that was deleted in n8n', async () => {
    const live = await deployed()
    world.stub.state.workflows.delete(live.remote.id)
    expect((await live.post('overwrite')).json).toMatchObject({ status: 'active', error: null })
    expect(await live.get('/drift')).toMatchObject({ drifted: false, missing: false })
  })

  test('leaves an unpublished deployment unpublished', async () => {
    const live = await deployed({ publish: false })
    live.edit((remote) => Object.assign(remote.nodes[1] as object, { disabled: true }))
    expect((await live.post('overwrite')).json).toMatchObject({ status: 'inactive' })
    expect(live.remote.activeVersionId).toBe(null)
  })
})

test('returns 404 for another user’s deployment without a request to n8n', async () => {
  const live = await deployed()
  const stranger = await world.user()
  const calls = world.stub.calls().length
  for (const [method, what] of [
    ['GET', 'drift'],
    ['POST', 'adopt'],
    ['POST', 'overwrite'],
  ] as const) {
    const answer = await stranger.call(method, `/v1/deployments/${live.deployment.id}/${what}`)
    expect([answer.status, answer.json.code]).toEqual([404, 'not-found'])
  }
  expect(world.stub.calls().length).toBe(calls)
})

test('returns and logs no secret and no API key', () => {
  const texts = [...world.answers, ...world.logs]
  expect(texts.filter((text) => text.includes(secret) || text.includes(world.stub.apiKey))).toEqual([])
})
