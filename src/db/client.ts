/** @module The database client: drizzle over Neon's HTTP driver, with timeouts and retries. */
import { type AttemptOutcome, backoffMs, retry } from '../lib/retry.ts'
import { type NeonQueryFunction, neon, neonConfig, types } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { isConnectionRefused, isMaybeApplied, isRetriable } from './errors.ts'
import type { GatewayFetch } from './gateway/protocol.ts'
import { batchReads } from './read-batching.ts'
import { measured } from './statement-metrics.ts'
import { parseTextArray, textArrayType } from './text-array.ts'

types.setTypeParser(textArrayType, parseTextArray)

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
  fetch?: GatewayFetch
  /** Where to post instead of Neon's own host, e.g. `http://127.0.0.1:5499/sql`. */
  fetchEndpoint?: string
  onSlow?: (slow: SlowStatement) => void
  slowMs?: number
  /** Timeout of one attempt, from sending the request to the last byte of the response. */
  timeoutMs?: number
}

export type StatementKind = 'read' | 'write' | 'repeatable-write'

/** What the driver sends. */
interface Sent {
  method: string
  body: string
  headers: Record<string, string>
}

/** The members of a response that the driver reads. */
type Received = Pick<Response, 'ok' | 'status' | 'json' | 'text'>

type Send = (endpoint: string, sent: Sent) => Promise<Received>

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
  neonConfig.fetchFunction = (endpoint: string, { send, ...sent }: Sent & { send?: Send }) =>
    send ? send(endpoint, sent) : fetch(endpoint, sent)
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
  { name = 'primary', fetch: call, fetchEndpoint, onSlow, slowMs = 1_000, timeoutMs = 8_000 }: DbOptions,
  kind: StatementKind,
): Send {
  const ownEndpoint = fetchEndpoint ?? (call && 'http://gateway.internal/sql')
  const exchange = exchangeBy(call, timeoutMs)
  const delayMs = (outcome: AttemptOutcome<Answer>, attempt: number) => {
    const retriable = judge(outcome)
    const isRetried = retriable === 'yes' || (retriable === 'if-repeatable' && kind !== 'write')
    return isRetried ? backoffMs(firstRetryMs, attempt) : null
  }
  return async (endpoint, sent) => {
    const startedAt = Date.now()
    // Neon reads this header for batches only. The gateway of the tests rejects writes in every request with it.
    if (kind === 'read') sent.headers['Neon-Batch-Read-Only'] = 'true'
    try {
      return await measured(
        { database: name, kind, body: sent.body },
        (countAttempt) =>
          retry(
            () => {
              countAttempt()
              return exchange(ownEndpoint ?? endpoint, sent)
            },
            { delayMs, maxAttempts, budgetMs: retryBudgetMs },
          ),
        (answer) => (isOk(answer) ? undefined : codeOf(answer)),
      ).then(received)
    } finally {
      const durationMs = Date.now() - startedAt
      if (onSlow && durationMs >= slowMs) {
        onSlow({ durationMs, statement: statements(sent).join('; ').slice(0, STATEMENT_MAX_CHARS) })
      }
    }
  }
}

/** A response with its whole body: the text, or the value in `json`. */
type Answer = { status: number } & ({ text: string; isJson: boolean } | { json: unknown })

const isOk = ({ status }: Answer): boolean => status >= 200 && status < 300

/** @returns reads the whole response, so that every failure occurs here and not in the driver */
function exchangeBy(call: GatewayFetch | undefined, timeoutMs: number) {
  const respond = async (endpoint: string, sent: Sent, signal: AbortSignal): Promise<Answer> => {
    if (call?.answer) {
      const { status, body } = await call.answer({
        headers: new Headers(sent.headers),
        body: sent.body,
        signal,
      })
      return { status, json: body }
    }
    const init = { ...sent, signal }
    const response = await (call ? call(new Request(endpoint, init)) : fetch(endpoint, init))
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return { status: response.status, text: await response.text(), isJson }
  }
  return async (endpoint: string, sent: Sent): Promise<Answer> => {
    const aborter = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new DOMException(`No response within ${timeoutMs} ms`, 'TimeoutError')
        aborter.abort(error)
        reject(error)
      }, timeoutMs)
    })
    try {
      return await Promise.race([respond(endpoint, sent, aborter.signal), late])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Keeps responses that are not from the database gateway, such as a proxy's HTML, away from the driver's JSON parser. */
function received(answer: Answer): Received {
  const { status } = answer
  const ok = isOk(answer)
  if ((ok || status === 400) && !hasJson(answer)) {
    throw new Error(`The database endpoint returned ${status} without JSON`)
  }
  return {
    ok,
    status,
    json: async () => jsonOf(answer),
    text: async () => ('json' in answer ? JSON.stringify(answer.json) : answer.text),
  }
}

/** Whether the statement was not applied, and another attempt may succeed. `if-repeatable`: it may have been applied. */
function judge(outcome: AttemptOutcome<Answer>): 'yes' | 'if-repeatable' | 'no' {
  if ('error' in outcome) return isConnectionRefused(outcome.error) ? 'yes' : 'if-repeatable'
  const answer = outcome.value
  const { status } = answer
  if (isOk(answer)) return hasJson(answer) ? 'no' : 'if-repeatable'
  if (status === 429) return 'yes'
  const sqlState = codeOf(answer)
  if (isRetriable(sqlState)) return 'yes'
  if (sqlState !== '') return isMaybeApplied(sqlState) ? 'if-repeatable' : 'no'
  return status === 400 || (status >= 500 && status !== 507) ? 'if-repeatable' : 'no'
}

const hasJson = (answer: Answer): boolean => 'json' in answer || answer.isJson

const jsonOf = (answer: Answer): unknown => ('json' in answer ? answer.json : JSON.parse(answer.text))

/** The SQLSTATE of a failure; empty without one. */
function codeOf(answer: Answer): string {
  if (!hasJson(answer)) return ''
  try {
    const { code } = jsonOf(answer) as { code?: unknown }
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
