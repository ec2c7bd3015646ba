/** @module `/errors`: the error groups of a period, and the page of one group. */
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import {
  ErrorFingerprint,
  ErrorGroupChange,
  type ErrorStateFilter,
  errorStateFilters,
} from '../../analytics/contract.ts'
import { notFound } from '../../errors.ts'
import { errorTitle } from '../components/error-trend.ts'
import { withQuery } from '../components/controls.tsx'
import { renderPage } from '../layout/page.tsx'
import { readForm } from '../form-data.ts'
import { act } from '../links/outcome.ts'
import { readInclude } from '../links/run-filter.ts'
import { GroupView } from './group-view.tsx'
import { periodNamed, periods, rangeOf } from '../components/period.ts'
import { ErrorsView } from './list-view.tsx'

const crumbs = [{ label: 'Runs', href: '/executions' }]
const shownGroups = 100

const states = {
  resolved: 'Marked as resolved. It reopens if it fails again.',
  ignored: 'Ignored. It stays out of the list until you reopen it.',
  open: 'Reopened.',
}

const readState = (text: string | undefined): ErrorStateFilter =>
  errorStateFilters.find((each) => each === text) ?? 'unresolved'

export function errorPages({ analytics, errorStates }: Pick<DashboardDeps, 'analytics' | 'errorStates'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const period = periodNamed(c.req.query('period'), periods, '7d')
      const include = readInclude(c.req.query('include'))
      const range = { ...rangeOf(period, time.now), include }
      const state = readState(c.req.query('state'))
      const groups = await analytics.errors(userId, { ...range, state, limit: shownGroups, sort: 'runs' })
      return renderPage(
        c,
        { title: 'Errors', section: 'executions', crumbs },
        <ErrorsView groups={groups} period={period} include={include} state={state} time={time} />,
      )
    })
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const fingerprint = ErrorFingerprint.safeParse({ fingerprint: c.req.param('id') })
      const period = periodNamed(c.req.query('period'), periods, '7d')
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
          title: errorTitle(group).slice(0, 80),
          section: 'executions',
          crumbs: [...crumbs, { label: 'Errors', href: withQuery('/errors', { period: period.name }) }],
        },
        <GroupView group={group} period={period} include={include} time={time} />,
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
