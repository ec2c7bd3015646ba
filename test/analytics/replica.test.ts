/** Two databases. Rows that exist only in the second one show which reads use it. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { schemaVersion } from '../../src/db/schema-version.ts'
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

test('views that show the user’s own writes are read from the primary', async () => {
  expect((await get('/v1/executions')).items).toEqual([])
  await user.call('PATCH', '/v1/me', { body: { name: 'Maya' } })
  expect((await get('/v1/me')).name).toBe('Maya')
  expect((await get('/v1/audit-events')).items[0].action).toBe('user.updated')
})

test('nothing is written to the replica', async () => {
  const [row] = await replica.sql`select count(*)::integer as count from users`
  expect(row?.['count']).toBe(0)
})

describe('while the replica is unavailable', () => {
  const startedAt = new Date()
  /** Each test sets the response of the replica. */
  async function withReplica(answer: (request: Request) => Promise<Response>) {
    const clock = { now: startedAt }
    let asked = 0
    const alone = await createTestApp({
      env: { DATABASE_REPLICA_URL: replica.url },
      runtime: {
        now: () => clock.now,
        replicaFetch: (request) => {
          asked += 1
          return answer(request)
        },
      },
    })
    const someone = await alone.user()
    const total = async () => (await someone.call('GET', '/v1/analytics/summary')).json.total
    const exported = async () => (await someone.call('GET', '/v1/executions/export?format=json')).json
    return { alone, clock, total, exported, asked: () => asked }
  }

  test.each([
    ['refuses connections', () => Promise.reject(new TypeError('fetch failed'))],
    ['returns an invalid response', async () => new Response('bad gateway', { status: 502 })],
    [
      'is shutting down',
      async () => Response.json({ message: 'terminating connection', code: '57P01' }, { status: 400 }),
    ],
  ])('falls back to the primary when it %s, and skips the replica for a while', async (_, answer) => {
    const { alone, clock, total, exported, asked } = await withReplica(answer)
    expect(await total()).toBe(0)
    const tries = asked()
    expect(tries).toBeGreaterThan(0)
    expect([await total(), await exported()]).toEqual([0, []])
    expect(asked()).toBe(tries)
    clock.now = new Date(startedAt.getTime() + 31_000)
    expect(await total()).toBe(0)
    expect(asked()).toBeGreaterThan(tries)
    await alone.close()
  })

  test('uses the replica again when it is back', async () => {
    let isAway = true
    const { alone, clock, total, asked } = await withReplica((request) =>
      isAway ? Promise.reject(new TypeError('fetch failed')) : replica.gateway.fetch(request),
    )
    await total()
    const tries = asked()
    isAway = false
    clock.now = new Date(startedAt.getTime() + 31_000)
    expect(await total()).toBe(0)
    const triesThen = asked()
    expect(triesThen).toBeGreaterThan(tries)
    expect(await total()).toBe(0)
    expect(asked()).toBe(triesThen + 1)
    await alone.close()
  })

  test('falls back to the primary while the replica lags behind a migration, because results could be wrong', async () => {
    const lagging = await createTestDatabase()
    await lagging.sql`delete from flowkeep_migrations where name = ${schemaVersion}`
    await lagging.sql`drop function runs_between`
    const { alone, clock, total, asked } = await withReplica(lagging.gateway.fetch)
    expect(await total()).toBe(0)
    const tries = asked()
    expect(await total()).toBe(0)
    expect(asked()).toBe(tries)
    await lagging.sql`insert into flowkeep_migrations (position, name, hash) values (1000, ${schemaVersion}, '')`
    clock.now = new Date(startedAt.getTime() + 31_000)
    expect(await total()).toBe(0)
    expect(asked()).toBeGreaterThan(tries)
    await alone.close()
    await lagging.close()
  })

  test('does not send a query that was too slow for the replica to the primary', async () => {
    const { alone, total, asked } = await withReplica(async () =>
      Response.json({ message: 'canceling statement', code: '57014' }, { status: 400 }),
    )
    expect(await total()).toBeUndefined()
    const tries = asked()
    expect(await total()).toBeUndefined()
    expect(asked()).toBeGreaterThan(tries)
    await alone.close()
  })
})

test('reads everything from the one database without a replica', async () => {
  const alone = await createTestApp()
  const someone = await alone.user()
  expect((await someone.call('GET', '/v1/analytics/summary')).json.total).toBe(0)
  await alone.close()
})

test('rejects an invalid replica URL at startup without repeating it', () => {
  const env = testEnvironment({ DATABASE_REPLICA_URL: 'mysql://user:hunter2@host/db' })
  expect(() => parseConfig(env)).toThrow(/DATABASE_REPLICA_URL must look like postgresql:\/\//)
  expect(() => parseConfig(env)).not.toThrow(/hunter2/)
})
