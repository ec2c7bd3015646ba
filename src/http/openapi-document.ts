/** @module Generates the OpenAPI 3.1 document from the application's routes. */
import { isContainer } from '../lib/json-object.ts'
import type { Hono } from 'hono'
import { generateSpecs } from 'hono-openapi'
import type { OpenAPIV3_1 } from 'openapi-types'
import type { ErrorCode } from '../errors.ts'
import { exampleOf } from './openapi-examples.ts'
import { codesKey, headerRef, type Schema, tags } from './openapi.ts'
import { problemName, problemSchemas } from './problem-schemas.ts'
import { errorCodes, statusOf, titleOf } from './problem.ts'
import { isApprovable } from './approvable.ts'
import { type RateClass, rateClassOf } from './rate-classes.ts'
import { isScopedWithin, scopeOf } from './scopes.ts'

type Operation = OpenAPIV3_1.OperationObject & {
  [codesKey]?: ErrorCode[]
  'x-required-scope'?: string
  'x-rate-class'?: RateClass
}
type Document = OpenAPIV3_1.Document
type Response = OpenAPIV3_1.ResponseObject

const text: Schema = { type: 'string' }

const documentation = {
  info: {
    title: 'Flowkeep API',
    version: '1',
    description:
      'The serverless backend for people who build n8n workflows with AI.\n\n' +
      'Errors are RFC 9457 problem documents with a stable `code`. Lists are paged by cursor, newest first. Times are ' +
      'ISO 8601 in UTC, IDs are UUIDv7. Unknown fields in a request body are rejected. Versioned resources have an ' +
      '`ETag`; changing one requires `If-Match`. Requests that create a resource accept an `Idempotency-Key`. ' +
      'Request bodies are limited to 64 KB, workflows to 2 MB and reports to 4 MB.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  components: {
    securitySchemes: {
      accessToken: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          'A session token: `accessToken` in the response to a sign-in. Valid for 5 minutes. ' +
          '`POST /v1/auth/refresh` renews it.',
      },
      apiToken: {
        type: 'http',
        scheme: 'bearer',
        description:
          'An access token (`fk_…`) from `POST /v1/tokens` with the scope in `x-required-scope`, or `admin`.',
      },
      webhookToken: {
        type: 'http',
        scheme: 'bearer',
        description:
          "The instance's `webhookToken`, returned once when the instance is created or the token is rotated.",
      },
    },
    parameters: {
      IfMatch: {
        in: 'header',
        name: 'If-Match',
        required: true,
        description: 'The `ETag` of the current version, or `*` for any version',
        schema: text,
        example: '"3"',
      },
      IfNoneMatch: {
        in: 'header',
        name: 'If-None-Match',
        description: 'The `ETag` of your copy. The response is 304 if it is current',
        schema: text,
        example: '"3"',
      },
      IdempotencyKey: {
        in: 'header',
        name: 'Idempotency-Key',
        description:
          'Makes the request safe to retry: the same key with the same body returns the resource that the first request created',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
        example: '6f9b2c1e-create-workflow',
      },
    },
    headers: {
      ETag: {
        description: 'The quoted version. Send it in `If-Match`',
        schema: text,
        example: '"3"',
        required: true,
      },
      Location: { description: 'The path of the resource', schema: text, required: true },
      RateLimit: {
        description: 'The remaining quota of the route: `r` requests, and `t` seconds until the next minute',
        schema: text,
        example: '"read";r=2999;t=42',
      },
      RateLimitPolicy: {
        description: 'The limit of the route: its class, and `q` requests in `w` seconds',
        schema: text,
        example: '"read";q=3000;w=60',
      },
      RetryAfter: { description: 'Seconds to wait before the next attempt', schema: { type: 'integer' } },
      RequestId: {
        description: 'Identifies the request in the server log',
        schema: { type: 'string', format: 'uuid' },
        required: true,
      },
    },
    schemas: problemSchemas(),
  },
  security: [{ accessToken: [] }],
} as const

/** Descriptions of parameters that mean the same on every route. */
const parameterTexts: Record<string, string> = {
  contentHash: 'Only versions with this content hash',
  credentialType: 'Only workflows that require the credential type',
  cursor: 'The `nextCursor` of the previous page',
  deploymentId: 'Only this deployment',
  errorFingerprint: 'Only this error group',
  fingerprint: 'Fingerprint of the error group',
  from: 'Number of the older version',
  id: 'ID of the resource',
  instanceId: 'Only this instance',
  n8nWorkflowId: 'n8n ID of the workflow',
  nodeType: 'Only workflows that contain the node type',
  service: 'Only credentials of the service',
  startedAfter: 'Only executions that started at this time or later',
  startedBefore: 'Only executions that started before this time',
  status: 'Only items with this status',
  subjectId: 'Only events of this entity',
  tag: 'Only workflows with the tag',
  to: 'Number of the newer version',
  type: 'Only items of this type',
  workflowId: 'Only this workflow',
}
const pathParameterTexts: Record<string, string> = {
  instanceId: 'ID of the instance',
  type: 'The type, such as `slackApi`',
}

/** @param serverUrl the public URL of the server */
export async function openApiDocument(app: Hono, serverUrl: string): Promise<Document> {
  const document = (await generateSpecs(app, {
    documentation: {
      ...structuredClone(documentation),
      servers: [{ url: serverUrl, description: 'This server' }],
    } as unknown as Document,
    defaultValidationErrorResponse: false,
  })) as Document
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(item ?? {}) as [string, Operation][]) {
      complete(operation, method, path)
    }
  }
  addMalformed(document)
  tidy(document)
  dropUnused(document)
  for (const item of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(item ?? {}) as Operation[]) addExamples(operation, document)
  }
  return document
}

