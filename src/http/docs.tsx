import { type Env, Hono, type Schema } from 'hono'
import { html } from 'hono/html'
import { generateSpecs } from 'hono-openapi'
import type { OpenAPIV3_1 } from 'openapi-types'
import { Reference, referenceStyle } from './reference.tsx'

const documentation = {
  info: {
    title: 'Flowkeep API',
    version: '1',
    description:
      'The serverless backend for people who build n8n workflows with AI. Errors are RFC 9457 problem documents; lists page by cursor, newest first; times are ISO 8601 in UTC.',
  },
  components: {
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      webhookToken: { type: 'http', scheme: 'bearer', description: 'The token that an instance shows once' },
    },
  },
  security: [{ bearer: [] }],
} satisfies Partial<OpenAPIV3_1.Document>

/** `/openapi.json` and `/docs`, made from the routes of `app` when first asked for. */
export function docsRoutes<E extends Env, S extends Schema, P extends string>(app: Hono<E, S, P>) {
  let document: Promise<OpenAPIV3_1.Document> | undefined
  const load = () => (document ??= generate(app as never))
  const cached = { 'Cache-Control': 'public, max-age=300' }
  return new Hono()
    .get('/openapi.json', async (c) => c.json(await load(), 200, cached))
    .get('/docs', async (c) =>
      c.html(html`<!doctype html>${<Reference document={await load()} />}`, 200, cached),
    )
    .get('/docs/style.css', (c) =>
      c.body(referenceStyle, 200, { ...cached, 'Content-Type': 'text/css; charset=utf-8' }),
    )
}

async function generate(app: Hono): Promise<OpenAPIV3_1.Document> {
  const document = (await generateSpecs(app, {
    documentation,
    defaultValidationErrorResponse: false,
  })) as OpenAPIV3_1.Document
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const operation of Object.values(item ?? {}) as OpenAPIV3_1.OperationObject[]) {
      addGeneralErrors(operation, path)
    }
  }
  return document
}

/** What any route can answer because of how requests are read and where the data is. */
function addGeneralErrors(operation: OpenAPIV3_1.OperationObject, path: string): void {
  const responses = (operation.responses ??= {})
  const add = (status: string, description: string) => {
    responses[status] ??= {
      description,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
  }
  if (operation.requestBody) {
    add('400', 'malformed-json')
    add('413', 'too-large')
    add('415', 'unsupported-media-type')
  }
  if (
    operation.requestBody ||
    operation.parameters?.some((parameter) => 'in' in parameter && parameter.in === 'query')
  ) {
    add('422', 'invalid')
  }
  if (path !== '/health/live') add('503', 'database-unavailable')
}
