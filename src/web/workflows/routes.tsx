/** @module `/workflows`: the workflow pages, in matching order of their paths. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../context.ts'
import { detailPages } from './detail/route.tsx'
import { editPages } from './edit/route.tsx'
import { fixPages } from './fix/route.ts'
import { workflowListPage } from './list/route.tsx'
import { newPages } from './new/route.tsx'
import type { WorkflowPageDeps } from './page-context.ts'
import { testPages } from './test/route.tsx'
import { valuesPages } from './values/route.tsx'
import { versionPages } from './versions/route.tsx'

export const workflowPages = (deps: WorkflowPageDeps) =>
  new Hono<DashboardEnv>()
    .route('/', workflowListPage(deps))
    .route('/', newPages(deps))
    .route('/', editPages(deps))
    .route('/', versionPages(deps))
    .route('/', fixPages(deps))
    .route('/', testPages(deps))
    .route('/', valuesPages(deps))
    .route('/', detailPages(deps))
