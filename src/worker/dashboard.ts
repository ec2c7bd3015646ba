/** @module The dashboard on Workers: a module of its own, which an isolate compiles only when a browser asks for a page. */
import { type Context, Hono } from 'hono'
import { routePath } from 'hono/route'
import type { BaseEnv } from '../http/env.ts'
import { handleFailures, isForPrograms, type NotFoundPage } from '../http/shell.ts'
import { sharedLoad } from '../lib/shared-load.ts'
import type { DashboardDeps } from '../web/context.ts'

/** Answers every path that the application does not have: the pages are not among its routes. */
export function mountDashboard(_app: Hono<BaseEnv>, deps: DashboardDeps): NotFoundPage {
  const outer = new WeakMap<Request, Context<BaseEnv>>()
  const load = sharedLoad(async () => {
    const { mountDashboard: mount } = await import('../web/dashboard.ts')
    const app = new Hono<BaseEnv>()
    app.use(async (c, next) => {
      const around = outer.get(c.req.raw)
      if (!around) throw new Error('The request did not come through the application')
      c.set('requestId', around.var.requestId)
      c.set('clientIp', around.var.clientIp)
      await next()
      around.set('userId', c.get('userId'))
      around.set('sessionId', c.get('sessionId'))
      around.set('route', routePath(c, -1))
    })
    handleFailures(app, deps.log, mount(app, deps))
    return app
  })
  return async (c) => {
    if (isForPrograms(c.req.path)) return null
    const app = await load()
    outer.set(c.req.raw, c)
    return app.fetch(c.req.raw, c.env, c.executionCtx)
  }
}
