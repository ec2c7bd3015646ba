/** A connection plans `record_executions` once, possibly with outdated statistics. */
import { beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/executions/record/ingest.ts'
import { type IncomingExecution, emptyDelivery } from '../../src/executions/record/merge.ts'
import { KnownExecutions } from '../../src/executions/poll/known-executions.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

const startedAtMs = Date.parse('2026-11-22T10:00:00Z')
const batch = (from: number, size: number): IncomingExecution[] =>
  Array.from({ length: size }, (_, index) => ({
    ...emptyDelivery,
    n8nExecutionId: String(from + index),
    n8nWorkflowId: 'wf1',
    status: 'error' as const,
    startedAtMs,
    finishedAtMs: startedAtMs + 1000,
    eventAtMs: startedAtMs,
    receivedAtMs: startedAtMs,
    error: { message: 'm', node: 'N', errorClass: null, httpStatus: null },
  }))

/** Pages of `execution_keys` and `executions` that a batch of 500 mostly known executions reads. */
async function pagesRead(before: (world: World, instanceId: string) => Promise<unknown>): Promise<number> {
  const world = createWorld(await createTestDatabase({ maxConnections: 1 }))
  try {
    const { instanceId } = await world.tracked()
    await before(world, instanceId)
    for (let from = 0; from < 3000; from += 500) await ingest(world.db, instanceId, batch(from, 500), 'push')
    const from = await pages(world)
    await ingest(world.db, instanceId, batch(2600, 500), 'push')
    return (await pages(world)) - from
  } finally {
    await world.close()
  }
}

async function pages({ sql }: World): Promise<number> {
  await sql`select pg_stat_force_next_flush()`
  const [row] =
    await sql`select sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::float8 as pages
    from pg_statio_user_tables where relname like 'execution%'`
  return Number(row?.['pages'])
}

let usual: number
beforeAll(async () => {
  usual = await pagesRead(async () => undefined)
})

test.each<[string, Parameters<typeof pagesRead>[0]]>([
  ['analyzed while empty', ({ sql }) => sql`analyze`],
  ['vacuumed while empty', ({ sql }) => sql`vacuum analyze`],
  [
    'analyzed with one run',
    async ({ sql, db }, instanceId) => {
      await ingest(db, instanceId, batch(0, 1), 'push')
      await sql`vacuum analyze`
    },
  ],
  [
    'analyzed with 100 runs',
    async ({ sql, db }, instanceId) => {
      await ingest(db, instanceId, batch(0, 100), 'push')
      await sql`analyze`
    },
  ],
  [
    'analyzed with the runs of another instance',
    async ({ sql, db, tracked }) => {
      const other = await tracked()
      await ingest(db, other.instanceId, batch(0, 500), 'push')
      await sql`vacuum analyze`
    },
  ],
])('tables %s that grow later: a batch reads no more rows', async (_, before) => {
  expect(await pagesRead(before)).toBeLessThan(2 * usual)
})

test('tables without statistics: the search for runs without data reads each run a few times', async () => {
  const world = createWorld(await createTestDatabase({ maxConnections: 1 }))
  try {
    const { instanceId } = await world.tracked()
    const runs = 1500
    for (let from = 0; from < runs; from += 500) await ingest(world.db, instanceId, batch(from, 500), 'push')
    const known = new KnownExecutions(world.db, () => new Date())
    const from = await pages(world)
    expect(await known.withoutData(instanceId, 20)).toHaveLength(20)
    expect((await pages(world)) - from).toBeLessThan(30 * runs)
  } finally {
    await world.close()
  }
})
