/** @module The credential types of n8n. Every signed-in user sees the same list. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { sliceOf } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { cachedByClient, pageOf, requireBuiltIn, TypeName, typeQuery } from './type-page.ts'

const CredentialTypeSummary = z
  .object({ type: z.string(), displayName: z.string(), oauth: z.boolean() })
  .meta({ ref: 'CredentialTypeSummary' })

const CredentialType = CredentialTypeSummary.extend({
  fields: z.array(
    z.object({
      name: z.string().meta({ 'x-example': 'accessToken' }),
      label: z
        .string()
        .optional()
        .meta({ description: "n8n's label of the field", 'x-example': 'Access Token' }),
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

const TypeQuery = typeQuery('Part of the type or of the display name. Case-insensitive')

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
