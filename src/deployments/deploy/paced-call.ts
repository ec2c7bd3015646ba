/** @module Calls n8n within a time budget: renews the lease before each request, and waits when n8n asks to. */
import { type AttemptOutcome, retry } from '../../lib/retry.ts'
import type { Call } from '../remote/credentials.ts'
import { waitOf } from './failures.ts'
import { RetryLaterError } from './run.ts'

/** The returned function @throws {RetryLaterError} when the time is up, or when n8n asks to wait longer than that. */
export function pacedCall(options: {
  renewLease: () => Promise<void>
  deadlineMs: number
  now: () => Date
  wait: (ms: number) => Promise<void>
}): Call {
  const { renewLease, deadlineMs, now, wait } = options
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    if (now().getTime() > deadlineMs) throw new RetryLaterError(0, null)
    await renewLease()
    return work()
  }
  const delayMs = (outcome: AttemptOutcome<unknown>): number | null => {
    const waitMs = 'error' in outcome ? waitOf(outcome.error) : undefined
    if (waitMs === undefined) return null
    const reason = 'The n8n server is busy. Flowkeep resumes automatically'
    if (now().getTime() + waitMs > deadlineMs) throw new RetryLaterError(waitMs, reason)
    return waitMs
  }
  return (work) => retry(() => attempt(work), { delayMs, wait })
}