/** Adds the headers, conditional requests and errors that all routes share. */
function complete(operation: Operation, method: string, path: string): void {
  const { [codesKey]: own = [], ...rest } = operation
  delete operation[codesKey]
  const responses = (operation.responses ??= {}) as Record<string, Response>
  if (method === 'get' && responses['200']?.headers?.['ETag']) {
    operation.parameters = [...(operation.parameters ?? []), { $ref: '#/components/parameters/IfNoneMatch' }]
    responses['304'] = { description: 'Not modified', headers: { ETag: headerRef('ETag') } }
  }
  for (const parameter of operation.parameters ?? []) {
    if (!('in' in parameter) || !parameter.name) continue
    const inPath = parameter.in === 'path' ? pathParameterTexts[parameter.name] : undefined
    parameter.description ??= inPath ?? parameterTexts[parameter.name] ?? ''
  }
  const scope = scopeOf(method.toUpperCase(), path)
  if (scope) {
    operation['x-required-scope'] = scope
    operation.security = [{ accessToken: [] }, { apiToken: [scope] }]
  } else if (isScopedWithin(method.toUpperCase(), path)) {
    operation.security = [{ accessToken: [] }, { apiToken: [] }]
  }
  const approvals: readonly ErrorCode[] = isApprovable(method.toUpperCase(), path)
    ? ['approval-required', 'approval-denied']
    : []
  const codes = new Set([...own, ...approvals, ...generalCodes(rest, path, method)])
  for (const [status, group] of Map.groupBy(codes, statusOf)) {
    const schemas = group.map((code) => ({ $ref: `#/components/schemas/${problemName(code)}` }))
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${titleOf(code)}`).join('. '),
      ...((status === 429 || status === 503) && { headers: { 'Retry-After': headerRef('RetryAfter') } }),
      content: {
        'application/problem+json': {
          schema: (schemas.length > 1 ? { oneOf: schemas } : schemas[0]) as Schema,
        },
      },
    }
  }
  const isLimited = rest.security === undefined
  if (isLimited) operation['x-rate-class'] = rateClassOf(method.toUpperCase(), path)
  for (const [status, response] of Object.entries(responses)) {
    if (isLimited && (status < '400' || status === '429')) {
      response.headers = {
        ...response.headers,
        RateLimit: headerRef('RateLimit'),
        'RateLimit-Policy': headerRef('RateLimitPolicy'),
      }
    }
    response.headers = { ...response.headers, 'X-Request-Id': headerRef('RequestId') }
  }
}

/** Probes have no input, but any request can be malformed. */
function addMalformed({ paths }: Document): void {
  for (const path of ['/health/live', '/health/ready']) {
    const responses = paths?.[path]?.get?.responses
    if (responses)
      responses['4XX'] = {
        description: 'Malformed request',
        headers: { 'X-Request-Id': headerRef('RequestId') },
      }
  }
}

/** Removes problem schemas that no operation refers to. */
function dropUnused(document: Document): void {
  const schemas = document.components?.schemas ?? {}
  const paths = JSON.stringify(document.paths)
  for (const code of errorCodes) {
    const name = problemName(code)
    if (!paths.includes(`"#/components/schemas/${name}"`)) delete schemas[name]
  }
}

function generalCodes(
  { requestBody, parameters, security }: Operation,
  path: string,
  method: string,
): ErrorCode[] {
  const takesQuery = parameters?.some((parameter) => 'in' in parameter && parameter.in === 'query')
  return [
    ...(requestBody ? (['malformed-json', 'too-large', 'unsupported-media-type', 'invalid'] as const) : []),
    ...(takesQuery ? (['invalid'] as const) : []),
    ...(security?.length === 0 ? [] : (['unauthenticated'] as const)),
    // Undefined on the routes of users: webhooks and public routes set it.
    ...(security === undefined ? (['insufficient-scope', 'too-many-requests'] as const) : []),
    ...(method === 'get' ? [] : (['account-moving'] as const)),
    ...(path === '/health/live' ? [] : (['internal', 'database-unavailable'] as const)),
  ]
}

/** Removes schema details that clients cannot use: patterns behind formats and the safe-integer range. */
function tidy(node: unknown): void {
  if (!isContainer(node)) return
  if (Array.isArray(node)) {
    for (const each of node) tidy(each)
    return
  }
  const schema = node as Record<string, unknown> & { propertyNames?: { enum?: string[] } }
  for (const [own, standard] of [
    ['x-default', 'default'],
    ['x-example', 'examples'],
  ] as const) {
    if (!Object.hasOwn(schema, own)) continue
    schema[standard] = standard === 'examples' ? [schema[own]] : schema[own]
    delete schema[own]
  }
  if (typeof schema['format'] === 'string') delete schema['pattern']
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum']
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum']
  const names = schema.propertyNames?.enum
  if (names) {
    schema['properties'] = Object.fromEntries(names.map((name) => [name, schema['additionalProperties']]))
    delete schema['additionalProperties']
  }
  if (schema.propertyNames) delete schema.propertyNames
  for (const [key, value] of Object.entries(schema)) if (key !== 'examples') tidy(value)
}

function addExamples(operation: Operation, document: Document): void {
  const responses = Object.entries(operation.responses ?? {}) as [string, Response][]
  const contents = [
    (operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined)?.content,
    ...responses.filter(([status]) => status < '300').map(([, response]) => response.content),
  ]
  for (const content of contents) {
    const media = content?.['application/json']
    if (media?.schema) media.example = exampleOf(media.schema, document)
  }
}
