/** @module The credential and node types of n8n. Every signed-in user sees the same list. */
import { Hono, type MiddlewareHandler } from 'hono'
import { base64url } from 'jose'
import * as z from 'zod'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { pageQuery, type Slice, sliceOf } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'

const CredentialTypeSummary = z
  .object({ type: z.string(), displayName: z.string(), oauth: z.boolean() })
  .meta({ ref: 'CredentialTypeSummary' })

const CredentialType = CredentialTypeSummary.extend({
  fields: z.array(
    z.object({
      name: z.string().meta({ 'x-example': 'accessToken' }),
      kind: z.string().meta({ description: 'Kind of input in n8n, such as `string`, `options` or `json`' }),
      required: z.boolean().meta({
        description: 'Whether a value is required while the fields of `shownWhen` have their defaults',
      }),
      secret: z.boolean(),
      options: z.array(z.unknown()).optional().meta({ description: 'Allowed values' }),
      default: z.unknown().optional().meta({ description: 'The value n8n uses when none is set' }),
      minimum: z.number().optional().meta({ description: 'The smallest allowed number' }),
      maximum: z.number().optional().meta({ description: 'The largest allowed number' }),
      shownWhen: z.record(z.string(), z.array(z.unknown())).optional().meta({
        description: 'The field is used only while each of these fields has one of these values',
      }),
    }),
  ),
  nodeTypes: z.array(z.string()).meta({ description: 'Node types that can use it, sorted' }),
}).meta({ ref: 'CredentialType' })

const NodeTypeSummary = z
  .object({ type: z.string(), displayName: z.string(), trigger: z.boolean() })
  .meta({ ref: 'NodeTypeSummary' })

const NodeType = NodeTypeSummary.extend({
  credentialTypes: z
    .array(z.string())
    .meta({ description: 'Credential types that the node declares, sorted' }),
}).meta({ ref: 'NodeType' })

/** The last type of the previous page, base64url-encoded; null when the cursor is invalid. */
function decodeTypeCursor(cursor: string): string | null {
  try {
    const type = new TextDecoder('utf-8', { fatal: true }).decode(base64url.decode(cursor))
    return type !== '' && base64url.encode(type) === cursor ? type : null
  } catch {
    return null
  }
}

const TypeQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: z
    .string()
    .max(256)
    .refine((cursor) => decodeTypeCursor(cursor) !== null, 'Not a cursor from this list')
    .optional(),
  q: z
    .string()
    .max(100, 'At most 100 characters')
    .optional()
    .meta({ description: 'Part of the type or of the display name. Case-insensitive' }),
})

const TypeName = z.object({ type: z.string().max(256) })

/** One page of types, ordered by code unit. */
function pageOf<T extends { type: string }>(all: T[], query: z.output<typeof TypeQuery>): Slice<T> {
  const after = query.cursor === undefined ? null : decodeTypeCursor(query.cursor)
  const limit = query.limit ?? 50
  const rest = all
    .filter(({ type }) => after === null || type > after)
    .toSorted((a, b) => (a.type < b.type ? -1 : 1))
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: rest.length > limit && last ? base64url.encode(last.type) : null }
}

function requireBuiltIn<T>(value: T | undefined, kind: string): T {
  if (value === undefined) throw new AppError('not-found', `n8n has no built-in ${kind} type with this name`)
  return value
}

/** The catalogue changes with the release only, and is the same for every user. */
const cachedByClient: MiddlewareHandler<AuthEnv> = async (c, next) => {
  await next()
  if (c.res.status === 200) c.header('Cache-Control', 'private, max-age=3600')
}

export function credentialTypeRoutes(loadCatalogue: () => Promise<Catalogue>) {
  const tag = 'Credential types'
  return new Hono<AuthEnv>()
    .use(cachedByClient)
    .get(
      '/',
      describe({
        operationId: 'listCredentialTypes',
        tag,
        summary: 'List credential types',
        description: 'The types built into n8n, sorted by `type`.',
        responses: { 200: sliceOf(CredentialTypeSummary) },
        errors: ['invalid'],
      }),
      valid('query', TypeQuery),
      async (c) => {
        const query = c.req.valid('query')
        return c.json(pageOf((await loadCatalogue()).searchCredentialTypes(query.q), query))
      },
    )
    .get(
      '/:type{.+}',
      describe({
        operationId: 'getCredentialType',
        tag,
        summary: 'Get a credential type',
        description: 'Returns the fields of the type and the node types that can use it.',
        responses: { 200: CredentialType },
        errors: ['not-found'],
      }),
      valid('param', TypeName),
      async (c) => {
        const catalogue = await loadCatalogue()
        const { type, displayName, oauth, fields, nodeTypes } = requireBuiltIn(
          catalogue.credentialType(c.req.valid('param').type),
          'credential',
        )
        return c.json({ type, displayName, oauth, fields, nodeTypes })
      },
    )
}

/** A node type contains `@` and `/`. The path accepts both raw and percent-encoded. */
export function nodeTypeRoutes(loadCatalogue: () => Promise<Catalogue>) {
  const tag = 'Node types'
  return new Hono<AuthEnv>()
    .use(cachedByClient)
    .get(
      '/',
      describe({
        operationId: 'listNodeTypes',
        tag,
        summary: 'List node types',
        description: 'The types built into n8n, sorted by `type`.',
        responses: { 200: sliceOf(NodeTypeSummary) },
        errors: ['invalid'],
      }),
      valid('query', TypeQuery),
      async (c) => {
        const query = c.req.valid('query')
        return c.json(pageOf((await loadCatalogue()).searchNodeTypes(query.q), query))
      },
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
