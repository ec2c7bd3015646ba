/** @module The production server on Node. Unlike `dev`, it creates no keys, runs no migrations and needs a database. */
import { parseConfig } from '../../config.ts'
import type { LogLevel } from '../../http/log.ts'
import { parsePrivateNetworks } from '../../instances/net/private-networks.ts'
import { type SharedJobs, startNode } from '../../node.ts'
import { checkSchema, ConnectionImpossible } from '../operate/connection-check.ts'
import { openDatabase, type OpenDatabase } from '../operate/database.ts'
import { isNeon, tlsOf } from '../operate/database-tls.ts'
import { describePort } from '../failure.ts'
import { surviveRejections } from './rejections.ts'
import { createSharedJobs } from './shared-jobs.ts'
import { stopSignal } from './stop-signal.ts'
import { portOf } from '../variables.ts'

export async function serve(): Promise<void> {
  const stopped = stopSignal()
  surviveRejections(log)
  const port = portOf(process.env)
  const host = process.env.HOST || '0.0.0.0'
  // Reports every invalid setting before it opens a connection.
  warnOfPrivateNetworks(parseConfig(process.env).allowPrivateNetworks)
  const database = openDatabase()
  const replicaUrl = process.env.DATABASE_REPLICA_URL
  const replica = replicaUrl ? openDatabase(replicaUrl, 'DATABASE_REPLICA_URL') : undefined
  warnOfUnverifiedDatabase('DATABASE_URL', process.env.DATABASE_URL ?? '')
  if (replicaUrl) warnOfUnverifiedDatabase('DATABASE_REPLICA_URL', replicaUrl)
  try {
    await database.opened().then(
      () => checkSchema(database),
      (error: unknown) => {
        // The database may start after the server. /health/ready returns 503 until then.
        if (!(error instanceof ConnectionImpossible && error.mayPass)) throw error
        log('warn', 'database-unavailable', { detail: error.message })
      },
    )
    const env = { ...process.env, DATABASE_URL: database.url, DATABASE_REPLICA_URL: replica?.url }
    const options = {
      env,
      port,
      host,
      fetch: database.fetch,
      replicaFetch: replica?.fetch,
      pool: database.pool,
      jobs: sharedJobsOf(database),
    }
    const server = await startNode(options).catch((error: unknown) => {
      throw describePort(error, port)
    })
    log('info', 'listening', { host, port })
    const signal = await stopped
    log('info', 'stopping', { signal })
    await server.close(true)
    log('info', 'stopped')
  } finally {
    await replica?.close()
    await database.close()
  }
}

/** Neon is reached over HTTP only, and the embedded database belongs to one process. */
function sharedJobsOf({ pool, postgresUrl }: OpenDatabase): SharedJobs | undefined {
  if (!pool || postgresUrl === null) return undefined
  const { connectionString, ssl } = tlsOf(postgresUrl)
  return createSharedJobs({ connectionString, ssl, pool, log })
}

function warnOfUnverifiedDatabase(variable: string, databaseUrl: string): void {
  if (isNeon(new URL(databaseUrl).hostname)) return
  const { level, reach } = tlsOf(databaseUrl)
  if (reach === 'local' || level === 'verified' || level === 'authority') return
  const detail =
    level === 'none' ? 'The connection is not encrypted' : 'The certificate of the server is not verified'
  log('warn', 'database-not-verified', { variable, detail: `${detail}. See docs/postgres.md` })
}

/** @throws {Error} for an invalid entry */
function warnOfPrivateNetworks(entries: string[]): void {
  if (entries.length === 0) return
  const { ignored } = parsePrivateNetworks(entries)
  log('warn', 'private-networks-allowed', {
    entries: entries.filter((entry) => !ignored.includes(entry)).join(', '),
    ...(ignored.length > 0 && { ignored: ignored.join(', ') }),
  })
}

function log(level: LogLevel, event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ level, time: new Date().toISOString(), event, ...fields })}\n`)
}
