/** @module `/executions/:id`: one run. */
import { runNumber } from '../../format.ts'
import { IdParam } from '../../../lib/scalars.ts'
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../../context.ts'
import { diagnose } from '../../../executions/diagnosis/diagnose.ts'
import { readRun } from '../../../executions/detail-queries.ts'
import { notFound } from '../../../errors.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { renderPage } from '../../layout/page.tsx'
import { listHref, listQuery, readRunFilter } from '../../links/run-filter.ts'
import { viewRun } from './model.ts'
import { RunPageView } from './view.tsx'

export function executionDetailPage({
  db,
  executions,
  runValues,
  config,
}: Pick<DashboardDeps, 'db' | 'executions' | 'runValues' | 'config'>) {
  return new Hono<DashboardEnv>().get('/:id', async (c) => {
    const { userId, viewer } = c.var
    const { time } = viewer
    const id = IdParam.safeParse({ id: c.req.param('id') })
    if (!id.success) throw notFound('Run')
    const filter = readRunFilter(new URLSearchParams(c.req.query('list') ?? ''), time.now, viewer.timeZone)
    const [page, neighbours, catalogue] = await Promise.all([
      readRun(db, userId, id.data.id, time.now, { withValues: true }),
      executions.neighbours(userId, filter.search, id.data.id),
      loadCatalogue(),
    ])
    if (!page) throw notFound('Run')
    const list = listQuery(filter.query)
    const values = await runValues.openOf(userId, page)
    const view = viewRun({ ...page, values }, catalogue, time.now, c.req.query('node'))
    const diagnosis = view.failure && (await diagnose(page, catalogue, { values }))
    const { dataDays } = config.executionRetention
    return renderPage(
      c,
      {
        title: `${view.title} ${runNumber(page.run)}`,
        section: 'executions',
        crumbs: [{ label: 'Runs', href: listHref(list) }],
      },
      <RunPageView
        view={view}
        diagnosis={diagnosis}
        list={list}
        neighbours={neighbours}
        time={time}
        dataDays={dataDays}
      />,
    )
  })
}
