/** @module The one error type that the application throws on purpose; `http/problem.ts` maps each code to a status. */

/** Stable, kebab-case; clients branch on it. New codes may be added, none is renamed. */
export type ErrorCode =
  | 'malformed-json'
  | 'unauthenticated'
  | 'bad-credentials'
  | 'invalid-refresh-token'
  | 'quota-exceeded'
  | 'cross-origin'
  | 'not-found'
  | 'method-not-allowed'
  | 'conflict'
  | 'email-taken'
  | 'name-taken'
  | 'deployment-exists'
  | 'instance-exists'
  | 'in-use'
  | 'version-conflict'
  | 'precondition-required'
  | 'too-large'
  | 'unsupported-media-type'
  | 'invalid'
  | 'invalid-workflow'
  | 'idempotency-key-reused'
  | 'url-not-allowed'
  | 'too-many-requests'
  | 'internal'
  | 'credential-undecryptable'
  | 'key-unavailable'
  | 'database-unavailable'
  | 'instance-unreachable'
  | 'instance-timeout'
  | 'instance-refused'
  | 'instance-redirected'
  | 'instance-rejected'
  | 'instance-conflict'
  | 'instance-busy'

/** One fault in the input. `pointer` is a JSON pointer into the body (RFC 6901) or the parameter's name. */
export interface FieldError {
  pointer: string
  detail: string
}

export interface AppErrorOptions {
  errors?: FieldError[]
  /** Seconds, for the Retry-After header. */
  retryAfterSeconds?: number
  /** Extra members of the problem document. Never secret. */
  extra?: Record<string, unknown>
  cause?: unknown
}

/** An expected failure. `message` becomes the problem's `detail`: it says what is wrong and how to mend it. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly errors: FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly extra: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.errors = options.errors
    this.retryAfterSeconds = options.retryAfterSeconds
    this.extra = options.extra
  }
}

/** Input that was understood and is wrong: 422 with one entry. */
export function invalid(pointer: string, detail: string): AppError {
  return new AppError('invalid', detail, { errors: [{ pointer, detail }] })
}
