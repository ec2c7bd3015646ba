/** A run of a deployment writes only while it holds the lease. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  DeploymentRuns,
  LeaseLostError,
  RetryLaterError,
  type Run,
} from '../../src/deployments/deploy/run.ts'
import { createDeployWorld, type DeployWorld } from './deploy-world.ts'

let world: DeployWorld
let runs: DeploymentRuns

beforeAll(async () => {
  world = await createDeployWorld()
  runs = new DeploymentRuns(world.deps.db, () => world.clock.now)
})
afterAll(() => world.close())

async function started() {
  const user = await world.user()
  await user.credential()
  const { body } = await user.deploy(await user.workflow())
  const id = String(body.id)
  const row = await runs.find(user.id, id)
  if (row?.status !== 'active') throw new Error('not deployed')
  const run = await runs.begin(row, { action: 'deactivate' }, {})
  if (!run) throw new Error('not started')
  const stored = async () => [
    ...(await world.database
      .sql`select to_jsonb(d) - 'updated_at' as row from deployments d where id = ${id}`),
    ...(await world.database
      .sql`select to_jsonb(v) as row from deployment_versions v where deployment_id = ${id}`),
  ]
  return {
    user,
    id,
    run,
    stored,
    resume: (options?: { afresh: boolean }) => runs.resume(user.id, id, options),
  }
}

test.each<[string, (run: Run) => Promise<void>]>([
  ['saves progress', (run) => run.save({ n8nVersionId: 'late' })],
  ['renews the lease', (run) => run.renewLease()],
  ['records a version as live', (run) => run.goLive(1, 'late', [])],
  ['waits', (run) => run.reschedule(new RetryLaterError(1000, 'late'))],
  ['fails', (run) => run.fail('late')],
  ['finishes', (run) => run.finish({ status: 'inactive', deployed: true })],
])('a run that another one has taken over never %s', async (_, write) => {
  const { run, stored, resume } = await started()
  world.pass(60_001)
  const next = await resume()
  const before = await stored()
  await expect(write(run)).rejects.toThrow(LeaseLostError)
  expect(await stored()).toEqual(before)
  await next?.finish({ status: 'inactive', deployed: false })
  expect(await stored()).toMatchObject([{ row: { status: 'inactive', lease_owner: null } }, {}])
})

test('a run that works keeps its lease', async () => {
  const { run, resume } = await started()
  for (let seconds = 0; seconds < 180; seconds += 20) {
    world.pass(20_000)
    await run.renewLease()
    expect([seconds, await resume(), await resume({ afresh: true })]).toEqual([seconds, null, null])
  }
  await run.finish({ status: 'inactive', deployed: false })
})

test('a run is not due while another one holds its lease', async () => {
  const { run, id } = await started()
  const due = async () => (await runs.due(1000)).some((each) => each.id === id)
  expect(await due()).toBe(false)
  world.pass(60_001)
  expect(await due()).toBe(true)
  await run.finish({ status: 'inactive', deployed: false })
})

test('a person can skip the wait for the next attempt, but not a run', async () => {
  const { run, resume } = await started()
  await run.reschedule(new RetryLaterError(600_000, 'n8n is unavailable', { backsOff: true }))
  expect(await resume()).toBeNull()
  const next = await resume({ afresh: true })
  expect(next?.row.intent.backsOff).toBe(true)
  expect(await resume({ afresh: true })).toBeNull()
  await next?.finish({ status: 'inactive', deployed: false })
})
