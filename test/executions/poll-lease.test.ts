/** A poll saves its progress only while it holds the lease of the instance, and only in the epoch that it polled. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PollCursor } from '../../src/db/schema/instances.ts'
import { PollSchedule } from '../../src/executions/poll/schedule.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { createPollWorld } from './poll-world.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const cursor = (at: string): PollCursor => ({ cursor: at, newestStartMs: null })

async function claimed() {
  const world = createPollWorld(database)
  const { id, userId } = await world.instance()
  const schedule = new PollSchedule(
    database.db,
    () => new Date(world.clock.now),
    () => 0,
  )
  const claim = async () => {
    const found = await schedule.claim(userId, id)
    if (found === null || typeof found === 'number') throw new Error(`not claimed: ${found}`)
    return found
  }
  const stored = async () =>
    (
      await database.sql`select poll_cursor, poll_lease_until, poll_failures from instances where id = ${id}`
    )[0]
  return { id, schedule, claim, stored, pass: (ms: number) => world.advance(ms) }
}

const progress = { cursor: cursor('late'), polledThroughMs: 1_000, isComplete: true }

test('a poll whose lease has ended saves nothing', async () => {
  const { schedule, claim, stored, pass } = await claimed()
  const late = await claim()
  pass(2 * 60_000 + 1)
  await schedule.saveCursor(await claim(), cursor('next'))
  const before = await stored()
  expect(before).toMatchObject({ poll_cursor: { cursor: 'next' } })
  await schedule.saveCursor(late, cursor('late'))
  await schedule.saveProgress(late, progress)
  await schedule.succeed(late, progress, 60_000)
  await schedule.fail(late, { isOurs: false })
  await schedule.release([late])
  expect(await stored()).toEqual(before)
})

test('a cursor of an earlier epoch is not saved', async () => {
  const { id, schedule, claim, stored } = await claimed()
  const old = await claim()
  await database.sql`update instances set epoch = epoch + 1 where id = ${id}`
  await schedule.saveCursor(old, cursor('old'))
  expect(await stored()).toMatchObject({ poll_cursor: null })
})
