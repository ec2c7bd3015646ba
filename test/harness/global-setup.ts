/** @module Runs once per test run: creates a migrated PGlite template and a Postgres server with a migrated template. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { createDb } from '../../src/db/client.ts'
import { pgliteBackend } from '../../src/db/gateway/pglite.ts'
import { postgresBackend } from '../../src/db/gateway/postgres.ts'
import { type Backend, createGateway } from '../../src/db/gateway/protocol.ts'
import { type Migration, migrate } from '../../src/db/migrate.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Data folders of PGlite as tar files, one of them without a schema. */
    pgliteTemplate: string
    emptyPgliteTemplate: string
    /** A superuser of the real Postgres. */
    postgresUrl: string
    /** The name of a migrated database on it. */
    postgresTemplate: string
  }
}

export const MIGRATIONS_DIR = join(import.meta.dirname, '../../drizzle')

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-test-'))
  const pgliteTemplate = join(folder, 'pglite.tar')
  const emptyPgliteTemplate = join(folder, 'empty.tar')
  const [stopPostgres] = await Promise.all([
    setUpPostgres(project),
    migrations().then((all) => buildPgliteTemplates({ emptyPgliteTemplate, pgliteTemplate }, all)),
  ])
  project.provide('pgliteTemplate', pgliteTemplate)
  project.provide('emptyPgliteTemplate', emptyPgliteTemplate)
  return async () => {
    await rm(folder, { recursive: true, force: true })
    await stopPostgres()
  }
}

const migrations = async () =>
  existsSync(join(MIGRATIONS_DIR, 'meta')) ? readMigrations(MIGRATIONS_DIR) : []

/** The Postgres server alone. */
export async function setUpPostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgresTemplate = `flowkeep_template_${randomBytes(6).toString('hex')}`
  const external = process.env['TEST_DATABASE_URL']
  const server: PostgresServer | undefined = external ? undefined : await startPostgres()
  const url = server?.url ?? external!
  await admin(url, `create database ${postgresTemplate}`)
  await migrated(postgresBackend(withDatabase(url, postgresTemplate)), await migrations())
  project.provide('postgresUrl', url)
  project.provide('postgresTemplate', postgresTemplate)
  return async () => {
    if (server) await server.stop()
    else await admin(url, `drop database ${postgresTemplate} with (force)`)
  }
}

async function buildPgliteTemplates(
  { emptyPgliteTemplate, pgliteTemplate }: Record<'emptyPgliteTemplate' | 'pgliteTemplate', string>,
  migrations: Migration[],
): Promise<void> {
  // Small log segments, because every test database copies this whole folder.
  const pglite = await PGlite.create({ initDbStartParams: ['--wal-segsize=1'] })
  const backend = pgliteBackend(pglite)
  const save = async (path: string) => {
    await pglite.exec('checkpoint')
    await writeFile(path, Buffer.from(await (await pglite.dumpDataDir('none')).arrayBuffer()))
  }
  await save(emptyPgliteTemplate)
  await migrated({ ...backend, close: async () => undefined }, migrations)
  await save(pgliteTemplate)
  await backend.close()
}

export async function migrated(backend: Backend, migrations: Migration[]): Promise<void> {
  const gateway = createGateway(backend)
  const { $client: sql } = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
  await migrate({ sql, migrations })
  await backend.close()
}

async function admin(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** The same server and user, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
