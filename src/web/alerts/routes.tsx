/** @module `/alerts`: mounts its pages in matching order. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../context.ts'
import { alertChannelPages } from './channels/route.tsx'
import { alertFormPages } from './form/route.tsx'
import { alertListPage } from './list/route.tsx'
import type { AlertPageDeps } from './page-context.ts'

export const alertPages = (deps: AlertPageDeps) =>
  new Hono<DashboardEnv>()
    .route('/', alertListPage(deps))
    .route('/', alertChannelPages(deps))
    .route('/', alertFormPages(deps))
