/** @module Requests to key management services: timeouts, retries, and errors without secrets. */
import * as z from 'zod'
import { fromBase64 } from '../../lib/encoding.ts'
import { backoffMs, retry } from '../../lib/retry.ts'

const maxAttempts = 3
const attemptTimeoutMs = 3_000
const firstRetryMs = 200

/** Its message names the service and the reason, never a key, token or ciphertext. */
export class KmsError extends Error {
  readonly isTransient: boolean

  constructor(message: string, isTransient = false) {
    super(message)
    this.name = 'KmsError'
    this.isTransient = isTransient
  }
}

/** Where the services put the reason for an error. */
const Failure = z.object({
  __type: z.string().optional().catch(undefined),
  error: z
    .union([z.string(), z.object({ status: z.string() })])
    .optional()
    .catch(undefined),
  errors: z.array(z.string()).optional().catch(undefined),
})

/** AWS throttles with status 400. */
const transientReasons =
  /^(ThrottlingException|KMSInternalException|DependencyTimeoutException|KeyUnavailableException)$/

/**
 * Sends a request and parses its JSON response. Retries network errors, timeouts, 429 and 5xx.
 * @param prepare builds the request of each attempt, because a signature contains the time
 * @throws {KmsError}
 */
export async function callKms<T>(
  service: string,
  schema: z.ZodType<T>,
  prepare: () => Request | Promise<Request>,
): Promise<T> {
  return retry(
    async () => {
      const request = await prepare()
      let response: Response
      let text: string
      try {
        response = await fetch(request, { redirect: 'manual', signal: AbortSignal.timeout(attemptTimeoutMs) })
        text = await response.text()
      } catch {
        throw new KmsError(`${service} is unreachable`, true)
      }
      const body = jsonOf(text)
      if (!response.ok) {
        const reason = reasonOf(body)
        const isTransient = response.status === 429 || response.status >= 500 || transientReasons.test(reason)
        const suffix = reason && ` (${reason})`
        throw new KmsError(`${service} responded with status ${response.status}${suffix}`, isTransient)
      }
      const parsed = schema.safeParse(body)
      if (!parsed.success) throw new KmsError(`${service} returned an unexpected response`)
      return parsed.data
    },
    {
      maxAttempts,
      delayMs: (outcome, attempt) =>
        'error' in outcome && outcome.error instanceof KmsError && outcome.error.isTransient
          ? backoffMs(firstRetryMs, attempt)
          : null,
    },
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A code such as `AccessDeniedException`, or Vault's sentence such as `permission denied`. */
function reasonOf(body: unknown): string {
  const { data } = Failure.safeParse(body)
  const { __type, error, errors = [] } = data ?? {}
  const code =
    __type?.split('#').at(-1) ?? (typeof error === 'string' ? error : error?.status) ?? errors[0] ?? ''
  return /^[\w .:']{1,80}$/.test(code) ? code : ''
}

/** Base64 of key bytes in a response. @throws {KmsError} */
export function decodeKey(service: string, base64: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64(base64)
  if (!bytes) throw new KmsError(`${service} returned an unexpected response`)
  return bytes
}
