/** @module `/instances`: mounts its pages in matching order. */
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { deadLetterPages } from './dead-letters/route.tsx'
import { instanceDetailPage } from './detail/route.tsx'
import { instanceImportPage } from './import/route.tsx'
import { instanceListPage } from './list/route.tsx'
import { otelPages } from './otel/route.tsx'
import { settingsPages } from './settings/route.tsx'

export const instancePages = (deps: DashboardDeps) =>
  new Hono<DashboardEnv>()
    .route('/', instanceListPage(deps))
    .route('/', settingsPages(deps))
    .route('/', instanceDetailPage(deps))
    .route('/', otelPages(deps))
    .route('/', instanceImportPage(deps))
    .route('/', deadLetterPages(deps))
