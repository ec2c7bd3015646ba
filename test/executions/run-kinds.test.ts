/** The kind, version and duration of a run do not depend on the order of deliveries. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attributeRuns } from '../../src/deployments/version-history.ts'
import { ingest, settlePendingRetries } from '../../src/executions/record/ingest.ts'
import { type IncomingExecution, emptyDelivery } from '../../src/executions/record/merge.ts'
import { activityOf } from '../../src/executions/record/node-runs.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createTestDatabase } from '../harness/database.ts'
import { expectRollupsToBeARecount } from './rollup-recount.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase({ maxConnections: 40 }))
})
afterAll(() => world.close())

const minuteMs = 60_000
const startMs = Date.now() - 60 * minuteMs

/** The n-th minute of the hour. */
const run = (
  id: number,
  status: IncomingExecution['status'],
  more: Partial<IncomingExecution> = {},
): IncomingExecution => ({
  ...emptyDelivery,
  n8nExecutionId: String(id),
  n8nWorkflowId: 'wf1',
  status,
  mode: 'webhook',
  startedAtMs: startMs + id * minuteMs,
  finishedAtMs: startMs + id * minuteMs + 1000,
  eventAtMs: startMs + id * minuteMs + 1000,
  receivedAtMs: Date.now(),
  ...more,
})
const retry = (id: number, of: number, status: IncomingExecution['status']) =>
  run(id, status, { mode: 'retry', retryOf: String(of) })

const kindsOf = async (instanceId: string) =>
  Object.fromEntries(
    (
      await world.sql`select n8n_execution_id as id, kind from executions where instance_id = ${instanceId}`
    ).map(({ id, kind }) => [String(id), String(kind)]),
  )
/** Runs by kind and status, from the rollups. */
const countsOf = async (userId: string) =>
  Object.fromEntries(
    (
      await world.sql`select kind, sum(success)::integer as success, sum(error)::integer as error
        from execution_stats_now where user_id = ${userId} and grain = 'day'
          and deployment_id = '00000000-0000-0000-0000-000000000000'
        group by kind having sum(success + error) <> 0`
    ).map(({ kind, success, error }) => [String(kind), [success, error]]),
  )

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item].concat(rest)),
  )
}

test("maps n8n's modes to kinds, and a missing mode to production", async () => {
  const { instanceId, userId } = await world.tracked()
  const modes = [
    'trigger',
    'webhook',
    'chat',
    'cli',
    'internal',
    null,
    'manual',
    'evaluation',
    'integrated',
    'error',
  ]
  await ingest(
    world.db,
    instanceId,
    modes.map((mode, index) => run(index, 'success', { mode })),
    'poll',
  )
  expect(Object.values(await kindsOf(instanceId))).toEqual([
    ...Array<string>(6).fill('production'),
    'manual',
    'manual',
    'sub',
    'error',
  ])
  expect(await countsOf(userId)).toEqual({ production: [6, 0], manual: [2, 0], sub: [1, 0], error: [1, 0] })
})

