/** F1, F2, F3 and F20: the endpoint of the database fails before and after it executed a request, hangs or wakes up slowly. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { evenly } from '../harness/database-faults.ts'
import { expectInvariants } from '../harness/invariants.ts'
import { percentile } from '../harness/percentile.ts'
import {
  createFaultWorld,
  expectStored,
  type FaultWorld,
  mixedOperations,
  scaled,
  untilDone,
} from './world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await createFaultWorld(1)
})
afterEach(() => {
  world.endpoint.rates = {}
  world.endpoint.delayMs = () => 0
})
afterAll(() => world.close())

const operations = scaled(10_000, 200)
const happened = () => Object.values(world.endpoint.counts).reduce((sum, count) => sum + count, 0)

async function underFaults(label: string, rates: FaultWorld['endpoint']['rates']) {
  const user = await world.user()
  const before = happened()
  world.endpoint.rates = rates
  const outcome = await untilDone(mixedOperations(user, operations, label), 20)
  world.endpoint.rates = {}
  const rows = await expectStored(world, user, outcome)
  await expectInvariants(world.database.sql)
  const figures = `${operations} operations, ${happened() - before} faults, ${outcome.refused} refusals, ${rows} rows`
  return { rows, figures }
}

test('F1: at 20% failures before execution, every acknowledged change is stored once, and every refusal is retriable', async () => {
  const rates = evenly(0.2, ['http500', 'http429', 'html502', 'reset', 'refused', 'starting'])
  const { rows, figures } = await underFaults('before', rates)
  expect(rows).toBe(operations / 2)
  console.log(`F1: ${figures}, 0 answers with 500`)
})

test('F2: with 10% of answers lost after execution, every key creates one resource', async () => {
  const rates = evenly(0.1, ['reset-after', 'half-after', 'html-after', 'lost-after', 'shutdown-after'])
  const { rows, figures } = await underFaults('after', rates)
  expect(rows).toBe(operations / 2)
  console.log(`F2: ${figures}, as many as distinct keys`)
})

test('F3: a statement that hangs ends in 503 with Retry-After, and the next request is served', async () => {
  const user = await world.user()
  const body = { type: 'slackApi', name: 'hung', data: { accessToken: 'x' } }
  const create = () => user.call('POST', '/v1/credentials', { body, headers: { 'Idempotency-Key': 'hung' } })
  world.endpoint.rates = { 'hang-after': 1 }
  const startedAt = performance.now()
  const hung = await Promise.all(Array.from({ length: 20 }, create))
  const ms = performance.now() - startedAt
  world.endpoint.rates = {}
  expect(hung.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 503))
  expect(hung.every(({ headers }) => headers.has('Retry-After'))).toBe(true)
  const next = await create()
  expect(next.status).toBe(201)
  const rows = await world.database.sql`select id from credentials where user_id = ${user.id}`
  expect(rows.map(({ id }) => id)).toEqual([next.json.id])
  console.log(`F3: 20 requests on a database that hangs: all 503 after ${Math.round(ms)} ms`)
})

test('F20: requests during the wake-up of the database wait for it', async () => {
  const user = await world.user()
  const awakeAt = performance.now() + 2000
  world.endpoint.delayMs = () => Math.max(0, awakeAt - performance.now())
  const outcome = await untilDone(mixedOperations(user, 20, 'waking'), 20)
  world.endpoint.delayMs = () => 0
  expect(outcome.refused).toBe(0)
  console.log(
    `F20: 20 requests in the first 2 s: all served, the slowest in ${percentile(outcome.times, 1)} ms`,
  )
})
