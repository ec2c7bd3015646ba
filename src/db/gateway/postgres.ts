/** @module Postgres 15 or newer, through `pg`. */
import type { ConnectionOptions } from 'node:tls'
import pLimit from 'p-limit'
import { DatabaseError, Pool, type PoolClient, type QueryArrayConfig } from 'pg'
import {
  type Backend,
  ConnectionFailed,
  type Execute,
  ResponseTooLarge,
  type Statement,
  type StatementResult,
  textField,
} from './protocol.ts'
import { sessionReset } from './session-reset.ts'
import { statementKinds } from './statement-kinds.ts'

export interface PostgresOptions {
  maxConnections?: number
  /** How long the server may take to accept a connection. Excludes the time in the queue. */
  connectTimeoutMs?: number
  statementTimeoutMs?: number
  lockTimeoutMs?: number
  /** Default: TLS as `url` says. */
  ssl?: false | ConnectionOptions
}

/** Prepared statements of one connection. One with more is replaced, because the server keeps a plan of each. */
const maxPrepared = 128

/**
 * A connection pool. Prepares statements that are sent repeatedly, so that Postgres plans them once.
 * @param url any connection string that `pg` accepts
 */
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

  const kindOf = statementKinds()
  const prepared = new WeakMap<PoolClient, Set<string>>()
  /** False once a pooler, such as PgBouncer, gives the statements of one connection to several. */
  let canPrepare = true

  async function connect(): Promise<PoolClient> {
    try {
      const client = await pool.connect()
      client.on('error', ignore)
      return client
    } catch (cause) {
      throw new ConnectionFailed('connection failed', { cause })
    }
  }

  /** @returns the result, and what must be done before others can use the connection */
  async function onConnection<T>(use: (execute: Execute) => Promise<T>, mayPrepare: boolean) {
    const client = await connect()
    const names = prepared.get(client) ?? new Set()
    prepared.set(client, names)
    let mustReset = false
    let isOutdated = false
    let isUnknown = false
    const execute: Execute = async (statement, maxChars) => {
      const { name, changesSession, changesPrepared } = kindOf(statement.query)
      const preparedName = mayPrepare ? name : undefined
      mustReset ||= changesSession
      isUnknown ||= changesPrepared
      if (preparedName !== undefined) names.add(preparedName)
      try {
        return await send(client, statement, maxChars, preparedName)
      } catch (error) {
        if (preparedName !== undefined && isOfPreparing(error)) isOutdated = true
        if (isOutdated && isOfPooler(error)) canPrepare = false
        // After other failures, the reset shows whether the connection still works.
        mustReset ||= !(error instanceof DatabaseError && error.severity === 'ERROR')
        throw error
      }
    }
    const release = () =>
      releaseConnection(client, {
        mustReset,
        isReusable: !isOutdated && !isUnknown && names.size <= maxPrepared,
      })
    const outcome = await Promise.allSettled([use(execute)])
    return { outcome: outcome[0], isOutdated, release }
  }

  return {
    withConnection: (use) =>
      new Promise((resolve, reject) => {
        void inTurn(async () => {
          try {
            let used = await onConnection(use, canPrepare)
            if (used.isOutdated) {
              await used.release()
              used = await onConnection(use, false)
            }
            if (used.outcome.status === 'fulfilled') resolve(used.outcome.value)
            else reject(used.outcome.reason)
            // The response does not wait for the reset.
            await used.release()
          } catch (error) {
            reject(error)
          }
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

/**
 * Of a prepared statement, before it ran: a migration changed its result, or the connection does not have it.
 * Source: PostgreSQL, plancache.c (`RevalidateCachedQuery`) and prepare.c.
 */
const isOfPreparing = (error: unknown): boolean =>
  isOfPooler(error) ||
  (error instanceof DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery')

/** `invalid_sql_statement_name` or `duplicate_prepared_statement`. */
const isOfPooler = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.code === '26000' || error.code === '42P05')

const ignore = () => undefined

async function releaseConnection(
  client: PoolClient,
  { mustReset, isReusable }: { mustReset: boolean; isReusable: boolean },
): Promise<void> {
  try {
    if (isReusable) {
      if (client.getTransactionStatus() !== 'I') await within(RESET_TIMEOUT_MS, client.query('rollback'))
      if (mustReset) await within(RESET_TIMEOUT_MS, client.query(sessionReset))
    }
    client.off('error', ignore)
    client.release(!isReusable)
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

async function send(
  client: PoolClient,
  statement: Statement,
  maxChars: number,
  name?: string,
): Promise<StatementResult> {
  let chars = 0
  const asText = (value: string) => {
    chars += value.length
    // Thrown while parsing a value, so that `pg` discards the remaining rows.
    if (chars > maxChars) throw new ResponseTooLarge()
    return value
  }
  const config: QueryArrayConfig & { queryMode: 'extended' } = {
    ...(name !== undefined && { name }),
    text: statement.query,
    values: statement.params,
    rowMode: 'array',
    queryMode: 'extended',
    types: { getTypeParser: () => asText },
  }
  const result = await client.query<(string | null)[]>(config)
  return {
    fields: result.fields.map(textField),
    rows: result.rows,
    command: result.command ?? '',
    rowCount: result.rowCount,
  }
}
