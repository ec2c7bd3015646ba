/** n8n's execution IDs start over after its database is restored or replaced. No runs may be merged or lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ingest } from '../../src/executions/record/ingest.ts'
import { type IncomingExecution, emptyDelivery } from '../../src/executions/record/merge.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createPollWorld, hourMs, minuteMs } from './poll-world.ts'
import { expectRollupsToBeARecount } from './rollup-recount.ts'
import { createWorld, type World } from './world.ts'

let world: World
let polls: ReturnType<typeof createPollWorld>
beforeAll(async () => {
  const database = await createTestDatabase({ maxConnections: 40 })
  world = createWorld(database)
  polls = createPollWorld(database)
})
afterAll(() => world.close())

const before = {
  executionId: '5',
  workflowId: 'wf1',
  status: 'success',
  startedAt: '2026-10-20T03:00:00Z',
  finishedAt: '2026-10-20T03:00:02Z',
}
const after = {
  executionId: '5',
  workflowId: 'wf1',
  status: 'error',
  startedAt: '2026-11-20T03:00:00Z',
  finishedAt: '2026-11-20T03:00:02Z',
  error: { message: 'another run, after n8n was restored' },
}

const runsOf = async (instanceId: string) =>
  (
    await world.sql`select e.n8n_execution_id || ' ' || k.epoch || ' ' || e.status as run
      from executions e join execution_keys k on k.id = e.id
      where e.instance_id = ${instanceId} order by e.n8n_execution_id::integer, k.epoch`
  ).map(({ run }) => run)
const epochOf = async (instanceId: string) =>
  (
    await world.sql`select epoch, epoch_started_at is not null as has_start,
      (select count(*) from audit_events where subject_id = ${instanceId} and action = 'instance.reset-detected')::integer
        as events
    from instances where id = ${instanceId}`
  )[0]

describe('reports of two runs with one ID', () => {
  test.each([
    ['one after the other', [[before], [after]]],
    ['the later one first', [[after], [before]]],
    ['in one array', [[before, after]]],
    ['in one array, the later one first', [[after, before]]],
    ['again and again', [[before], [after], [before, after], [after], [before]]],
  ])('%s: records both and starts one epoch', async (_, deliveries) => {
    const { instanceId, userId, report } = await world.tracked()
    for (const items of deliveries) expect((await report(items)).status).toBe(200)
    expect((await runsOf(instanceId)).map((run) => String(run).split(' ')[2]).toSorted()).toEqual([
      'error',
      'success',
    ])
    expect(await epochOf(instanceId)).toEqual({ epoch: 2, has_start: true, events: 1 })
    await expectRollupsToBeARecount(world.sql, [userId])
  })

  test('returns the ID of its own run for each report', async () => {
    const { report, userId } = await world.tracked()
    const [first, second, third] = (await report([before, after, before])).body.results
    expect([first.status, second.status, third.status]).toEqual([202, 202, 200])
    expect(third.id).toBe(first.id)
    const { body } = await world.call('GET', `/v1/executions/${second.id}`, { user: userId })
    expect(body).toMatchObject({ status: 'error', startedAt: '2026-11-20T03:00:00.000Z' })
  })

  test('matches a start within the clock skew, a run in progress and a report without a start to the same run', async () => {
    const { instanceId, report } = await world.tracked()
    await report({ ...before, status: 'running', finishedAt: undefined })
    const failed = { ...before, status: 'error' }
    await report({ ...failed, startedAt: '2026-10-20T05:00:00Z', finishedAt: '2026-10-20T05:00:02Z' })
    await report({ ...failed, startedAt: '2026-10-20T03:04:00Z' })
    const error = { message: 'm', timestamp: Date.parse('2026-10-20T05:01:00Z') }
    await report({ execution: { id: '5', error }, workflow: { id: 'wf1' } })
    expect(await runsOf(instanceId)).toHaveLength(1)
    expect(await epochOf(instanceId)).toEqual({ epoch: 1, has_start: false, events: 0 })
  })

  test('concurrently, single and in overlapping batches: starts one epoch and records every run once', async () => {
    const { instanceId, userId } = await world.tracked()
    const run = (id: number, startedAtMs: number): IncomingExecution => ({
      ...emptyDelivery,
      n8nExecutionId: String(id),
      n8nWorkflowId: 'wf1',
      status: 'success' as const,
      startedAtMs,
      finishedAtMs: startedAtMs + 1000,
      eventAtMs: startedAtMs,
      receivedAtMs: Date.now(),
    })
    const [first, second] = [Date.now() - 50 * hourMs, Date.now() - 2 * hourMs]
    const ids = Array.from({ length: 30 }, (_, index) => index + 1)
    await ingest(
      world.db,
      instanceId,
      ids.map((id) => run(id, first + id * minuteMs)),
      'poll',
    )
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const some = ids.filter((id) => index % 2 === 0 || (id + index) % 7 < 3)
        return ingest(
          world.db,
          instanceId,
          some.map((id) => run(id, (index % 5 === 0 ? first : second) + id * minuteMs)),
          index % 3 === 0 ? 'poll' : 'push',
        )
      }),
    )
    expect(await epochOf(instanceId)).toEqual({ epoch: 2, has_start: true, events: 1 })
    expect(await runsOf(instanceId)).toEqual(ids.flatMap((id) => [`${id} 1 success`, `${id} 2 success`]))
    await expectRollupsToBeARecount(world.sql, [userId])
  })
})

describe("n8n's Error Trigger, which sends no start", () => {
  const now = Date.now()
  const failed = (id: string, more: object = {}, workflowId = 'wf1') => ({
    execution: { id, mode: 'webhook', lastNodeExecuted: 'Call', error: { name: 'E', message: 'm', ...more } },
    workflow: { id: workflowId },
  })
  const polled = {
    ...emptyDelivery,
    n8nExecutionId: '5',
    n8nWorkflowId: 'wf1',
    status: 'error' as const,
    receivedAtMs: now,
    startedAtMs: now - minuteMs - 500,
    finishedAtMs: now - minuteMs,
    eventAtMs: now - minuteMs,
  } satisfies IncomingExecution
  const orders = <T>(items: T[]): T[][] =>
    items.length < 2
      ? [items]
      : items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]))

  test.each([
    ['with the time of its error', { timestamp: now - minuteMs - 2 }],
    ['without', {}],
  ])(
    '%s: keeps the earlier run a success and starts one epoch, in any order and repeated',
    async (_, more) => {
      const told = ['before', 'failed', 'failed', 'polled'] as const
      for (const order of orders([...told])) {
        const { instanceId, userId, report } = await world.tracked()
        for (const what of order) {
          if (what === 'polled') await ingest(world.db, instanceId, [polled], 'poll')
          else expect((await report(what === 'before' ? before : failed('5', more))).status).toBeLessThan(203)
        }
        const { body } = await world.call('GET', '/v1/executions', { user: userId })
        expect(
          body.items.map((run: { status: string; startedAt: string }) => [run.status, run.startedAt]),
          order.join(),
        ).toEqual([
          ['error', new Date(polled.startedAtMs).toISOString()],
          ['success', '2026-10-20T03:00:00.000Z'],
        ])
        expect(await epochOf(instanceId), order.join()).toEqual({ epoch: 2, has_start: true, events: 1 })
        await expectRollupsToBeARecount(world.sql, [userId])
      }
    },
  )

  test('a batch with repeated reports starts one epoch', async () => {
    const { instanceId, report } = await world.tracked()
    const ids = ['1', '2', '3']
    const reports = ids.map((id) => failed(id, { timestamp: now - 1000 }))
    await report(ids.map((executionId) => ({ ...before, executionId })))
    for (const items of [reports, reports.toReversed(), [...reports, ...reports]]) await report(items)
    await report([{ ...before, executionId: '1' }, failed('1', { timestamp: now - 1000 }), failed('4')])
    expect(await runsOf(instanceId)).toEqual(
      ids.flatMap((id) => [`${id} 1 success`, `${id} 2 error`]).concat('4 2 error'),
    )
    expect(await epochOf(instanceId)).toMatchObject({ epoch: 2, events: 1 })
  })

  test('is another run than the earlier one in the same array', async () => {
    for (const more of [{}, { timestamp: now }]) {
      for (const items of [
        [before, failed('5', more)],
        [failed('5', more), before],
        [failed('5', more), { ...before, startedAt: undefined }],
      ]) {
        const { instanceId, report } = await world.tracked()
        await report(items)
        expect((await runsOf(instanceId)).map((run) => String(run).slice(4)).toSorted()).toEqual([
          'error',
          'success',
        ])
      }
    }
  })

  test('failures at two times are two runs, even when redelivered late', async () => {
    const { instanceId, report } = await world.tracked()
    const [first, second] = ['2026-10-20T03:00:02Z', '2026-11-20T03:00:02Z'].map((at) =>
      failed('5', { timestamp: Date.parse(at) }),
    )
    for (const item of [second, first, second, first, first]) await report(item)
    expect(await runsOf(instanceId)).toEqual(['5 1 error', '5 2 error'])
    expect(await epochOf(instanceId)).toMatchObject({ epoch: 2, events: 1 })
  })

  test('a failure within the clock skew, a redelivery and a lost run belong to the same run', async () => {
    const { instanceId, report } = await world.tracked()
    const at = Date.parse(before.finishedAt)
    await report({ ...before, status: 'error' })
    for (const item of [failed('5', { timestamp: at + 4 * minuteMs }), failed('5'), failed('5')])
      await report(item)
    await report({ ...before, executionId: '6', status: 'unknown', finishedAt: undefined })
    await report(failed('6', { timestamp: at }))
    await report({ ...before, executionId: '7', status: 'crashed' })
    // n8n detects it on restart.
    await report(failed('7', { name: 'WorkflowCrashedError', timestamp: at + 2 * hourMs }))
    expect(await runsOf(instanceId)).toEqual(['5 1 error', '6 1 error', '7 1 crashed'])
  })

  test('belongs to another run for another workflow, and to none for an unknown one', async () => {
    const { instanceId, userId, report } = await world.tracked()
    const workflowId = await world.workflow(userId, {})
    await world.sql`insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status)
      values (gen_random_uuid(), ${userId}, ${workflowId}, ${instanceId}, 1, 'wf2', 'active')`
    const of = (status: string) => ({ executionId: '5', workflowId: 'wf1', status })
    await report(of('error'))
    await report(failed('5', {}, 'wf-unknown'))
    expect(await epochOf(instanceId)).toMatchObject({ epoch: 1 })
    for (const item of [failed('5', {}, 'wf2'), of('error'), failed('5', {}, 'wf2')]) await report(item)
    expect(await runsOf(instanceId)).toEqual(['5 1 error', '5 2 error'])
    expect(await epochOf(instanceId)).toMatchObject({ epoch: 2, events: 1 })
  })
})

const ended = (id: number, startedMs: number, status: 'success' | 'error' = 'success') => ({
  id: String(id),
  status,
  finished: status === 'success',
  startedAt: new Date(startedMs).toISOString(),
  stoppedAt: new Date(startedMs + 500).toISOString(),
})

describe('a poll', () => {
  test('detects a reset: three runs before, and three more with the same IDs seconds later', async () => {
    const { id, add, poll, stub, rows, schedule } = await polls.instance()
    for (const number of [1, 2, 3]) add(ended(number, polls.clock.now.getTime() + number))
    expect(await poll()).toMatchObject({ recorded: 3 })
    stub.state.executions = []
    polls.advance(3000)
    for (const number of [1, 2, 3]) add(ended(number, polls.clock.now.getTime() + number, 'error'))
    polls.advance(minuteMs)
    expect(await poll()).toMatchObject({ recorded: 3 })
    expect(await rows()).toHaveLength(6)
    expect(await epochOf(id)).toEqual({ epoch: 2, has_start: true, events: 1 })
    // The poll starts from the top of n8n's list again.
    expect(await schedule()).toMatchObject({ polled_through: null, poll_cursor: null })
    polls.advance(minuteMs)
    expect(await poll()).toMatchObject({ recorded: 0, updated: 0 })
    expect((await schedule())['polled_through']).not.toBeNull()
    expect((await rows()).filter((row) => row['data_stamp'] === null)).toEqual([])
  })

  test('a report without times from before the reset was detected loses no run', async () => {
    const { add, poll, push, stub, rows, id } = await polls.instance()
    for (const number of [1, 2, 3]) add(ended(number, polls.clock.now.getTime() + number))
    await poll()
    stub.state.executions = []
    polls.advance(10 * minuteMs)
    const failed = add(ended(2, polls.clock.now.getTime(), 'error'))
    await push({ id: '2', status: 'error', startedAt: null, stoppedAt: null })
    expect(await rows()).toHaveLength(4)
    polls.advance(minuteMs)
    expect(await poll()).toMatchObject({ recorded: 0 })
    expect(await epochOf(id)).toMatchObject({ epoch: 2, events: 1 })
    expect((await runsOf(id)).toSorted()).toEqual(['1 1 success', '2 1 success', '2 2 error', '3 1 success'])
    expect(failed.status).toBe('error')
  })

  test('an execution that was open before the reset is closed and not merged with the new run', async () => {
    const { add, poll, stub, id } = await polls.instance()
    add(ended(1, polls.clock.now.getTime()))
    add({ id: '2', status: 'running', finished: false, stoppedAt: null })
    await poll()
    stub.state.executions = []
    polls.advance(hourMs)
    for (const number of [1, 2]) add(ended(number, polls.clock.now.getTime() + number))
    await poll()
    expect(await runsOf(id)).toEqual(['1 1 success', '1 2 success', '2 1 running', '2 2 success'])
    const { closeAbandoned } = await import('../../src/executions/retention.ts')
    expect(await closeAbandoned(world.db, polls.now(), 100)).toBe(1)
    expect(await runsOf(id)).toContain('2 1 unknown')
    polls.advance(hourMs)
    expect(await poll()).toMatchObject({ recorded: 0, updated: 0 })
  })

  test('runs in a restored backup stay the same runs', async () => {
    const { add, poll, stub, id } = await polls.instance()
    const startMs = polls.clock.now.getTime()
    for (const number of [1, 2, 3, 4]) add(ended(number, startMs + number))
    await poll()
    stub.state.executions = stub.state.executions.slice(0, 2)
    polls.advance(2 * minuteMs)
    for (const number of [3, 4]) add(ended(number, startMs + minuteMs + number))
    polls.advance(minuteMs)
    await poll()
    polls.advance(minuteMs)
    await poll()
    expect(await runsOf(id)).toHaveLength(6)
    expect(await epochOf(id)).toMatchObject({ epoch: 2, events: 1 })
  })
})

describe('an ID that n8n rejects', () => {
  test.each(['success', 'running', 'error'] as const)(
    'of a run that is %s does not block other executions and is requested once',
    async (status) => {
      const { add, poll, push, statuses, schedule, stub } = await polls.instance()
      await push({ id: '99999999', status: 'running' })
      await push({ id: 'run-2026-11-29', status })
      await push({ id: '-1', status })
      add(ended(1, polls.clock.now.getTime()))
      polls.advance(10 * minuteMs)
      const asked = () => stub.calls().filter(({ path }) => /executions\/(run-|-1)/.test(path)).length
      expect(await poll()).toMatchObject({ recorded: 1 })
      expect(await schedule()).toMatchObject({ poll_failures: 0 })
      const once = asked()
      expect(once).toBe(2)
      for (const hours of [1, 2]) {
        polls.advance(hours * hourMs)
        add()
        expect(await poll()).toMatchObject({ recorded: 1 })
      }
      expect(asked()).toBe(once)
      expect((await statuses())['run-2026-11-29']).toBe(status)
    },
  )
})
