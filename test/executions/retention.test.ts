import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ingest } from '../../src/executions/record/ingest.ts'
import { type IncomingExecution, emptyDelivery } from '../../src/executions/record/merge.ts'
import { closeAbandoned, dropExpiredMonths, trimExecutionData } from '../../src/executions/retention.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import { createPollWorld, type PolledInstance, type PollWorld } from './poll-world.ts'

const dayMs = 24 * 60 * 60 * 1000

let database: PostgresTestDatabase
let world: PollWorld
beforeAll(async () => {
  database = await createTestDatabase()
  world = createPollWorld(database)
  world.clock.now = new Date()
})
afterAll(() => database.close())
beforeEach(() => database.sql`delete from executions`)

const daysAgo = (days: number) => new Date(world.clock.now.getTime() - days * dayMs)

const execution = (id: number, receivedAt: Date, n8nWorkflowId: string): IncomingExecution => ({
  ...emptyDelivery,
  n8nExecutionId: String(id),
  n8nWorkflowId,
  status: 'success',
  mode: null,
  startedAtMs: receivedAt.getTime(),
  finishedAtMs: receivedAt.getTime(),
  eventAtMs: receivedAt.getTime(),
  receivedAtMs: receivedAt.getTime(),
  error: null,
  data: toRunData({ nodes: [] }),
})

/** One execution per number of days. */
async function aged(instance: PolledInstance, days: number[]) {
  const executions = days.map((day, index) => execution(index + 1, daysAgo(day), instance.trackedId))
  await ingest(database.db, instance.id, executions, 'poll')
}

const withData = async ({ id }: PolledInstance) =>
  (
    await database.sql`select n8n_execution_id::integer as id from executions
      where instance_id = ${id} and data is not null order by 1`
  ).map((row) => row['id'])

describe('data', () => {
  test('is trimmed after the days of its workflow, else of the installation; the rows stay', async () => {
    const [usual, short, long] = [await world.instance(), await world.instance(), await world.instance()]
    await database.sql`update workflows set data_retention_days = 2 where id = ${short.workflowId}`
    await database.sql`update workflows set data_retention_days = 90 where id = ${long.workflowId}`
    for (const instance of [usual, short, long]) await aged(instance, [0, 1, 3, 29, 31, 80, 100])
    for (const fraction of [0.5, 0]) {
      await trimExecutionData(database.db, world.now(), { retentionDays: 30, random: () => fraction })
    }
    expect(await withData(usual)).toEqual([1, 2, 3, 4])
    expect(await withData(short)).toEqual([1, 2])
    expect(await withData(long)).toEqual([1, 2, 3, 4, 5, 6])
    const rows = await usual.rows()
    expect(rows.map((row) => row['status'])).toEqual(Array.from({ length: 7 }, () => 'success'))
    expect(await trimExecutionData(database.db, world.now(), { retentionDays: 30 })).toBe(0)
  })

  test('is not fetched again after it was trimmed', async () => {
    const instance = await world.instance()
    await aged(instance, [1])
    await trimExecutionData(database.db, world.now(), { retentionDays: 0 })
    instance.add({ id: '1', startedAt: daysAgo(1).toISOString() })
    await world.run()
    expect(await withData(instance)).toEqual([])
    expect(instance.stub.calls('execution-get')).toEqual([])
  })

  test('is trimmed in chunks, and the next run continues', async () => {
    const instances = [await world.instance(), await world.instance()]
    for (const instance of instances) {
      await aged(
        instance,
        Array.from({ length: 25 }, () => 40),
      )
    }
    const options = { retentionDays: 30, chunkRows: 10, maxStatements: 4, random: () => 0 }
    expect(await trimExecutionData(database.db, world.now(), options)).toBe(30)
    expect(await trimExecutionData(database.db, world.now(), options)).toBe(20)
  })

  test('of a deleted workflow is trimmed too, and locked rows are left to the next run', async () => {
    const instance = await world.instance()
    await aged(instance, [40, 40])
    await database.sql`delete from deployments where instance_id = ${instance.id}`
    await database.sql`delete from workflows where id = ${instance.workflowId}`
    const { Client } = await import('pg')
    const holder = new Client({ connectionString: database.postgresUrl })
    await holder.connect()
    await holder.query('begin')
    await holder.query(
      `select 1 from executions where instance_id = '${instance.id}' and n8n_execution_id = '1' for update`,
    )
    expect(await trimExecutionData(database.db, world.now(), { retentionDays: 30, random: () => 0 })).toBe(1)
    await holder.query('rollback')
    await holder.end()
    expect(await trimExecutionData(database.db, world.now(), { retentionDays: 30, random: () => 0 })).toBe(1)
  })
})

const partitions = async () =>
  (
    await database.sql`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'executions'::regclass order by 1`
  ).map((row) => String(row['name']))

