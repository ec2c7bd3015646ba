/** Failures without an execution: they belong to their workflow and are not dead letters. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteExpiredIncidents } from '../../src/executions/reports/incidents.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const triggerFailure = (more: object = {}, workflowId = 'wf1') => ({
  trigger: {
    error: {
      message: 'IMAP login refused',
      name: 'NodeOperationError',
      node: { name: 'Email Trigger' },
      ...more,
    },
    mode: 'trigger',
  },
  workflow: { id: workflowId, name: 'orders' },
})
const unsavedRun = {
  execution: { error: { message: 'boom', httpCode: '500' }, lastNodeExecuted: 'Call', mode: 'webhook' },
  workflow: { id: 'wf1', name: 'orders' },
}
const list = async (user: string, query = '') =>
  (await world.call('GET', `/v1/incidents${query}`, { user })).body.items as Record<string, unknown>[]
const deadLetters = async (user: string) =>
  (await world.call('GET', '/v1/dead-letters', { user })).body.items as unknown[]

describe('a failure without an execution', () => {
  test('of a trigger that could not start is recorded once and listed', async () => {
    const { report, userId, workflowId, deploymentId, instanceId } = await world.tracked()
    const first = await report(triggerFailure({ timestamp: Date.now() - 1000 }))
    expect(first).toMatchObject({ status: 202, body: { created: true, incident: true } })
    expect(await list(userId)).toMatchObject([
      {
        id: first.body.id,
        workflowId,
        deploymentId,
        instanceId,
        workflowVersion: 1,
        source: 'trigger',
        mode: 'trigger',
        deliveries: 1,
        error: { message: 'IMAP login refused', node: 'Email Trigger' },
      },
    ])
    expect(await deadLetters(userId)).toEqual([])
    expect((await world.call('GET', '/v1/executions', { user: userId })).body.items).toEqual([])
  })

  test('is the same when reported again, and another with another time or message', async () => {
    const { report, userId } = await world.tracked()
    const timestamp = Date.now() - 60_000
    const first = await report(triggerFailure({ timestamp }))
    const again = await report([triggerFailure({ timestamp }), triggerFailure({ timestamp })])
    expect(again.body.results).toMatchObject([
      { status: 200, id: first.body.id, created: false, incident: true },
      { status: 200, id: first.body.id },
    ])
    await report(triggerFailure({ timestamp: timestamp - 3_600_000 }))
    await report(triggerFailure({ timestamp, message: 'IMAP timeout' }))
    await report(unsavedRun)
    const incidents = await list(userId)
    expect(incidents.map(({ deliveries }) => deliveries).toSorted()).toEqual([1, 1, 1, 3])
    expect(incidents[0]).toMatchObject({ source: 'run', error: { message: 'boom', node: 'Call' } })
    const [page] = await list(userId, '?limit=1')
    expect(page).toEqual(incidents[0])
    const { body } = await world.call('GET', '/v1/incidents?limit=3', { user: userId })
    expect(await list(userId, `?limit=3&cursor=${body.nextCursor}`)).toEqual(incidents.slice(3))
  })

  test('of an untracked workflow is stored as a dead letter and recorded by a replay', async () => {
    const { report, userId, instanceId } = await world.tracked()
    const answer = await report(triggerFailure({ timestamp: Date.now() - 5000 }, 'later'))
    expect(answer).toMatchObject({ status: 202, body: { created: false, code: 'unknown-workflow' } })
    expect(await deadLetters(userId)).toHaveLength(1)
    const workflowId = await world.workflow(userId)
    const body = { workflowId, instanceId, n8nWorkflowId: 'later' }
    await world.call('POST', '/v1/deployments', { user: userId, body })
    expect(await deadLetters(userId)).toEqual([])
    expect(await list(userId, `?workflowId=${workflowId}`)).toHaveLength(1)
    expect((await report(triggerFailure({ timestamp: Date.now() - 5000 }, 'later'))).status).toBe(200)
  })

  test.each([
    [
      'no workflow id',
      { trigger: { error: { message: 'm' } }, workflow: { name: 'n' } },
      'missing-workflow-id',
    ],
    ['an invalid workflow ID', { trigger: {}, workflow: { id: 'a b' } }, 'invalid-workflow-id'],
    ['an execution without ID and error', { execution: {}, workflow: { id: 'wf1' } }, 'missing-execution-id'],
  ])('is not created from %s', async (_, payload, code) => {
    const { report, userId } = await world.tracked()
    expect((await report(payload)).body).toEqual({ created: false, code })
    expect(await list(userId)).toEqual([])
  })

  test('hides secrets, is invisible to other users, and is purged after the retention months', async () => {
    const { report, userId } = await world.tracked()
    const message = 'Login with Bearer abcdefghijklmnopqrstuvwxyz0123456789 refused'
    await report(triggerFailure({ message, timestamp: Date.now() - 400 * 86_400_000 }))
    expect(JSON.stringify(await list(userId))).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789')
    expect(await list(await world.user())).toEqual([])
    expect((await world.call('GET', '/v1/incidents')).status).toBe(401)
    expect((await world.call('GET', '/v1/incidents?workflowId=x', { user: userId })).status).toBe(422)
    const before = new Date(Date.now() - 365 * 86_400_000)
    expect(await deleteExpiredIncidents(world.db, before, 100)).toBeGreaterThan(0)
    expect(await list(userId)).toEqual([])
  })
})
