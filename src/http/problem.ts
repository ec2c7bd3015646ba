/** @module Errors as `application/problem+json` (RFC 9457): one table from code to status and title. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { databaseError, movingState } from '../db/errors.ts'
import { AppError, type ErrorCode } from '../errors.ts'

const problems = {
  'malformed-json': [400, 'Malformed request body'],
  unauthenticated: [401, 'Authentication required'],
  'bad-credentials': [401, 'Incorrect email or password'],
  'invalid-refresh-token': [401, 'Invalid refresh token'],
  'invalid-second-factor': [401, 'Incorrect second factor'],
  'sign-in-expired': [401, 'Sign-in expired'],
  'second-factor-required': [403, 'Second factor required'],
  'insufficient-scope': [403, 'Insufficient scope'],
  'approval-required': [403, 'Approval required'],
  'approval-denied': [403, 'Approval denied'],
  'quota-exceeded': [403, 'Quota exceeded'],
  'cross-origin': [403, 'Cross-origin request rejected'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  conflict: [409, 'Conflict'],
  'email-taken': [409, 'Email already in use'],
  'name-taken': [409, 'Name already in use'],
  'deployment-exists': [409, 'Deployment already exists'],
  'instance-exists': [409, 'Instance already exists'],
  'in-use': [409, 'Resource in use'],
  'version-conflict': [412, 'Version conflict'],
  'too-large': [413, 'Payload too large'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  invalid: [422, 'Invalid request'],
  'invalid-workflow': [422, 'Invalid workflow'],
  'invalid-edit': [422, 'Edit not applied'],
  'deployment-blocked': [422, 'Deployment blocked'],
  'idempotency-key-reused': [422, 'Idempotency key already used'],
  'url-not-allowed': [422, 'URL not allowed'],
  'precondition-required': [428, 'If-Match header required'],
  'too-many-requests': [429, 'Too many requests'],
  internal: [500, 'Internal server error'],
  'credential-undecryptable': [500, 'Stored secret cannot be decrypted'],
  'values-undecryptable': [500, 'Stored values cannot be decrypted'],
  'key-unavailable': [503, 'Key unavailable'],
  'database-unavailable': [503, 'Database unavailable'],
  'account-moving': [503, 'Account is being moved'],
  'account-moved': [421, 'Account moved'],
  'instance-unreachable': [502, 'No valid response from n8n'],
  'instance-timeout': [504, 'The n8n server timed out'],
  'instance-refused': [502, 'n8n rejected the API key'],
  'instance-redirected': [502, 'n8n redirected the request'],
  'instance-rejected': [422, 'n8n rejected the request'],
  'instance-conflict': [409, 'Conflict with existing n8n content'],
  'instance-busy': [503, 'The n8n server is busy'],
} satisfies Record<ErrorCode, [ContentfulStatusCode, string]>

export const errorCodes = Object.keys(problems) as ErrorCode[]
export const statusOf = (code: ErrorCode): ContentfulStatusCode => problems[code][0]
export const titleOf = (code: ErrorCode): string => problems[code][1]

/** Converts anything thrown to an AppError. Only an AppError's own message reaches a client. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof HTTPException) {
    return new AppError(
      error.status === 413 ? 'too-large' : 'malformed-json',
      'The request could not be read. Check its method, headers and body',
    )
  }
  const failure = databaseError(error)
  if (failure.kind === 'unavailable') {
    return new AppError('database-unavailable', 'The database is not responding. Try again shortly', {
      retryAfterSeconds: 2,
      cause: error,
    })
  }
  if (failure.sqlState === movingState) {
    return new AppError(
      'account-moving',
      'The account is being moved to another server and is read-only. Try again in a minute',
      { retryAfterSeconds: 30, cause: error },
    )
  }
  if (failure.kind === 'invalid-input') {
    return new AppError('invalid', 'A value contains characters that cannot be stored', { cause: error })
  }
  return new AppError('internal', 'Unexpected error. Quote the request ID when reporting it', {
    cause: error,
  })
}

export function problem(c: Context, error: AppError): Response {
  const [status, title] = problems[error.code]
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' }
  if (error.retryAfterSeconds !== undefined) headers['Retry-After'] = String(error.retryAfterSeconds)
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
  const scope = error.code === 'insufficient-scope' && error.extra?.['requiredScope']
  if (typeof scope === 'string') {
    headers['WWW-Authenticate'] = `Bearer error="insufficient_scope", scope="${scope}"`
  }
  const body = {
    type: 'about:blank',
    title,
    status,
    detail: error.message,
    instance: c.req.path,
    code: error.code,
    requestId: c.get('requestId') as string,
    ...(error.errors && { errors: error.errors }),
    ...error.extra,
  }
  return c.body(JSON.stringify(body), status, headers)
}
