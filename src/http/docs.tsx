import { type Env, Hono, type Schema } from 'hono'
import { html } from 'hono/html'
import type { OpenAPIV3_1 } from 'openapi-types'
import { openApiDocument } from './openapi-document.ts'
import { Reference } from './reference.tsx'

/** `/openapi.json` and `/docs`, made from the routes of `app` when first asked for. */
export function docsRoutes<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  serverUrl: string,
) {
  let document: Promise<OpenAPIV3_1.Document> | undefined
  const load = () => (document ??= openApiDocument(app as never, serverUrl))
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'"
  const cached = { 'Cache-Control': 'public, max-age=300' }
  return new Hono()
    .get('/openapi.json', async (c) => c.json(await load(), 200, cached))
    .get('/docs', async (c) =>
      c.html(html`<!doctype html>${<Reference document={await load()} />}`, 200, {
        ...cached,
        'Content-Security-Policy': policy,
      }),
    )
}
