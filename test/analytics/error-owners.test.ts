/** Users whose runs fail with the same error have the same fingerprint, and see their own runs only. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from '../executions/world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

test('an error group lists the runs of its owner', async () => {
  const error = { message: 'Quota exceeded', node: 'A' }
  const owners = [await world.tracked(), await world.tracked()]
  const ids: string[] = []
  for (const { report } of owners) {
    const startedAt = new Date().toISOString()
    const run = await report({ executionId: '1', workflowId: 'wf1', status: 'error', startedAt, error })
    ids.push(run.body.id)
  }
  const fingerprints: string[] = []
  for (const { userId: user } of owners) {
    const { body } = await world.call('GET', '/v1/analytics/errors', { user })
    fingerprints.push(body.items[0].fingerprint)
    const group = await world.call('GET', `/v1/analytics/errors/${body.items[0].fingerprint}`, { user })
    expect(group.body.executions.map(({ id }: { id: string }) => id)).toEqual(ids.splice(0, 1))
  }
  expect(fingerprints[0]).toBe(fingerprints[1])
})
