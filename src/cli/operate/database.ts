/** @module Opens the database from the environment, of any kind, with the same driver. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createDb, type Sql } from '../../db/client.ts'
import { postgresBackend } from '../../db/gateway/postgres.ts'
import { type Backend, createGateway, type PoolFigures } from '../../db/gateway/protocol.ts'
import { startGatewayServer } from '../../db/gateway/server.ts'
import { migrate } from '../../db/migrate.ts'
import { checkConnection } from './connection-check.ts'
import { isNeon, tlsOf } from './database-tls.ts'
import { readMigrations } from '../migrate/files.ts'
import { packageRoot } from '../package-root.ts'
import { dataDir } from '../server/state.ts'

export interface OpenDatabase {
  /** For people, without the password. */
  description: string
  /** Options of the driver in this process. */
  url: string
  /** The in-process gateway; absent for Neon. */
  fetch: ((request: Request) => Promise<Response>) | undefined
  /** Rejects with the cause, such as a data folder in use or a wrong password or port. */
  opened: () => Promise<unknown>
  /** Applies missing migrations: all, or those up to and including `until`. */
  migrate: (until?: string) => Promise<string[]>
  /** Opens connections over the Postgres protocol, including to Neon. */
  connect: () => Backend
  /** For programs that connect themselves; null for the embedded database. */
  postgresUrl: string | null
  /** Opens the gateway on loopback for another process; null for Neon. */
  listen: () => Promise<{ databaseUrl: string; endpoint: string; close: () => Promise<void> } | null>
  close: () => Promise<void>
  /** Connections of the gateway; absent for Neon and the embedded database. */
  pool?: (() => PoolFigures) | undefined
}

/** Long enough for the longest migration. */
const migrationTimeoutMs = 300_000

/**
 * Uses `DATABASE_URL`, or without it the embedded database in the state folder. Returns immediately. Statements wait
 * until the embedded database is open, and fail with its error if it cannot be opened.
 */
export function openDatabase(
  databaseUrl = process.env.DATABASE_URL,
  variable = 'DATABASE_URL',
): OpenDatabase {
  if (databaseUrl === undefined || databaseUrl === '') {
    const opening = openEmbedded()
    return behindGateway(whenOpen(opening), null, `embedded, in ${dataDir()}`, () => opening)
  }
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null
  if (
    !url ||
    !/^postgres(ql)?:$/.test(url.protocol) ||
    !url.username ||
    !url.hostname ||
    url.pathname.length < 2
  ) {
    throw new Error(`${variable} must look like postgresql://user:password@host/database.`)
  }
  const { hostname, pathname } = url
  const description = `${pathname.slice(1)} on ${hostname}`
  if (!isNeon(hostname)) {
    const { connectionString, ssl } = tlsOf(databaseUrl)
    return behindGateway(postgresBackend(connectionString, { ssl }), databaseUrl, description, () =>
      checkConnection(databaseUrl, variable),
    )
  }
  const postgresUrl = unpooled(url)
  const backends: Backend[] = []
  return {
    description,
    url: databaseUrl,
    fetch: undefined,
    opened: () => Promise.resolve(),
    migrate: (until) => applyMigrations(databaseUrl, undefined, until),
    connect: () => {
      const { connectionString, ssl } = tlsOf(postgresUrl)
      const backend = postgresBackend(connectionString, { ssl, connectTimeoutMs: 10_000 })
      backends.push(backend)
      return backend
    },
    postgresUrl,
    listen: async () => null,
    close: async () => {
      for (const backend of backends) await backend.close()
    },
  }
}

/**
 * Like `openDatabase`, for commands that need an existing database.
 * @throws {Error} instead of creating an embedded database
 */
export function openExistingDatabase(): OpenDatabase {
  if (!process.env.DATABASE_URL && !existsSync(join(dataDir(), 'postgres'))) {
    throw new Error(
      `No database found: DATABASE_URL is not set, and ${dataDir()} has no embedded database. Set DATABASE_URL.`,
    )
  }
  return openDatabase()
}

/** Loaded on demand: an image for production has no embedded database. */
async function openEmbedded(): Promise<Backend> {
  const { openEmbeddedDatabase } = await import('../../db/gateway/pglite.ts').catch((error: unknown) => {
    throw new Error('This installation has no embedded database. Set DATABASE_URL.', { cause: error })
  })
  return openEmbeddedDatabase(dataDir())
}

/** Neon's pooler does not support snapshots that programs share. */
function unpooled(url: URL): string {
  const direct = new URL(url)
  direct.hostname = url.hostname.replace(/-pooler(?=\.)/, '')
  return direct.href
}

function whenOpen(opening: Promise<Backend>): Backend {
  opening.catch(() => {})
  return {
    withConnection: async (use) => (await opening).withConnection(use),
    close: async () => (await opening.catch(() => null))?.close(),
  }
}

function behindGateway(
  backend: Backend,
  postgresUrl: string | null,
  description: string,
  opened: () => Promise<unknown>,
): OpenDatabase {
  const gateway = createGateway(backend)
  return {
    description,
    url: gateway.url,
    fetch: gateway.fetch,
    opened,
    migrate: async (until) => {
      await opened()
      return applyMigrations(gateway.url, gateway.fetch, until)
    },
    connect: () => backend,
    postgresUrl,
    listen: async () => ({ databaseUrl: gateway.url, ...(await startGatewayServer(gateway)) }),
    close: () => backend.close(),
    pool: backend.pool,
  }
}

async function applyMigrations(
  databaseUrl: string,
  fetch: OpenDatabase['fetch'],
  until?: string,
): Promise<string[]> {
  const migrations = await releasedMigrations()
  const end = until === undefined ? undefined : migrations.findIndex(({ name }) => name === until) + 1
  return migrate({ sql: migratorOf({ url: databaseUrl, fetch }), migrations: migrations.slice(0, end) })
}

/** The driver with a timeout that allows for migrations. */
export const migratorOf = ({ url, fetch }: Pick<OpenDatabase, 'url' | 'fetch'>): Sql =>
  createDb({ databaseUrl: url, ...(fetch && { fetch }), timeoutMs: migrationTimeoutMs }).$client

/** The migrations of this release, in order. */
export const releasedMigrations = () => readMigrations(join(packageRoot, 'drizzle'))
