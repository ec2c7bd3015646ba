/** Matching of deliveries to runs: runs with the same n8n ID are never merged, and no run is split. */
import { seeded } from '../harness/random.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executionStatuses } from '../../src/db/schema/executions.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import {
  type IncomingExecution,
  type MergeableExecution,
  emptyDelivery,
  withMergeKey,
} from '../../src/executions/record/merge.ts'
import { readPayload } from '../../src/executions/reports/payload.ts'
import { fitOf } from '../../src/executions/record/run-fit.ts'
import { createTestDatabase } from '../harness/database.ts'
import { type Delivery, hourMs, pick, shuffled } from './random-runs.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const minuteMs = 60_000
const now = Date.now()
const iso = (ms: number) => new Date(ms).toISOString()

interface Failure {
  message?: string
  node?: string
  mode?: string
  timestamp?: number
  workflowId?: string
}
const failed = (id: string, { message = 'm', node = 'Call', mode = 'webhook', ...more }: Failure = {}) => ({
  execution: {
    id,
    mode,
    lastNodeExecuted: node,
    error: { name: 'NodeApiError', message, ...(more.timestamp && { timestamp: more.timestamp }) },
  },
  workflow: { id: more.workflowId ?? 'wf1' },
})
const run = (id: string, status: string, endedAtMs: number, more: object = {}) => ({
  executionId: id,
  workflowId: 'wf1',
  status,
  mode: 'webhook',
  startedAt: iso(endedAtMs - 2000),
  finishedAt: iso(endedAtMs),
  ...more,
})

async function runsOf(instanceId: string) {
  const rows =
    await world.sql`select k.epoch || ' ' || e.status || coalesce(' ' || e.error_message, '') as run
    from executions e join execution_keys k on k.id = e.id
    where e.instance_id = ${instanceId} order by k.epoch, k.n8n_execution_id`
  return rows.map((row) => row['run'])
}

async function tracked() {
  const one = await world.tracked()
  const workflowId = await world.workflow(one.userId)
  await world.sql`insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status)
    values (gen_random_uuid(), ${one.userId}, ${workflowId}, ${one.instanceId}, 1, 'wf2', 'active')`
  return one
}

describe('a successful run stays successful', () => {
  test.each([
    ['seconds after its end', run('5', 'success', now - 3000), failed('5')],
    ['minutes after its end', run('5', 'success', now - 4 * minuteMs), failed('5')],
    [
      'with the time of the error',
      run('5', 'success', now - 60_000),
      failed('5', { timestamp: now - 30_000 }),
    ],
    ['without times', { executionId: '5', workflowId: 'wf1', status: 'success' }, failed('5')],
    ['with its own end', run('5', 'success', now - 60_000), run('5', 'error', now, { startedAt: undefined })],
    ['with a start one minute later', run('5', 'success', now - 60_000), run('5', 'error', now)],
    ['cancelled', run('5', 'success', now - 60_000), run('5', 'canceled', now, { startedAt: undefined })],
  ])(
    'when a failure with its ID is reported %s, alone, repeated, or in one array',
    async (_, success, failure) => {
      for (const deliveries of [
        [[success], [failure], [failure], [success]],
        [[success, failure], [failure]],
        [[failure, success]],
      ]) {
        const { instanceId, report } = await tracked()
        for (const items of deliveries) await report(items)
        const runs = await runsOf(instanceId)
        expect(runs.map((of) => String(of).split(' ')[1]).toSorted()).toEqual(
          ['success', 'status' in failure ? failure.status : 'error'].toSorted(),
        )
      }
    },
  )

  test('polled or pushed, does not match a failure that n8n reported after its end', async () => {
    for (const source of ['push', 'poll'] as const) {
      const { instanceId, report } = await tracked()
      const ended = {
        ...emptyDelivery,
        n8nExecutionId: '5',
        n8nWorkflowId: 'wf1',
        status: 'success' as const,
        startedAtMs: now - 9000,
        finishedAtMs: now - 7000,
        eventAtMs: now - 7000,
        receivedAtMs: now - 5000,
      }
      await ingest(world.db, instanceId, [ended], source)
      await report(failed('5'))
      await ingest(world.db, instanceId, [ended], source)
      expect(await runsOf(instanceId)).toEqual(['1 success', '2 error m'])
    }
  })

  test('that n8n considered lost while it ran is one run', async () => {
    const { instanceId, report } = await tracked()
    await report(failed('5', { timestamp: now - 60_000 }))
    const ended = {
      ...emptyDelivery,
      n8nExecutionId: '5',
      n8nWorkflowId: 'wf1',
      status: 'success' as const,
      receivedAtMs: now,
      startedAtMs: now - 2 * hourMs,
      finishedAtMs: now - 30_000,
      eventAtMs: now - 30_000,
    }
    await ingest(world.db, instanceId, [ended], 'poll')
    await report(failed('5', { timestamp: now - 60_000 }))
    expect(await runsOf(instanceId)).toEqual(['1 success m'])
  })
})

