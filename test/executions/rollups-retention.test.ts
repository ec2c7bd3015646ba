import { seeded } from '../harness/random.ts'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deleteDroppedRollups, rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { type IncomingExecution, emptyDelivery } from '../../src/executions/record/merge.ts'
import { closeAbandoned, dropExpiredMonths, trimExecutionData } from '../../src/executions/retention.ts'
import { purgeDeletedAccounts } from '../../src/users/delete-account.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createTestDatabase } from '../harness/database.ts'
import { hourMs, randomData, randomDelivery } from './random-runs.ts'
import { expectRollupsToBeARecount, type TrimmedData, unfoldedChanges } from './rollup-recount.ts'
import { createWorld, type World } from './world.ts'

let world: World
let postgresUrl: string
beforeAll(async () => {
  const database = await createTestDatabase()
  postgresUrl = database.postgresUrl
  world = createWorld(database)
})
afterAll(() => world.close())

const dayMs = 24 * hourMs
const rollups = [
  'execution_changes',
  'execution_stats',
  'error_stats',
  'error_groups',
  'node_stats',
  'usage_stats',
]

/** Rows per table that no longer count, or belong to the user. */
async function rowsOf(userId: string): Promise<Record<string, number>> {
  const counts = rollups.map(async (table): Promise<[string, number]> => {
    const [row] = await world.sql.query(
      `select count(*)::integer as count from ${table} where user_id = $1`,
      [userId],
    )
    return [table, Number(row?.['count'])]
  })
  return Object.fromEntries(await Promise.all(counts))
}

/** Random deliveries of `count` executions that were first reported on those days. */
async function record(
  instanceId: string,
  count: number,
  daysAgo: number[],
  seed: number,
  rounds = 3,
): Promise<void> {
  const next = seeded(seed)
  for (const days of daysAgo) {
    const aroundMs = Date.now() - days * dayMs
    for (let round = 0; round < rounds; round++) {
      const batch = Array.from({ length: count }, (_, index) => {
        const { execution } = randomDelivery(`${days}-${index}`, 'wf1', aroundMs, next)
        return { ...execution, receivedAtMs: aroundMs }
      })
      await ingest(world.db, instanceId, batch, round === 1 ? 'poll' : 'push')
    }
  }
}

test('dropped months no longer count immediately, rolled up or pending; their rows are deleted in batches', async () => {
  const { userId, instanceId } = await world.tracked('wf1')
  await record(instanceId, 30, [540, 500, 20, 0], 1)
  await rollUpChanges(world.db, { limit: 120 })
  await expectRollupsToBeARecount(world.sql, [userId])
  await expect(dropExpiredMonths(world.db, new Date(), { retentionMonths: 13 })).resolves.toBeGreaterThan(0)
  const left = await world.sql`select count(*)::integer as count from executions where user_id = ${userId}`
  expect(left[0]?.['count']).toBe(60)
  await expectRollupsToBeARecount(world.sql, [userId])

  const before = await rowsOf(userId)
  expect(await deleteDroppedRollups(world.db, { limit: 10, maxStatements: 1 })).toBe(10)
  await expectRollupsToBeARecount(world.sql, [userId])
  await deleteDroppedRollups(world.db, { limit: 100, maxStatements: 1000 })
  expect(await deleteDroppedRollups(world.db)).toBe(0)
  const after = await rowsOf(userId)
  expect(after['execution_stats']).toBeLessThan(before['execution_stats'] ?? 0)
  const [old] = await world.sql`select
    (select count(*) from execution_changes where recorded_at < now() - interval '100 days')::integer as changes,
    (select count(*) from node_stats where recorded_month < now() - interval '100 days')::integer as nodes,
    (select count(*) from error_groups where recorded_month < now() - interval '100 days')::integer as groups`
  expect(old).toEqual({ changes: 0, nodes: 0, groups: 0 })
  await expectRollupsToBeARecount(world.sql, [userId])
  while ((await rollUpChanges(world.db)) > 0);
  await expectRollupsToBeARecount(world.sql, [userId])
})

test('a month that is recreated after it was dropped counts from zero', async () => {
  const { userId, instanceId } = await world.tracked('wf1')
  await record(instanceId, 10, [500], 2)
  await rollUpChanges(world.db)
  await dropExpiredMonths(world.db, new Date(), { retentionMonths: 13 })
  await expectRollupsToBeARecount(world.sql, [userId])
  await record(instanceId, 5, [500], 3)
  const [counted] =
    await world.sql`select count(*)::integer as count from executions where user_id = ${userId}`
  expect(counted?.['count']).toBe(5)
  await expectRollupsToBeARecount(world.sql, [userId])
  await dropExpiredMonths(world.db, new Date(), { retentionMonths: 13 })
  await deleteDroppedRollups(world.db)
  expect(Object.values(await rowsOf(userId)).every((count) => count === 0)).toBe(true)
})

