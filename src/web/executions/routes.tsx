/** @module `/executions`: mounts its pages in matching order. */
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { executionDetailPage } from './detail/route.tsx'
import { executionListPage } from './list/route.tsx'

export const executionPages = (
  deps: Pick<DashboardDeps, 'db' | 'executions' | 'runValues' | 'exporting' | 'config'>,
) => new Hono<DashboardEnv>().route('/', executionListPage(deps)).route('/', executionDetailPage(deps))
