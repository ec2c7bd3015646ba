import { seeded } from '../harness/random.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executionStatuses, type ExecutionStatus, type NodeUsage } from '../../src/db/schema/executions.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import {
  type IncomingExecution,
  merge,
  type MergeableExecution,
  withMergeKey,
  emptyDelivery,
} from '../../src/executions/record/merge.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const start = Date.parse('2026-11-22T10:00:00Z')

const delivery = (
  n8nExecutionId: string,
  status: ExecutionStatus,
  more: Partial<IncomingExecution> = {},
): IncomingExecution => ({
  ...emptyDelivery,
  n8nExecutionId,
  n8nWorkflowId: 'wf1',
  status,
  eventAtMs: start,
  receivedAtMs: start,
  ...more,
})

/** The instance's executions as clients see them, with their merge state, by n8n execution ID. */
async function rowsOf(instanceId: string) {
  const rows = await world.sql`
    select e.n8n_execution_id, e.status, e.mode, e.started_at, e.finished_at, e.error_message, e.error_node,
      e.error_stamp, e.data::text as data, e.data_stamp, e.usage, e.usage_stamp, e.kind, e.workflow_version, e.workflow_version_source,
      e.n8n_workflow_version_id, e.retry_of, e.waited, e.active_ms, k.status as key_status, k.stamp,
      (select r.n8n_execution_id from executions r where r.id = e.retried_by_id) as retried_by,
      (select o.n8n_execution_id from executions o where o.id = e.retry_of_id) as original,
      k.started_at = e.started_at is not false and k.finished_at = e.finished_at is not false as times_agree
    from executions e
    join execution_keys k on k.id = e.id and k.recorded_at = e.recorded_at
    where e.instance_id = ${instanceId} order by e.n8n_execution_id collate "C"`
  return Array.from(rows)
}

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item].concat(rest)),
  )
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1))
    ;[result[last], result[other]] = [result[other]!, result[last]!]
  }
  return result
}

const sourceOf = (index: number) => (index % 3 === 0 ? ('poll' as const) : ('push' as const))

const pick = <T>(items: readonly T[], next: () => number): T => items[Math.floor(next() * items.length)]!

test('all 120 orders of new, running, waiting, running and success, with repetitions, result in the same row', async () => {
  const { instanceId } = await world.tracked()
  const history = [
    { status: 'new', eventAtMs: start },
    { status: 'running', eventAtMs: start + 10, startedAtMs: start + 5 },
    { status: 'waiting', eventAtMs: start + 20, startedAtMs: start + 5 },
    { status: 'running', eventAtMs: start + 30, startedAtMs: start + 2, mode: 'webhook' },
    {
      status: 'success',
      eventAtMs: start + 90,
      finishedAtMs: start + 90,
      data: { json: '{"n": 1}', nodes: null, activity: null, usage: null },
    },
  ] as const
  const orders = permutations([...history])
  expect(orders).toHaveLength(120)
  for (let step = 0; step < 5; step++) {
    const deliveries = orders.map((order, index) => {
      const { status, ...more } = order[step] ?? history[0]
      return delivery(String(index), status, more)
    })
    await ingest(world.db, instanceId, deliveries, 'push')
    await ingest(world.db, instanceId, deliveries.slice(0, 60), 'push')
  }
  const rows = await rowsOf(instanceId)
  expect(rows).toHaveLength(120)
  const distinct = new Set(rows.map((row) => JSON.stringify({ ...row, n8n_execution_id: null })))
  expect(distinct.size).toBe(1)
  expect(rows[0]).toMatchObject({ status: 'success', mode: 'webhook', data: '{"n": 1}', times_agree: true })
  expect(new Date(String(rows[0]?.['started_at'])).getTime()).toBe(start + 2)
})

