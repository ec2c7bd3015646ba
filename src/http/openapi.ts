/**
 * @module Describes routes for the OpenAPI document, in addition to their validators. The worker is built without the calls
 * of `describe` and `documented` (`scripts/without-documentation.ts`): they may have no other effect.
 */
import type { ValidationTargets } from 'hono'
import { type DescribeRouteOptions, describeRoute, resolver, uniqueSymbol, validator } from 'hono-openapi'
import type { OpenAPIV3_1 } from 'openapi-types'
import type * as z from 'zod'
import type { ErrorCode } from '../errors.ts'

/** Tag → description, in document order. */
export const tags = {
  Authentication: 'Register, sign in and manage sessions. A session token is valid for 5 minutes.',
  Account: 'The signed-in user.',
  'Second factors':
    'The authenticator app, passkeys and recovery codes of the signed-in user. Access tokens cannot use these routes.',
  'Access tokens':
    'Tokens for programs and agents, with limited scopes. Managing them requires a session or the `admin` scope.',
  Approvals:
    'Requests by access tokens that a person must approve: deleting, overwriting, and deploying to production without the scope for it.',
  Credentials: 'Secrets of any n8n credential type. Encrypted at rest and never returned.',
  'Credential types': 'The credential types built into n8n, with their fields.',
  'Node types': 'The node types built into n8n: what they do, their parameters and credentials.',
  Workflows: 'n8n workflow JSON with immutable versions, the prompt and the model behind each.',
  Environments:
    'Groups of instances, such as staging and production, with variables and credentials of their own.',
  Tests: 'Run a version once on an instance, without deploying it.',
  Instances: 'n8n servers that workflows are deployed to.',
  Deployments: 'Workflows on instances: plan, deploy, roll back, undeploy, drift.',
  Releases:
    'Deploy workflow versions to many instances: a canary first, then the rest. One call rolls all of them back.',
  Executions: 'Executions of deployed workflows, and failures without an execution.',
  'Dead letters': 'Reports that could not be used. Stored for 30 days.',
  Analytics: 'Counts, rates and durations of executions.',
  Alerts: 'Rules that send messages by email, Slack and signed webhooks.',
  'Audit events': 'Changes to the account and its resources. Stored for 400 days.',
  Webhooks: 'Where n8n reports executions.',
  Health: 'Probes for load balancers and monitoring.',
} as const
export type Tag = keyof typeof tags

export interface RouteDescription {
  /** A unique verb and noun. Generated clients use it as the method name. */
  operationId: string
  tag: Tag
  /** Imperative, without a full stop: `Create a workflow`. */
  summary: string
  description: string
  /** Status → body schema; null for a response without a body. */
  responses: Partial<Record<200 | 201 | 202 | 204, z.ZodType | null>>
  /** Headers of successful responses. */
  headers?: readonly ('ETag' | 'Location')[]
  /** Media types of a successful response. JSON is one of them. */
  mediaTypes?: readonly string[]
  /** Error codes of this route. The document adds the codes common to all routes. */
  errors?: readonly ErrorCode[]
  /** Requires no authentication. */
  public?: boolean
  /** Authenticated by an instance's webhook token instead of a user's token. */
  webhook?: boolean
  /** Schema of a body that the route reads itself, without `valid('json', …)`. */
  body?: z.ZodType
}

/** Passes a route's error codes to `openapi-document.ts`. */
export const codesKey = 'x-error-codes'

const statusTexts: Record<string, string> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No content' }

export function describe(route: RouteDescription) {
  const responses: NonNullable<DescribeRouteOptions['responses']> = {}
  const others = Object.fromEntries(
    (route.mediaTypes ?? [])
      .filter((type) => type !== 'application/json')
      .map((type) => [type, { schema: { type: 'string' } as const }]),
  )
  const headers = Object.fromEntries((route.headers ?? []).map((name) => [name, headerRef(name)]))
  for (const [status, schema] of Object.entries(route.responses)) {
    responses[status] = {
      description: statusTexts[status] ?? 'Success',
      ...(route.headers && { headers }),
      ...(schema && { content: { 'application/json': { schema: resolver(schema) }, ...others } }),
    }
  }
  return describeRoute({
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: route.description,
    ...headersOf(route.errors ?? []),
    responses,
    ...(route.public && { security: [] }),
    ...(route.webhook && { security: [{ webhookToken: [] }] }),
    ...(route.body && {
      requestBody: { required: true, content: { 'application/json': { schema: resolver(route.body) } } },
    }),
    [codesKey]: route.errors ?? [],
  } as DescribeRouteOptions)
}

/** What a validator adds to the document, for `Object.assign`. */
export function documented(target: keyof ValidationTargets, schema: z.ZodType): object {
  const middleware = validator(target, schema) as unknown as Record<symbol, unknown>
  return { [uniqueSymbol]: middleware[uniqueSymbol] }
}

export const headerRef = (name: string) => ({ $ref: `#/components/headers/${name}` })

const parameterRef = (name: string) => ({ $ref: `#/components/parameters/${name}` })

/** Adds `If-Match` for `precondition-required` and `Idempotency-Key` for `idempotency-key-reused`. */
function headersOf(errors: readonly ErrorCode[]): Pick<DescribeRouteOptions, 'parameters'> {
  const parameters = [
    ...(errors.includes('precondition-required') ? [parameterRef('IfMatch')] : []),
    ...(errors.includes('idempotency-key-reused') ? [parameterRef('IdempotencyKey')] : []),
  ]
  return parameters.length > 0 ? { parameters } : {}
}

/**
 * Describes a numeric query parameter, which arrives as text, with the type that clients send. The document renames
 * `x-default` to `default` and `x-example` to `examples`, because zod drops both from schemas with a transform.
 */
export const asInteger = ({ minimum, maximum, default: value }: IntegerRange) => ({
  type: 'integer',
  pattern: undefined,
  minimum,
  ...(maximum !== undefined && { maximum }),
  ...(value !== undefined && { 'x-default': value }),
})
interface IntegerRange {
  minimum: number
  maximum?: number
  default?: number
}

export const asBoolean = { type: 'boolean', enum: undefined, 'x-default': false } as const

export type Schema = OpenAPIV3_1.SchemaObject & { $ref?: string; const?: unknown; examples?: unknown[] }
