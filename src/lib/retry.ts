/** @module The only retry loop, its waits, and Retry-After. */
import { hourMs, minuteMs } from './time.ts'

export type AttemptOutcome<T> = { value: T } | { error: unknown }

export interface RetryOptions<T> {
  /**
   * Classifies an outcome: milliseconds until the next attempt, or null to settle for it. May throw another error.
   * @param attempt the number of this attempt, from 1
   */
  delayMs: (outcome: AttemptOutcome<T>, attempt: number) => number | null
  /** Including the first. */
  maxAttempts?: number
  /** No attempt starts later than this after the first. */
  budgetMs?: number
  /** Ends the wait, and settles for the last outcome. */
  signal?: AbortSignal
  wait?: (ms: number) => Promise<void>
  /** Milliseconds since 1970. */
  now?: () => number
}

/** Calls `work` until `delayMs` settles for an outcome, or attempts or time run out. Returns or throws the last outcome. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions<T>): Promise<T> {
  const { delayMs, maxAttempts = Infinity, budgetMs = Infinity, signal, now = Date.now } = options
  const wait = options.wait ?? ((ms: number) => sleep(ms, signal))
  const startedAt = now()
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await work(attempt).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    const ms = delayMs(outcome, attempt)
    const isLate = ms !== null && now() - startedAt + ms > budgetMs
    if (ms === null || attempt >= maxAttempts || isLate || signal?.aborted) return settle(outcome)
    await wait(ms)
    if (signal?.aborted) return settle(outcome)
  }
}

function settle<T>(outcome: AttemptOutcome<T>): T {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

/** For work that returns whether it succeeded: the same wait after each failure. */
export const every =
  (ms: number) =>
  (outcome: AttemptOutcome<unknown>): number | null =>
    'value' in outcome && !outcome.value ? ms : null

/** Exponential back-off with full jitter: up to `firstMs`, doubled after each attempt. */
export const backoffMs = (firstMs: number, attempt: number): number =>
  Math.random() * firstMs * 2 ** (attempt - 1)

/**
 * Wait after a failed attempt to deliver a message: a minute, doubled after each attempt, at most 4 hours. Half of it is
 * random, so that many messages to a server do not arrive together.
 */
export function deliveryWaitMs(attempts: number, retryAfterSeconds = 0): number {
  const fullMs = Math.min(minuteMs * 2 ** Math.min(attempts - 1, 16), 4 * hourMs)
  return Math.max(fullMs / 2 + backoffMs(fullMs / 2, 1), retryAfterSeconds * 1000)
}

/** Resolves after `ms`, or when the signal aborts. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done)
  })
}

const maxRetryAfterSeconds = 24 * 60 * 60

/** Seconds or an HTTP date (RFC 9110 §10.2.3), between 0 and a day. Undefined when absent or invalid. */
export function retryAfterSeconds(header: string | null | undefined, now: Date): number | undefined {
  if (header === null || header === undefined) return undefined
  const value = header.trim()
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : (Date.parse(value) - now.getTime()) / 1000
  if (Number.isNaN(seconds)) return undefined
  return Math.min(Math.max(Math.ceil(seconds), 0), maxRetryAfterSeconds)
}
