/** @module Migrated, empty, isolated databases for tests, through the real gateway and the real driver. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { Client } from 'pg'
import { inject } from 'vitest'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { createDb, type Db, type DbOptions, type Sql } from '../../src/db/client.ts'
import { type PgliteOptions, pgliteBackend } from '../../src/db/gateway/pglite.ts'
import { type PostgresOptions, postgresBackend } from '../../src/db/gateway/postgres.ts'
import { type Backend, createGateway, type Gateway } from '../../src/db/gateway/protocol.ts'
import { migrate } from '../../src/db/migrate.ts'

export interface TestDatabase {
  db: Db
  /** The bare driver beneath `db`. */
  sql: Sql
  /** For a custom `Db`: `createDb({ databaseUrl: url, fetch: gateway.fetch })`. */
  url: string
  gateway: Gateway
  backend: Backend
  /** All rows of all tables as text, for leak checks. */
  dump: () => Promise<string>
  close: () => Promise<void>
}

export interface PostgresTestDatabase extends TestDatabase {
  /** Direct connection for `pg`: locks, kills, and everything that bypasses the gateway. */
  postgresUrl: string
}

/**
 * Tests do not depend on the speed of the machine: these limits are far above what a loaded one needs. Tests of a limit
 * set their own.
 */
const noLimitMs = 300_000
const unlimited = {
  timeoutMs: noLimitMs,
  connectTimeoutMs: noLimitMs,
  lockTimeoutMs: noLimitMs,
  statementTimeoutMs: noLimitMs,
}

type ClientOptions = Omit<DbOptions, 'databaseUrl' | 'fetch' | 'fetchEndpoint'>

/** A real Postgres (15, or `TEST_DATABASE_URL`). */
export async function createTestDatabase(
  options: ClientOptions & PostgresOptions = {},
): Promise<PostgresTestDatabase> {
  const name = `flowkeep_test_${randomBytes(6).toString('hex')}`
  await admin(`create database ${name} template ${inject('postgresTemplate')}`)
  const postgresUrl = new URL(inject('postgresUrl'))
  postgresUrl.pathname = `/${name}`
  const database = connect(postgresBackend(postgresUrl.href, { ...unlimited, ...options }), options)
  return {
    ...database,
    postgresUrl: postgresUrl.href,
    close: async () => {
      await database.close()
      await admin(`drop database ${name} with (force)`)
    },
  }
}

/** PGlite (Postgres 18), the embedded database: it starts ten times slower than a database on the server. */
export async function createPgliteTestDatabase(
  options: ClientOptions & PgliteOptions = {},
): Promise<TestDatabase> {
  return connect(await loadPglite(inject('pgliteTemplate'), options), options)
}

async function loadPglite(path: string, options: PgliteOptions = {}): Promise<Backend> {
  const loadDataDir = new Blob([await readFile(path)])
  return pgliteBackend(await PGlite.create({ loadDataDir }), options)
}

export interface EarlierDatabase extends TestDatabase {
  /** Applies the migrations that are left. */
  migrate: () => Promise<void>
}

/** PGlite with the schema before the first migration whose name ends with `migration`, for rows that it changes. */
export async function createDatabaseBefore(migration: string): Promise<EarlierDatabase> {
  return earlier(connect(await loadPglite(inject('emptyPgliteTemplate')), {}), migration)
}

/** The same on the real Postgres. */
export async function createPostgresDatabaseBefore(migration: string): Promise<EarlierDatabase> {
  const database = await createTestDatabase()
  await database.sql`drop schema public cascade`
  await database.sql`create schema public`
  return earlier(database, migration)
}

async function earlier(database: TestDatabase, migration: string): Promise<EarlierDatabase> {
  const { sql } = database
  const migrations = await readMigrations('drizzle')
  const before = migrations.findIndex(({ name }) => name.endsWith(migration))
  if (before < 1) throw new Error(`No migration after the first ends with ${migration}`)
  await migrate({ sql, migrations: migrations.slice(0, before) })
  return { ...database, migrate: async () => void (await migrate({ sql, migrations })) }
}

/** On a server that the test starts and kills itself. */
export const testDatabaseOn = (backend: Backend): TestDatabase => connect(backend, {})

/** Both kinds, for `describe.each`. */
export const databaseKinds = [
  { kind: 'PGlite', create: createPgliteTestDatabase },
  { kind: 'Postgres', create: createTestDatabase },
] as const

function connect(backend: Backend, options: ClientOptions): TestDatabase {
  const gateway = refusingWrites(createGateway(backend))
  const db = createDb({ ...unlimited, ...options, databaseUrl: gateway.url, fetch: gateway.fetch })
  const sql = db.$client
  return { db, sql, url: gateway.url, gateway, backend, dump: () => dump(sql), close: () => backend.close() }
}

/** Runs a single read in a read-only transaction, as a batch of reads is: what `db.read` runs cannot write. */
function refusingWrites(gateway: Gateway): Gateway {
  return {
    ...gateway,
    fetch: async (request) => {
      if (request.headers.get('neon-batch-read-only') !== 'true') return gateway.fetch(request)
      const payload: object = await request.clone().json()
      if ('queries' in payload) return gateway.fetch(request)
      const { url, method, headers, signal } = request
      const body = JSON.stringify({ queries: [payload] })
      const response = await gateway.fetch(new Request(url, { method, headers, signal, body }))
      if (!response.ok) return response
      const { results }: { results: unknown[] } = await response.json()
      return Response.json(results[0])
    },
  }
}

async function dump(sql: Sql): Promise<string> {
  const tables = await sql`select c.oid::regclass::text as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`
  const parts = []
  for (const { name } of tables) {
    const rows = await sql.query(`select t::text as row from ${String(name)} t`)
    parts.push(`-- ${String(name)}`, ...rows.map(({ row }) => String(row)))
  }
  return parts.join('\n')
}

async function admin(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A dump without the requests that are counted for each user, since a user's own requests change them. */
export const withoutRequestCounts = (dumped: string): string =>
  dumped.replaceAll(/^\([0-9a-f-]{36},outgoing,.*\n/gm, '')
