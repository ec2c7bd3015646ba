/** Concurrent reconcilers that crash at random on a real Postgres. All executions of n8n must be recorded. */
import { seeded } from '../harness/random.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDb } from '../../src/db/client.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import type { StubExecution, StubExecutionStatus } from '../harness/n8n-stub-state.ts'
import { createPollWorld, minuteMs, type PolledInstance, type PollWorld } from './poll-world.ts'

let database: PostgresTestDatabase
let world: PollWorld
beforeAll(async () => {
  database = await createTestDatabase()
  world = createPollWorld(database)
})
afterAll(() => database.close())

const never = <T>() => new Promise<T>(() => undefined)

/**
 * A reconciler that crashes after the given number of requests to n8n and the database. Its last request may have taken
 * effect.
 */
function reconciler(instances: PolledInstance[], livesFor: number, appliesLast: boolean) {
  let left = livesFor
  let die = () => undefined as void
  const dead = new Promise<'killed'>((resolve) => {
    die = () => resolve('killed')
  })
  async function through<T>(work: () => Promise<T>): Promise<T> {
    left -= 1
    if (left > 0) return work()
    if (left === 0 && appliesLast) await work().catch(() => undefined)
    die()
    return never<T>()
  }
  const db = createDb({
    databaseUrl: database.url,
    fetch: (request) => through(() => database.gateway.fetch(request)),
    timeoutMs: 30_000,
  })
  const before = instances.map(({ server }) => server.fetch)
  for (const { server, stub } of instances) {
    server.fetch = (input, init) => through(() => stub.fetch(input, init))
  }
  const run = world.run({ db }).catch(() => 'failed' as const)
  const restore = () => {
    for (const [index, { server }] of instances.entries()) {
      const { fetch } = { fetch: before[index] }
      if (fetch) server.fetch = fetch
    }
  }
  return { ended: Promise.race([run, dead]), restore }
}

const ends: StubExecutionStatus[] = ['success', 'success', 'success', 'error', 'canceled', 'crashed']
const pick = <T>(items: T[], next: () => number): T => items[Math.floor(next() * items.length)] as T

test('2,000 executions with half of the pushes dropped and the reconciler killed at random: 2,000 rows with correct ends, no duplicates', async () => {
  const next = seeded(20261122)
  const instance = await world.instance()
  const { add, push, stub, sql } = { ...instance, sql: database.sql }
  const open: StubExecution[] = []
  let pushed = 0
  let dropped = 0
  let checked = 0
  const report = async (execution: StubExecution) => {
    if (next() < 0.5) {
      dropped += 1
      return
    }
    pushed += 1
    await push({ id: execution.id, status: execution.status })
  }
  const finish = async (execution: StubExecution) => {
    const status = pick(ends, next)
    const stoppedAt = world.clock.now.toISOString()
    Object.assign(execution, { status, finished: status === 'success', stoppedAt })
    await report(execution)
  }
  const recordedThrough = async () => {
    const { polled_through: through } = await instance.schedule()
    if (through === null) return
    checked += 1
    const throughMs = Date.parse(String(through).replace(' ', 'T').replace(/\+00$/, 'Z'))
    const rows = new Set((await instance.rows()).map((row) => String(row['id'])))
    const early = stub.state.executions.filter(({ startedAt }) => Date.parse(startedAt ?? '') <= throughMs)
    expect(early.filter(({ id }) => !rows.has(id))).toEqual([])
  }

  let killed = 0
  for (let made = 0; made < 2000; ) {
    for (let each = 0; each < 100; each++, made++) {
      world.advance(Math.floor(next() * 4000))
      const execution = add({
        status: pick(['running', 'running', 'waiting'] as StubExecutionStatus[], next),
      })
      await report(execution)
      // Most end immediately. The others end later, before or after executions that started after them.
      if (next() < 0.8) await finish(execution)
      else open.push(execution)
      if (next() < 0.15 && open.length > 0) {
        const [ended] = open.splice(Math.floor(next() * open.length), 1)
        if (ended) await finish(ended)
      }
    }
    const { ended, restore } = reconciler([instance], 1 + Math.floor(next() * 200), next() < 0.5)
    if ((await ended) === 'killed') killed += 1
    restore()
    await recordedThrough()
    // Longer than a lease.
    world.advance(2 * minuteMs + Math.floor(next() * minuteMs))
  }
  for (const execution of open) await finish(execution)
  for (let round = 0; round < 60; round++) {
    world.advance(6 * minuteMs)
    if (round < 10) {
      const { ended, restore } = reconciler([instance], 1 + Math.floor(next() * 200), next() < 0.5)
      if ((await ended) === 'killed') killed += 1
      restore()
      await recordedThrough()
    } else await world.run()
  }
  console.log(
    `2,000 executions: ${pushed} pushes arrived, ${dropped} dropped, ${killed} of 30 reconcilers killed, watermark checked ${checked} times`,
  )

  const rows = await instance.rows()
  expect(rows).toHaveLength(2000)
  expect(Object.fromEntries(rows.map((row) => [row['id'], row['status']]))).toEqual(
    Object.fromEntries(stub.state.executions.map(({ id, status }) => [id, status])),
  )
  expect(rows.filter((row) => row['data'] === null)).toEqual([])
  const [keys] =
    await sql`select count(*)::int as count from execution_keys where instance_id = ${instance.id}`
  expect(keys).toEqual({ count: 2000 })
  expect(await instance.schedule()).toMatchObject({
    poll_failures: 0,
    poll_cursor: null,
    poll_lease_until: null,
  })
  expect(killed).toBeGreaterThan(5)
  expect(checked).toBeGreaterThan(15)
  expect(dropped).toBeGreaterThan(1000)
})

