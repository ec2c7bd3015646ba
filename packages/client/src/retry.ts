/** @module When a request is sent again, and after how long. */

export interface RetryOptions {
  /** Further attempts after the first. Default: 3. */
  attempts?: number
  /** A longer wait is not taken: the failure is returned. Default: 20,000. */
  maxDelayMs?: number
}

/** `repeatable`: doing it twice is the same as doing it once. `refusable`: it is, unless the first attempt was carried out. */
export type Safety = 'repeatable' | 'refusable' | 'once'

/** Whether a response says that the request was not carried out, or may be sent again without harm. */
export function isRetryable(status: number, isProblem: boolean, safety: Safety): boolean {
  if (safety === 'once') return false
  if (status === 429 || status === 503) return true
  // A proxy in front of the server, which may have passed the request on.
  return safety === 'repeatable' && status >= 500 && !isProblem
}

const baseMs = 300

/** Retry-After plus up to a quarter, else exponential with full jitter. Without jitter, clients that failed together return together. */
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
