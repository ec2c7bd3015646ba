/** @module `POST /mcp`: the endpoint of agents. The server behind it is loaded on the first request. */
import { type Context, Hono } from 'hono'
import type { Deps } from '../deps.ts'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { requestFailed } from '../http/failure-log.ts'
import { bodyLimits, parseJson, readText } from '../http/validate.ts'
import { mayBeUnstorable } from '../lib/json-text.ts'
import { MAX_JSON_DEPTH } from '../lib/canonical-json.ts'
import { checkJson } from '../n8n/reading/workflow-json.ts'

const load = () => import('./server.ts')

/** Requires the middleware of `requireUser`. */
export function mcpRoutes(deps: Deps) {
  return new Hono<AuthEnv>().post('/', async (c) => {
    requireSameOrigin(c, deps.config.publicUrl, deps.corsOrigins)
    const body = readBody(await readText(c, bodyLimits.workflow))
    const { respond } = await load()
    return respond(deps, {
      request: c.req.raw,
      body,
      userId: c.var.userId,
      onFailure: (failure) => requestFailed(deps.log, c, failure),
    })
  })
}

/** @throws {AppError} `malformed-json`, `invalid` */
function readBody(text: string): unknown {
  const { value, depth } = parseJson(text)
  // The protocol has no batches since 2025-06-18. One would count as one request of an access token.
  if (Array.isArray(value)) throw new AppError('invalid', 'Send one JSON-RPC message per request')
  const [fault] = depth > MAX_JSON_DEPTH || mayBeUnstorable(text) ? checkJson(value) : []
  if (fault) throw new AppError('invalid', `${fault.pointer}: ${fault.detail}`)
  return value
}

/** A page of another site may not call, as the protocol demands. Clients other than browsers send no origin. */
function requireSameOrigin(c: Context, publicUrl: string, corsOrigins: readonly string[]): void {
  const origin = c.req.header('Origin')
  if (origin === undefined || origin === new URL(publicUrl).origin || corsOrigins.includes(origin)) return
  throw new AppError('cross-origin', 'Add the origin to CORS_ORIGINS to call /mcp from a browser')
}
