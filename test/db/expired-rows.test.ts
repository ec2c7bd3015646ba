import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('the release requires the newest migration', async () => {
  const migrations = await readMigrations(new URL('../../drizzle', import.meta.url).pathname)
  expect(migrations.at(-1)?.name).toBe(schemaVersion)
})
