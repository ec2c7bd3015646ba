/** @module `/`: the overview. */
import { Hono } from 'hono'
import { oldestId } from '../../runs/order.ts'
import { withQuery } from '../components/controls.tsx'
import { renderPage } from '../layout/page.tsx'
import type { DashboardEnv } from '../context.ts'
import { isOneOf, readParameters } from '../links/parameters.ts'
import { isInclude, readInclude } from '../links/run-filter.ts'
import { periodNamed, periods } from '../components/period.ts'
import { type OverviewDeps, readOverview } from './read-overview.ts'
import { OverviewView } from './view.tsx'

export function overviewPages(deps: OverviewDeps) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const { userId, viewer } = c.var
    const { query, ignored } = readParameters(new URL(c.req.url).searchParams, {
      period: isOneOf(periods.map(({ name }) => name)),
      include: isInclude,
    })
    const period = periodNamed(query.period, periods)
    const { now } = viewer.time
    const include = readInclude(query.include)
    const overview = await readOverview(deps, userId, { period, include }, now, viewer.timeZone)
    const approvals = (await c.var.navCounts)?.pendingApprovals ?? 0
    const than = overview.newestRunId ?? oldestId
    return renderPage(
      c,
      {
        title: 'Overview',
        section: 'overview',
        ...(!overview.isEmpty && { liveUrl: withQuery('/executions/news', { than }) }),
      },
      <OverviewView overview={{ ...overview, approvals }} ignored={ignored} time={viewer.time} />,
    )
  })
}
