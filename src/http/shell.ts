/** @module What every request passes through, whichever route it is for: id, headers, CORS, log line, errors. */
import type { Context, Hono, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { TrieRouter } from 'hono/router/trie-router'
import { routePath } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import { AppError } from '../errors.ts'
import type { BaseEnv } from './env.ts'
import { requestFailed } from './failure-log.ts'
import type { Log } from './log.ts'
import { problem, toAppError } from './problem.ts'

export interface ShellOptions {
  log: Log
  corsOrigins: string[]
  clientIp: (c: Context) => string
}

const exposedHeaders = ['ETag', 'Location', 'Retry-After', 'X-Request-Id']
const allowedHeaders = ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key']

const oneRequest =
  ({ log, clientIp }: ShellOptions): MiddlewareHandler<BaseEnv> =>
  async (c, next) => {
    const startedAt = performance.now()
    c.set('requestId', crypto.randomUUID())
    c.set('clientIp', clientIp(c))
    await next()
    c.res.headers.set('X-Request-Id', c.var.requestId)
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
    log('info', 'request', {
      requestId: c.var.requestId,
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      durationMs: Math.round(performance.now() - startedAt),
      userId: c.get('userId'),
    })
  }

export function shell(options: ShellOptions): MiddlewareHandler<BaseEnv>[] {
  const crossOrigin = cors({
    origin: (origin) => (options.corsOrigins.includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: allowedHeaders,
    exposeHeaders: exposedHeaders,
    maxAge: 600,
  })
  const headers = secureHeaders({
    strictTransportSecurity: 'max-age=63072000; includeSubDomains',
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
    permissionsPolicy: { camera: [], geolocation: [], microphone: [], payment: [] },
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  })
  return [oneRequest(options), headers, crossOrigin]
}

/** Errors as problem documents, and 405 with `Allow` where the path exists under another method. */
export function handleFailures(app: Hono<BaseEnv>, log: Log): void {
  app.onError((error, c) => {
    const failure = toAppError(error)
    requestFailed(log, c, failure)
    return problem(c, failure)
  })
  let methodsOf: ((path: string) => string[]) | undefined
  app.notFound((c) => {
    methodsOf ??= indexMethods(app)
    const methods = methodsOf(c.req.path)
    if (methods.length === 0) return problem(c, new AppError('not-found', 'No such resource'))
    const response = problem(c, new AppError('method-not-allowed', `This path takes ${methods.join(', ')}`))
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
