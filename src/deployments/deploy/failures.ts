/** @module Classifies the failure of a step: wait and retry, or stop with a reason. */
import { databaseError } from '../../db/errors.ts'
import { AppError } from '../../errors.ts'
import { toAppError } from '../../instances/connections.ts'
import { N8nError } from '../../n8n/api/transport.ts'

const defaultRetryAfterSeconds = 10
const maximumRetryAfterSeconds = 60

/** Milliseconds that n8n asks to wait; undefined for any other failure. */
export function waitOf(error: unknown): number | undefined {
  const seconds = (given: number | undefined) =>
    Math.min(Math.max(given ?? defaultRetryAfterSeconds, 1), maximumRetryAfterSeconds) * 1000
  if (error instanceof AppError && error.code === 'instance-busy') return seconds(error.retryAfterSeconds)
  if (!(error instanceof N8nError)) return undefined
  const isBusy =
    error.kind === 'rate-limited' || (error.status === 503 && error.retryAfterSeconds !== undefined)
  return isBusy ? seconds(error.retryAfterSeconds) : undefined
}

const backoffMs = { first: 10_000, most: 10 * 60_000 }

/** Milliseconds to wait after the given attempt: 10 s, doubled after each further one, at most 10 minutes. */
export const backoffAfter = (attempts: number): number =>
  Math.min(backoffMs.first * 2 ** Math.min(Math.max(attempts, 1) - 1, 16), backoffMs.most)

/** n8n is temporarily unavailable: down, restarting (it then responds 200 with an HTML page), too slow, or 5xx. */
export function isTransient(error: unknown): error is N8nError {
  if (!(error instanceof N8nError)) return false
  if (error.kind === 'not-n8n') return error.status !== undefined && error.status < 300
  return error.kind === 'unreachable' || error.kind === 'timeout' || error.kind === 'server-error'
}

/** The message for the user; undefined when the database is unavailable, so that nothing can be written anyway. */
export function reasonOf(error: unknown): string | undefined {
  if (error instanceof N8nError) return toAppError(error).message
  if (error instanceof AppError) return error.message
  return databaseError(error).kind === 'unavailable'
    ? undefined
    : 'Internal error. The server log has the details'
}
