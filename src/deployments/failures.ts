/** @module What a failure of a step means: wait and ask again, or stop and say why. */
import { databaseError } from '../db/errors.ts'
import { AppError } from '../errors.ts'
import { toAppError } from '../instances/connections.ts'
import { N8nError } from '../n8n/api-transport.ts'

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

/** What the owner reads; undefined when the database is away, so that nothing can be written anyway. */
export function reasonOf(error: unknown): string | undefined {
  if (error instanceof N8nError) return toAppError(error).message
  if (error instanceof AppError) return error.message
  return databaseError(error).kind === 'unavailable'
    ? undefined
    : 'Something went wrong here; the log tells what'
}
