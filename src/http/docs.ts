import { loadApiDocument } from '#api-document'
import { type Env, Hono, type Schema } from 'hono'
import { sharedLoad } from '../lib/shared-load.ts'

/** `/openapi.json` and `/docs`, which describe the routes of `app`. */
export function docsRoutes<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  serverUrl: string,
) {
  const load = sharedLoad(() => loadApiDocument(app as never, serverUrl))
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'"
  const cached = { 'Cache-Control': 'public, max-age=300' }
  return new Hono()
    .get('/openapi.json', async (c) => c.json((await load()).document, 200, cached))
    .get('/docs', async (c) =>
      c.html((await load()).page, 200, { ...cached, 'Content-Security-Policy': policy }),
    )
}
