/** @module `/deployments`: mounts its pages in matching order. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../context.ts'
import { deploymentConfirmPages } from './confirm/route.tsx'
import { deploymentDetailPage } from './detail/route.tsx'
import { deploymentDriftPage } from './drift/route.tsx'
import { deploymentListPage } from './list/route.tsx'
import type { DeploymentPageDeps } from './page-context.ts'
import { planPages } from './plan/route.tsx'

export const deploymentPages = (deps: DeploymentPageDeps) =>
  new Hono<DashboardEnv>()
    .route('/', deploymentListPage(deps))
    .route('/', planPages(deps))
    .route('/', deploymentDetailPage(deps))
    .route('/', deploymentDriftPage(deps))
    .route('/', deploymentConfirmPages(deps))