const keysOf = async (instanceId: string) =>
  (
    await database.sql`select count(*)::int as count from execution_keys where instance_id = ${instanceId}`
  )[0]?.['count']

describe('months', () => {
  test('that are expired are dropped with their keys during deliveries, without a rejected or lost report', async () => {
    const instance = await world.instance()
    const old = Array.from({ length: 3000 }, (_, index) =>
      execution(index + 1, daysAgo(440 + (index % 50)), instance.trackedId),
    )
    await ingest(database.db, instance.id, old, 'poll')
    const young = Array.from({ length: 50 }, (_, index) =>
      execution(10_000 + index, daysAgo(300), instance.trackedId),
    )
    await ingest(database.db, instance.id, young, 'poll')
    const before = await partitions()

    const stop = new AbortController()
    let delivered = 0
    const waits: number[] = []
    const stream = async (offset: number) => {
      for (let index = 0; !stop.signal.aborted; index++) {
        const startedAt = performance.now()
        const id = 100_000 + offset + index * 4
        const recorded = await ingest(
          database.db,
          instance.id,
          [execution(id, new Date(), instance.trackedId)],
          'push',
        )
        waits.push(performance.now() - startedAt)
        delivered += recorded.filter((run) => run !== undefined).length
      }
    }
    const streams = Promise.all([0, 1, 2, 3].map(stream))
    const limit = new Date(world.clock.now)
    limit.setUTCMonth(limit.getUTCMonth() - 13)
    const name = `executions_${limit.toISOString().slice(0, 7).replace('-', '_')}`
    const expired = before.filter((partition) => partition < name).length
    let dropped = 0
    for (let run = 0; run < 100 && dropped < expired; run++) {
      dropped += await dropExpiredMonths(database.db, world.now(), { retentionMonths: 13, maxKeys: 500 })
    }
    stop.abort()
    await streams
    console.log(`${delivered} deliveries meanwhile, the slowest in ${Math.round(Math.max(...waits))} ms`)

    expect(expired).toBeGreaterThanOrEqual(2)
    expect(await partitions()).toEqual(before.filter((partition) => partition >= name))
    const rows = await instance.rows()
    expect(await keysOf(instance.id)).toBe(rows.length)
    expect(rows.filter((row) => Number(row['id']) >= 100_000)).toHaveLength(delivered)
    expect(rows.filter((row) => Number(row['id']) >= 10_000 && Number(row['id']) < 100_000)).toHaveLength(50)
  })

  test('stay while the table is locked: the wait is short, and the next run drops them', async () => {
    const instance = await world.instance()
    await ingest(database.db, instance.id, [execution(1, daysAgo(800), instance.trackedId)], 'poll')
    const before = await partitions()
    const { Client } = await import('pg')
    const reader = new Client({ connectionString: database.postgresUrl })
    await reader.connect()
    await reader.query('begin')
    await reader.query('select count(*) from executions')
    expect(await dropExpiredMonths(database.db, world.now(), { retentionMonths: 13 })).toBe(0)
    expect(await partitions()).toEqual(before)
    expect(await keysOf(instance.id)).toBe(1)
    await reader.query('rollback')
    await reader.end()
    expect(await dropExpiredMonths(database.db, world.now(), { retentionMonths: 13 })).toBe(1)
    expect(await keysOf(instance.id)).toBe(0)
  })

  test('of the last 28 days are never dropped', async () => {
    await expect(
      database.sql`select drop_expired_executions(now() - interval '27 days')`,
    ).rejects.toMatchObject({
      code: '22023',
    })
  })
})

test('open executions end as unknown when their deployment left n8n, and stay open otherwise', async () => {
  const [there, undeployed, gone] = [await world.instance(), await world.instance(), await world.instance()]
  for (const instance of [there, undeployed, gone]) {
    await instance.push({ id: '1', status: 'running' })
    await instance.push({ id: '2', status: 'success' })
  }
  await database.sql`update deployments set n8n_workflow_id = null where id = ${undeployed.deploymentId}`
  await database.sql`delete from instances where id = ${gone.id}`
  expect(await closeAbandoned(database.db, world.now(), 1)).toBe(1)
  expect(await closeAbandoned(database.db, world.now(), 10)).toBe(1)
  expect(await there.statuses()).toEqual({ 1: 'running', 2: 'success' })
  expect(await undeployed.statuses()).toEqual({ 1: 'unknown', 2: 'success' })
  expect(await gone.statuses()).toEqual({ 1: 'unknown', 2: 'success' })
  await database.sql`update deployments set n8n_workflow_id = ${uuidv7()} where id = ${undeployed.deploymentId}`
  expect(await closeAbandoned(database.db, world.now(), 10)).toBe(0)
})
