/** @module The node types of n8n: search, and descriptions for people and models that write workflows. */
import { Hono } from 'hono'
import * as z from 'zod'
import { findOperation } from '../check/describe/describe.ts'
import { exampleOf } from '../check/describe/example.ts'
import type { Operation } from '../check/describe/operation.ts'
import { schemaOf } from '../check/describe/schema.ts'
import { loadNodeSearch } from '../check/describe/search.ts'
import { shapeOf } from '../check/describe/shape.ts'
import { invalid } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { asBoolean, describe } from '../http/openapi.ts'
import { sliceOf } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { cachedByClient, pageOf, rankedPageOf, requireBuiltIn, TypeName, typeQuery } from './type-page.ts'

const NodeTypeSummary = z
  .object({
    type: z.string(),
    displayName: z.string(),
    trigger: z.boolean(),
    match: z
      .array(z.object({ resource: z.string().optional(), operation: z.string().optional() }))
      .optional()
      .meta({ description: 'Only with `q`: up to 3 operations that match, best first' }),
  })
  .meta({ ref: 'NodeTypeSummary' })

const NodeType = z
  .object({
    type: z.string(),
    displayName: z.string(),
    trigger: z.boolean(),
    credentialTypes: z
      .array(z.string())
      .meta({ description: 'Credential types that the node declares, sorted' }),
  })
  .meta({ ref: 'NodeType' })

const Names = z.array(z.string())
const NodeShape = z
  .object({
    type: z.string(),
    version: z.number(),
    resource: z.string().optional(),
    operation: z.string().optional(),
    credentials: Names.optional().meta({ description: 'Credential types that the operation can use' }),
    inputs: Names.meta({ description: 'Connection types, such as `main` or `ai_tool`' }),
    outputs: Names,
    required: Names.optional(),
    parameters: z.record(z.string(), z.string()).meta({
      description:
        'Name → type and default: `string`, `number 1..100 = 50`, `GET|POST = GET` (legal values), `locator(list|id)` ' +
        '(an object with `__rl: true`, `mode` and `value`), `{timeout: number, proxy}` (an object; fields without ' +
        'a type are strings), `{…}[]` (a list). `…` marks omitted parts',
    }),
    when: z
      .record(z.string(), z.string())
      .optional()
      .meta({
        description: 'Value of a parameter → additional parameters that n8n then displays',
        'x-example': { 'select=channel': 'channelId' },
      }),
  })
  .meta({ ref: 'NodeShape' })

const NodeSchema = z
  .record(z.string(), z.unknown())
  .meta({ ref: 'NodeSchema', description: 'A JSON Schema 2020-12 document' })

const NodeExample = z
  .object({
    type: z.string(),
    typeVersion: z.number(),
    name: z.string(),
    position: z.array(z.number()),
    parameters: z.record(z.string(), z.unknown()),
  })
  .meta({ ref: 'NodeExample' })

const operationQuery = {
  version: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,4})?$/, 'Must be a type version, such as 2.1')
    .transform(Number)
    .optional()
    .meta({ type: 'number', description: 'Type version. Default: the one that n8n uses for new nodes' }),
  resource: z.string().max(100).optional().meta({ description: 'Such as `message`' }),
  operation: z.string().max(100).optional().meta({ description: 'Such as `post`' }),
  n8nVersion: z
    .string()
    .regex(/^\d{1,4}\.\d{1,4}(\.\d{1,4})?$/, 'Must be a version of n8n, such as 2.41.1')
    .optional()
    .meta({ description: 'Version of the n8n server. Default: the latest that Flowkeep knows' }),
}
const OperationQuery = z.strictObject(operationQuery)
type OperationQuery = z.output<typeof OperationQuery>

const SchemaQuery = z.strictObject({
  ...operationQuery,
  strict: z
    .enum(['true', 'false'])
    .optional()
    .meta({
      ...asBoolean,
      description:
        'Accept only what n8n lists, for structured output. By default, the schema is as tolerant as n8n: it accepts ' +
        'unknown parameters and unlisted values',
    }),
})

