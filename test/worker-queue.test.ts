/** The queue of `wrangler.toml` in the real runtime. `npx tsx bench/queue.ts` runs the same with 10,000 executions. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGatewayServer } from '../src/db/gateway/server.ts'
import { testEnvironment } from './harness/app.ts'
import { createTestDatabase, type TestDatabase } from './harness/database.ts'
import { reportThroughQueue } from './harness/queue-load.ts'

let database: TestDatabase
let gateway: Awaited<ReturnType<typeof startGatewayServer>>
beforeAll(async () => {
  database = await createTestDatabase()
  gateway = await startGatewayServer(database.gateway)
})
afterAll(async () => {
  await gateway?.close()
  await database?.close()
})

test('records every execution once, although the consumer dies in the middle of two batches', async () => {
  const figures = await reportThroughQueue({
    db: database.db,
    env: testEnvironment({ DATABASE_URL: database.url, DATABASE_GATEWAY_URL: gateway.endpoint }),
    executions: 120,
    diesAt: [1, 2],
  })
  expect(figures).toMatchObject({ statuses: [202], queued: 120, deaths: 2, rows: 120, counted: 120 })
})
