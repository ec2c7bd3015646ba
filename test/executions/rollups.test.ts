import { seeded } from '../harness/random.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { emptyDelivery } from '../../src/executions/record/merge.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createTestDatabase } from '../harness/database.ts'
import {
  type Delivery,
  hourMs,
  pick,
  randomData,
  randomDelivery,
  randomError,
  shuffled,
} from './random-runs.ts'
import { expectRollupsToBeARecount, unfoldedChanges } from './rollup-recount.ts'
import { createWorld, type World } from './world.ts'

const isFull = process.env['FLOWKEEP_FULL'] === '1'
const executionCount = isFull ? 10_000 : 1000
const connections = 50

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase({ maxConnections: connections }))
})
afterAll(() => world.close())

interface Origin {
  userId: string
  instanceId: string
  n8nWorkflowIds: string[]
}

/** A user's instance with two workflows deployed. */
async function origin(): Promise<Origin> {
  const { userId, instanceId } = await world.tracked('wf1')
  const workflowId = await world.workflow(userId)
  await world.call('POST', '/v1/deployments', {
    user: userId,
    body: { workflowId, instanceId, n8nWorkflowId: 'wf2' },
  })
  return { userId, instanceId, n8nWorkflowIds: ['wf1', 'wf2'] }
}

const rollUpAll = async () => {
  while ((await rollUpChanges(world.db, { maxStatements: 1000 })) > 0);
  expect(await unfoldedChanges(world.sql)).toBe(0)
}

/** A start, a pushed end and a polled end in any order, possibly one of them without times. */
function lifeOf(
  n8nExecutionId: string,
  n8nWorkflowId: string,
  nowMs: number,
  next: () => number,
): Delivery[] {
  const startedAtMs = nowMs - Math.floor(next() * 72 * hourMs)
  const finishedAtMs = startedAtMs + Math.floor(next() ** 3 * 100_000)
  const status = next() < 0.8 ? ('success' as const) : ('error' as const)
  const error = status === 'error' ? randomError(next) : null
  const common = { ...emptyDelivery, n8nExecutionId, n8nWorkflowId, receivedAtMs: nowMs, mode: 'webhook' }
  const ended = { ...common, status, finishedAtMs, eventAtMs: finishedAtMs, error }
  return [
    {
      source: 'push',
      execution: {
        ...common,
        status: 'running',
        startedAtMs,
        finishedAtMs: null,
        eventAtMs: startedAtMs,
        error: null,
        data: null,
      },
    },
    {
      source: 'push',
      execution: {
        ...ended,
        startedAtMs: null,
        data: next() < 0.3 ? toRunData(randomData(next, startedAtMs)) : null,
      },
    },
    { source: 'poll', execution: { ...ended, startedAtMs, data: toRunData(randomData(next, startedAtMs)) } },
  ]
}

