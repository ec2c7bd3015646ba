/** @module `/executions`: the list, the count of newer runs, and the export. */
import { IdParam } from '../../../lib/scalars.ts'
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { downloadExecutions } from '../../../executions/export.ts'
import { readChoices, readRuns } from '../../../executions/list-queries.ts'
import { AppError } from '../../../errors.ts'
import { oldestId } from '../../../runs/order.ts'
import { withQuery } from '../../components/controls.tsx'
import type { DashboardDeps } from '../../context.ts'
import { plural } from '../../format.ts'
import { renderPage } from '../../layout/page.tsx'
import { listQuery, readRunFilter } from '../../links/run-filter.ts'
import { ListView } from './view.tsx'

/** From this count on, the page shows 99+. */
const newRunsCap = 100

type ListDeps = Pick<DashboardDeps, 'db' | 'executions' | 'exporting'>

export function executionListPage({ db, executions, exporting }: ListDeps) {
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
          title: 'Runs',
          section: 'executions',
          ...(filter.after === null && { liveUrl: withQuery('/executions/news', news, { than }) }),
        },
        <ListView filter={filter} runs={runs} next={next} choices={choices} time={time} />,
      )
    })
    .get('/news', async (c) => {
      const { userId, viewer } = c.var
      const params = new URL(c.req.url).searchParams
      const than = IdParam.safeParse({ id: params.get('than') })
      if (!than.success) throw new AppError('invalid', 'than: must be the ID of the newest run on the page')
      const { search } = readRunFilter(params, viewer.time.now, viewer.timeZone)
      const newer = await executions.countNewer(userId, search, than.data.id, newRunsCap)
      const many = newer >= newRunsCap ? `${newRunsCap - 1}+ new runs` : plural(newer, 'new run')
      return c.json({ notice: newer > 0 ? many : null, at: viewer.time.clock(viewer.time.now) })
    })
    .get('/export', async (c) => {
      const { userId, viewer } = c.var
      const params = new URL(c.req.url).searchParams
      const { search } = readRunFilter(params, viewer.time.now, viewer.timeZone)
      const format = params.get('format') === 'json' ? 'json' : 'csv'
      return downloadExecutions(exporting, format, userId, search)
    })
}
