import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSecretBox } from '../../../src/crypto/secret-box.ts'
import { RunValues } from '../../../src/executions/values/repository.ts'
import { randomRing } from '../../crypto/rings.ts'
import { createTestDatabase, type TestDatabase } from '../../harness/database.ts'
import { createPollWorld, minuteMs, type PollWorld } from '../poll-world.ts'

let database: TestDatabase
let world: PollWorld
let values: RunValues
beforeAll(async () => {
  database = await createTestDatabase()
  world = createPollWorld(database)
  values = new RunValues(database.db, world.now, {
    secretBox: createSecretBox(randomRing('k1')),
    keysVerified: async () => {},
    log: world.deps.log,
  })
  world.deps.values = values
})
afterAll(() => database.close())

const runData = { Webhook: [{ source: [], data: { main: [[{ json: { order: 'canary' } }]] } }] }
const data = { resultData: { runData } }
const startedAt = (ms: number) => new Date(world.clock.now.getTime() + ms).toISOString()

test('a poll stores the values of new runs, including runs that were reported without them', async () => {
  await world.forget()
  const n8n = await world.instance()
  n8n.add({ id: '1', data, startedAt: startedAt(-2 * minuteMs), stoppedAt: startedAt(-minuteMs) })
  await n8n.poll()
  world.advance(minuteMs)
  expect(await values.turnOn(n8n.userId, n8n.workflowId, { retentionDays: 7, maxBytes: 8192 })).toMatchObject(
    {
      maxBytes: 8192,
    },
  )
  world.advance(minuteMs)
  const times = { startedAt: startedAt(1000), stoppedAt: startedAt(2000) }
  world.advance(minuteMs)
  for (const id of ['2', '3', '4']) n8n.add({ id, data, ...times })
  await n8n.push({ id: '3', status: 'success', ...times, data: { custom: true } })
  await n8n.push({ id: '5', status: 'success', ...times, data: { custom: true } })
  await n8n.poll()
  const stored = async () =>
    Object.fromEntries(
      await Promise.all(
        (
          await database.sql`select id, n8n_execution_id as n8n, data_stamp from executions where instance_id = ${n8n.id}`
        ).map(async ({ id, n8n: name }) => [
          name,
          JSON.stringify(await values.outputsOf(n8n.userId, String(id))).includes('canary'),
        ]),
      ),
    )
  expect(await stored()).toEqual({ 1: false, 2: true, 3: true, 4: true, 5: false })
  const asked = () => n8n.stub.calls().filter((call) => JSON.stringify(call).includes('/executions/5')).length
  expect(asked()).toBe(1)
  world.advance(minuteMs)
  await n8n.poll()
  expect(asked()).toBe(1)
  expect((await values.inputsOf(n8n.userId, n8n.workflowId, { limit: 10 })).length).toBe(3)
})
