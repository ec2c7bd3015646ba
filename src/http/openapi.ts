/** @module What a route tells the OpenAPI description beside its validators. */
import { type DescribeRouteOptions, describeRoute, resolver } from 'hono-openapi'
import * as z from 'zod'
import type { ErrorCode } from '../errors.ts'
import { statusOf } from './problem.ts'

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ ref: 'Problem', description: 'RFC 9457 problem document' })

export interface RouteDescription {
  tag: string
  summary: string
  description?: string
  /** Status → body schema; null for an answer without a body. */
  responses: Partial<Record<200 | 201 | 202 | 204, z.ZodType | null>>
  /** That a good answer may have beside JSON. */
  mediaTypes?: readonly string[]
  errors?: ErrorCode[]
  /** Open to callers who are not signed in. */
  public?: boolean
  /** Authenticated by an instance's webhook token instead of an access token. */
  webhook?: boolean
  /** The body's schema, where a route reads it itself instead of by `valid('json', …)`. */
  body?: z.ZodType
}

export function describe(route: RouteDescription) {
  const responses: NonNullable<DescribeRouteOptions['responses']> = {}
  const others = Object.fromEntries((route.mediaTypes ?? []).map((type) => [type, {}]))
  for (const [status, schema] of Object.entries(route.responses)) {
    responses[status] = schema
      ? { description: 'Done', content: { 'application/json': { schema: resolver(schema) }, ...others } }
      : { description: 'Done, no body' }
  }
  const codesByStatus = Map.groupBy(
    [...(route.errors ?? []), ...(route.public ? [] : (['unauthenticated'] as const))],
    statusOf,
  )
  for (const [status, codes] of codesByStatus) {
    responses[status] = {
      description: codes.join(', '),
      content: { 'application/problem+json': { schema: resolver(Problem) } },
    }
  }
  return describeRoute({
    tags: [route.tag],
    ...headersOf(route.errors ?? []),
    summary: route.summary,
    ...(route.description && { description: route.description }),
    responses,
    ...(route.public && { security: [] }),
    ...(route.webhook && { security: [{ webhookToken: [] }] }),
    ...(route.body && {
      requestBody: { required: true, content: { 'application/json': { schema: resolver(route.body) } } },
    }),
  })
}

/** A route that can miss a precondition takes `If-Match`; one that can see a key again takes `Idempotency-Key`. */
function headersOf(errors: ErrorCode[]): Pick<DescribeRouteOptions, 'parameters'> {
  const header = (name: string, required: boolean, description: string) =>
    ({ in: 'header', name, required, description, schema: { type: 'string' } }) as const
  const parameters = [
    ...(errors.includes('precondition-required')
      ? [header('If-Match', true, 'The ETag that was read, or * for whichever version there is')]
      : []),
    ...(errors.includes('idempotency-key-reused')
      ? [header('Idempotency-Key', false, 'Makes the request repeatable; 255 characters at most')]
      : []),
  ]
  return parameters.length > 0 ? { parameters } : {}
}
