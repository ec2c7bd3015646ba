/** @module `/executions` and `/errors`: which runs there are, how one went, and what fails alike. */
import { Hono } from 'hono'
import { ErrorFingerprint } from '../../analytics/error-contract.ts'
import { executionPages as exportedPages, exportColumns } from '../../executions/export.ts'
import { ExecutionId } from '../../executions/contract.ts'
import { oldestId } from '../../executions/run-order.ts'
import { AppError } from '../../errors.ts'
import { downloadTable } from '../../http/table-stream.ts'
import { loadCatalogue } from '../../n8n/catalogue.ts'
import { withQuery } from '../components/controls.tsx'
import { renderPage } from '../layout/page.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { plural } from '../format.ts'
import { periodFrom, readPeriod } from './errors/period.ts'
import { readableMessage } from '../components/error-trend.ts'
import { ErrorsView } from './errors/view.tsx'
import { GroupView } from './errors/group-view.tsx'
import { ListView, runNumber } from './list/view.tsx'
import { readRun } from './read-run.ts'
import { readChoices, readRuns } from './read-runs.ts'
import { listHref, listQuery, readInclude, readRunFilter } from '../links/run-filter.ts'
import { viewRun } from './detail/model.ts'
import { RunPageView } from './detail/view.tsx'

/** More than these are 99+. */
const newRunsCap = 100

type ExecutionDeps = Pick<DashboardDeps, 'db' | 'executions' | 'exporting' | 'config'>

export function executionPages({ db, executions, exporting, config }: ExecutionDeps) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const params = new URL(c.req.url).searchParams
      const filter = readRunFilter(params, time.now, viewer.timeZone)
      const [{ runs, next }, choices] = await Promise.all([
        readRuns(db, userId, filter.search, filter.after, time.now),
        readChoices(db, userId, filter.search),
      ])
      const than = runs[0]?.id ?? oldestId
      const news = new URLSearchParams(listQuery(filter.query))
      return renderPage(
        c,
        {
          title: 'Executions',
          section: 'executions',
          ...(filter.after === null && { liveUrl: withQuery('/executions/news', news, { than }) }),
        },
        <ListView filter={filter} runs={runs} next={next} choices={choices} time={time} />,
      )
    })
    .get('/news', async (c) => {
      const { userId, viewer } = c.var
      const params = new URL(c.req.url).searchParams
      const than = ExecutionId.safeParse({ id: params.get('than') })
      if (!than.success) throw new AppError('invalid', 'than: the id of the newest run that is known')
      const { search } = readRunFilter(params, viewer.time.now, viewer.timeZone)
      const newer = await executions.countNewer(userId, search, than.data.id, newRunsCap)
      const many = newer >= newRunsCap ? `${newRunsCap - 1}+ new runs` : plural(newer, 'new run')
      return c.json({ notice: newer > 0 ? many : null, at: viewer.time.clock(viewer.time.now) })
    })
    .get('/export', async (c) => {
      const { userId, viewer } = c.var
      const params = new URL(c.req.url).searchParams
      const { search } = readRunFilter(params, viewer.time.now, viewer.timeZone)
      return downloadTable({
        format: params.get('format') === 'json' ? 'json' : 'csv',
        name: 'executions',
        columns: exportColumns,
        pages: exportedPages(exporting.executions, userId, search),
        onFailure: exporting.onFailure,
      })
    })
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const id = ExecutionId.safeParse({ id: c.req.param('id') })
      if (!id.success) throw noSuchRun()
      const filter = readRunFilter(new URLSearchParams(c.req.query('list') ?? ''), time.now, viewer.timeZone)
      const [page, neighbours, catalogue] = await Promise.all([
        readRun(db, userId, id.data.id, time.now),
        executions.neighbours(userId, filter.search, id.data.id),
        loadCatalogue(),
      ])
      if (!page) throw noSuchRun()
      const list = listQuery(filter.query)
      const view = viewRun(page, catalogue, time.now, c.req.query('node'))
      const { dataDays } = config.executionRetention
      return renderPage(
        c,
        {
          title: `${view.title} ${runNumber(page.run)}`,
          section: 'executions',
          crumbs: [{ label: 'Executions', href: listHref(list) }],
        },
        <RunPageView view={view} list={list} neighbours={neighbours} time={time} dataDays={dataDays} />,
      )
    })
}

const noSuchRun = () => new AppError('not-found', 'No such execution')
const crumbs = [{ label: 'Executions', href: '/executions' }]
const shownGroups = 100

/** `/errors/:id`: the runs that fail alike. */
export function errorPages({ analytics }: Pick<DashboardDeps, 'analytics'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { time } = viewer
      const period = readPeriod(c.req.query('period'))
      const include = readInclude(c.req.query('include'))
      const range = { from: periodFrom(period, time.now), to: time.now, include }
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
      const period = readPeriod(c.req.query('period'))
      const include = readInclude(c.req.query('include'))
      const group = fingerprint.success
        ? await analytics.error(userId, fingerprint.data.fingerprint, {
            from: periodFrom(period, time.now),
            to: time.now,
            include,
          })
        : null
      if (!group) throw new AppError('not-found', 'No such error group')
      return renderPage(
        c,
        {
          title: readableMessage(group.message, group.httpStatus).slice(0, 80),
          section: 'executions',
          crumbs: [...crumbs, { label: 'Errors', href: withQuery('/errors', { period }) }],
        },
        <GroupView group={group} period={period} include={include} time={time} />,
      )
    })
}