describe('a failure without times', () => {
  const before = { error: { message: 'm', node: 'Call', name: 'NodeApiError' } }
  test.each([
    ['another message', { message: 'other' }],
    ['another last node', { node: 'Store' }],
    ['another mode', { mode: 'trigger' }],
    ['another workflow', { workflowId: 'wf2' }],
  ])('with %s than an earlier failed run is another run', async (_, more) => {
    for (const first of [run('5', 'error', now - 3 * hourMs, before), failed('5')]) {
      const { instanceId, report } = await tracked()
      const told = [first, failed('5', more), failed('5', more), first]
      for (const item of told) await report(item)
      expect((await runsOf(instanceId)).map((of) => String(of).slice(0, 7))).toEqual(['1 error', '2 error'])
    }
  })

  test('with the same error is the same run, however late', async () => {
    const { instanceId, report } = await tracked()
    await report(run('5', 'error', now - 300 * hourMs, before))
    for (let times = 0; times < 3; times++) await report(failed('5'))
    expect(await runsOf(instanceId)).toEqual(['1 error m'])
  })

  test('matches the run whose own workflow described it differently', async () => {
    const { instanceId, report } = await tracked()
    await report(run('5', 'error', now - 1000, { mode: undefined, error: 'Payment failed' }))
    await report(failed('5'))
    expect(await runsOf(instanceId)).toHaveLength(1)
  })

  test('of an earlier epoch is distinguished from the newer run by its error', async () => {
    const { instanceId, report } = await tracked()
    await report([failed('5', { message: 'one' }), failed('6')])
    await report([failed('5', { message: 'two' })])
    for (const message of ['one', 'two', 'one', 'two']) await report(failed('5', { message }))
    expect(await runsOf(instanceId)).toEqual(['1 error one', '1 error m', '2 error two'])
  })
})

describe('two workflows with one execution ID', () => {
  const items = [
    [run('5', 'success', now - 9000), run('5', 'error', now, { workflowId: 'wf2' })],
    [run('5', 'success', now - 9000), failed('5', { workflowId: 'wf2' })],
    [failed('5'), failed('5', { workflowId: 'wf2' })],
    [run('5', 'running', now, { finishedAt: undefined }), failed('5', { workflowId: 'wf2' })],
  ]
  test.each([
    ['in one array', (pair: object[]) => [pair]],
    ['in one array, in reverse order', (pair: object[]) => [pair.toReversed()]],
    ['one after the other', (pair: object[]) => pair.map((item) => [item])],
    ['repeatedly', (pair: object[]) => [pair, pair.toReversed(), ...pair.map((item) => [item])]],
  ])('%s: records both runs', async (_, arrays) => {
    for (const pair of items) {
      const { instanceId, report } = await tracked()
      for (const array of arrays(pair)) {
        const { body } = await report(array)
        expect(body.results.map(({ status }: { status: number }) => status < 203)).not.toContain(false)
        expect(body.results.map(({ id }: { id?: string }) => typeof id)).not.toContain('undefined')
      }
      expect(await runsOf(instanceId)).toHaveLength(2)
      const [row] = await world.sql`select epoch,
          (select count(distinct workflow_id) from executions where instance_id = i.id)::integer as workflows
        from instances i where id = ${instanceId}`
      expect(row).toEqual({ epoch: 2, workflows: 2 })
    }
  })

  test('polled and pushed', async () => {
    const { instanceId, report } = await tracked()
    const polled = (n8nWorkflowId: string, endedAtMs: number) => ({
      ...emptyDelivery,
      n8nExecutionId: '5',
      n8nWorkflowId,
      status: 'error' as const,
      receivedAtMs: now,
      startedAtMs: endedAtMs - 500,
      finishedAtMs: endedAtMs,
      eventAtMs: endedAtMs,
    })
    await ingest(world.db, instanceId, [polled('wf1', now - 60_000)], 'poll')
    await ingest(world.db, instanceId, [polled('wf2', now - 60_000)], 'poll')
    await report(failed('5', { workflowId: 'wf2' }))
    await report(failed('5'))
    expect(await runsOf(instanceId)).toHaveLength(2)
  })
})

