import type { Context } from 'hono'
import { databaseError } from '../db/errors.ts'
import type { AppError } from '../errors.ts'
import type { BaseEnv } from './env.ts'
import type { Log } from './log.ts'

/**
 * Logs a failed request with what helps to find the fault: codes, SQLSTATE, constraint, error names and the frames of
 * our own code. Never a message of a database error: it holds every bound parameter.
 */
export function requestFailed(log: Log, c: Context<BaseEnv>, failure: AppError): void {
  const status = failure.code === 'internal' ? 'error' : 'warn'
  if (failure.cause === undefined && failure.code !== 'internal') return
  const database = databaseError(failure.cause)
  log(status, 'request-failed', {
    requestId: c.var.requestId,
    code: failure.code,
    causeName: failure.cause instanceof Error ? failure.cause.name : typeof failure.cause,
    sqlState: database.sqlState,
    constraint: database.constraint,
    frames: failure.cause instanceof Error ? framesOf(failure.cause) : undefined,
  })
}

const framesOf = (error: Error): string =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => line.trim())
    .join(' | ')
