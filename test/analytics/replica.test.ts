/** Two databases: what is read from the second one is told apart by what is only there. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createTestApp, type TestApp, testEnvironment, type TestUser } from '../harness/app.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let replica: TestDatabase
let app: TestApp
let user: TestUser
beforeAll(async () => {
  replica = await createTestDatabase()
  app = await createTestApp({
    env: { DATABASE_REPLICA_URL: replica.url },
    runtime: { replicaFetch: replica.gateway.fetch },
  })
  user = await app.user()
  const id = sql`gen_random_uuid()`
  await replica.db.execute(sql`
    insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
      n8n_execution_id, status) values (${id}, now(), ${user.id}, ${id}, ${id}, 1, ${id}, 'only-there', 'success')`)
  await replica.db.execute(sql`
    insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign,
      status)
    select user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, 1, status from executions`)
})
afterAll(async () => {
  await app.close()
  await replica.close()
})

const get = async (path: string) => (await user.call('GET', path)).json

test('analytics and exports are read from the replica', async () => {
  expect(await get('/v1/analytics/summary')).toMatchObject({ total: 1 })
  expect((await get('/v1/analytics/workflows')).items).toHaveLength(1)
  expect(await get('/v1/executions/export?format=json')).toMatchObject([{ n8nExecutionId: 'only-there' }])
})

test('what shows one’s own writes is read from the primary', async () => {
  expect((await get('/v1/executions')).items).toEqual([])
  await user.call('PATCH', '/v1/me', { body: { name: 'Maya' } })
  expect((await get('/v1/me')).name).toBe('Maya')
  expect((await get('/v1/audit-events')).items).toHaveLength(2)
})

test('nothing is written to the replica', async () => {
  const [row] = await replica.sql`select count(*)::integer as count from users`
  expect(row?.['count']).toBe(0)
})

test('without a replica all is read from the one database', async () => {
  const alone = await createTestApp()
  const someone = await alone.user()
  expect((await someone.call('GET', '/v1/analytics/summary')).json.total).toBe(0)
  await alone.close()
})

test('a replica’s address that is none is refused at the start, without being repeated', () => {
  const env = testEnvironment({ DATABASE_REPLICA_URL: 'mysql://user:hunter2@host/db' })
  expect(() => parseConfig(env)).toThrow(/DATABASE_REPLICA_URL is not a postgres:\/\/ connection string/)
  expect(() => parseConfig(env)).not.toThrow(/hunter2/)
})