const anyTime = (next: () => number) =>
  next() < 0.4
    ? null
    : pick([0, 400, 2500, -400, 4 * minuteMs, -4 * minuteMs, 9 * minuteMs, -9 * minuteMs, 3 * hourMs], next)

/** Two random deliveries that are likely to be similar in some respect. */
async function anyDelivery(next: () => number): Promise<MergeableExecution> {
  const time = () => {
    const ms = anyTime(next)
    return ms === null ? null : now - hourMs + ms
  }
  const status = pick(executionStatuses, next)
  const [startedAtMs, finishedAtMs, errorAtMs] = [time(), time(), status === 'error' ? time() : null]
  const receivedAtMs = time() ?? now
  const delivery = {
    n8nExecutionId: '1',
    n8nWorkflowId: pick(['wf1', 'wf1', 'wf1', 'wf2'], next),
    status,
    n8nVersionId: null,
    retryOf: null,
    data: null,
    mode: pick([null, 'webhook', 'webhook', 'trigger'], next),
    startedAtMs,
    finishedAtMs,
    errorAtMs,
    receivedAtMs,
    eventAtMs: finishedAtMs ?? errorAtMs ?? receivedAtMs,
    error: pick([true, false], next)
      ? {
          message: pick(['m', 'm', 'm', 'n', 'No message was given'], next),
          node: pick([null, 'N', 'N', 'N', 'O'], next),
          errorClass: pick([null, 'E'], next),
          httpStatus: null,
        }
      : null,
  }
  return withMergeKey(delivery, pick(['push', 'push', 'poll'], next))
}

test('the database agrees with the pure function on 20,000 random pairs, covering every result', async () => {
  const next = seeded(20261129)
  const pairs = await Promise.all(
    Array.from({ length: 20_000 }, async () => ({
      known: await anyDelivery(next),
      told: await anyDelivery(next),
      isLatest: next() < 0.7,
    })),
  )
  const time = (ms: number | null) => (ms === null ? null : iso(ms))
  const rows = pairs.map(({ known, told, isLatest }) => ({
    key: {
      epoch: 1,
      n8n_workflow_id: known.n8nWorkflowId,
      status: known.status,
      stamp: known.mergeKey,
      started_at: time(known.startedAtMs),
      finished_at: time(known.finishedAtMs),
      is_start_polled: known.isStartPolled,
      recorded_at: time(known.receivedAtMs),
      error_evidence: known.errorEvidence,
    },
    current: isLatest ? 1 : 2,
    workflow: told.n8nWorkflowId,
    status: told.status,
    started_at: time(told.startedAtMs),
    finished_at: time(told.finishedAtMs),
    error_at: time(told.errorAtMs),
    recorded_at: time(told.receivedAtMs),
    is_polled: told.isStartPolled,
    evidence: told.errorEvidence,
  }))
  const judge = (part: typeof rows) => world.sql`
    select run_fit(jsonb_populate_record(null::execution_keys, r.key), r.current, null, r.workflow, r.status, r.started_at,
      r.finished_at, r.error_at, r.recorded_at, r.is_polled, r.evidence) as fit
    from rows from (jsonb_to_recordset(${JSON.stringify(part)}::jsonb) as (
      key jsonb, current integer, workflow text, status text, started_at timestamptz, finished_at timestamptz,
      error_at timestamptz, recorded_at timestamptz, is_polled boolean, evidence text)) with ordinality r (
      key, current, workflow, status, started_at, finished_at, error_at, recorded_at, is_polled, evidence, nth)
    order by r.nth`
  const judged = []
  for (let from = 0; from < rows.length; from += 2000)
    judged.push(...(await judge(rows.slice(from, from + 2000))))
  const fits = pairs.map(({ known, told, isLatest }) => fitOf(known, told, isLatest))
  const wrong = judged.flatMap(({ fit }, index) => (fit === fits[index] ? [] : [{ fit, ...pairs[index] }]))
  expect(wrong.slice(0, 3)).toEqual([])
  // The start of the epoch only matters for deliveries reported before it.
  expect(new Set(fits)).toEqual(new Set([0, 1, 3, 4, 5]))
})