test('600 random histories result in the same rows in every order and grouping, matching the pure merge', async () => {
  const next = seeded(20261122)
  const finals: ExecutionStatus[] = ['success', 'error', 'canceled', 'crashed']
  const someMode = () => pick([null, 'webhook', 'manual', 'Ä'], next)
  const someError = () => ({
    message: pick(['a', 'b', 'ä'], next),
    node: pick([null, 'N'], next),
    errorClass: null,
    httpStatus: null,
  })
  const usage = (input: number): NodeUsage[] => [{ model: 'gpt-4o', calls: 1, input, output: 0 }]
  const deliveries = Array.from({ length: 600 }, (_, index) => {
    // Contradictory ends belong to one run only if they have the same start.
    const isTimed = next() < 0.5
    const [end, mode, error] = [pick(finals, next), someMode(), someError()]
    return Array.from({ length: 1 + Math.floor(next() * 8) }, (): IncomingExecution => {
      const some = pick(executionStatuses, next)
      const isFinal = finals.includes(some)
      const status = isFinal && !isTimed ? end : some
      const anyTime = () => start + Math.floor(next() * 5)
      const time = () => (next() < 0.5 ? null : anyTime())
      return delivery(String(index), status, {
        mode: isTimed ? someMode() : mode,
        retryOf: index % 4 > 1 && next() < 0.5 ? String(index - 1) : null,
        n8nVersionId: index % 3 === 0 && next() < 0.5 ? 'n8n-v2' : null,
        startedAtMs: isTimed && isFinal ? anyTime() : time(),
        finishedAtMs: time(),
        eventAtMs: start + Math.floor(next() * 4),
        error: next() < 0.4 ? (isTimed ? someError() : error) : null,
        data:
          next() < 0.4
            ? toRunData(
                { n: Math.floor(next() * 3) },
                { activeMs: index, waited: next() < 0.3 },
                pick([null, 'pending', usage(1), usage(2)], next),
              )
            : null,
      })
    })
  }).flat()
  const sourced = deliveries.map((execution, index) => ({ execution, source: sourceOf(index) }))

  const results = []
  for (let run = 0; run < 3; run++) {
    const { instanceId, deploymentId, userId } = await world.tracked()
    await world.sql`insert into deployment_versions (deployment_id, sequence, user_id, version, n8n_version_id, created_at)
      values (${deploymentId}, 2, ${userId}, 2, 'n8n-v2', '2099-01-01')`
    const queue = shuffled([...sourced, ...sourced.filter(() => next() < 0.3)], next)
    while (queue.length > 0) {
      const batch = queue.splice(0, 1 + Math.floor(next() * 120))
      for (const source of ['push', 'poll'] as const) {
        const executions = batch.filter((item) => item.source === source).map((item) => item.execution)
        await ingest(world.db, instanceId, executions, source)
      }
    }
    results.push(await rowsOf(instanceId))
  }
  expect(results[0]).toHaveLength(600)
  expect(new Set(results[0]?.map((row) => `${row['kind']} ${row['workflow_version_source']}`)).size).toBe(6)
  expect(results[1]).toEqual(results[0])
  expect(results[2]).toEqual(results[0])

  const merged = new Map<string, MergeableExecution>()
  for (const { execution, source } of sourced) {
    const one = await withMergeKey(execution, source)
    const earlier = merged.get(one.n8nExecutionId)
    merged.set(one.n8nExecutionId, earlier ? merge(one, earlier) : one)
  }
  for (const row of results[0] ?? []) {
    const expected = merged.get(String(row['n8n_execution_id']))
    expect(row).toMatchObject({
      status: expected?.status,
      key_status: expected?.status,
      stamp: expected?.mergeKey,
      mode: expected?.mode,
      error_message: expected?.error?.message ?? null,
      error_stamp: expected?.errorMergeKey,
      data_stamp: expected?.dataMergeKey,
      usage: expected?.usage ? JSON.parse(expected.usage) : null,
      usage_stamp: expected?.usageMergeKey,
      retry_of: expected?.retryOf,
      n8n_workflow_version_id: expected?.n8nVersionId,
      workflow_version: expected?.n8nVersionId === null ? 1 : 2,
      waited: expected?.waited,
      active_ms: expected?.data?.activity ? String(expected.data.activity.activeMs) : null,
      times_agree: true,
    })
  }
})

describe('precedence', () => {
  test.each([
    ['success over a later running', ['success', 10], ['running', 99], 'success'],
    ['error over success of the same rank', ['error', 10], ['success', 99], 'error'],
    ['canceled over success of the same rank', ['canceled', 10], ['success', 99], 'canceled'],
    ['the newer of waiting and running', ['waiting', 20], ['running', 10], 'waiting'],
    ['running over new', ['new', 99], ['running', 10], 'running'],
    ['unknown over running', ['unknown', 10], ['running', 99], 'unknown'],
    ['success over unknown', ['unknown', 99], ['success', 10], 'success'],
  ] as const)('%s', async (_, [first, firstAt], [second, secondAt], winner) => {
    const a = await withMergeKey(delivery('1', first, { eventAtMs: start + firstAt }), 'push')
    const b = await withMergeKey(delivery('1', second, { eventAtMs: start + secondAt }), 'push')
    expect(merge(a, b).status).toBe(winner)
    expect(merge(b, a).status).toBe(winner)
  })

  test("n8n's own record wins over pushed reports and keeps the pushed error message", async () => {
    const pushed = await withMergeKey(
      delivery('1', 'error', {
        error: { message: 'm', node: 'N', errorClass: null, httpStatus: null },
        eventAtMs: start + 99,
      }),
      'push',
    )
    const polled = await withMergeKey(delivery('1', 'crashed'), 'poll')
    expect(merge(pushed, polled)).toMatchObject({ status: 'crashed', error: { message: 'm', node: 'N' } })
  })
})

test('each recording returns the state before and after', async () => {
  const { instanceId, userId, deploymentId } = await world.tracked()
  const running = delivery('1', 'running', { startedAtMs: start })
  const done = delivery('1', 'success', { finishedAtMs: start + 5 })
  const [first] = await ingest(world.db, instanceId, [running], 'push')
  expect(first).toMatchObject({ created: true, previous: null, current: { status: 'running' } })
  const [second] = await ingest(world.db, instanceId, [done], 'push')
  expect(second).toEqual({
    id: first?.id,
    recordedAtMs: start,
    userId,
    deploymentId,
    workflowVersion: 1,
    hasNewEpoch: false,
    created: false,
    current: { status: 'success', startedAtMs: start, finishedAtMs: start + 5 },
    previous: { status: 'running', startedAtMs: start, finishedAtMs: null },
  })
})

test('creates a missing partition for an execution', async () => {
  const { instanceId, userId } = await world.tracked()
  const receivedAtMs = Date.parse('2019-05-31T23:59:59.999Z')
  const [recorded] = await ingest(world.db, instanceId, [delivery('1', 'success', { receivedAtMs })], 'push')
  expect(recorded?.created).toBe(true)
  const found = await world.call('GET', `/v1/executions/${recorded?.id}`, { user: userId })
  expect(found.body).toMatchObject({ status: 'success', receivedAt: '2019-05-31T23:59:59.999Z' })
})

test('records a batch that exceeds one statement completely', async () => {
  const { instanceId } = await world.tracked()
  const data = toRunData('x'.repeat(200_000))
  const executions = Array.from({ length: 30 }, (_, index) => delivery(String(index), 'success', { data }))
  expect(new Set((await ingest(world.db, instanceId, executions, 'push')).map((run) => run?.id)).size).toBe(
    30,
  )
})
