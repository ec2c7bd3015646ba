/**
 * Random schedules, faults and crashes, each from a seed. A failure prints `SEED=…`; set it to replay exactly that one.
 * `FLOWKEEP_SEEDS=<from>-<to>` runs other seeds.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ensurePartitions } from '../../src/db/expired-rows.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { beDeterministic, uuidV7 } from './determinism.ts'
import { prepare, simulate } from './world.ts'

vi.mock('uuid', async (original) => ({
  ...(await original<typeof import('uuid')>()),
  v4: () => crypto.randomUUID(),
  v7: uuidV7,
}))

const single = process.env['SEED']
const [from = 1, to = 20] = (
  single ? [single, single] : (process.env['FLOWKEEP_SEEDS'] ?? '').split('-').filter(Boolean)
).map(Number)

let database: TestDatabase
let clear: () => Promise<void>
beforeAll(async () => {
  database = await createTestDatabase()
  const { restore } = beDeterministic(0, Date.parse('2026-05-04T10:00:00Z'))
  await ensurePartitions(database.db)
  restore()
  clear = await prepare(database)
})
afterAll(() => database.close())

test(`seeds ${from} to ${to} keep every invariant`, { timeout: 0 }, async () => {
  const startedAt = performance.now()
  const total = { seeds: 0, steps: 0, faults: 0, crashes: 0 }
  for (let seed = from; seed <= to; seed += 1) {
    await clear()
    const result = await simulate(database, seed)
    if (single) console.log(result.trace.join('\n'), result.hash)
    total.steps += result.steps
    total.faults += result.faults
    total.crashes += result.crashes
    total.seeds += 1
  }
  expect(total.seeds).toBe(to - from + 1)
  const ms = performance.now() - startedAt
  console.log(
    `${total.seeds} seeds, ${Math.round(ms / total.seeds)} ms each: ${total.steps} steps, ${total.faults} faults, ${total.crashes} crashes`,
  )
})

test('a seed has the same trace every time', async () => {
  const hashes = new Set<string>()
  for (const seed of [from, from + 1, from, from]) {
    await clear()
    const { hash } = await simulate(database, seed)
    if (seed === from) hashes.add(hash)
  }
  expect(hashes.size).toBe(1)
})
