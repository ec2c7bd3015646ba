import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteExpiredRows } from '../../src/db/expired-rows.ts'
import { schemaVersion } from '../../src/db/schema-version.ts'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('deletes expired rows in bounded batches and keeps the others', async () => {
  const { sql, db } = database
  const user = v7()
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, 'a@example.com', 'x', 'k1')`
  for (const days of [-40, -2, 1, 20]) {
    await sql`insert into sessions (id, user_id, expires_at) values (${v7()}, ${user}, now() + make_interval(days => ${days}))`
    await sql`insert into login_throttles (bucket, failures, last_failed_at)
      values (${`bucket ${days}`}, 1, now() + make_interval(days => ${days}))`
    await sql`insert into idempotency_keys (user_id, key, route, body_hash, resource_id, created_at)
      values (${user}, ${`key ${days}`}, 'POST /v1/x', 'h', ${v7()}, now() + make_interval(days => ${days}))`
  }
  expect(await deleteExpiredRows(db, 1)).toBe(3)
  expect(await deleteExpiredRows(db, 100)).toBe(2)
  expect(await deleteExpiredRows(db, 100)).toBe(0)
  const [left] = await sql`select (select count(*)::int from sessions) as sessions,
    (select count(*)::int from login_throttles) as throttles, (select count(*)::int from idempotency_keys) as keys`
  expect(left).toEqual({ sessions: 2, throttles: 2, keys: 3 })
})

describe('keeps what is still needed', () => {
  const insert = async (table: string, row: Record<string, unknown>) => {
    const { sql } = database
    const names = Object.keys(row)
    const values = names.map((_, index) => `$${index + 1}`)
    await sql.transaction([
      sql`set local session_replication_role = replica`,
      sql.query(
        `insert into ${table} (${names.join(', ')}) values (${values.join(', ')})`,
        Object.values(row),
      ),
    ])
  }
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000)
  const token = { name: 'x', scopes: [], hint: '', requests_per_minute: 1, created_at: ago(200) }
  const release = {
    auto_start: false,
    workflows: '[]',
    canary: 1,
    observe_seconds: 0,
    observe_min_runs: 0,
    max_failure_rate: 0,
    max_failed_targets: 0,
    concurrency: 1,
    created_at: ago(401),
  }
  const testRun = {
    instance_id: v7(),
    version: 1,
    status: 'passed',
    trigger: 'x',
    request: '{}',
    created_at: ago(31),
  }

  test.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    [
      'a used ticket that would still be valid',
      'used_tickets',
      { ticket_id: '', expires_at: ago(-1 / 1440) },
      { ticket_id: '', expires_at: ago(1 / 1440) },
    ],
    [
      'a personal token that expired less than 90 days ago',
      'api_tokens',
      { ...token, kind: 'personal', expires_at: ago(89) },
      { ...token, kind: 'personal', expires_at: ago(91) },
    ],
    [
      'a connected app until it expires',
      'api_tokens',
      { ...token, kind: 'personal', is_app: true, expires_at: ago(-1) },
      { ...token, kind: 'personal', is_app: true, expires_at: ago(1) },
    ],
    [
      'a release that is being rolled back',
      'releases',
      { ...release, status: 'rolling-back' },
      { ...release, status: 'completed' },
    ],
    ['a test whose scratch copy is still in n8n', 'test_runs', testRun, { ...testRun, removed_at: ago(31) }],
  ])('%s', async (_, table, needed, expired) => {
    const user = v7()
    const key = 'ticket_id' in needed ? 'ticket_id' : 'id'
    const kept = v7()
    await insert(table, { ...needed, user_id: user, [key]: kept })
    await insert(table, { ...expired, user_id: user, [key]: v7() })
    await deleteExpiredRows(database.db, 100)
    const left = await database.sql.query(`select ${key} as key from ${table} where user_id = $1`, [user])
    expect(left).toEqual([{ key: kept }])
  })
})

test('the release requires the newest migration', async () => {
  const migrations = await readMigrations(new URL('../../drizzle', import.meta.url).pathname)
  expect(migrations.at(-1)?.name).toBe(schemaVersion)
})
