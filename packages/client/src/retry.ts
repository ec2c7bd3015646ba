/** @module Decides whether and when to retry a request. */

export interface RetryOptions {
  /** Retries after the first attempt. Default: 3. */
  attempts?: number
  /** Maximum wait. A failure that requires a longer one is returned. Default: 20,000. */
  maxDelayMs?: number
}

/** `repeatable`: idempotent. `refusable`: can be retried only if the server rejected the first attempt. */
export type Safety = 'repeatable' | 'refusable' | 'once'

/** Whether the response means that the request was not executed or can be repeated safely. */
export function isRetryable(status: number, isProblem: boolean, safety: Safety): boolean {
  if (safety === 'once') return false
  if (status === 429 || status === 503) return true
  // From a proxy, which may have forwarded the request.
  return safety === 'repeatable' && status >= 500 && !isProblem
}

const baseMs = 300

/** Retry-After plus up to a quarter, else exponential with full jitter, so that clients do not retry simultaneously. */
export function delayMs(attempt: number, retryAfter: string | null): number {
  const given = retryAfterMs(retryAfter)
  return given === null
    ? Math.random() * baseMs * 2 ** attempt
    : given + (Math.random() * Math.max(given, baseMs)) / 4
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function retryAfterMs(header: string | null): number | null {
  if (header === null) return null
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(at - Date.now(), 0)
}

/** @throws the signal's reason when it aborts */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