describe('a retry chain', () => {
  const failed = run(1, 'error')
  test.each<[string, IncomingExecution[], Record<string, string>]>([
    ['a retry that succeeds', [failed, retry(2, 1, 'success')], { 1: 'superseded', 2: 'production' }],
    [
      'a retry of a retry',
      [failed, retry(2, 1, 'error'), retry(3, 2, 'success')],
      { 1: 'superseded', 2: 'superseded', 3: 'production' },
    ],
    [
      'two retries of one run',
      [failed, retry(2, 1, 'success'), retry(3, 1, 'error')],
      { 1: 'superseded', 2: 'superseded', 3: 'production' },
    ],
    ['a retry in progress', [failed, retry(2, 1, 'running')], { 1: 'production', 2: 'production' }],
    ['a canceled retry', [failed, retry(2, 1, 'canceled')], { 1: 'production', 2: 'production' }],
    [
      'a retry of a run in the editor',
      [run(1, 'error', { mode: 'manual' }), retry(2, 1, 'success')],
      { 1: 'superseded', 2: 'manual' },
    ],
    [
      'a retry of a run that is not recorded',
      [retry(2, 1, 'error'), retry(3, 1, 'success')],
      { 2: 'superseded', 3: 'production' },
    ],
    [
      'a retry that is reported before it is known to be one',
      [failed, run(2, 'running', { mode: null, finishedAtMs: null }), retry(2, 1, 'success')],
      { 1: 'superseded', 2: 'production' },
    ],
  ])('%s: the latest end counts, in every order, single and batched', async (_, told, kinds) => {
    for (const order of permutations(told)) {
      const { instanceId, userId } = await world.tracked()
      for (const each of order) await ingest(world.db, instanceId, [each], 'poll')
      expect(await kindsOf(instanceId)).toEqual(kinds)
      await expectRollupsToBeARecount(world.sql, [userId])
    }
    const { instanceId, userId } = await world.tracked()
    await ingest(world.db, instanceId, told, 'push')
    expect(await kindsOf(instanceId)).toEqual(kinds)
    await expectRollupsToBeARecount(world.sql, [userId])
  })

  test('shows the run with its latest retry, and the retry with its original', async () => {
    const { report, userId } = await world.tracked()
    const at = (minutes: number) => new Date(startMs + minutes * minuteMs).toISOString()
    const told = (executionId: string, status: string, more: object = {}) => ({
      executionId,
      workflowId: 'wf1',
      status,
      mode: 'webhook',
      startedAt: at(Number(executionId)),
      finishedAt: at(Number(executionId) + 0.1),
      ...more,
    })
    const { body } = await report([
      told('2', 'success', { mode: 'retry', retryOf: '1' }),
      told('1', 'error'),
      told('3', 'error', { mode: 'retry', retryOf: '7' }),
    ])
    const [second, first, third] = body.results
    const get = async (id: string) => (await world.call('GET', `/v1/executions/${id}`, { user: userId })).body
    expect(await get(first.id)).toMatchObject({ kind: 'superseded', retryOf: null, retriedBy: second.id })
    expect(await get(second.id)).toMatchObject({
      kind: 'production',
      retryOf: first.id,
      n8nRetryOf: '1',
      retriedBy: null,
    })
    expect(await get(third.id)).toMatchObject({ retryOf: null, n8nRetryOf: '7' })
    expect(await countsOf(userId)).toEqual({ production: [1, 1], superseded: [0, 1] })
  })

  test('200 runs and their retries, reported concurrently over many connections, are settled', async () => {
    const { instanceId, userId } = await world.tracked()
    const told = Array.from({ length: 200 }, (_, index) => index * 2 + 1).flatMap((id) => [
      run(id, 'error', { startedAtMs: startMs, finishedAtMs: startMs + 10 }),
      retry(id + 1, id, id % 3 ? 'success' : 'error'),
    ])
    await Promise.all(
      told.map((each, index) => ingest(world.db, instanceId, [each], index % 2 ? 'push' : 'poll')),
    )
    const kinds = await kindsOf(instanceId)
    for (const [id, kind] of Object.entries(kinds)) {
      expect([id, kind]).toEqual([id, Number(id) % 2 ? 'superseded' : 'production'])
    }
    expect(await settlePendingRetries(world.db, 10)).toBe(0)
    await expectRollupsToBeARecount(world.sql, [userId])
  })

  test('the scheduled job settles retries left by a server that stopped', async () => {
    const { instanceId, userId } = await world.tracked()
    await ingest(world.db, instanceId, [run(1, 'error')], 'poll')
    await world.sql`create function refuse_settling() returns trigger language plpgsql as
      $$ begin if new.is_retry_pending < old.is_retry_pending then raise exception 'stopped'; end if; return new; end $$`
    await world.sql`create trigger refuse_settling before update on execution_keys for each row execute function refuse_settling()`
    await expect(ingest(world.db, instanceId, [retry(2, 1, 'success')], 'poll')).rejects.toThrow(
      'settle_retries',
    )
    await world.sql`drop trigger refuse_settling on execution_keys`
    expect(await kindsOf(instanceId)).toEqual({ 1: 'production', 2: 'production' })
    expect(await settlePendingRetries(world.db, 10)).toBe(1)
    expect(await kindsOf(instanceId)).toEqual({ 1: 'superseded', 2: 'production' })
    await expectRollupsToBeARecount(world.sql, [userId])
  })
})

