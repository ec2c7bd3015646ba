/** @module `/errors`: the error groups of a period, and the page of one group. */
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { ErrorFingerprint } from '../../analytics/contract.ts'
import { notFound } from '../../errors.ts'
import { readableMessage } from '../components/error-trend.ts'
import { withQuery } from '../components/controls.tsx'
import { renderPage } from '../layout/page.tsx'
import { readInclude } from '../links/run-filter.ts'
import { GroupView } from './group-view.tsx'
import { periodNamed, rangeOf, shortPeriods } from '../components/period.ts'
import { ErrorsView } from './list-view.tsx'

const crumbs = [{ label: 'Runs', href: '/executions' }]
const shownGroups = 100

export function errorPages({ analytics }: Pick<DashboardDeps, 'analytics'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const period = periodNamed(c.req.query('period'), shortPeriods, '7d')
      const include = readInclude(c.req.query('include'))
      const range = { ...rangeOf(period, time.now), include }
      const groups = await analytics.errors(userId, { ...range, limit: shownGroups, sort: 'runs' })
      return renderPage(
        c,
        { title: 'Errors', section: 'executions', crumbs },
        <ErrorsView groups={groups} period={period} include={include} time={time} />,
      )
    })
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const fingerprint = ErrorFingerprint.safeParse({ fingerprint: c.req.param('id') })
      const period = periodNamed(c.req.query('period'), shortPeriods, '7d')
      const include = readInclude(c.req.query('include'))
      const group = fingerprint.success
        ? await analytics.error(userId, fingerprint.data.fingerprint, {
            ...rangeOf(period, time.now),
            include,
          })
        : null
      if (!group) throw notFound('Error group')
      return renderPage(
        c,
        {
          title: readableMessage(group.message, group.httpStatus).slice(0, 80),
          section: 'executions',
          crumbs: [...crumbs, { label: 'Errors', href: withQuery('/errors', { period: period.name }) }],
        },
        <GroupView group={group} period={period} include={include} time={time} />,
      )
    })
}