/** The valid reports of one run: start and end as recorded by n8n, and the error from its Error Trigger. */
function honest(id: string, workflowId: string, startedAtMs: number, next: () => number) {
  const status = pick(
    ['success', 'error', 'error', 'canceled', 'crashed', 'running', 'waiting'] as const,
    next,
  )
  const durationMs = Math.floor(next() ** 3 * hourMs)
  const endedAtMs = startedAtMs + durationMs
  const skewMs = Math.floor((next() - 0.5) * 4 * minuteMs)
  const error = { name: 'NodeApiError', message: pick(['a', 'b', 'c 1', 'c 2'], next), node: { name: 'N' } }
  const mode = pick(['webhook', 'trigger'], next)
  const isOpen = status === 'running' || status === 'waiting'
  const hasFailed = status === 'error' || status === 'crashed'
  const told: { source: 'push' | 'poll'; atMs: number; item: object }[] = []
  const add = (source: 'push' | 'poll', atMs: number, item: object) => told.push({ source, atMs, item })
  const shared = { executionId: id, workflowId, mode }
  const startedAt = iso(startedAtMs)
  if (next() < 0.5)
    add('push', startedAtMs, { ...shared, status: 'running', startedAt: iso(startedAtMs + skewMs) })
  if (next() < 0.5) add('poll', startedAtMs + durationMs / 2, { ...shared, status: 'running', startedAt })
  if (isOpen) add('poll', endedAtMs, { ...shared, status, startedAt })
  else if (next() < 0.8) {
    const end = { status, startedAt, finishedAt: iso(endedAtMs) }
    const reason = hasFailed && next() < 0.5 ? { error } : {}
    add('poll', endedAtMs + Math.floor(next() * hourMs), { ...shared, ...end, ...reason })
  }
  if (hasFailed) {
    const name = status === 'crashed' ? 'WorkflowCrashedError' : error.name
    const timestamp = next() < 0.5 ? { timestamp: endedAtMs - Math.floor(next() * 900) } : {}
    const report = {
      execution: { id, mode, lastNodeExecuted: 'N', error: { ...error, name, ...timestamp } },
      workflow: { id: workflowId },
    }
    add('push', endedAtMs + Math.floor(next() * 25_000), report)
  }
  const deliveries = told.map(({ source, atMs, item }): Delivery => {
    const payload = readPayload(item, new Date(atMs))
    if (!payload.ok || !payload.execution) throw new Error(`Not a report: ${JSON.stringify(item)}`)
    return { source, execution: payload.execution }
  })
  return { status, hasFailed, endedAtMs, message: error.message, mode, deliveries }
}

async function tell(instanceId: string, queue: Delivery[], next: () => number) {
  while (queue.length > 0) {
    const batch = queue.splice(0, next() < 0.5 ? 1 : 1 + Math.floor(next() * 40))
    for (const source of ['push', 'poll'] as const) {
      const executions: IncomingExecution[] = batch
        .filter((item) => item.source === source)
        .map(({ execution }) => execution)
      await ingest(world.db, instanceId, executions, source)
    }
  }
}

