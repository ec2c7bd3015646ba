/** A test of a workflow is worked on by one server, which writes only while it holds the lease. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestLeaseLostError, TestRepository } from '../../src/testing/repository.ts'
import { createDeployWorld, type DeployWorld, orders } from '../deployments/deploy-world.ts'

let world: DeployWorld
let tests: TestRepository

beforeAll(async () => {
  world = await createDeployWorld()
  tests = new TestRepository(world.deps.db, () => world.clock.now)
})
afterAll(() => world.close())

async function started() {
  const user = await world.user()
  const row = {
    workflowId: await user.workflow(orders()),
    instanceId: user.instanceId,
    version: 1,
    replayId: null,
  }
  const request = { items: [{}], writes: 'pin' as const, bindings: [] }
  const lease = await tests.create(user.id, row, [{ trigger: 'Hook', request }])
  const isDue = async () => (await tests.due(1000)).some(({ id }) => id === lease.row.id)
  return { lease, resume: () => tests.resume(user.id, lease.row.id), isDue }
}

test('no other server works on it until the lease ends, and then the first server writes nothing', async () => {
  const { lease, resume, isDue } = await started()
  expect([await resume(), await isDue()]).toEqual([null, false])
  world.pass(60_001)
  expect(await isDue()).toBe(true)
  const next = await resume()
  expect(next?.row.attempts).toBe(2)
  const { row } = next ?? {}
  await expect(lease.save({ error: 'late' })).rejects.toThrow(TestLeaseLostError)
  await expect(lease.renew()).rejects.toThrow(TestLeaseLostError)
  await expect(lease.release(0, { error: 'late' })).rejects.toThrow(TestLeaseLostError)
  await next?.save({})
  expect(next?.row).toEqual(row)
})

test('a server that works keeps the lease, and another one continues after it is released', async () => {
  const { lease, resume } = await started()
  for (let seconds = 0; seconds < 120; seconds += 20) {
    world.pass(20_000)
    await lease.renew()
    expect([seconds, await resume()]).toEqual([seconds, null])
  }
  await lease.release(30_000)
  expect(await resume()).toBeNull()
  world.pass(30_001)
  expect((await resume())?.row.attempts).toBe(2)
})
