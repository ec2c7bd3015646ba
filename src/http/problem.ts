/** @module Errors as `application/problem+json` (RFC 9457): one table from code to status. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { databaseError } from '../db/errors.ts'
import { AppError, type ErrorCode } from '../errors.ts'

const problems = {
  'malformed-json': [400, 'The body is not readable JSON'],
  unauthenticated: [401, 'Sign in first'],
  'bad-credentials': [401, 'E-mail or password is wrong'],
  'invalid-refresh-token': [401, 'The refresh token is not valid'],
  'quota-exceeded': [403, 'Quota exceeded'],
  'cross-origin': [403, 'Not from a page of this server'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  conflict: [409, 'Conflict'],
  'email-taken': [409, 'The e-mail address is taken'],
  'name-taken': [409, 'The name is taken'],
  'deployment-exists': [409, 'Deployed or tracked there already'],
  'instance-exists': [409, 'Server already added'],
  'in-use': [409, 'In use'],
  'version-conflict': [412, 'Not the current version'],
  'too-large': [413, 'Too large'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  invalid: [422, 'The request is not valid'],
  'invalid-workflow': [422, 'The workflow is not valid'],
  'idempotency-key-reused': [422, 'The idempotency key was used for another request'],
  'url-not-allowed': [422, 'The URL is not allowed'],
  'precondition-required': [428, 'Say which version you change'],
  'too-many-requests': [429, 'Too many requests'],
  internal: [500, 'Internal error'],
  'credential-undecryptable': [500, 'A stored secret cannot be opened'],
  'key-unavailable': [503, 'A key is not available'],
  'database-unavailable': [503, 'The database is not available'],
  'instance-unreachable': [502, 'The n8n server does not answer as n8n does'],
  'instance-timeout': [504, 'The n8n server did not answer in time'],
  'instance-refused': [502, 'The n8n server does not accept the API key'],
  'instance-redirected': [502, 'The n8n server sends requests elsewhere'],
  'instance-rejected': [422, 'The n8n server refuses this'],
  'instance-conflict': [409, 'What is on the n8n server is in the way'],
  'instance-busy': [503, 'The n8n server is busy'],
} satisfies Record<ErrorCode, [ContentfulStatusCode, string]>

export const errorCodes = Object.keys(problems) as ErrorCode[]
export const statusOf = (code: ErrorCode): ContentfulStatusCode => problems[code][0]
export const titleOf = (code: ErrorCode): string => problems[code][1]

/** Whatever was thrown, as an AppError. Only an AppError's own message ever reaches a client. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof HTTPException) {
    return new AppError(
      error.status === 413 ? 'too-large' : 'malformed-json',
      'The request could not be read',
    )
  }
  const failure = databaseError(error)
  if (failure.kind === 'unavailable') {
    return new AppError('database-unavailable', 'The database does not answer; try again shortly', {
      retryAfterSeconds: 2,
      cause: error,
    })
  }
  if (failure.kind === 'invalid-input') {
    return new AppError('invalid', 'A value cannot be stored as it is', { cause: error })
  }
  return new AppError('internal', 'Something went wrong here; the request id helps to find it', {
    cause: error,
  })
}

export function problem(c: Context, error: AppError): Response {
  const [status, title] = problems[error.code]
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' }
  if (error.retryAfterSeconds !== undefined) headers['Retry-After'] = String(error.retryAfterSeconds)
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
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
