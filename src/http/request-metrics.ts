/** @module Measures requests by route, and makes each a span of the caller's trace. */
import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { metrics } from '../telemetry/metrics.ts'
import { inTrace } from '../telemetry/trace.ts'
import type { BaseEnv } from './env.ts'

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

let active = 0

/** The pattern of the path, without IDs. */
export const routeOf = (c: Context<BaseEnv>): string => c.get('route') ?? routePath(c, -1)

/** @param onEnd called after each request */
export function measuredRequest(onEnd?: () => void): MiddlewareHandler<BaseEnv> {
  return (c, next) =>
    inTrace(c.req.header('traceparent'), 'server', 'request', async (span) => {
      const startedAt = performance.now()
      // Node's parser and workerd accept further methods.
      const method = methods.has(c.req.method) ? c.req.method : 'other'
      active += 1
      metrics.activeRequests.set(active)
      try {
        await next()
      } finally {
        active -= 1
        metrics.activeRequests.set(active)
        const route = routeOf(c)
        const { status } = c.res
        metrics.requests.add(1, method, route, `${Math.floor(status / 100)}xx`)
        metrics.requestSeconds.observe((performance.now() - startedAt) / 1000, method, route)
        if (span) {
          Object.assign(span, { name: `${method} ${route}`, isFailed: status >= 500 })
          span.attributes['http.request.method'] = method
          span.attributes['http.route'] = route
          span.attributes['http.response.status_code'] = status
          span.attributes['flowkeep.request_id'] = c.var.requestId
        }
        onEnd?.()
      }
    })
}
