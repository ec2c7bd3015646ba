/** @module Diagnoses a failed database connection: wrong password, database, host, port or certificate, or missing migrations. */
import { Client } from 'pg'
import { createDb } from '../../db/client.ts'
import { requireSchema } from '../../db/schema-version.ts'
import { describeConnection, noTls } from '../failure.ts'
import { tlsOf } from './database-tls.ts'

const connectTimeoutMs = 5000
/** Node error codes that disappear once the database server is up. */
const passing = new Set([
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  '57P03',
  '53300',
])

export class ConnectionImpossible extends Error {
  /** Whether a retry may succeed without changed settings. */
  readonly mayPass: boolean

  constructor(message: string, mayPass: boolean) {
    super(message)
    this.mayPass = mayPass
  }
}

/** @throws {ConnectionImpossible} with the fix in its message */
export async function checkConnection(databaseUrl: string, variable = 'DATABASE_URL'): Promise<void> {
  const { connectionString, ssl, caFile } = tlsOf(databaseUrl)
  const client = new Client({ connectionString, ssl, connectionTimeoutMillis: connectTimeoutMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    const { username, pathname, hostname, port } = new URL(databaseUrl)
    const place = {
      user: decodeURIComponent(username),
      database: decodeURIComponent(pathname.slice(1)),
      host: hostname,
      port: port || '5432',
      caFile,
    }
    const code = codeOf(error)
    const known = describeConnection(code, place)
    const unknown = `The database cannot be reached${code && ` (${code})`}. Check DATABASE_URL.`
    throw new ConnectionImpossible((known ?? unknown).replaceAll('DATABASE_URL', variable), passing.has(code))
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** A name with several addresses fails once per address. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  if (/not support SSL/i.test(error.message)) return noTls
  return /timeout/i.test(error.message) ? 'ETIMEDOUT' : ''
}

/** @throws {AppError} `database-unavailable` with the command that migrates */
export async function checkSchema({
  url,
  fetch,
}: Pick<Parameters<typeof toDb>[0], 'url' | 'fetch'>): Promise<void> {
  await requireSchema(toDb({ url, fetch }).read)
}

const toDb = ({
  url,
  fetch,
}: {
  url: string
  fetch: ((request: Request) => Promise<Response>) | undefined
}) => createDb({ databaseUrl: url, ...(fetch && { fetch }) })
