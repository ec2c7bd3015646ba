/** @module Postgres 15 or newer, through `pg`. */
import type { ConnectionOptions } from 'node:tls'
import pLimit from 'p-limit'
import { Pool, type PoolClient, type QueryArrayConfig } from 'pg'
import { type Backend, ConnectionFailed, type Execute, ResponseTooLarge } from './protocol.ts'
import { sessionReset } from './session-reset.ts'

export interface PostgresOptions {
  maxConnections?: number
  /** How long the server may take to accept a connection. Excludes the time in the queue. */
  connectTimeoutMs?: number
  statementTimeoutMs?: number
  lockTimeoutMs?: number
  /** Default: TLS as `url` says. */
  ssl?: false | ConnectionOptions
}

/** A connection pool. @param url any connection string that `pg` accepts */
export function postgresBackend(url: string, options: PostgresOptions = {}): Backend {
  const maxConnections = options.maxConnections ?? 10
  // The pool's own timeout would include the time in the queue, so that a burst would look like a dead server.
  const inTurn = pLimit(maxConnections)
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    statement_timeout: options.statementTimeoutMs ?? 8_000,
    lock_timeout: options.lockTimeoutMs ?? 2_000,
    idle_in_transaction_session_timeout: 10_000,
    application_name: 'flowkeep',
    ...(options.ssl !== undefined && { ssl: options.ssl }),
  })
  // The pool drops an idle connection that fails. Without a listener, the error would end the process.
  pool.on('error', ignore)

  return {
    withConnection: (use) =>
      new Promise((resolve, reject) => {
        void inTurn(async () => {
          let client: PoolClient
          try {
            client = await pool.connect()
          } catch (cause) {
            reject(new ConnectionFailed('connection failed', { cause }))
            return
          }
          client.on('error', ignore)
          try {
            resolve(await use(executeOn(client)))
          } catch (error) {
            reject(error)
          }
          // The response does not wait for the reset.
          await releaseConnection(client)
        })
      }),
    close: () => pool.end(),
    pool: () => ({
      active: inTurn.activeCount,
      idle: pool.idleCount,
      waiting: inTurn.pendingCount,
      max: maxConnections,
    }),
  }
}

const ignore = () => undefined

async function releaseConnection(client: PoolClient): Promise<void> {
  try {
    await within(RESET_TIMEOUT_MS, reset(client))
    client.off('error', ignore)
    client.release()
  } catch {
    client.release(true)
  }
}

/** A connection that takes longer is dropped: the server is gone or waits for COPY data. */
const RESET_TIMEOUT_MS = 2_000

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), timeoutMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function reset(client: PoolClient): Promise<void> {
  if (client.getTransactionStatus() !== 'I') await client.query('rollback')
  await client.query(sessionReset)
}

function executeOn(client: PoolClient): Execute {
  return async (statement, maxChars) => {
    let chars = 0
    const asText = (value: string) => {
      chars += value.length
      // Thrown while parsing a value, so that `pg` discards the remaining rows.
      if (chars > maxChars) throw new ResponseTooLarge()
      return value
    }
    const config: QueryArrayConfig & { queryMode: 'extended' } = {
      text: statement.query,
      values: statement.params,
      rowMode: 'array',
      queryMode: 'extended',
      types: { getTypeParser: () => asText },
    }
    const result = await client.query<(string | null)[]>(config)
    return {
      fields: result.fields.map((field) => ({
        name: field.name,
        dataTypeID: field.dataTypeID,
        tableID: field.tableID,
        columnID: field.columnID,
        dataTypeSize: field.dataTypeSize,
        dataTypeModifier: field.dataTypeModifier,
        format: 'text',
      })),
      rows: result.rows,
      command: result.command ?? '',
      rowCount: result.rowCount,
    }
  }
}
