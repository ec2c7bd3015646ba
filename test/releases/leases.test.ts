/** Workers share the targets of a release by leases. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ReleaseProgress } from '../../src/releases/progress.ts'
import { createReleaseWorld, type ReleaseWorld } from './release-world.ts'
import { orders } from '../deployments/orders.ts'

let world: ReleaseWorld
let progress: ReleaseProgress

beforeAll(async () => {
  world = await createReleaseWorld()
  progress = new ReleaseProgress(world.running.deps.db, world.now)
})
afterAll(() => world.close())

/** A release that deploys one target at a time. */
async function running(instances: number) {
  const user = await world.user(instances)
  await user.made('/v1/credentials', { type: 'slackApi', name: 'Slack', data: { accessToken: 'x' } })
  const { id: workflowId } = await user.made('/v1/workflows', { workflow: orders() })
  const { id } = await user.made('/v1/releases', {
    workflows: [{ workflowId }],
    instanceIds: user.instanceIds,
    concurrency: 1,
    dryRun: true,
  })
  await world.settle()
  await world.database.sql`update releases set status = 'running', phase = 'rest' where id = ${id}`
  const look = await progress.look(user.id, String(id))
  if (!look) throw new Error('no release')
  const statuses = async () =>
    (
      await world.database.sql`select status from release_targets where release_id = ${id} order by position`
    ).map(({ status }) => String(status))
  return { claim: () => progress.claim(look, 'running'), statuses }
}

test('a target is claimed once, and again after the lease of a worker that died', async () => {
  const { claim } = await running(2)
  const first = await claim()
  expect(first).toMatchObject({ position: 0, attempts: 1 })
  expect(await claim()).toBeNull()
  world.pass(60_001)
  expect(await claim()).toMatchObject({ position: 0, attempts: 2 })
  expect(await claim()).toBeNull()
})

test('a worker that lost the lease changes nothing', async () => {
  const { claim, statuses } = await running(2)
  const late = await claim()
  world.pass(60_001)
  const next = await claim()
  if (!late || !next) throw new Error('not claimed')
  await progress.fail(late, null, 'late')
  await progress.end(late, 'deployed', { deploymentId: null })
  await progress.reschedule(late, 0, 'late')
  expect(await progress.saveBefore(late, { version: 9 } as never)).toBe(false)
  expect(await statuses()).toEqual(['deploying', 'pending'])
  await progress.end(next, 'deployed', { deploymentId: null })
  expect(await statuses()).toEqual(['deployed', 'pending'])
})
