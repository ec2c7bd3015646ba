import { databaseError } from '../db/errors.ts'
import type { AppError } from '../errors.ts'
import type { Log } from './log.ts'

/** `at name (file:1:2)` or `at file:1:2`. */
const frame =
  /^ {4}at (?:[^()]{1,200} \()?(?:[a-z-]+:|\/|[A-Z]:\\|<anonymous>|native|[\w.-]+\.[cm]?[jt]sx?)[^()\s]{0,300}\)?$/

/**
 * Logs a failed request: error codes, SQLSTATE, constraint, error names and stack frames. Never logs the message of a
 * database error, because it contains every bound parameter.
 */
export function requestFailed(log: Log, c: { var: { requestId: string } }, failure: AppError): void {
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

/** Stack lines that look like frames. Skips the message at the start of the stack, which may contain similar lines. */
function framesOf({ stack = '', message }: Error): string {
  const start = message === '' ? 0 : stack.indexOf(message)
  const isHeader = start >= 0 && !stack.slice(0, start).includes('\n')
  const frames = !isHeader ? '' : stack.slice(start + message.length)
  return frames
    .split('\n')
    .filter((line) => frame.test(line))
    .slice(0, 6)
    .map((line) => line.trim())
    .join(' | ')
}
