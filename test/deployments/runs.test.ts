import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'
import { checkInvariants, createDeployWorld, type DeployWorld, orders } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld({ database: await createTestDatabase() })
})
afterAll(() => world.close())

const named = (name: string) => [...world.stub.state.workflows.values()].filter((each) => each.name === name)

async function waiting(name: string) {
  const user = await world.user()
  await user.credential()
  await user.warm()
  const workflowId = await user.workflow(orders({ name }))
  world.fail(({ path, method }) => method === 'POST' && path.endsWith('/credentials'), 'refuse', {
    kill: true,
  })
  void user.deploy(workflowId)
  await world.restart()
  const { body } = await user.api('GET', `/v1/deployments?workflowId=${workflowId}`)
  return { user, id: String(body.items[0].id), workflowId }
}

describe('the lease', () => {
  test('allows concurrent workers to send each request to n8n only once', async () => {
    const { user, id } = await waiting('Contended')
    const workers = Array.from({ length: 6 }, () => world.start().deps.deployer)
    const before = world.stub.calls().length
    const worked = await Promise.all([
      ...workers.map((deployer) => deployer.resumeDeployments(10)),
      user.act(id, 'retry').then(() => 0),
      user.act(id, 'undeploy').then(({ status }) => {
        expect([200, 409]).toContain(status)
        return 0
      }),
    ])
    expect(worked.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(2)
    const made = world.stub.calls().slice(before)
    const counts = Map.groupBy(
      made.filter(({ method }) => method !== 'GET'),
      ({ step }) => step,
    )
    for (const [step, calls] of counts) expect([step, calls.length]).toEqual([step, 1])
    await checkInvariants(world)
  })

  test('excludes other workers until it expires', async () => {
    const { user, id, workflowId } = await waiting('Held')
    world.fail(({ method }) => method === 'PUT', 'none', { kill: true })
    void user.act(id, 'retry')
    await world.restart()
    // While the lease of the crashed run is still valid.
    world.pass(-50_000)
    const writes = () => world.stub.calls().filter(({ method }) => method !== 'GET').length
    const before = writes()
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(0)
    expect((await user.act(id, 'undeploy')).body.code).toBe('conflict')
    expect((await user.act(id, 'deploy', {})).body.code).toBe('conflict')
    expect((await user.act(id, 'retry')).body).toMatchObject({ status: 'deploying', step: 'workflow-create' })
    expect((await user.api('DELETE', `/v1/deployments/${id}`)).status).toBe(409)
    expect(writes()).toBe(before)
    world.pass(50_000)
    expect((await user.act(id, 'retry')).body.status).toBe('active')
    expect(named('Held')).toHaveLength(1)
    expect((await user.deploy(workflowId)).status).toBe(409)
  })

  test('two concurrent requests for the same workflow and instance create one deployment', async () => {
    const user = await world.user()
    await user.credential()
    const workflowId = await user.workflow(orders({ name: 'Twice' }))
    const answers = await Promise.all([
      user.deploy(workflowId),
      user.deploy(workflowId),
      user.deploy(workflowId),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409])
    expect(named('Twice')).toHaveLength(1)
  })
})

describe('an n8n that asks to wait', () => {
  test('is called again after the requested time, at most 60 s, by the scheduled job', async () => {
    const user = await world.user()
    await user.credential()
    await user.warm()
    const workflowId = await user.workflow(orders({ name: 'Slow' }))
    world.fail(({ method }) => method === 'PUT', '429', { retryAfterSeconds: 3600 })
    const { body } = await user.deploy(workflowId)
    expect(body).toMatchObject({ status: 'deploying', step: 'workflow-update', error: expect.any(String) })
    const asked = world.stub.calls().length
    world.pass(55_000)
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(0)
    expect((await user.act(body.id, 'retry')).body.status).toBe('deploying')
    expect(world.stub.calls().length).toBe(asked)
    world.pass(6_000)
    expect(await world.deps.deployer.resumeDeployments(10)).toBe(1)
    expect((await user.api('GET', `/v1/deployments/${body.id}`)).body).toMatchObject({
      status: 'active',
      error: null,
    })
  })

  test('is retried within the request if the wait is short', async () => {
    const user = await world.user()
    await user.credential()
    await user.warm()
    const before = world.clock.now.getTime()
    world.fail(({ path }) => path.endsWith('/publish'), '429', { retryAfterSeconds: 7 })
    const { body } = await user.deploy(await user.workflow())
    expect(body.status).toBe('active')
    expect(world.clock.now.getTime() - before).toBeGreaterThanOrEqual(7_000)
  })
})

test('a deployment that never finishes fails after the maximum number of attempts', async () => {
  const user = await world.user()
  await user.credential()
  await user.warm()
  const workflowId = await user.workflow()
  const busy = () => world.fail(({ method }) => method === 'PUT', '429', { retryAfterSeconds: 60 })
  busy()
  const { body } = await user.deploy(workflowId)
  let { status } = body
  for (let attempt = 0; attempt < 25 && status === 'deploying'; attempt += 1) {
    busy()
    world.pass(61_000)
    await world.deps.deployer.resumeDeployments(10)
    status = (await user.api('GET', `/v1/deployments/${body.id}`)).body.status
  }
  expect(status).toBe('failed')
})

test('an API key that cannot be decrypted fails with the step and the reason', async () => {
  const user = await world.user()
  await user.credential()
  const workflowId = await user.workflow()
  await world.database
    .sql`update instances set api_key = (select api_key from instances where user_id <> ${user.id} limit 1)
    where user_id = ${user.id}`
  const { body } = await user.deploy(workflowId)
  expect(body).toMatchObject({ status: 'failed', step: 'connect', error: expect.any(String) })
  await checkInvariants(world)
})
