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
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  security: [{ bearer: [] }],
} satisfies Partial<OpenAPIV3_1.Document>

/** `/openapi.json` and `/docs`, made from the routes of `app` when first asked for. */
export function docsRoutes<E extends Env, S extends Schema, P extends string>(app: Hono<E, S, P>) {
  let document: Promise<OpenAPIV3_1.Document> | undefined
  const load = () =>
    (document ??= generateSpecs(app as never, {
      documentation,
      defaultValidationErrorResponse: false,
    }) as Promise<OpenAPIV3_1.Document>)
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