describe('the version of a run', () => {
  /** v1 an hour ago, v2 half an hour ago, v1 again ten minutes ago, with their n8n version IDs. */
  async function history() {
    const tracked = await world.tracked()
    const { deploymentId, userId } = tracked
    await world.sql`delete from deployment_versions where deployment_id = ${deploymentId}`
    for (const [sequence, version, minutes, n8nVersionId] of [
      [1, 1, 0, 'n8n-a'],
      [2, 2, 30, 'n8n-b'],
      [3, 1, 50, 'n8n-c'],
    ] as const) {
      await world.sql`insert into deployment_versions (deployment_id, sequence, user_id, version, n8n_version_id, created_at)
        values (${deploymentId}, ${sequence}, ${userId}, ${version}, ${n8nVersionId},
          ${new Date(startMs + minutes * minuteMs).toISOString()})`
    }
    return tracked
  }
  const versionsOf = async (instanceId: string) =>
    Object.fromEntries(
      (
        await world.sql`select n8n_execution_id as id, workflow_version || ' ' || workflow_version_source as version
          from executions where instance_id = ${instanceId}`
      ).map(({ id, version }) => [String(id), String(version)]),
    )

  test('is the one that was live at its start, however late it is fetched', async () => {
    const { instanceId, userId } = await history()
    await ingest(
      world.db,
      instanceId,
      [-5, 5, 29, 30, 45, 55].map((minute, index) =>
        run(index, 'success', { startedAtMs: startMs + minute * minuteMs }),
      ),
      'poll',
    )
    const versions = await versionsOf(instanceId)
    expect(Object.values(versions)).toEqual(
      ['1', '1', '1', '2', '2', '1'].map((version) => `${version} time`),
    )
    await expectRollupsToBeARecount(world.sql, [userId])
  })

  test('is the one that n8n reports, even later, and the rollups follow', async () => {
    const { instanceId, userId } = await history()
    // Pushed without times, then listed, then fetched with its version. It started just before v2 went live.
    const told = run(1, 'error', {
      startedAtMs: null,
      finishedAtMs: null,
      receivedAtMs: startMs + 31 * minuteMs,
    })
    await ingest(world.db, instanceId, [{ ...told, eventAtMs: told.receivedAtMs }], 'push')
    expect(await versionsOf(instanceId)).toEqual({ 1: '2 time' })
    const listed = {
      ...told,
      startedAtMs: startMs + 30 * minuteMs + 5,
      finishedAtMs: startMs + 31 * minuteMs,
    }
    await ingest(world.db, instanceId, [listed], 'poll')
    expect(await versionsOf(instanceId)).toEqual({ 1: '2 time' })
    const data = toRunData({ nodes: [{ name: 'Call', runs: 1, items: 1, durationMs: 3 }] })
    await ingest(world.db, instanceId, [{ ...listed, n8nVersionId: 'n8n-a', data }], 'poll')
    expect(await versionsOf(instanceId)).toEqual({ 1: '1 n8n' })
    await expectRollupsToBeARecount(world.sql, [userId])
    await ingest(world.db, instanceId, [listed], 'poll')
    expect(await versionsOf(instanceId)).toEqual({ 1: '1 n8n' })
  })

  test('that the history adds later gets its runs, and no others', async () => {
    const { instanceId, userId, deploymentId } = await history()
    const told = Array.from({ length: 25 }, (_, id) =>
      run(id, 'success', {
        n8nVersionId: id % 2 ? 'edited-by-hand' : 'edited-again',
        data: toRunData({ nodes: [{ name: 'Call', runs: 1, items: 1, durationMs: 3 }] }),
      }),
    )
    await ingest(world.db, instanceId, told, 'poll')
    expect(new Set(Object.values(await versionsOf(instanceId)))).toEqual(new Set(['1 time']))
    await world.sql`insert into deployment_versions (deployment_id, sequence, user_id, version, n8n_version_id, created_at)
      values (${deploymentId}, 4, ${userId}, 3, 'edited-by-hand', now())`
    await attributeRuns(world.db, deploymentId, 'edited-by-hand')
    for (const [id, version] of Object.entries(await versionsOf(instanceId))) {
      expect([id, version]).toEqual([id, Number(id) % 2 ? '3 n8n' : '1 time'])
    }
    await expectRollupsToBeARecount(world.sql, [userId])
  })
})

