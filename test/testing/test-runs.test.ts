/** Tests of workflows against the n8n stub: what each node does, which requests are refused, and that nothing is left after any crash. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createDeployWorld,
  type DeployWorld,
  type N8nCall,
  type WorldUser,
} from '../deployments/deploy-world.ts'
import { chainOf, node } from '../real-n8n/test-workflows.ts'

let world: DeployWorld
let user: WorldUser
beforeAll(async () => {
  world = await createDeployWorld()
  user = await world.user()
})
afterAll(() => world.close())

const workflow = (more: object = {}) => ({
  ...chainOf(
    node('Hook', 'webhook', { path: 'orders', httpMethod: 'POST' }),
    node('Read', 'httpRequest', {
      url: 'https://crm.example.com',
      authentication: 'genericCredentialType',
      genericAuthType: 'httpHeaderAuth',
    }),
    node('Send', 'httpRequest', { method: 'POST', url: 'https://crm.example.com' }),
    node('Last', 'noOp', {}),
  ),
  ...more,
})
const pinned = { pinData: { Send: [{ json: { id: 7 } }] } }

const start = (workflowId: string, more: object = {}) =>
  user.api('POST', `/v1/workflows/${workflowId}/test`, { instanceId: user.instanceId, ...more })

/** Runs the scheduled job until every test is removed. */
const finish = async () => {
  for (let tries = 0; tries < 8; tries += 1) {
    const open = await world.database.sql`select 1 from test_runs where removed_at is null`
    if (open.length === 0) return
    await world.deps.testRuns.resumeTests(20)
    world.pass(61_000)
  }
}

/** What n8n has, to compare before and after. */
const inN8n = () => ({
  workflows: [...world.stub.state.workflows.keys()].toSorted(),
  credentials: [...world.stub.state.credentials.keys()].toSorted(),
  executions: world.stub.state.executions.map(({ id }) => id),
})

const nodeOf = (body: { nodes: { name: string }[] }, name: string) =>
  body.nodes.find((each) => each.name === name)

