/** @module Realistic node errors of n8n and of the services that its nodes call. */
import type { Random } from './random.ts'

export interface NodeError {
  /** The class of n8n's error. */
  name: string
  message: string
  description?: string
  httpCode?: string
  /** Median time until the node fails. */
  ms: number
}

export type MakeError = (random: Random) => NodeError

const apiError = (httpCode: string, message: string, ms: number, description?: string): NodeError => ({
  name: 'NodeApiError',
  message,
  httpCode,
  ms,
  ...(description !== undefined && { description }),
})

export const forbidden =
  (what: string): MakeError =>
  () =>
    apiError('403', `403 Forbidden: ${what}`, 290, 'Forbidden - perhaps check your credentials?')
export const unauthorized =
  (message: string): MakeError =>
  () =>
    apiError('401', message, 240, 'Authorization failed - please check your credentials')
export const rateLimited =
  (model: string): MakeError =>
  (random) =>
    apiError(
      '429',
      `429 Rate limit reached for ${model} on tokens per min (TPM): Limit 200000, Used ${random.whole(195_000, 199_990)}, Requested ${random.whole(1200, 6800)}`,
      3400,
      'The service is receiving too many requests from you',
    )
export const tooManyRequests =
  (service: string): MakeError =>
  (random) =>
    apiError('429', `${service} rate limit exceeded. Retry in ${random.whole(2, 58)} s`, 420)
export const unavailable =
  (status: 500 | 502 | 503, message: string): MakeError =>
  () =>
    apiError(String(status), message, 1900)
export const notFound =
  (what: string): MakeError =>
  (random) =>
    apiError('404', `${what} ${random.whole(10_000, 99_999)} was not found`, 260)
export const badRequest =
  (message: string): MakeError =>
  () =>
    apiError('400', message, 310, 'Bad request - please check your parameters')
export const timedOut =
  (afterMs: number): MakeError =>
  () => ({
    name: 'NodeApiError',
    message: `timeout of ${afterMs}ms exceeded`,
    description: "The connection timed out, consider setting the 'Retry on Fail' option in the node settings",
    ms: afterMs,
  })
export const connectionLost =
  (message: string, ms: number): MakeError =>
  () => ({ name: 'NodeOperationError', message, ms })
export const undefinedField =
  (field: string, line: number): MakeError =>
  () => ({
    name: 'TypeError',
    message: `Cannot read properties of undefined (reading '${field}') [line ${line}]`,
    ms: 14,
  })
export const notJson =
  (start = '<!DOCTYPE '): MakeError =>
  () => ({ name: 'SyntaxError', message: `Unexpected token '<', "${start}"... is not valid JSON`, ms: 20 })
export const operationError =
  (message: string, ms = 40): MakeError =>
  () => ({ name: 'NodeOperationError', message, ms })
export const duplicateKey =
  (constraint: string): MakeError =>
  (random) => ({
    name: 'NodeOperationError',
    message: `duplicate key value violates unique constraint "${constraint}"`,
    description: `Key (number)=(NW-${random.whole(10_000, 99_999)}) already exists.`,
    ms: 35,
  })
export const modelFormat: MakeError = () => ({
  name: 'NodeOperationError',
  message: "Model output doesn't fit required format",
  ms: 5200,
})