test(`${3 * executionCount} shuffled deliveries of ${executionCount} executions over ${connections} connections during rollups and reads: the totals always equal a recount${isFull ? '' : ' (30,000 with FLOWKEEP_FULL=1)'}`, async () => {
  const next = seeded(20261122)
  const origins = [await origin(), await origin(), await origin()]
  const userIds = origins.map(({ userId }) => userId)
  const nowMs = Date.now()
  const queue = shuffled(
    Array.from({ length: executionCount }, (_, index) => {
      const { instanceId, n8nWorkflowIds } = pick(origins, next)
      return lifeOf(String(index), pick(n8nWorkflowIds, next), nowMs, next).map((delivery) => ({
        instanceId,
        ...delivery,
      }))
    }).flat(),
    next,
  )
  const deliveries = queue.length

  const stop = new AbortController()
  const moments: { executions: unknown; counted: unknown; timed: unknown; buckets: unknown }[] = []
  let rolledUp = 0
  const rollUps = async (limit: number) => {
    while (!stop.signal.aborted) {
      rolledUp += await rollUpChanges(world.db, { limit })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const reading = async () => {
    while (!stop.signal.aborted) {
      const rows = await world.sql`select
          (select count(*) from executions where user_id = any (${userIds}))::integer as executions,
          (select sum("new" + running + waiting + success + error + canceled + crashed + "unknown")
            from execution_stats_now where user_id = any (${userIds}) and grain = 'hour' and deployment_id <> ${none})::integer
            as counted,
          (select count(*) from executions where user_id = any (${userIds}) and finished_at >= started_at)::integer
            as timed,
          (select coalesce(sum(durations), 0) % 999999999999 from execution_stats_now
            where user_id = any (${userIds}) and grain = 'day' and deployment_id <> ${none})::integer as buckets`
      moments.push(rows[0] as (typeof moments)[number])
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const beside = [rollUps(50), rollUps(200), rollUps(5000), reading()]
  const work = async () => {
    for (let delivery = queue.pop(); delivery; delivery = queue.pop()) {
      await ingest(world.db, delivery.instanceId, [delivery.execution], delivery.source)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: connections }, work))
  const seconds = (performance.now() - startedAt) / 1000
  stop.abort()
  await Promise.all(beside)

  for (const { executions, counted, timed, buckets } of moments) {
    expect(counted ?? 0).toBe(executions)
    expect(buckets).toBe(timed)
  }
  expect(rolledUp).toBeGreaterThan(0)
  const figures = await expectRollupsToBeARecount(world.sql, userIds)
  await rollUpAll()
  await expectRollupsToBeARecount(world.sql, userIds)
  const [database] =
    await world.sql`select deadlocks::integer from pg_stat_database where datname = current_database()`
  expect(database?.['deadlocks']).toBe(0)
  console.log(
    `${deliveries} deliveries in ${seconds.toFixed(1)} s, ${rolledUp} changes rolled up and ${moments.length} moments seen meanwhile; ${figures} figures`,
  )
}, 600_000)

const none = '00000000-0000-0000-0000-000000000000'

test('600 random histories, repeated and in any order, single and in batches: the rollups equal a recount', async () => {
  const next = seeded(600)
  const { userId, instanceId, n8nWorkflowIds } = await origin()
  const nowMs = Date.now()
  const deliveries = Array.from({ length: 600 }, (_, index) => {
    const n8nWorkflowId = pick(n8nWorkflowIds, next)
    const aroundMs = nowMs - Math.floor(next() * 20 * 24 * hourMs)
    const told = Array.from({ length: 1 + Math.floor(next() * 8) }, () =>
      randomDelivery(String(index), n8nWorkflowId, aroundMs, next),
    )
    return told.concat(told.filter(() => next() < 0.3))
  }).flat()
  const queue = shuffled(deliveries, next)
  for (let rounds = 1; queue.length > 0; rounds++) {
    const { source } = queue[0]!
    const size = next() < 0.3 ? 1 : 1 + Math.floor(next() * 60)
    const batch = queue.splice(0, size).map(({ execution }) => execution)
    await ingest(world.db, instanceId, batch, source)
    if (next() < 0.3) await rollUpChanges(world.db, { limit: 1 + Math.floor(next() * 100) })
    if (rounds % 10 === 0) await expectRollupsToBeARecount(world.sql, [userId])
  }
  await expectRollupsToBeARecount(world.sql, [userId])
  await rollUpAll()
  const figures = await expectRollupsToBeARecount(world.sql, [userId])
  expect(figures).toBeGreaterThan(5000)
  console.log(`${deliveries.length} deliveries; ${figures} figures`)
})

describe('a change', () => {
  test('counts once when repeated, and subtracts an error or data that it removes', async () => {
    const { userId, instanceId } = await origin()
    const startedAtMs = Date.now() - hourMs
    const failed = {
      ...emptyDelivery,
      n8nExecutionId: '1',
      n8nWorkflowId: 'wf1',
      status: 'error' as const,
      startedAtMs,
      finishedAtMs: startedAtMs + 1000,
      eventAtMs: startedAtMs,
      receivedAtMs: startedAtMs,
      error: { message: 'Request 7 failed', node: 'Call', errorClass: 'NodeApiError', httpStatus: 500 },
      data: toRunData({
        nodes: [{ name: 'Call', type: 't', durationMs: 5, items: 2, runs: 1, error: {} }],
      }),
    }
    for (let times = 0; times < 3; times++) await ingest(world.db, instanceId, [failed], 'push')
    expect(await errorsOf(userId)).toEqual([['Request <number> failed', 'Call', 'NodeApiError', 500, 1]])
    await expectRollupsToBeARecount(world.sql, [userId])

    const succeeded = { ...failed, status: 'success' as const, error: null, eventAtMs: startedAtMs + 5000 }
    const data = toRunData({
      nodes: [{ name: 'Other', type: null, startedAt: null, items: 0, runs: 1 }],
    })
    await ingest(world.db, instanceId, [{ ...succeeded, data }], 'poll')
    expect(await errorsOf(userId)).toEqual([])
    const nodes = await world.sql`select node_name, sum(executions)::integer as executions from node_stats_now
      where user_id = ${userId} and deployment_id <> ${none} group by node_name having sum(executions) <> 0`
    expect(Array.from(nodes)).toEqual([{ node_name: 'Other', executions: 1 }])
    await rollUpAll()
    expect(await errorsOf(userId)).toEqual([])
  })

  test('counts for the version and deployment with which it was first recorded', async () => {
    const { userId, instanceId } = await origin()
    const nowMs = Date.now()
    const next = seeded(7)
    const first = randomDelivery('1', 'wf1', nowMs, next)
    await ingest(world.db, instanceId, [first.execution], 'push')
    await world.sql`update deployments set version = version + 1 where instance_id = ${instanceId}`
    for (let times = 0; times < 5; times++) {
      const { execution, source } = randomDelivery('1', 'wf1', nowMs, next)
      await ingest(world.db, instanceId, [execution], source)
    }
    await expectRollupsToBeARecount(world.sql, [userId])
    const versions = await world.sql`select distinct workflow_version as version from execution_stats_now
      where user_id = ${userId} and deployment_id <> ${none}`
    expect(Array.from(versions)).toEqual([{ version: 1 }])
  })

  test('with many nodes is rolled up with few others, or alone if it exceeds the limit', async () => {
    const { userId, instanceId } = await origin()
    await rollUpAll()
    const nowMs = Date.now()
    const nodes = Array.from({ length: 40 }, (_, index) => ({
      name: `Node ${index}`,
      durationMs: 7,
      runs: 2,
    }))
    const runs = Array.from({ length: 5 }, (_, index) => ({
      ...emptyDelivery,
      n8nExecutionId: String(index),
      n8nWorkflowId: 'wf1',
      status: 'success' as const,
      startedAtMs: nowMs,
      finishedAtMs: nowMs,
      eventAtMs: nowMs,
      receivedAtMs: nowMs,
      error: null,
      data: toRunData({ nodes }),
    }))
    await ingest(world.db, instanceId, runs, 'push')
    const rollUp = async (maxNodes: number) =>
      (await world.sql`select fold_execution_changes(100, ${maxNodes}) as rolled_up`)[0]?.['rolled_up']
    expect(await rollUp(1)).toBe(1)
    expect(await rollUp(80)).toBe(2)
    expect(await rollUp(80)).toBe(2)
    expect(await rollUp(80)).toBe(0)
    const sums = await world.sql`select sum(executions)::integer as executions, sum(runs)::integer as runs
      from node_stats where user_id = ${userId} and node_name = 'Node 39'`
    expect(Array.from(sums)).toEqual([{ executions: 5, runs: 10 }])
  })

  test('is rolled up by one session at a time; others skip it', async () => {
    const { instanceId } = await origin()
    await ingest(world.db, instanceId, [randomDelivery('1', 'wf1', Date.now(), seeded(1)).execution], 'push')
    const [locked, rolledUp] = await world.sql.transaction([
      world.sql`select pg_advisory_xact_lock(hashtext('flowkeep.execution_rollups'))`,
      world.sql`select fold_execution_changes() as rolled_up`,
    ])
    expect(locked).toHaveLength(1)
    expect(Number(rolledUp?.[0]?.['rolled_up'])).toBeGreaterThan(0)
    const results = await Promise.all(Array.from({ length: 10 }, () => rollUpChanges(world.db)))
    expect(results.every((count) => count === 0)).toBe(true)
  })
})

const errorsOf = async (userId: string) =>
  (
    await world.sql`select g.message, g.node, g.error_class, g.http_status, sum(s.runs)::integer as runs
      from error_stats_now s
      join lateral (select * from error_groups g where g.user_id = s.user_id and g.fingerprint = s.fingerprint limit 1) g
        on true
      where s.user_id = ${userId} and s.grain = 'day'
      group by 1, 2, 3, 4 having sum(s.runs) <> 0`
  ).map((row) => Object.values(row))
