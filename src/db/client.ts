/** @module The one way to the database: drizzle over Neon's HTTP driver, with time limits and retries. */
import { type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import {
  isConnectionRefused,
  isMaybeApplied,
  isRetriable,
  MAX_TRIES,
  RETRY_BUDGET_MS,
  retryDelayMs,
} from './errors.ts'

/** The bare driver. Date and time types come back as Postgres text: drizzle sets the driver's parsers so. */
export type Sql = NeonQueryFunction<false, false>

/** Without interactive transactions: one statement, or one `db.batch`, is the unit of atomicity. */
export type Db = NeonHttpDatabase & { $client: Sql }

export interface SlowStatement {
  durationMs: number
  /** SQL without parameters, at most 500 characters; a batch's statements are joined by semicolons. */
  statement: string
}

export interface DbOptions {
  databaseUrl: string
  /** Default: the global fetch. In Node, a gateway's. */
  fetch?: (request: Request) => Promise<Response>
  /** Where to post instead of Neon's own host, e.g. `http://127.0.0.1:5499/sql`. */
  fetchEndpoint?: string
  onSlow?: (slow: SlowStatement) => void
  slowMs?: number
  /** For one try, from sending to the last byte of the answer. */
  timeoutMs?: number
}

type Send = (endpoint: string, init: RequestInit & { body: string }) => Promise<Response>

const STATEMENT_MAX_CHARS = 500

const repeatable = new WeakMap<Db, Db>()

/**
 * The same database for statements that have the same effect twice as once (natural key, compare-and-swap, idempotency
 * key): they are retried even if they may have been applied.
 */
export const idempotent = (db: Db): Db => repeatable.get(db) ?? db

/**
 * The functions that write. A statement that calls one is a write: `idempotent` says that it may be repeated.
 */
export const writingFunctions = [
  'attribute_executions',
  'backfill_executions',
  'claim_quota',
  'delete_dropped_rollups',
  'drop_expired_executions',
  'ensure_execution_partitions',
  'fold_execution_changes',
  'move_executions',
  'record_executions',
  'settle_retries',
] as const

/**
 * Connects nothing yet: every statement is one HTTP request. Retries statements that were certainly not applied, and reads
 * and those of `idempotent` after any failure that may pass.
 */
export function createDb(options: DbOptions): Db {
  assertConnectionString(options.databaseUrl)
  // The driver's configuration is global. It hands `fetchOptions` through, which makes it one `send` for each Db.
  neonConfig.fetchFunction = (endpoint: string, { send, ...init }: Parameters<Send>[1] & { send?: Send }) =>
    send ? send(endpoint, init) : fetch(endpoint, init)
  const connect = (isIdempotent: boolean): Db => {
    const client: Sql = neon(options.databaseUrl, {
      fetchOptions: { send: sender(options, isIdempotent) },
      disableWarningInBrowsers: true,
    })
    return drizzle({ client })
  }
  const db = connect(false)
  repeatable.set(db, connect(true))
  return db
}

/** The driver would put the whole string, password included, into its error. */
function assertConnectionString(databaseUrl: string): void {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined
  const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:'
  if (!isPostgres || !url.username || !url.hostname || url.pathname.length < 2) {
    throw new Error('The database URL must look like postgresql://user:password@host/database')
  }
}

function sender(
  { fetch: call = fetch, fetchEndpoint, onSlow, slowMs = 1_000, timeoutMs = 8_000 }: DbOptions,
  isIdempotent: boolean,
): Send {
  const ownEndpoint = fetchEndpoint ?? (call === fetch ? undefined : 'http://gateway.internal/sql')
  return async (endpoint, init) => {
    const startedAt = Date.now()
    try {
      for (let tries = 1; ; tries++) {
        const { answer, retriable } = await attempt(
          call,
          new Request(ownEndpoint ?? endpoint, init),
          timeoutMs,
        )
        const delayMs = retryDelayMs(tries)
        const late = Date.now() - startedAt + delayMs > RETRY_BUDGET_MS
        const again = retriable === 'yes' || (retriable === 'if-repeatable' && (isIdempotent || isRead(init)))
        if (!again || tries === MAX_TRIES || late) return answer()
        await new Promise((resolve) => setTimeout(resolve, delayMs))
      }
    } finally {
      const durationMs = Date.now() - startedAt
      if (onSlow && durationMs >= slowMs) {
        onSlow({ durationMs, statement: statements(init).join('; ').slice(0, STATEMENT_MAX_CHARS) })
      }
    }
  }
}

interface Attempt {
  /** Returns the response, or throws as fetch did. */
  answer: () => Response
  retriable: 'yes' | 'if-repeatable' | 'no'
}

/** Reads the answer to its end, so that every failure of the exchange is seen here and not by the driver. */
async function attempt(
  call: (request: Request) => Promise<Response>,
  request: Request,
  timeoutMs: number,
): Promise<Attempt> {
  const aborter = new AbortController()
  const timer = setTimeout(
    () => aborter.abort(new DOMException(`No answer within ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  )
  const aborted = new Promise<never>((_, reject) => {
    aborter.signal.addEventListener('abort', () => reject(aborter.signal.reason), { once: true })
  })
  const exchange = async () => {
    const response = await call(new Request(request, { signal: aborter.signal }))
    return { response, body: await response.arrayBuffer() }
  }
  try {
    const { response, body } = await Promise.race([exchange(), aborted])
    const { status, headers } = response
    return {
      answer: () => checked(new Response(body, { status, headers })),
      retriable: judge(response, body),
    }
  } catch (error) {
    return {
      answer: () => {
        throw error
      },
      retriable: isConnectionRefused(error) ? 'yes' : 'if-repeatable',
    }
  } finally {
    clearTimeout(timer)
  }
}

/** What comes from something else than the database's own gateway must not reach the driver's JSON parser. */
function checked(response: Response): Response {
  if ((response.ok || response.status === 400) && !isJson(response)) {
    throw new Error(`The database's endpoint answered ${response.status} without JSON`)
  }
  return response
}

function judge(response: Response, body: ArrayBuffer): Attempt['retriable'] {
  if (response.ok) return isJson(response) ? 'no' : 'if-repeatable'
  if (response.status === 429) return 'yes'
  const sqlState = isJson(response) ? codeOf(body) : ''
  if (isRetriable(sqlState)) return 'yes'
  if (sqlState !== '') return isMaybeApplied(sqlState) ? 'if-repeatable' : 'no'
  return response.status === 400 || (response.status >= 500 && response.status !== 507)
    ? 'if-repeatable'
    : 'no'
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('application/json') === true
}

function codeOf(body: ArrayBuffer): string {
  try {
    const { code }: { code?: unknown } = JSON.parse(new TextDecoder().decode(body))
    return typeof code === 'string' ? code : ''
  } catch {
    return ''
  }
}

/** The SQL of a request of the driver, which is `{query}` or `{queries: [{query}]}`. */
function statements(init: { body: string }): string[] {
  const payload: { query: string } | { queries: { query: string }[] } = JSON.parse(init.body)
  return 'queries' in payload ? payload.queries.map(({ query }) => query) : [payload.query]
}

const callOfWriter = new RegExp(`\\b(${writingFunctions.join('|')})\\s*\\(`)

function isRead(init: { body: string }): boolean {
  return statements(init).every(
    (sql) =>
      /^\s*(select|with)\b/i.test(sql) &&
      !/\b(insert|update|delete|merge)\b/i.test(sql.replaceAll(/"[^"]*"/g, '')) &&
      !callOfWriter.test(sql),
  )
}
