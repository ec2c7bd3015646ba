import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deployments } from '../../src/db/schema/deployments.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'
import { createWorld, type World } from './world.ts'

let world: World
let stub: N8nStub
beforeAll(async () => {
  stub = await createN8nStub({ apiKey: 'n8n-api-key-canary' })
  // Each instance has its own path on the same server.
  const fetch = (input: string | URL | Request, init?: RequestInit) =>
    stub.fetch(new Request(input, init).url.replace(/(example\.com)\/[^/]+/, '$1'), init)
  world = createWorld(await createTestDatabase(), { fetch })
})
afterAll(() => world.close())

async function deployed() {
  const userId = await world.user()
  const workflowId = await world.workflow(userId)
  const { id: instanceId } = await world.instance(userId)
  const n8nWorkflowId = uuidv7().slice(-12)
  await world.db
    .insert(deployments)
    .values({ id: uuidv7(), userId, workflowId, instanceId, version: 1, status: 'active', n8nWorkflowId })
  const poll = (body: unknown, user: string | undefined = userId) =>
    world.call('POST', '/v1/executions/poll', { ...(user && { user }), body })
  return { userId, instanceId, n8nWorkflowId, poll }
}

test('polls n8n immediately; the new execution can be read with its nodes', async () => {
  const { userId, instanceId, n8nWorkflowId, poll } = await deployed()
  const run = {
    startTime: Date.now(),
    executionTime: 3,
    executionStatus: 'success',
    data: { main: [[{}, {}]] },
  }
  stub.addExecution({ workflowId: n8nWorkflowId, data: { resultData: { runData: { Webhook: [run] } } } })
  const answer = await poll({ instanceId })
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject({ recorded: 1, updated: 0, lagSeconds: 0 })
  const { body: list } = await world.call('GET', '/v1/executions', { user: userId })
  const { body: one } = await world.call('GET', `/v1/executions/${list.items[0].id}`, { user: userId })
  expect(one.data).toEqual({
    nodes: [
      {
        name: 'Webhook',
        type: null,
        status: 'success',
        startedAt: new Date(run.startTime).toISOString(),
        durationMs: 3,
        items: 2,
        runs: 1,
        error: null,
      },
    ],
  })
})

test('returns 429 with Retry-After right after another poll', async () => {
  const { instanceId, poll } = await deployed()
  expect((await poll({ instanceId })).status).toBe(200)
  const again = await poll({ instanceId })
  expect([again.status, again.body.code, again.headers.get('Retry-After')]).toEqual([
    429,
    'too-many-requests',
    '3',
  ])
})

test("returns 404 for another user's instance without a request to n8n", async () => {
  const [ours, theirs] = [await deployed(), await deployed()]
  const calls = stub.calls().length
  for (const instanceId of [theirs.instanceId, uuidv7()]) {
    const answer = await ours.poll({ instanceId })
    expect([answer.status, answer.body.detail]).toEqual([404, 'Instance not found'])
  }
  expect(stub.calls()).toHaveLength(calls)
})

test('returns 401 when signed out', async () => {
  const { instanceId } = await deployed()
  expect((await world.call('POST', '/v1/executions/poll', { body: { instanceId } })).status).toBe(401)
})

test.each([
  ['nothing', {}],
  ['no ID', { instanceId: 'x' }],
  ['an unknown field', { instanceId: uuidv7(), force: true }],
])('%s: returns 422', async (_, body) => {
  const { poll } = await deployed()
  expect((await poll(body)).status).toBe(422)
})

test.each([
  ['leak', 502, 'instance-unreachable'],
  ['401', 502, 'instance-refused'],
  ['429', 503, 'instance-busy'],
] as const)('an n8n that returns %s: responds %i %s without its body', async (mode, status, code) => {
  const { instanceId, poll } = await deployed()
  stub.failNext({ step: 'execution-list', mode })
  const answer = await poll({ instanceId })
  expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(answer.text).not.toMatch(/canary|script/)
})
