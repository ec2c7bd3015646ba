/** @module The dashboard as a part of the application. On Workers, `#dashboard` loads it with the first request for a page. */
import type { Hono } from 'hono'
import type { BaseEnv } from '../http/env.ts'
import type { NotFoundPage } from '../http/shell.ts'
import type { DashboardDeps } from './context.ts'
import { notFoundPage } from './layout/failure-page.tsx'
import { dashboardRoutes } from './routes.tsx'
import { BrowserSessions } from './session.ts'

/** Call after all other routes are mounted. @returns what answers a path that does not exist */
export function mountDashboard(app: Hono<BaseEnv>, deps: DashboardDeps): NotFoundPage {
  const sessions = new BrowserSessions(deps)
  app.route('/', dashboardRoutes(deps, sessions))
  return notFoundPage(sessions, deps.now)
}
