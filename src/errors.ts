/** @module The error type for expected failures. `http/problem.ts` maps each code to a status and title. */

/** Stable and kebab-case: clients branch on it. Codes may be added, never renamed. */
export type ErrorCode =
  | 'malformed-json'
  | 'unauthenticated'
  | 'bad-credentials'
  | 'invalid-refresh-token'
  | 'invalid-second-factor'
  | 'sign-in-expired'
  | 'second-factor-required'
  | 'insufficient-scope'
  | 'approval-required'
  | 'approval-denied'
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
  | 'invalid-edit'
  | 'deployment-blocked'
  | 'idempotency-key-reused'
  | 'url-not-allowed'
  | 'too-many-requests'
  | 'internal'
  | 'credential-undecryptable'
  | 'values-undecryptable'
  | 'key-unavailable'
  | 'database-unavailable'
  | 'account-moving'
  | 'account-moved'
  | 'instance-unreachable'
  | 'instance-timeout'
  | 'instance-refused'
  | 'instance-redirected'
  | 'instance-rejected'
  | 'instance-conflict'
  | 'instance-busy'

/** One invalid input. `pointer` is a JSON pointer into the body (RFC 6901) or the parameter's name. */
export interface FieldError {
  pointer: string
  detail: string
}

export interface AppErrorOptions {
  errors?: FieldError[]
  /** Value of the Retry-After header. */
  retryAfterSeconds?: number
  /** Extra members of the problem document. Must not contain secrets. */
  extra?: Record<string, unknown>
  cause?: unknown
}

/** An expected failure. `message` becomes the problem's `detail`: what is wrong and how to fix it. */
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

/** For a missing row and for another user's row alike. @param what for example `Workflow` */
export const notFound = (what: string): AppError => new AppError('not-found', `${what} not found`)

/** @throws {AppError} `not-found` */
export function requireFound<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw notFound(what)
  return value
}

/** @param url of the server that has the account */
export const accountMoved = (url: string): AppError =>
  new AppError('account-moved', `The account was moved to ${url}. Use that server`, { extra: { url } })

/** A 422 error with one field error. */
export function invalid(pointer: string, detail: string): AppError {
  return new AppError('invalid', detail, { errors: [{ pointer, detail }] })
}

/** @throws {AppError} a 422 error with all field errors, if there are any. Its message is the first one. */
export function requireNone(errors: FieldError[]): void {
  const [first] = errors
  if (first) throw new AppError('invalid', `${first.pointer}: ${first.detail}`, { errors })
}

/** For logs. Messages can contain data, names cannot. */
export const errorNameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)
