/** @module The database client: drizzle over Neon's HTTP driver, with timeouts and retries. */
import { type AttemptOutcome, backoffMs, retry } from '../lib/retry.ts'
import { type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { isConnectionRefused, isMaybeApplied, isRetriable } from './errors.ts'
import { batchReads } from './read-batching.ts'
import { measured } from './statement-metrics.ts'

/** The bare driver. Returns date and time types as Postgres text, because drizzle configures its parsers that way. */
export type Sql = NeonQueryFunction<false, false>

type Selecting = 'select' | 'selectDistinct' | 'selectDistinctOn' | '$count'

/**
 * Runs statements that only read. They are retried after every transient failure, and those that one request issues at
 * the same time are one round trip (see `read-batching.ts`).
 */
export type Reader = Pick<NeonHttpDatabase, Selecting | 'with' | '$with' | 'execute' | 'batch'> & {
  readonly onlyReads: true
}

/**
 * Runs statements that write; `read` runs all others. Has no interactive transactions: the unit of atomicity is one
 * statement or one `db.batch`.
 */
export type Db = Omit<NeonHttpDatabase, Selecting | 'query'> & {
  readonly $client: Sql
  readonly read: Reader
}

export interface SlowStatement {
  durationMs: number
  /** SQL without parameters, at most 500 characters. The statements of a batch are joined with semicolons. */
  statement: string
}

export interface DbOptions {
  databaseUrl: string
  /** In metrics; default `primary`. */
  name?: 'primary' | 'replica'
  /** Default: the global fetch. In Node, the gateway's `fetch`. */
  fetch?: (request: Request) => Promise<Response>
  /** Where to post instead of Neon's own host, e.g. `http://127.0.0.1:5499/sql`. */
  fetchEndpoint?: string
  onSlow?: (slow: SlowStatement) => void
  slowMs?: number
  /** Timeout of one attempt, from sending the request to the last byte of the response. */
  timeoutMs?: number
}

export type StatementKind = 'read' | 'write' | 'repeatable-write'

type Send = (endpoint: string, init: RequestInit & { body: string }) => Promise<Response>

const STATEMENT_MAX_CHARS = 500
const maxAttempts = 3
const retryBudgetMs = 2_000
const firstRetryMs = 20

type Repeatable = Omit<Db, 'read'>

const repeatable = new WeakMap<Db, Repeatable>()

/**
 * The same database, for writes that can safely run twice (natural key, compare-and-swap, idempotency key). They are
 * retried even if they may have been applied.
 */
export const idempotent = (db: Db): Repeatable => repeatable.get(db) ?? db

/**
 * Opens no connection: every statement is one HTTP request. Retries any statement that was certainly not applied. Retries
 * reads and `idempotent` statements after every transient failure.
 */
export function createDb(options: DbOptions): Db {
  assertConnectionString(options.databaseUrl)
  // The driver's configuration is global, but it passes `fetchOptions` on. This gives each client its own `send`.
  neonConfig.fetchFunction = (endpoint: string, { send, ...init }: Parameters<Send>[1] & { send?: Send }) =>
    send ? send(endpoint, init) : fetch(endpoint, init)
  const connect = (kind: StatementKind): Sql =>
    neon(options.databaseUrl, {
      fetchOptions: { send: sender(options, kind) },
      disableWarningInBrowsers: true,
    })
  const reader = drizzle({ client: batchReads(connect('read')) })
  const db: Db = Object.assign(drizzle({ client: connect('write') }), {
    read: Object.assign(reader, { onlyReads: true } as const),
  })
  repeatable.set(db, drizzle({ client: connect('repeatable-write') }))
  return db
}

/** Checked here because the driver's error would contain the whole string, including the password. */
function assertConnectionString(databaseUrl: string): void {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined
  const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:'
  if (!isPostgres || !url.username || !url.hostname || url.pathname.length < 2) {
    throw new Error('The database URL must look like postgresql://user:password@host/database')
  }
}

function sender(
  {
    name = 'primary',
    fetch: call = fetch,
    fetchEndpoint,
    onSlow,
    slowMs = 1_000,
    timeoutMs = 8_000,
  }: DbOptions,
  kind: StatementKind,
): Send {
  const ownEndpoint = fetchEndpoint ?? (call === fetch ? undefined : 'http://gateway.internal/sql')
  return async (endpoint, init) => {
    const startedAt = Date.now()
    const send = () => {
      const request = new Request(ownEndpoint ?? endpoint, init)
      // Neon reads this header for batches only. The gateway of the tests rejects writes in every request with it.
      if (kind === 'read') request.headers.set('Neon-Batch-Read-Only', 'true')
      return exchange(call, request, timeoutMs)
    }
    const delayMs = (outcome: AttemptOutcome<Exchange>, attempt: number) => {
      const retriable = judge(outcome)
      const isRetried = retriable === 'yes' || (retriable === 'if-repeatable' && kind !== 'write')
      return isRetried ? backoffMs(firstRetryMs, attempt) : null
    }
    try {
      const exchanged = await measured(
        { database: name, kind, body: init.body },
        (countAttempt) =>
          retry(
            () => {
              countAttempt()
              return send()
            },
            { delayMs, maxAttempts, budgetMs: retryBudgetMs },
          ),
        (answer) => (answer.response.ok ? undefined : codeOf(answer.body)),
      )
      return responseOf(exchanged)
    } finally {
      const durationMs = Date.now() - startedAt
      if (onSlow && durationMs >= slowMs) {
        onSlow({ durationMs, statement: statements(init).join('; ').slice(0, STATEMENT_MAX_CHARS) })
      }
    }
  }
}

/** A response with its whole body. */
interface Exchange {
  response: Response
  body: ArrayBuffer
}

/** Reads the whole response, so that every failure occurs here and not in the driver. */
async function exchange(
  call: (request: Request) => Promise<Response>,
  request: Request,
  timeoutMs: number,
): Promise<Exchange> {
  const aborter = new AbortController()
  const timer = setTimeout(
    () => aborter.abort(new DOMException(`No response within ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  )
  const aborted = new Promise<never>((_, reject) => {
    aborter.signal.addEventListener('abort', () => reject(aborter.signal.reason), { once: true })
  })
  const read = async () => {
    const response = await call(new Request(request, { signal: aborter.signal }))
    return { response, body: await response.arrayBuffer() }
  }
  try {
    return await Promise.race([read(), aborted])
  } finally {
    clearTimeout(timer)
  }
}

/** Keeps responses that are not from the database gateway, such as a proxy's HTML, away from the driver's JSON parser. */
function responseOf({ response, body }: Exchange): Response {
  if ((response.ok || response.status === 400) && !isJson(response)) {
    throw new Error(`The database endpoint returned ${response.status} without JSON`)
  }
  const { status, headers } = response
  return new Response(body, { status, headers })
}

/** Whether the statement was not applied, and another attempt may succeed. `if-repeatable`: it may have been applied. */
function judge(outcome: AttemptOutcome<Exchange>): 'yes' | 'if-repeatable' | 'no' {
  if ('error' in outcome) return isConnectionRefused(outcome.error) ? 'yes' : 'if-repeatable'
  const { response, body } = outcome.value
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

/** The SQL of a driver request, which is `{query}` or `{queries: [{query}]}`. */
function statements(init: { body: string }): string[] {
  const payload: { query: string } | { queries: { query: string }[] } = JSON.parse(init.body)
  return 'queries' in payload ? payload.queries.map(({ query }) => query) : [payload.query]
}
