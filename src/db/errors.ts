/** @module Classifies failed statements. Never repeats the driver's message, because it can contain bound parameters. */
import { NeonDbError } from '@neondatabase/serverless'

export interface DatabaseFailure {
  /**
   * Only `unavailable` may succeed on a retry. `no-partition`: no partition of the table accepts the row. `bug`: a
   * statement that never works, or an error from outside the database.
   */
  kind: 'unique' | 'foreign-key' | 'check' | 'invalid-input' | 'no-partition' | 'unavailable' | 'bug'
  /** Absent when the request failed outside Postgres. */
  sqlState?: string
  constraint?: string
  /** Whether the statement may have taken effect, for example because only the response was lost. */
  maybeApplied: boolean
}

/**
 * SQLSTATEs that guarantee that nothing was applied and that a retry may succeed. Excludes those that can arrive after
 * the commit: 57P01 and 57P02 (shutdown) and class 08 except refused connections.
 */
const NOT_APPLIED = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
  '53300', // too many connections
  '57P03', // starting up
  '08001', // connection refused
  '08004', // connection rejected
])

/** Classes and codes that a retry cannot fix. Source: PostgreSQL documentation, appendix A. */
const KIND_BY_STATE: Record<string, DatabaseFailure['kind']> = {
  '23505': 'unique',
  '23P01': 'unique',
  '23503': 'foreign-key',
  '23001': 'foreign-key',
  '23514': 'check',
  '22': 'invalid-input',
  '54': 'invalid-input',
  '0A': 'bug',
  '21': 'bug',
  '23': 'bug',
  '2F': 'bug',
  '34': 'bug',
  '3D': 'bug',
  '3F': 'bug',
  '42': 'bug',
  P0: 'bug',
  FK: 'bug', // raised by our own functions; callers check `sqlState`
}

/** Raised by `refuse_user_change`. */
export const movingState = 'FK503'

/** Statuses whose response has no error members. Only 429 and server errors may succeed on a retry. */
const HTTP_STATUS = /^Server error \(HTTP status (\d+)\)/

/** Classifies any error thrown by a statement: the driver's error, or a `DrizzleQueryError` that wraps it. */
export function databaseError(error: unknown): DatabaseFailure {
  const found = findNeonDbError(error)
  if (!found) return { kind: 'bug', maybeApplied: false }
  if (!found.code) return outsidePostgres(found)

  const sqlState = found.code
  const listed = KIND_BY_STATE[sqlState] ?? KIND_BY_STATE[sqlState.slice(0, 2)] ?? 'unavailable'
  // A missing partition has the SQLSTATE of a check constraint, but names no constraint.
  const kind = listed === 'check' && !found.constraint ? 'no-partition' : listed
  return {
    kind,
    sqlState,
    ...(found.constraint ? { constraint: found.constraint } : {}),
    maybeApplied: kind === 'unavailable' && mayBeApplied(sqlState),
  }
}

/** Whether a statement that failed with this SQLSTATE certainly had no effect and may succeed on a retry. */
export function isRetriable(sqlState: string): boolean {
  return NOT_APPLIED.has(sqlState)
}

/** Whether a statement that failed with this SQLSTATE may have been applied and can be retried if it is idempotent. */
export function isMaybeApplied(sqlState: string): boolean {
  const isListed = KIND_BY_STATE[sqlState] ?? KIND_BY_STATE[sqlState.slice(0, 2)]
  return isListed === undefined && mayBeApplied(sqlState)
}

/** Whether the connection was refused. */
export function isConnectionRefused(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if ('code' in cause && cause.code === 'ECONNREFUSED') return true
  }
  return false
}

/**
 * Whether only some statements of a failed batch may be at fault. A batch that ran out of time may consist of statements that
 * have enough time when each is sent alone. Anything else that is unavailable fails all of them.
 */
export function concernsSome(error: unknown): boolean {
  const { kind, sqlState } = databaseError(error)
  return (
    kind !== 'unavailable' ||
    sqlState === '57014' ||
    findNeonDbError(error)?.sourceError?.name === 'TimeoutError'
  )
}

/** Whether a statement caused the error. Its message can contain bound parameters: never show it. */
export function isStatementFailure(error: unknown): boolean {
  return (
    findNeonDbError(error) !== undefined || (error instanceof Error && error.name === 'DrizzleQueryError')
  )
}

function findNeonDbError(error: unknown): NeonDbError | undefined {
  let cause = error
  for (let depth = 0; cause instanceof Error && depth < 10; depth++) {
    if (cause instanceof NeonDbError) return cause
    cause = cause.cause
  }
  return undefined
}

function outsidePostgres(error: NeonDbError): DatabaseFailure {
  const status = Number(HTTP_STATUS.exec(error.message)?.[1] ?? 0)
  if (status === 429) return { kind: 'unavailable', maybeApplied: false }
  // 413 and 507 limit the size of the request and the response. A 507 can follow an applied write.
  if (status === 507 || (status >= 400 && status < 500)) return { kind: 'bug', maybeApplied: status === 507 }
  return { kind: 'unavailable', maybeApplied: !isConnectionRefused(error.sourceError) }
}

/** Classes 25, 28, 40, 53, 55 and canceled queries roll back. A shutdown or lost connection may follow the commit. */
function mayBeApplied(sqlState: string): boolean {
  return !NOT_APPLIED.has(sqlState) && !/^(25|28|40(?!003)|53|55|57014)/.test(sqlState)
}
