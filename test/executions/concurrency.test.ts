import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/executions/record/ingest.ts'
import { type IncomingExecution, emptyDelivery } from '../../src/executions/record/merge.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const report = {
  executionId: '12',
  workflowId: 'wf1',
  status: 'success',
  startedAt: '2026-11-22T10:52:29.027Z',
  finishedAt: '2026-11-22T10:52:29.242Z',
}

test('1,000 concurrent deliveries of one execution create one row: one 202 and 999 times 200', async () => {
  const tracked = await world.tracked()
  const startedAt = performance.now()
  const answers = await Promise.all(Array.from({ length: 1000 }, () => tracked.report(report)))
  console.log(`1,000 parallel deliveries: ${Math.round(performance.now() - startedAt)} ms`)
  const counts = Object.groupBy(answers, (answer) => answer.status)
  expect(counts[202]).toHaveLength(1)
  expect(counts[200]).toHaveLength(999)
  expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1)
  const [rows] =
    await world.sql`select (select count(*) from executions where instance_id = ${tracked.instanceId})::int as rows,
    (select count(*) from execution_keys where instance_id = ${tracked.instanceId})::int as keys`
  expect(rows).toEqual({ rows: 1, keys: 1 })
})

test('concurrent first deliveries are merged without loss', async () => {
  const tracked = await world.tracked()
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => String(index)).flatMap((executionId) => [
      tracked.report({
        executionId,
        workflowId: 'wf1',
        status: 'running',
        startedAt: '2026-11-22T10:00:00Z',
      }),
      tracked.report({ executionId, workflowId: 'wf1', status: 'error', finishedAt: '2026-11-22T10:00:09Z' }),
      tracked.report({
        executionId,
        workflowId: 'wf1',
        status: 'unknown',
        error: { message: 'm', node: 'N' },
      }),
      tracked.report({ executionId, workflowId: 'wf1', status: 'new', data: { a: 1 } }),
    ]),
  )
  const rows = await world.sql`select status, error_message, data::text as data,
      extract(epoch from finished_at - started_at)::int as seconds
    from executions where instance_id = ${tracked.instanceId}`
  expect(rows).toHaveLength(100)
  for (const row of rows) {
    expect(row).toEqual({ status: 'error', error_message: 'm', data: '{"a": 1}', seconds: 9 })
  }
})

test('60 overlapping concurrent batches of 500: no deadlock, no duplicate, every change reported once', async () => {
  const { instanceId } = await world.tracked()
  const start = Date.parse('2026-11-22T10:00:00Z')
  const batch = (offset: number): IncomingExecution[] =>
    Array.from({ length: 500 }, (_, index) => ({
      ...emptyDelivery,
      n8nExecutionId: String((offset * 37 + index * 7919) % 4000),
      n8nWorkflowId: 'wf1',
      status: offset % 2 === 0 ? ('running' as const) : ('success' as const),
      mode: null,
      startedAtMs: start,
      finishedAtMs: offset % 2 === 0 ? null : start + 1000,
      eventAtMs: start + offset,
      receivedAtMs: start,
      error: null,
      data: null,
    }))
  const offsets = Array.from({ length: 60 }, (_, offset) => offset)
  const startedAt = performance.now()
  const results = await Promise.all(
    offsets.map((offset) => {
      // In opposite orders, so that only the statement's own order prevents deadlocks.
      const executions = offset % 3 === 0 ? batch(offset).toReversed() : batch(offset)
      return ingest(world.db, instanceId, executions, 'push')
    }),
  )
  console.log(`60 batches of 500: ${Math.round(performance.now() - startedAt)} ms`)

  const counts: Record<string, number> = {}
  const count = (status: string, by: number) => {
    counts[status] = (counts[status] ?? 0) + by
  }
  let created = 0
  for (const recorded of results.flatMap((result) => result.filter((run) => run !== undefined))) {
    if (recorded.created) created += 1
    if (recorded.previous) count(recorded.previous.status, -1)
    count(recorded.current.status, 1)
  }
  const rows =
    await world.sql`select status, count(*)::int as count, count(distinct n8n_execution_id)::int as distinct_ids
    from executions where instance_id = ${instanceId} group by status`
  const recount = Object.fromEntries(rows.map((row) => [String(row['status']), Number(row['count'])]))
  expect(rows.reduce((sum, row) => sum + Number(row['distinct_ids']), 0)).toBe(created)
  expect(Object.values(recount).reduce((sum, rows) => sum + rows, 0)).toBe(created)
  expect({ running: 0, success: 0, ...counts }).toEqual({ running: 0, success: 0, ...recount })
  const [deadlocks] =
    await world.sql`select deadlocks::int from pg_stat_database where datname = current_database()`
  expect(deadlocks?.['deadlocks']).toBe(0)
})

test('a token rotation loses no report', async () => {
  const tracked = await world.tracked()
  const stream = async (from: number) => {
    const answers = []
    for (let index = from; index < 200; index += 4) {
      answers.push(await tracked.report({ ...report, executionId: String(index) }))
    }
    return answers
  }
  const streams = Promise.all([0, 1, 2, 3].map(stream))
  const rotated = await world.call('POST', `/v1/instances/${tracked.instanceId}/webhook-token`, {
    user: tracked.userId,
  })
  expect(rotated.status).toBe(200)
  expect((await streams).flat().every((answer) => answer.status === 202)).toBe(true)
})
