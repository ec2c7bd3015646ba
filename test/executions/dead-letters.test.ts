import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const success = {
  executionId: '12',
  workflowId: 'later',
  status: 'success',
  finishedAt: '2026-11-22T10:52:29.242Z',
}

const deadLettersOf = async (user: string, query = '') =>
  (await world.call('GET', `/v1/dead-letters${query}`, { user })).body.items

describe('a report that cannot be used yet', () => {
  test.each([
    ['unknown-status', { ...success, status: 'paused' }],
    ['missing-execution-id', { workflowId: 'wf1', status: 'success' }],
    ['unknown-workflow', success],
  ])('%s: returns 202, is stored and listed', async (code, body) => {
    const { userId, instanceId, report } = await world.tracked()
    const answer = await report(body)
    expect(answer.status).toBe(202)
    expect(answer.body).toEqual({ created: false, code })
    const [deadLetter, ...others] = await deadLettersOf(userId, `?instanceId=${instanceId}`)
    expect(others).toEqual([])
    expect(deadLetter).toMatchObject({
      instanceId,
      code,
      deliveries: 1,
      sizeBytes: JSON.stringify(body).length,
    })
    const { body: found } = await world.call('GET', `/v1/dead-letters/${deadLetter.id}`, { user: userId })
    expect(JSON.parse(found.body)).toEqual(body)
  })

  test('a repeated report only increments its counter', async () => {
    const { userId, report } = await world.tracked()
    await report(success)
    await report(success)
    await report([success, success])
    const deadLetters = await deadLettersOf(userId)
    expect(deadLetters).toHaveLength(1)
    expect(deadLetters[0].deliveries).toBe(4)
  })
})

test('reports from before a deployment are recorded with their own times when it is created', async () => {
  const { userId, workflowId, instanceId, report } = await world.tracked()
  const came = world.clock.now.toISOString()
  await report([
    { ...success, status: 'running' },
    success,
    { ...success, executionId: '13', status: 'error', finishedAt: '2026-11-22T10:53:00Z' },
    { ...success, executionId: '14', status: 'paused' },
  ])
  world.clock.now = new Date(world.clock.now.getTime() + 60_000)
  const body = { workflowId, instanceId, n8nWorkflowId: 'later' }
  expect((await world.call('POST', '/v1/deployments', { user: userId, body })).status).toBe(201)
  const { body: executions } = await world.call('GET', '/v1/executions', { user: userId })
  expect(executions.items).toHaveLength(2)
  for (const execution of executions.items) expect(execution.receivedAt).toBe(came)
  expect(await deadLettersOf(userId)).toMatchObject([{ code: 'unknown-status' }])
  expect((await report(success)).status).toBe(200)
})

test('replays a dead letter of a deployment that was created while the report was stored', async () => {
  const { userId, workflowId, instanceId } = await world.tracked()
  const body = { workflowId, instanceId, n8nWorkflowId: 'later' }
  await world.call('POST', '/v1/deployments', { user: userId, body })
  const deadLetter = {
    code: 'unknown-workflow',
    n8nExecutionId: '12',
    n8nWorkflowId: 'later',
    body: JSON.stringify(success),
    receivedAt: world.clock.now,
  }
  await world.deadLetters.store({ id: instanceId, userId }, [deadLetter])
  await world.deadLetters.replayIfMatched({ id: instanceId, userId }, ['later', 'never'])
  expect(await deadLettersOf(userId)).toEqual([])
  expect((await world.call('GET', '/v1/executions', { user: userId })).body.items).toHaveLength(1)
})

test('a report whose deployment is created while it is stored is recorded immediately', async () => {
  const { userId, workflowId, instanceId, report } = await world.tracked()
  const store = world.deadLetters.store.bind(world.deadLetters)
  vi.spyOn(world.deadLetters, 'store').mockImplementationOnce(async (...given) => {
    const body = { workflowId, instanceId, n8nWorkflowId: 'later' }
    expect((await world.call('POST', '/v1/deployments', { user: userId, body })).status).toBe(201)
    await store(...given)
  })
  await report(success)
  expect(await deadLettersOf(userId)).toEqual([])
  expect((await world.call('GET', '/v1/executions', { user: userId })).body.items).toHaveLength(1)
})

test('a dead letter can be replayed, and stays with the reason if it still cannot be used', async () => {
  const { userId, workflowId, instanceId, report } = await world.tracked()
  await report({ ...success, status: 'paused' })
  await report(success)
  const deadLetters = await deadLettersOf(userId)
  const withCode = (code: string) =>
    deadLetters.find((deadLetter: { code: string }) => deadLetter.code === code)
  const matchable = withCode('unknown-workflow')
  const unusable = withCode('unknown-status')
  const replay = (id: string) => world.call('POST', `/v1/dead-letters/${id}/replay`, { user: userId })
  expect((await replay(unusable.id)).body).toEqual({
    replayed: false,
    executionId: null,
    code: 'unknown-status',
  })
  expect((await replay(matchable.id)).body).toEqual({
    replayed: false,
    executionId: null,
    code: 'unknown-workflow',
  })
  await world.deployments.track(userId, {
    workflowId,
    instanceId,
    version: 1,
    n8nWorkflowId: 'later',
    bindings: [],
  })
  expect((await replay(matchable.id)).body).toEqual({
    replayed: true,
    executionId: expect.any(String),
    code: null,
  })
  expect((await replay(matchable.id)).status).toBe(404)
  expect(await deadLettersOf(userId)).toHaveLength(1)
  const audited = await world.sql`select details -> 'replayed' as replayed from audit_events
    where user_id = ${userId} and action = 'dead-letter.replayed' order by id`
  expect(audited.map(({ replayed }) => replayed)).toEqual([false, false, true])
})