test('500 valid runs, late, repeated, in any order, single and batched: one run each and no new epoch', async () => {
  const next = seeded(1129)
  for (let round = 0; round < 3; round++) {
    const { instanceId } = await tracked()
    const runs = Array.from({ length: 500 }, (_, index) =>
      honest(String(index), 'wf1', now - Math.floor((1 + next() * 400) * hourMs), next),
    )
    const deliveries = runs.flatMap((each) => each.deliveries)
    const late = deliveries
      .filter(() => next() < 0.4)
      .map(({ source, execution }): Delivery => {
        const receivedAtMs = execution.receivedAtMs + Math.floor(next() ** 2 * 40 * hourMs)
        const isTimed = execution.finishedAtMs !== null || execution.errorAtMs !== null
        return {
          source,
          execution: { ...execution, receivedAtMs, ...(!isTimed && { eventAtMs: receivedAtMs }) },
        }
      })
    await tell(instanceId, shuffled([...deliveries, ...late], next), next)
    const [row] = await world.sql`select epoch,
        (select count(*) from executions where instance_id = i.id)::integer as runs
      from instances i where id = ${instanceId}`
    expect(row).toEqual({ epoch: 1, runs: runs.filter((each) => each.deliveries.length > 0).length })
  }
})

test('300 pairs of runs with one ID, before and after a restore of n8n: both are recorded correctly by push and poll', async () => {
  const next = seeded(2911)
  const { instanceId } = await tracked()
  const pairs = Array.from({ length: 300 }, (_, index) => {
    const firstStart = now - Math.floor((20 + next() * 400) * hourMs)
    for (;;) {
      const first = honest(String(index), 'wf1', firstStart, next)
      const second = honest(
        String(index),
        pick(['wf1', 'wf2'], next),
        first.endedAtMs + Math.floor((1 + next() * 9) * hourMs),
        next,
      )
      const isOpen = first.status === 'running' || first.status === 'waiting'
      // Indistinguishable: a run without a known end, and the same error without times.
      const isSame = first.hasFailed && second.hasFailed && first.message === second.message
      if (isOpen || isSame || first.status === 'crashed') continue
      if (!first.deliveries.some(({ execution }) => execution.status === first.status)) continue
      if (!second.deliveries.some(({ execution }) => execution.status === second.status)) continue
      return { first, second }
    }
  })
  await tell(
    instanceId,
    shuffled(
      pairs.flatMap(({ first }) => first.deliveries),
      next,
    ),
    next,
  )
  await tell(
    instanceId,
    shuffled(
      pairs.flatMap(({ second }) => second.deliveries),
      next,
    ),
    next,
  )
  const again = pairs.flatMap(({ first, second }) => [first, second].flatMap((each) => each.deliveries))
  await tell(instanceId, shuffled(again, next), next)
  const rows =
    await world.sql`select n8n_execution_id as id, array_agg(status order by coalesce(started_at, finished_at,
      recorded_at)) as statuses from executions where instance_id = ${instanceId} group by 1`
  const statuses = Object.fromEntries(rows.map((row) => [row['id'], row['statuses']]))
  const wrong = pairs.flatMap(({ first, second }, index) => {
    const expected = [first.status, second.status]
    return JSON.stringify(statuses[index]) === JSON.stringify(expected)
      ? []
      : [{ expected, got: statuses[index], first, second }]
  })
  expect(wrong.slice(0, 2)).toEqual([])
})

test('deliveries of two runs in one array are recorded as two runs', async () => {
  const next = seeded(77)
  const { instanceId } = await tracked()
  let expected = 0
  const together: Delivery[] = []
  for (let id = 0; id < 200; id++) {
    const first = honest(String(id), 'wf1', now - Math.floor((21 + next() * 19) * hourMs), next)
    const second = honest(String(id), 'wf1', now - Math.floor((4 + next() * 9) * hourMs), next)
    const isOpen = first.status === 'running' || first.status === 'waiting'
    if (isOpen || first.status === 'crashed' || (first.hasFailed && second.hasFailed)) continue
    if (!first.deliveries.some(({ execution }) => execution.status === first.status)) continue
    together.push(...first.deliveries, ...second.deliveries)
    expected += second.deliveries.length > 0 ? 2 : 1
  }
  const executions = shuffled(together, next).map(({ execution }) => execution)
  for (let times = 0; times < 2; times++) await ingest(world.db, instanceId, executions, 'push')
  expect(await runsOf(instanceId)).toHaveLength(expected)
})
