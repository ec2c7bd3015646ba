import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const success = {
  executionId: '12',
  workflowId: 'wf1',
  status: 'success',
  startedAt: '2026-11-22T10:52:29.027Z',
  finishedAt: '2026-11-22T10:52:29.242Z',
  mode: 'webhook',
  data: { rows: 3 },
}

test('a report is recorded once, 202 first and 200 after, and read back', async () => {
  const { userId, workflowId, instanceId, deploymentId, report } = await world.tracked()
  const first = await report(success)
  expect(first.status).toBe(202)
  expect(first.body).toEqual({ id: first.body.id, created: true })
  const again = await report(success)
  expect(again.status).toBe(200)
  expect(again.body).toEqual({ id: first.body.id, created: false })

  const { body: list } = await world.call('GET', '/v1/executions', { user: userId })
  expect(list).toEqual({
    items: [
      {
        id: first.body.id,
        n8nExecutionId: '12',
        workflowId,
        workflowVersion: 1,
        deploymentId,
        instanceId,
        status: 'success',
        mode: 'webhook',
        startedAt: '2026-11-22T10:52:29.027Z',
        finishedAt: '2026-11-22T10:52:29.242Z',
        durationMs: 215,
        error: null,
        receivedAt: world.clock.now.toISOString(),
      },
    ],
    nextCursor: null,
  })
  const { body: one } = await world.call('GET', `/v1/executions/${first.body.id}`, { user: userId })
  expect(one).toEqual({ ...list.items[0], data: { rows: 3 } })
})
