/** Every migration recovers from a lost connection at every statement, and the schema serves the running release meanwhile. */
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpSchema } from '../../scripts/schema-sql.ts'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { type Migration, migrate, pendingMigrations, statementsOf } from '../../src/db/migrate.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

const BREAK = '\n--> statement-breakpoint\n'
/** Released migrations do not change: `npm run test:faults` kills them all, other runs the newest ones. */
const isFull = process.env['FLOWKEEP_FULL'] === '1'
const newest = 12
const kill = 'select pg_terminate_backend(pg_backend_pid())'

let database: PostgresTestDatabase
let client: Client
beforeAll(async () => {
  database = await createTestDatabase()
  client = new Client({ connectionString: database.postgresUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.close()
})

/** The migration, whose connection ends before statement number `at`. */
function killedAt(migration: Migration, at: number): Migration {
  const statements = statementsOf(migration).map(({ text }) => text)
  return { name: migration.name, sql: statements.toSpliced(at, 0, kill).join(BREAK) }
}

test('every migration, killed at each statement, leaves nothing behind and succeeds afterwards', async () => {
  const { sql } = database
  await client.query('drop schema public cascade; create schema public')
  const migrations = await readMigrations('drizzle')
  let kills = 0
  for (const [index, migration] of migrations.entries()) {
    if (!isFull && index < migrations.length - newest) {
      await migrate({ sql, migrations: migrations.slice(0, index + 1) })
      continue
    }
    const before = migrations.slice(0, index)
    const names = async () => (await pendingMigrations(sql, migrations)).length
    for (let at = 0; at <= statementsOf(migration).length; at += 1) {
      await expect(migrate({ sql, migrations: [...before, killedAt(migration, at)] })).rejects.toThrow(
        `Migration ${migration.name} failed and was rolled back`,
      )
      expect(await names()).toBe(migrations.length - index)
      kills += 1
    }
    await expect(migrate({ sql, migrations: [...before, migration] })).resolves.toEqual([migration.name])
  }
  expect(kills).toBeGreaterThan(isFull ? 300 : newest)
  const [version] = (await client.query<{ server_version_num: string }>('show server_version_num')).rows
  if (!version?.server_version_num.startsWith('15')) return
  const query = async (text: string) => (await client.query<Record<string, unknown>>(text)).rows
  expect(await dumpSchema(query)).toBe(await readFile('drizzle/schema.sql', 'utf8'))
})
