/** @module `/errors`: the error groups of a period, and the page of one group. */
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { ErrorFingerprint, ErrorGroupChange, errorStateFilters } from '../../analytics/contract.ts'
import { notFound } from '../../errors.ts'
import { errorTitle } from '../components/error-trend.ts'
import { withQuery } from '../components/controls.tsx'
import { renderPage } from '../layout/page.tsx'
import { readForm } from '../form-data.ts'
import { act } from '../links/outcome.ts'
import { isOneOf, isText, readParameters } from '../links/parameters.ts'
import { isInclude, readInclude } from '../links/run-filter.ts'
import { GroupView } from './group-view.tsx'
import { errorPeriodNamed, errorPeriods, errorRangeOf } from '../components/period.ts'
import { ErrorsView } from './list-view.tsx'

const crumbs = [{ label: 'Runs', href: '/executions' }]
const shownGroups = 100

const states = {
  resolved: 'Marked as resolved. It reopens if it fails again.',
  ignored: 'Ignored. It stays out of the list until you reopen it.',
  open: 'Reopened.',
}

function readQuery(params: URLSearchParams) {
  const { query, ignored } = readParameters(params, {
    q: isText(200),
    period: isOneOf(errorPeriods.map(({ name }) => name)),
    include: isInclude,
    state: isOneOf(errorStateFilters),
  })
  return {
    q: query.q ?? null,
    period: errorPeriodNamed(query.period),
    include: readInclude(query.include),
    state: errorStateFilters.find((each) => each === query.state) ?? 'unresolved',
    ignored,
  }
}

export function errorPages({ analytics, errorStates }: Pick<DashboardDeps, 'analytics' | 'errorStates'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const query = readQuery(new URL(c.req.url).searchParams)
      const { q, period, include, state } = query
      const groups = await analytics.errors(userId, {
        ...errorRangeOf(period, time.now, viewer.timeZone),
        include,
        state,
        limit: shownGroups,
        sort: 'runs',
        ...(q !== null && { q }),
      })
      return renderPage(
        c,
        { title: 'Errors', section: 'executions', crumbs },
        <ErrorsView groups={groups} query={query} time={time} />,
      )
    })
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const fingerprint = ErrorFingerprint.safeParse({ fingerprint: c.req.param('id') })
      const { period, include, ignored } = readQuery(new URL(c.req.url).searchParams)
      const group = fingerprint.success
        ? await analytics.error(userId, fingerprint.data.fingerprint, {
            ...errorRangeOf(period, time.now, viewer.timeZone),
            include,
          })
        : null
      if (!group) throw notFound('Error group')
      return renderPage(
        c,
        {
          title: errorTitle(group).slice(0, 80),
          section: 'executions',
          crumbs: [...crumbs, { label: 'Errors', href: withQuery('/errors', { period: period.name }) }],
        },
        <GroupView group={group} period={period} include={include} ignored={ignored} time={time} />,
      )
    })
    .post('/:id/state', async (c) => {
      const fingerprint = ErrorFingerprint.safeParse({ fingerprint: c.req.param('id') })
      const form = await readForm(c)
      const [workflowId = '', version] = (form.get('fixedIn') ?? '').split('.')
      const fixedIn = workflowId === '' ? {} : { fixedIn: { workflowId, version: Number(version) } }
      const change = ErrorGroupChange.safeParse({ state: form.get('state'), ...fixedIn })
      if (!fingerprint.success || !change.success) throw notFound('Error group')
      const path = `/errors/${fingerprint.data.fingerprint}`
      return act(c, withQuery(path, new URL(c.req.url).searchParams), async () => {
        const state = await errorStates.set(c.var.userId, fingerprint.data.fingerprint, change.data)
        if (!state) throw notFound('Error group')
        return { kind: 'ok', text: states[state.state as keyof typeof states] }
      })
    })
}