test('five concurrent jobs, three of them killed: each instance is polled by one at a time, and all in the end', async () => {
  await world.forget()
  const next = seeded(7)
  const instances = await Promise.all(Array.from({ length: 12 }, () => world.instance()))
  for (const { add } of instances) for (let index = 0; index < 30; index++) add()
  // Every poll starts with the list of running executions.
  const polls = () =>
    instances.map(
      ({ stub }) => stub.calls('execution-list').filter(({ path }) => path.includes('status=running')).length,
    )
  for (let round = 0; round < 4; round++) {
    const before = polls()
    const runs = []
    for (let each = 0; each < 5; each++) {
      runs.push(reconciler(instances, each < 3 ? 5 + Math.floor(next() * 80) : 1e9, each % 2 === 0))
    }
    await Promise.all(runs.map(({ ended }) => ended))
    for (const { restore } of runs.toReversed()) restore()
    for (const [index, count] of polls().entries()) {
      expect(count - (before[index] ?? 0)).toBeLessThanOrEqual(1)
    }
    // The leases of the killed jobs expire.
    world.advance(6 * minuteMs)
  }
  await world.run()
  for (const { statuses, stub, schedule } of instances) {
    expect(Object.keys(await statuses())).toHaveLength(30)
    expect(stub.calls('execution-list').length).toBeGreaterThan(0)
    expect(await schedule()).toMatchObject({ poll_failures: 0 })
  }
})

test('a poll that resumes after its lease expired does not overwrite the next one', async () => {
  await world.forget()
  const { add, server, stub, schedule, statuses } = await world.instance()
  const first = add()
  let resume = () => undefined as void
  const paused = new Promise<void>((resolve) => {
    resume = resolve
  })
  let isPaused = false
  server.fetch = async (input, init) => {
    const answer = await stub.fetch(input, { ...init, signal: null })
    if (!new Request(input).url.includes('status=')) {
      isPaused = true
      await paused
    }
    return answer
  }
  const slow = world.run()
  await expect.poll(() => isPaused).toBe(true)
  server.fetch = stub.fetch
  world.advance(3 * minuteMs)
  const second = add()
  await world.run()
  const after = await schedule()
  world.advance(minuteMs)
  resume()
  await slow
  expect(await schedule()).toEqual(after)
  expect(await statuses()).toEqual({ [first.id]: 'success', [second.id]: 'success' })
})
