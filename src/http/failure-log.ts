import { databaseError } from '../db/errors.ts'
import { type AppError, errorNameOf } from '../errors.ts'
import type { Log } from './log.ts'

/** `at name (file:1:2)` or `at file:1:2`: the file in group 1. */
const frame = /^ {4}at (?:[\w$.#<>[\] ]{1,200} \()?((?:[a-z-]+:|\/|[A-Z]:\\)?[^()\s:]{1,300}):\d+:\d+\)?$/

const fileOf = (line: string): string | undefined => frame.exec(line)?.[1]?.replace(/^file:\/\//, '')

/** What V8 writes before a message, such as `TypeError: `, `Error [ERR_CODE]: ` or, without a message, `Error`. */
const header = /^(?:[\w$.]+(?: \[\w+\])?(?:: )?)?$/

/** The folder or URL that contains the application: what precedes this module in its own stack frame. */
const ownPlace =
  new Error().stack
    ?.split('\n')
    .map(fileOf)
    .find((file) => file !== undefined)
    ?.replace(/(src[\\/]http[\\/])?[^\\/]*$/, '') ?? ''

/**
 * Logs a failed request: error codes, SQLSTATE, constraint, error names and stack frames. Never logs the message of a
 * database error, because it contains every bound parameter.
 */
export function requestFailed(log: Log, c: { var: { requestId: string } }, failure: AppError): void {
  // A secret that does not open was changed in the database, or moved to another row.
  const isError = failure.code === 'internal' || failure.code.endsWith('-undecryptable')
  if (failure.cause === undefined && !isError) return
  const database = databaseError(failure.cause)
  log(isError ? 'error' : 'warn', 'request-failed', {
    requestId: c.var.requestId,
    code: failure.code,
    causeName: failure.cause === undefined ? undefined : errorNameOf(failure.cause),
    sqlState: database.sqlState,
    constraint: database.constraint,
    frames: failure.cause instanceof Error ? framesOf(failure.cause) : undefined,
  })
}

/**
 * The frames of the application and of Node. The stack starts with the message, whose lines may look like frames: they are
 * skipped, and nothing is logged when the stack does not start with this message.
 */
function framesOf({ stack = '', message }: Error): string {
  const start = stack.indexOf(message === '' ? '\n' : message)
  if (start < 0 || !header.test(stack.slice(0, start))) return ''
  const [after, ...lines] = stack.slice(start + message.length).split('\n')
  if (after !== '') return ''
  const end = lines.findIndex((line) => !line.startsWith('    at '))
  return (end === -1 ? lines : lines.slice(0, end))
    .filter((line) => {
      const file = fileOf(line)
      return file !== undefined && (file.startsWith('node:') || file.startsWith(ownPlace))
    })
    .slice(0, 6)
    .map((line) => line.trim())
    .join(' | ')
}