test('trimmed data stays counted, and a later delivery does not count it again', async () => {
  const { userId, instanceId } = await world.tracked('wf1')
  const next = seeded(4)
  const receivedAtMs = Date.now() - 40 * dayMs
  const execution = (id: number, eventAtMs: number): IncomingExecution => ({
    ...emptyDelivery,
    n8nExecutionId: String(id),
    n8nWorkflowId: 'wf1',
    status: 'success',
    mode: null,
    error: null,
    startedAtMs: receivedAtMs,
    finishedAtMs: receivedAtMs,
    eventAtMs,
    receivedAtMs,
    data: toRunData(randomData(next, receivedAtMs)),
  })
  const ids = Array.from({ length: 30 }, (_, index) => index)
  await ingest(
    world.db,
    instanceId,
    ids.map((id) => execution(id, receivedAtMs)),
    'push',
  )
  await ingest(
    world.db,
    instanceId,
    ids.slice(0, 10).map((id) => execution(id, receivedAtMs + 1)),
    'push',
  )
  await rollUpChanges(world.db, { limit: 20 })
  await expectRollupsToBeARecount(world.sql, [userId])
  const rows = await world.sql`select n8n_execution_id as id, data from executions where user_id = ${userId}`
  const trimmed: TrimmedData = new Map(rows.map((row) => [String(row['id']), row['data']]))
  await trimExecutionData(world.db, new Date(), { retentionDays: 30, random: () => 0 })
  await expectRollupsToBeARecount(world.sql, [userId], trimmed)

  const late = ids.map((id) => ({
    ...execution(id, receivedAtMs + 2),
    startedAtMs: receivedAtMs - 5 * hourMs,
  }))
  await ingest(world.db, instanceId, late, 'poll')
  const [left] =
    await world.sql`select count(data)::integer as data, count(previous_data)::integer as previous
    from executions where user_id = ${userId}`
  expect(left).toEqual({ data: 0, previous: 0 })
  await expectRollupsToBeARecount(world.sql, [userId], trimmed)
  while ((await rollUpChanges(world.db)) > 0);
  await expectRollupsToBeARecount(world.sql, [userId], trimmed)
})

test('closing an abandoned run moves its count to unknown, with its error', async () => {
  const { userId, instanceId } = await world.tracked('wf1')
  await record(instanceId, 60, [0], 5, 1)
  await world.sql`update deployments set n8n_workflow_id = null where instance_id = ${instanceId}`
  const open = async () =>
    Number(
      (
        await world.sql`select count(*) as count from executions
          where user_id = ${userId} and status in ('new', 'running', 'waiting')`
      )[0]?.['count'],
    )
  expect(await open()).toBeGreaterThan(3)
  await closeAbandoned(world.db, new Date(), 2)
  await expectRollupsToBeARecount(world.sql, [userId])
  await rollUpChanges(world.db, { limit: 50 })
  await closeAbandoned(world.db, new Date(), 1000)
  expect(await open()).toBe(0)
  await expectRollupsToBeARecount(world.sql, [userId])
  while ((await rollUpChanges(world.db)) > 0);
  await expectRollupsToBeARecount(world.sql, [userId])
})

test('deleting an account during a rollup deletes its rollups and no others', async () => {
  const [gone, stays] = [await world.tracked('wf1'), await world.tracked('wf1')]
  await record(gone.instanceId, 100, [0, 40], 6)
  await record(stays.instanceId, 20, [0, 40], 7)
  await rollUpChanges(world.db, { limit: 300 })
  expect(Object.values(await rowsOf(gone.userId)).every((count) => count > 0)).toBe(true)
  await world.sql`update users set deleted_at = now() where id = ${gone.userId}`
  const stop = new AbortController()
  const rollUps = (async () => {
    while (!stop.signal.aborted) await rollUpChanges(world.db, { limit: 20 })
  })()
  while ((await purgeDeletedAccounts(world.db, { chunkRows: 50, maxStatements: 7 })).purged === 0);
  stop.abort()
  await rollUps
  expect(Object.values(await rowsOf(gone.userId)).every((count) => count === 0)).toBe(true)
  expect(await expectRollupsToBeARecount(world.sql, [stays.userId])).toBeGreaterThan(100)
  while ((await rollUpChanges(world.db)) > 0);
  expect(await unfoldedChanges(world.sql)).toBe(0)
  expect(Object.values(await rowsOf(gone.userId)).every((count) => count === 0)).toBe(true)
  await expectRollupsToBeARecount(world.sql, [stays.userId])
})

test('keeps the rollups of an account while its pending changes are being rolled up', async () => {
  while ((await rollUpChanges(world.db)) > 0);
  const { userId, instanceId } = await world.tracked('wf1')
  await record(instanceId, 60, [0], 8)
  expect(await unfoldedChanges(world.sql)).toBeGreaterThan(120)
  await world.sql`update users set deleted_at = now() where id = ${userId}`
  await world.sql`create function refuse_early() returns trigger language plpgsql as $$ begin
    if exists (select from execution_changes) then raise exception 'there is more to fold'; end if;
    return null;
  end $$`
  await world.sql`create trigger refuse_early before delete on execution_stats execute function refuse_early()`
  const folder = new Client({ connectionString: postgresUrl })
  await folder.connect()
  await folder.query('begin')
  await folder.query('select fold_execution_changes(20)')
  const purging = purgeDeletedAccounts(world.db, { userId, chunkRows: 50 })
  await vi.waitFor(async () => {
    const waiting = await world.sql`select 1 from pg_locks where not granted`
    expect(waiting.length).toBeGreaterThan(0)
  })
  await folder.query('commit')
  await folder.end()
  await expect(purging).resolves.toEqual({ purged: 1 })
  expect(Object.values(await rowsOf(userId)).every((count) => count === 0)).toBe(true)
  await world.sql`drop function refuse_early cascade`
})