/** @throws {AppError} `not-found` for an unknown type, `invalid` for a version, resource or operation it does not have */
async function requireOperation(type: string, { ...wanted }: OperationQuery): Promise<Operation> {
  const found = await findOperation({ type, ...wanted })
  if ('operation' in found) return found.operation
  if (found.missing === 'type') return requireBuiltIn<Operation>(undefined, 'node')
  const { missing, legal } = found
  const detail = `${type} has no such ${missing}. ${legal.length > 0 ? `Use one of: ${legal.join(', ')}` : `Omit ${missing}`}`
  throw invalid(missing, detail)
}

/** With a scope, a type is two segments. Written without a slash, because the OpenAPI document splits the path at slashes. */
const typePath = String.raw`:type{(?:@[\w.-]+\W)?[\w.-]+}`

/** A node type contains `@` and `/`. The path accepts both raw and percent-encoded. */
export function nodeTypeRoutes(loadCatalogue: () => Promise<Catalogue>) {
  const tag = 'Node types'
  const errors = ['not-found', 'invalid'] as const
  return new Hono<AuthEnv>()
    .use(cachedByClient)
    .get(
      '/',
      describe({
        operationId: 'listNodeTypes',
        tag,
        summary: 'List or search node types',
        description:
          'Returns the types built into n8n, sorted by `type`. With `q`, returns those whose name or purpose matches, ' +
          'best first: `send message` finds Slack, Telegram and others.',
        responses: { 200: sliceOf(NodeTypeSummary) },
        errors: ['invalid'],
      }),
      valid(
        'query',
        typeQuery('The name of a service, or what the node should do, such as `create calendar event`'),
      ),
      async (c) => {
        const query = c.req.valid('query')
        return query.q?.trim()
          ? c.json(rankedPageOf((await loadNodeSearch()).find(query.q), query))
          : c.json(pageOf((await loadCatalogue()).searchNodeTypes(), query))
      },
    )
    .get(
      `/${typePath}/shape`,
      describe({
        operationId: 'getNodeShape',
        tag,
        summary: 'Get the shape of a node',
        description:
          'Describes the parameters of one operation for a language model in at most about 300 tokens. Without ' +
          '`operation`, describes those that n8n displays initially.',
        responses: { 200: NodeShape },
        errors,
      }),
      valid('param', TypeName),
      valid('query', OperationQuery),
      async (c) => c.json(shapeOf(await requireOperation(c.req.valid('param').type, c.req.valid('query')))),
    )
    .get(
      `/${typePath}/schema`,
      describe({
        operationId: 'getNodeSchema',
        tag,
        summary: 'Get the JSON Schema of a node',
        description:
          'Describes a node of the type in workflow JSON, with the parameters of one or all operations.',
        responses: { 200: NodeSchema },
        errors,
      }),
      valid('param', TypeName),
      valid('query', SchemaQuery),
      async (c) => {
        const { strict, ...query } = c.req.valid('query')
        return c.json(schemaOf(await requireOperation(c.req.valid('param').type, query), strict === 'true'))
      },
    )
    .get(
      `/${typePath}/example`,
      describe({
        operationId: 'getNodeExample',
        tag,
        summary: 'Get an example of a node',
        description:
          'Returns a minimal node with the required parameters. n8n publishes it once its credentials are attached.',
        responses: { 200: NodeExample },
        errors,
      }),
      valid('param', TypeName),
      valid('query', OperationQuery),
      async (c) => c.json(exampleOf(await requireOperation(c.req.valid('param').type, c.req.valid('query')))),
    )
    .get(
      '/:type{.+}',
      describe({
        operationId: 'getNodeType',
        tag,
        summary: 'Get a node type',
        description:
          'Returns the credential types that the node can use. A `/` in the type may be percent-encoded.',
        responses: { 200: NodeType },
        errors: ['not-found'],
      }),
      valid('param', TypeName),
      async (c) => {
        const catalogue = await loadCatalogue()
        const { type, displayName, trigger, credentialTypes } = requireBuiltIn(
          catalogue.nodeType(c.req.valid('param').type),
          'node',
        )
        return c.json({ type, displayName, trigger, credentialTypes })
      },
    )
}
