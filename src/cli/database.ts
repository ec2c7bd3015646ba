/** @module The database that the environment names, whichever kind it is, behind the one driver. */
import { createDb } from '../db/client.ts'
import { openEmbeddedDatabase } from '../db/gateway/pglite.ts'
import { postgresBackend } from '../db/gateway/postgres.ts'
import { type Backend, createGateway } from '../db/gateway/protocol.ts'
import { startGatewayServer } from '../db/gateway/server.ts'
import { migrate } from '../db/migrate.ts'
import { readMigrations } from './migrations.ts'
import { dataDir } from './state.ts'

export interface OpenDatabase {
  /** For people, without the password. */
  description: string
  /** What the driver is given in this process. */
  url: string
  /** The gateway in this process; absent where the database is Neon. */
  fetch: ((request: Request) => Promise<Response>) | undefined
  migrate: () => Promise<string[]>
  /** Opens the gateway on loopback for another process; null where the database is Neon. */
  listen: () => Promise<{ databaseUrl: string; endpoint: string; close: () => Promise<void> } | null>
  close: () => Promise<void>
}

const migrationsDir = new URL('../../drizzle', import.meta.url)
const migrationTimeoutMs = 300_000

/** `DATABASE_URL` when it is set, else the embedded database in the state folder. */
export async function openDatabase(databaseUrl = process.env.DATABASE_URL): Promise<OpenDatabase> {
  if (databaseUrl === undefined || databaseUrl === '') {
    return behindGateway(await openEmbeddedDatabase(dataDir()), `embedded, in ${dataDir()}`)
  }
  if (!URL.canParse(databaseUrl) || !/^postgres(ql)?:$/.test(new URL(databaseUrl).protocol)) {
    throw new Error('DATABASE_URL must look like postgresql://user:password@host/database')
  }
  const { hostname, pathname } = new URL(databaseUrl)
  const description = `${pathname.slice(1)} on ${hostname}`
  if (!isNeon(hostname)) return behindGateway(postgresBackend(databaseUrl), description)
  return {
    description,
    url: databaseUrl,
    fetch: undefined,
    migrate: () => applyMigrations(databaseUrl, undefined),
    listen: async () => null,
    close: async () => {},
  }
}

/** Neon answers SQL over HTTP itself; any other Postgres has the gateway in front. */
export const isNeon = (hostname: string): boolean => /\.neon\.(tech|build)$/.test(hostname)

function behindGateway(backend: Backend, description: string): OpenDatabase {
  const gateway = createGateway(backend)
  return {
    description,
    url: gateway.url,
    fetch: gateway.fetch,
    migrate: () => applyMigrations(gateway.url, gateway.fetch),
    listen: async () => ({ databaseUrl: gateway.url, ...(await startGatewayServer(gateway)) }),
    close: () => backend.close(),
  }
}

async function applyMigrations(databaseUrl: string, fetch: OpenDatabase['fetch']): Promise<string[]> {
  const { $client } = createDb({ databaseUrl, ...(fetch && { fetch }), timeoutMs: migrationTimeoutMs })
  return migrate({ sql: $client, migrations: await readMigrations(migrationsDir.pathname) })
}