describe('a test', () => {
  test('runs a copy with the input, replaces nodes that write, and removes everything', async () => {
    const before = inN8n()
    const id = await user.workflow(workflow(pinned))
    const { status, body } = await start(id, { input: { body: { order: 1 } } })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'passed',
      step: null,
      error: null,
      trigger: 'Hook',
      version: 1,
      workflowId: id,
    })
    expect(nodeOf(body, 'Hook')).toMatchObject({ treatment: 'input', status: 'success', items: 1 })
    expect(nodeOf(body, 'Send')).toMatchObject({ treatment: 'stand-in', reason: 'writes', source: 'pinned' })
    expect(nodeOf(body, 'Last')).toMatchObject({ outputs: [{ items: 1, sample: { id: 7 } }] })
    expect(body.removedAt).not.toBeNull()
    expect(inN8n()).toEqual(before)
    const runs = await user.api('GET', `/v1/executions?workflowId=${id}`)
    expect(runs.body.items).toEqual([])
  })

  test('names the node that fails, with the message of n8n', async () => {
    const id = await user.workflow(
      chainOf(
        node('Start', 'manualTrigger', {}),
        node('Stop', 'stopAndError', { errorMessage: 'No customer' }),
      ),
    )
    const { body } = await start(id)
    expect(body).toMatchObject({ status: 'failed', error: 'Stop: No customer' })
    expect(nodeOf(body, 'Stop')).toMatchObject({ status: 'error', error: { message: 'No customer' } })
  })

  test('passes if its answer is 404, which is not taken for an unknown webhook', async () => {
    const id = await user.workflow(
      chainOf(
        node('Hook', 'webhook', { path: 'lookup', httpMethod: 'POST', responseMode: 'responseNode' }),
        node('Answer', 'respondToWebhook', { respondWith: 'noData', options: { responseCode: 404 } }),
      ),
    )
    expect((await start(id)).body).toMatchObject({ status: 'passed', error: null })
  })

  test('is listed without nodes, and its input is not stored', async () => {
    const id = await user.workflow(workflow())
    const { body } = await start(id, { input: { body: { planted: 'planted-input' } }, writes: 'disable' })
    const { body: list } = await user.api('GET', `/v1/test-runs?workflowId=${id}`)
    expect(list.items).toEqual([{ ...body, nodes: [] }])
    const [stored] = await world.database.sql`select request from test_runs where id = ${body.id}`
    expect(stored?.request).toEqual({ writes: 'disable', bindings: [] })
    const { body: events } = await user.api('GET', '/v1/audit-events?limit=1')
    expect(events.items[0]).toMatchObject({ action: 'workflow.tested', subjectId: id })
  })

  test('the scratch copy is not in the list of workflows to import and cannot be imported', async () => {
    const name = 'flowkeep-test-01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d'
    const headers = { 'x-n8n-api-key': world.stub.apiKey, 'content-type': 'application/json' }
    const body = JSON.stringify({ name, nodes: [], connections: {}, settings: {} })
    const url = `${world.stub.baseUrl}/api/v1/workflows`
    const created = await (await world.stub.fetch(url, { method: 'POST', headers, body })).json()
    const list = await user.api('GET', `/v1/instances/${user.instanceId}/workflows`)
    expect(list.body.items.map((each: { name: string }) => each.name)).not.toContain(name)
    const imported = await user.api('POST', `/v1/instances/${user.instanceId}/workflows/${created.id}/import`)
    expect(imported.status).toBe(409)
    world.stub.state.workflows.delete(created.id)
  })

  test('copies a bound credential for the test only, and never one of a deployment', async () => {
    const credentialId = await user.credential()
    const slack = chainOf(node('Start', 'manualTrigger', {}), {
      ...node('Read', 'slack', { resource: 'channel', operation: 'getAll' }),
      typeVersion: 2.2,
    })
    const id = await user.workflow(slack)
    const before = inN8n()
    const withheld = await start(id)
    expect(nodeOf(withheld.body, 'Read')).toMatchObject({ reason: 'missing-credential', source: 'input' })
    const bound = await start(id, { bindings: { slackApi: credentialId } })
    expect(bound.body.status).toBe('passed')
    expect(nodeOf(bound.body, 'Read')).toMatchObject({ treatment: 'run', reason: null })
    expect(inN8n()).toEqual(before)
    const created = world.stub
      .calls('credential-create')
      .slice(-2)
      .map(({ body }) => (body as { name: string }).name)
    expect(created).toEqual([`flowkeep-test-${bound.body.id}`, `flowkeep-test-${bound.body.id}`])
  })
})

describe('a test is refused', () => {
  test.each([
    ['an unknown trigger', { trigger: 'Nope' }, '/trigger'],
    [
      'a binding without a slot',
      { bindings: { slackApi: '01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d' } },
      '/bindings/slackApi',
    ],
    ['an input that is no object', { input: [1] }, '/input'],
    ['a version that does not exist', { version: 9 }, '/version'],
  ])('for %s', async (_, more, pointer) => {
    const id = await user.workflow(workflow())
    const { status, body } = await start(id, more)
    expect({ status, pointer: body.errors?.[0]?.pointer }).toEqual({
      status: 422,
      pointer: expect.stringContaining(pointer),
    })
  })

  test('for a workflow, an instance and a test of another user', async () => {
    const other = await world.user()
    const id = await other.workflow(workflow())
    expect((await start(id)).status).toBe(404)
    const own = await user.workflow(workflow())
    expect((await start(own, { instanceId: other.instanceId })).status).toBe(422)
    const { body } = await other.api('POST', `/v1/workflows/${id}/test`, { instanceId: other.instanceId })
    expect((await user.api('GET', `/v1/test-runs/${body.id}`)).status).toBe(404)
    expect((await user.api('GET', `/v1/test-runs?workflowId=${id}`)).body.items).toEqual([])
  })

  test('for several triggers until one is named', async () => {
    const two = {
      ...workflow(),
      nodes: [...workflow().nodes, node('Manual', 'manualTrigger', {})],
    }
    const id = await user.workflow(two)
    expect((await start(id)).body.errors[0].detail).toContain('"Hook", "Manual"')
    expect((await start(id, { trigger: 'Manual' })).body.status).toBe('passed')
  })

  test('while too many run on the instance', async () => {
    const busy = await world.user()
    const id = await busy.workflow(workflow())
    const repository = world.deps.testRepository
    const row = {
      workflowId: id,
      instanceId: busy.instanceId,
      version: 1,
      replayId: null,
    }
    const tests = [{ trigger: 'Hook', request: { writes: 'pin' as const, bindings: [] } }]
    for (let count = 0; count < 5; count += 1) await repository.create(busy.id, row, tests)
    const { status, body } = await busy.api('POST', `/v1/workflows/${id}/test`, {
      instanceId: busy.instanceId,
    })
    expect({ status, code: body.code }).toEqual({ status: 429, code: 'too-many-requests' })
    const deletion = await busy.api('DELETE', `/v1/instances/${busy.instanceId}`)
    expect({ status: deletion.status, detail: deletion.body.detail }).toEqual({
      status: 409,
      detail: expect.stringContaining('A test is running on the instance'),
    })
    expect((await busy.api('DELETE', `/v1/instances/${busy.instanceId}?force=true`)).status).toBe(204)
  })
})

