import { loadApiDocument } from '#api-document'
import { type Env, Hono, type Schema } from 'hono'
import { sharedLoad } from '../lib/shared-load.ts'
import type { BaseEnv } from './env.ts'
import { etagOf } from './etag.ts'
import { limited, type NetworkLimit } from './network-limit.ts'

/** `/openapi.json` and `/docs`, which describe the routes of `app`. */
export function docsRoutes<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  serverUrl: string,
  networkLimit: NetworkLimit,
) {
  const load = sharedLoad(async () => {
    const { document, page } = await loadApiDocument(app as never, serverUrl)
    const text = JSON.stringify(document)
    return { text, page, tag: await etagOf(text + page) }
  })
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
  const cached = { 'Cache-Control': 'public, max-age=300' }
  return new Hono<BaseEnv>()
    .get('/openapi.json', limited(networkLimit), async (c) => {
      const { text, tag } = await load()
      return c.body(text, 200, { ...cached, ETag: tag, 'Content-Type': 'application/json' })
    })
    .get('/docs', limited(networkLimit), async (c) => {
      const { page, tag } = await load()
      return c.html(page, 200, { ...cached, ETag: tag, 'Content-Security-Policy': policy })
    })
}
