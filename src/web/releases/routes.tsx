/** @module `/releases`: mounts its pages in matching order. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../context.ts'
import { releaseDetailPages } from './detail/route.tsx'
import { releaseFormPages } from './form/route.tsx'
import { releaseListPage } from './list/route.tsx'
import type { ReleasePageDeps } from './page-context.ts'

export const releasePages = (deps: ReleasePageDeps) =>
  new Hono<DashboardEnv>()
    .route('/', releaseListPage(deps))
    .route('/', releaseFormPages(deps))
    .route('/', releaseDetailPages(deps))