describe('when the process dies', () => {
  test('the scratch copy of a deleted workflow is removed too', async () => {
    const before = inN8n()
    const id = await user.workflow(workflow(pinned))
    world.fail(({ path }: N8nCall) => path.endsWith('/publish'), 'none', { kill: true })
    void start(id)
    await world.restart()
    expect(inN8n()).not.toEqual(before)
    expect((await user.api('DELETE', `/v1/workflows/${id}`)).status).toBe(204)
    await finish()
    expect(inN8n()).toEqual(before)
  })

  test('a read of the test continues it', async () => {
    const id = await user.workflow(workflow(pinned))
    world.fail(({ path }: N8nCall) => path.includes('/executions/'), 'none', { kill: true })
    void start(id)
    await world.restart()
    const { body: list } = await user.api('GET', `/v1/test-runs?workflowId=${id}`)
    const { body } = await user.api('GET', `/v1/test-runs/${list.items[0].id}`)
    expect(body).toMatchObject({ status: 'passed', removedAt: expect.any(String) })
  })
})

test.each(['reset-after-apply', 'timeout-after-apply', 'http500-after-apply'] as const)(
  'a creation that n8n answers with %s leaves nothing',
  async (mode) => {
    const before = inN8n()
    const id = await user.workflow(workflow(pinned))
    for (const suffix of ['/credentials', '/workflows']) {
      world.fail(({ method, path }) => method === 'POST' && path.endsWith(suffix), mode)
      await start(id)
      await finish()
      expect(inN8n()).toEqual(before)
    }
    const { body } = await user.api('GET', `/v1/test-runs?workflowId=${id}`)
    expect(body.items.map(({ status }: { status: string }) => status)).toEqual(['passed', 'passed'])
  },
)

// The last test, because its last fault stays pending.
test('killed during any of its requests, a test is finished by the scheduled job and leaves nothing in n8n', async () => {
  const id = await user.workflow(workflow(pinned))
  const credentialId = await user.credential('httpHeaderAuth', { name: 'X-Key', value: 'planted' })
  const before = inN8n()
  let kills = 0
  for (let isAnswered = false; !isAnswered; kills += 1) {
    let left = kills
    world.fail(() => left-- === 0, 'none', { kill: true })
    const answer = start(id, { input: { body: {} }, bindings: { httpHeaderAuth: credentialId } })
    isAnswered = await Promise.race([answer.then(() => true), world.restart().then(() => false)])
    await finish()
    expect(inN8n(), String(kills)).toEqual(before)
    const { body } = await user.api('GET', `/v1/test-runs?workflowId=${id}&limit=1`)
    expect(body.items[0], String(kills)).toMatchObject({
      removedAt: expect.any(String),
      status: expect.stringMatching(/^(passed|error)$/),
    })
  }
  expect(kills).toBeGreaterThan(14)
})
