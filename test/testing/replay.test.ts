/** Replays of recorded runs against the n8n stub. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, type WorldUser } from '../deployments/deploy-world.ts'
import { chainOf, node } from '../real-n8n/test-workflows.ts'

let world: DeployWorld
let user: WorldUser
let workflowId: string
let executionId: string

const versionWith = (last: ReturnType<typeof node>) =>
  chainOf(
    { ...node('Hook', 'webhook', { path: 'replayed', httpMethod: 'POST' }), webhookId: 'replayed' } as never,
    node('Send', 'httpRequest', { method: 'POST', url: 'https://crm.example.com' }),
    last,
  )

beforeAll(async () => {
  world = await createDeployWorld()
  user = await world.user()
  workflowId = await user.workflow(versionWith(node('Last', 'noOp', {})))
  const stored = await user.api('PUT', `/v1/workflows/${workflowId}/value-storage`, {})
  expect(stored.status).toBe(200)
  const deployed = await user.deploy(workflowId)
  expect(deployed.body.status).toBe('active')
  world.pass(5_000)
  const body = JSON.stringify({ order: 7, customer: 'planted-customer' })
  const hook = await world.stub.fetch(`${world.stub.baseUrl}/webhook/replayed`, { method: 'POST', body })
  expect(hook.status).toBe(200)
  await world.deps.poll(user.id, user.instanceId)
  const runs = await user.api('GET', `/v1/executions?workflowId=${workflowId}`)
  executionId = runs.body.items[0].id
})
afterAll(() => world.close())

const replay = (more: object = {}) =>
  user.api('POST', `/v1/workflows/${workflowId}/test`, { instanceId: user.instanceId, executionId, ...more })

// oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
const nodeOf = (body: any, name: string) => body.nodes.find((each: { name: string }) => each.name === name)

describe('a replay of a recorded run', () => {
  test('repeats its input, and nodes that do not run output what they returned', async () => {
    const { status, body } = await replay()
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'passed', trigger: 'Hook', executionId })
    expect(nodeOf(body, 'Send')).toMatchObject({
      treatment: 'stand-in',
      source: 'recorded',
      differences: null,
    })
    expect(nodeOf(body, 'Last')).toMatchObject({ treatment: 'run', differences: [] })
  })

  test('stores none of its values', async () => {
    const { text } = await replay()
    expect(text).not.toContain('planted-customer')
    const rows = await world.database.sql`select * from test_runs`
    expect(JSON.stringify(rows)).not.toContain('planted-customer')
  })

  test('shows which nodes of another version differ', async () => {
    const version = await user.change(
      workflowId,
      versionWith(node('Last', 'stopAndError', { errorMessage: 'Broken' })),
    )
    const { body } = await replay({ version })
    expect(body).toMatchObject({ status: 'failed', version })
    expect(nodeOf(body, 'Last')).toMatchObject({ status: 'error', differences: ['status'] })
    const before = await replay({ version: 1 })
    expect(nodeOf(before.body, 'Last').differences).toEqual([])
  })

  test('needs stored values of an execution of the workflow, and no input', async () => {
    const pointer = async (more: object, of = workflowId) => {
      const { status, body } = await user.api('POST', `/v1/workflows/${of}/test`, {
        instanceId: user.instanceId,
        executionId,
        ...more,
      })
      return { status, pointer: body.errors?.[0]?.pointer }
    }
    const other = await user.workflow(versionWith(node('Last', 'noOp', {})))
    expect(await pointer({}, other)).toEqual({ status: 422, pointer: '/executionId' })
    expect((await pointer({ input: {} })).status).toBe(422)
    await user.api('DELETE', `/v1/workflows/${workflowId}/value-storage`)
    expect(await pointer({ version: 1 })).toEqual({ status: 422, pointer: '/executionId' })
  })
})