test("a report for another user's workflow ID stays with the instance that sent it", async () => {
  const victim = await world.tracked('victims')
  const sender = await world.tracked('mine')
  const answer = await sender.report({ ...success, workflowId: 'victims' })
  expect(answer.body).toEqual({ created: false, code: 'unknown-workflow' })
  expect((await world.call('GET', '/v1/executions', { user: victim.userId })).body.items).toEqual([])
  expect(await deadLettersOf(victim.userId)).toEqual([])
  const { body } = await world.call('GET', '/v1/analytics/summary', { user: victim.userId })
  expect(body.total).toBe(0)
})

test("another user's dead letter cannot be read, deleted or replayed", async () => {
  const { userId, report } = await world.tracked()
  await report(success)
  const [deadLetter] = await deadLettersOf(userId)
  const stranger = await world.user()
  const statuses = await Promise.all([
    world.call('GET', `/v1/dead-letters/${deadLetter.id}`, { user: stranger }),
    world.call('DELETE', `/v1/dead-letters/${deadLetter.id}`, { user: stranger }),
    world.call('POST', `/v1/dead-letters/${deadLetter.id}/replay`, { user: stranger }),
  ])
  expect(statuses.map((answer) => answer.status)).toEqual([404, 404, 404])
  expect((await world.call('DELETE', `/v1/dead-letters/${deadLetter.id}`, { user: userId })).status).toBe(204)
  expect(await deadLettersOf(userId)).toEqual([])
})

describe('limits', () => {
  test('drops what is older than 30 days', async () => {
    const { userId, report } = await world.tracked()
    const now = world.clock.now
    await report(success)
    world.clock.now = new Date(now.getTime() + 30 * 86_400_000 + 1)
    await report({ ...success, executionId: '13' })
    const kept = await deadLettersOf(userId)
    world.clock.now = now
    expect(kept.map(({ n8nExecutionId }: { n8nExecutionId: string }) => n8nExecutionId)).toEqual(['13'])
  })

  test('drops the oldest of more than 1,000 dead letters', async () => {
    const { userId, instanceId, report } = await world.tracked()
    for (let batch = 0; batch < 3; batch++) {
      world.clock.now = new Date(world.clock.now.getTime() + 1)
      await report(
        Array.from({ length: 400 }, (_, index) => ({ ...success, executionId: `${batch}-${index}` })),
      )
    }
    const [kept] = await world.sql`select count(*)::int as count,
        count(*) filter (where n8n_execution_id like '0-%')::int as oldest
      from dead_letters where instance_id = ${instanceId}`
    expect(kept).toEqual({ count: 1000, oldest: 200 })
    expect(await deadLettersOf(userId, '?limit=100')).toHaveLength(100)
  })

  test('drops the oldest of more than 10 MB, and replays the rest in several batches', async () => {
    const { userId, workflowId, instanceId, report } = await world.tracked()
    for (let index = 0; index < 60; index += 15) {
      await report(
        Array.from({ length: 15 }, (_, offset) => ({
          ...success,
          executionId: String(index + offset),
          data: 'x'.repeat(200_000),
        })),
      )
    }
    const [kept] = await world.sql`select count(*)::int as count, sum(size_bytes)::int as bytes
      from dead_letters where instance_id = ${instanceId}`
    expect(kept?.['count']).toBe(52)
    expect(kept?.['bytes']).toBeLessThanOrEqual(10 * 1024 * 1024)
    const body = { workflowId, instanceId, n8nWorkflowId: 'later' }
    await world.call('POST', '/v1/deployments', { user: userId, body })
    expect(await deadLettersOf(userId)).toEqual([])
  })

  test('a report over 256 KB is stored without its data and can still be replayed', async () => {
    const { userId, workflowId, instanceId, report } = await world.tracked()
    await report({ ...success, data: 'x'.repeat(300_000) })
    await report({ ...success, status: 'paused', data: 'y'.repeat(300_000) })
    for (const deadLetter of await deadLettersOf(userId))
      expect(deadLetter.sizeBytes).toBeLessThanOrEqual(256 * 1024)
    await world.call('POST', '/v1/deployments', {
      user: userId,
      body: { workflowId, instanceId, n8nWorkflowId: 'later' },
    })
    const { body } = await world.call('GET', '/v1/executions', { user: userId })
    const { body: execution } = await world.call('GET', `/v1/executions/${body.items[0].id}`, {
      user: userId,
    })
    expect(execution).toMatchObject({ status: 'success', data: { truncated: true } })
  })

  test('dead letters are purged after 30 days', async () => {
    const { userId, report } = await world.tracked()
    await report(success)
    world.clock.now = new Date(world.clock.now.getTime() + 30 * 24 * 3600 * 1000 + 1)
    await world.deadLetters.purgeExpired(10_000)
    expect(await deadLettersOf(userId)).toEqual([])
  })
})