describe('waiting', () => {
  const at = (seconds: number) => startMs + seconds * 1000
  const node = (startSeconds: number, ms: number) => ({
    startTime: at(startSeconds),
    executionTime: ms,
    data: {},
  })
  const runData = {
    Webhook: [node(0, 10)],
    Agent: [node(1, 4000)],
    Model: [node(2, 1000)],
    // n8n runs the Wait node again when it resumes.
    Wait: [node(3600, 1)],
    Post: [node(3600, 500)],
  }

  test('is detected by a gap between nodes or a Wait node, and its time does not count', () => {
    expect(activityOf({ resultData: { runData } }, undefined, new Date(at(0)).toISOString())).toEqual({
      activeMs: 4510,
      waited: true,
    })
    const short = { Webhook: [node(0, 10)], Pause: [node(1, 3000)], Post: [node(4, 500)] }
    const workflow = { nodes: [{ name: 'Pause', type: 'n8n-nodes-base.wait' }] }
    expect(activityOf({ resultData: { runData: short } }, workflow, undefined)).toEqual({
      activeMs: 510,
      waited: true,
    })
    expect(activityOf({ resultData: { runData: short } }, undefined, undefined)?.waited).toBe(false)
    // A retry's data starts with the node runs of the original.
    const retried = { Webhook: [node(-500, 10)], Post: [node(0, 70)] }
    expect(
      activityOf({ resultData: { runData: retried } }, undefined, new Date(at(0)).toISOString()),
    ).toEqual({
      activeMs: 70,
      waited: false,
    })
  })

  test('is excluded from percentiles, in any order of deliveries', async () => {
    const waiting = run(0, 'waiting', { finishedAtMs: null })
    const ended = run(0, 'success', { finishedAtMs: at(3601), eventAtMs: at(3601) })
    const withData = {
      ...ended,
      data: toRunData({}, activityOf({ resultData: { runData } }, undefined, undefined)),
    }
    for (const [order, counted] of [
      [[waiting, ended], null],
      [[ended, waiting], null],
      [[waiting, ended, withData], 4510],
      [[withData, waiting], 4510],
      [[withData], 4510],
    ] as const) {
      const { instanceId, userId } = await world.tracked()
      for (const each of order) await ingest(world.db, instanceId, [each], 'poll')
      const [row] = await world.sql`select p.p50 from (
          select sum(durations) as durations from execution_stats_now
          where user_id = ${userId} and grain = 'day' and deployment_id = '00000000-0000-0000-0000-000000000000'
        ) s cross join lateral duration_percentiles(s.durations) p`
      const p50 = row?.['p50'] ?? null
      if (counted === null) expect(p50).toBeNull()
      else expect(Math.abs(Number(p50) - counted)).toBeLessThan(counted / 10)
      await expectRollupsToBeARecount(world.sql, [userId])
      const { body } = await world.call('GET', '/v1/executions', { user: userId })
      expect(body.items[0]).toMatchObject({ waited: true, activeMs: counted })
    }
  })
})
