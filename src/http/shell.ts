/** @module Middleware for every request: ID, headers, CORS, access log and errors. */
import type { Context, Hono, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { TrieRouter } from 'hono/router/trie-router'
import { AppError } from '../errors.ts'
import { withRequest } from '../db/actor.ts'
import { asOneRequest } from '../db/read-batching.ts'
import { setDefaultHeaders } from './default-headers.ts'
import type { BaseEnv } from './env.ts'
import { isNoneMatch } from './etag.ts'
import { requestFailed } from './failure-log.ts'
import type { Log } from './log.ts'
import { measuredRequest, routeOf } from './request-metrics.ts'
import { problem, toAppError } from './problem.ts'

export interface ShellOptions {
  log: Log
  corsOrigins: string[]
  clientIp: (c: Context) => string
  /** Called after each request, such as to export what it recorded. */
  onRequestEnd?: (() => void) | undefined
}

const exposedHeaders = ['ETag', 'Location', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id']
const allowedHeaders = [
  'Authorization',
  'Content-Encoding',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'Idempotency-Key',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
]

const oneRequest =
  ({ log, clientIp }: ShellOptions): MiddlewareHandler<BaseEnv> =>
  async (c, next) => {
    const startedAt = performance.now()
    const requestId = crypto.randomUUID()
    const clientAddress = clientIp(c)
    c.set('requestId', requestId)
    c.set('clientIp', clientAddress)
    await withRequest({ requestId, clientAddress, userAgent: c.req.header('User-Agent') }, next)
    c.res.headers.set('X-Request-Id', c.var.requestId)
    setDefaultHeaders(c.res.headers)
    log('info', 'request', {
      requestId: c.var.requestId,
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      durationMs: Math.round(performance.now() - startedAt),
      userId: c.get('userId'),
      sessionId: c.get('sessionId'),
      // Not named after the token, because the log redacts such fields.
      actorId: c.get('tokenId'),
      ...(needsAddress(c) && { clientAddress }),
    })
  }

/** Reads that succeed are logged without the client's address. */
const needsAddress = ({ req, res }: Context): boolean =>
  !['GET', 'HEAD', 'OPTIONS'].includes(req.method) || res.status >= 400

/** Answers 304 when the client already has the current version. */
const conditional: MiddlewareHandler<BaseEnv> = async (c, next) => {
  await next()
  if (c.req.method !== 'GET' || c.res.status !== 200) return
  const tag = c.res.headers.get('ETag')
  if (tag === null || !isNoneMatch(c.req.header('If-None-Match'), tag)) return
  const headers = new Headers(c.res.headers)
  for (const name of ['Content-Type', 'Content-Length', 'Content-Encoding']) headers.delete(name)
  c.res = undefined
  c.res = new Response(null, { status: 304, headers })
}

export function shell(options: ShellOptions): MiddlewareHandler<BaseEnv>[] {
  const crossOrigin = cors({
    origin: (origin) => (options.corsOrigins.includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: allowedHeaders,
    exposeHeaders: exposedHeaders,
    maxAge: 600,
  })
  return [
    (_, next) => asOneRequest(next),
    measuredRequest(options.onRequestEnd),
    oneRequest(options),
    crossOrigin,
    conditional,
  ]
}

/** Whether the path is not for browsers. */
export const isForPrograms = (path: string): boolean => /^\/(?:v1|hooks|health)(?:\/|$)/.test(path)

/** The not-found page for browsers; null when the client should get a problem document. */
export type NotFoundPage = (c: Context<BaseEnv>) => Promise<Response | null>

/** Answers errors as problem documents, and 405 with `Allow` when the path exists for other methods. */
export function handleFailures(app: Hono<BaseEnv>, log: Log, notFoundPage?: NotFoundPage): void {
  app.onError((error, c) => {
    const failure = toAppError(error)
    requestFailed(log, c, failure)
    return problem(c, failure)
  })
  let methodsOf: ((path: string) => string[]) | undefined
  app.notFound(async (c) => {
    methodsOf ??= indexMethods(app)
    const methods = methodsOf(c.req.path)
    if (methods.length === 0) {
      return (
        (await notFoundPage?.(c)) ??
        problem(c, new AppError('not-found', 'The resource does not exist. Check the path'))
      )
    }
    const response = problem(
      c,
      new AppError('method-not-allowed', `This path supports ${methods.join(', ')}`),
    )
    response.headers.set('Allow', methods.join(', '))
    return response
  })
}

function indexMethods(app: Hono<BaseEnv>): (path: string) => string[] {
  const router = new TrieRouter<string>()
  for (const { path, method } of app.routes) if (method !== 'ALL') router.add('ANY', path, method)
  return (path) => {
    const [matches] = router.match('ANY', path)
    const methods = new Set(matches.map(([method]) => method))
    if (methods.has('GET')) methods.add('HEAD')
    return [...methods].toSorted()
  }
}
