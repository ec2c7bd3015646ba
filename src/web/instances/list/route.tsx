/** @module `/instances`. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { readInstanceCounts } from '../../../instances/queries.ts'
import type { DashboardDeps } from '../../context.ts'
import { renderPage } from '../../layout/page.tsx'
import { readParameters } from '../../links/parameters.ts'
import { section } from '../page-context.ts'
import { ListPage } from './view.tsx'

const listLimit = 100

export function instanceListPage({ db, instances }: Pick<DashboardDeps, 'db' | 'instances'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const { userId, viewer } = c.var
    const { ignored } = readParameters(new URL(c.req.url).searchParams, {})
    const [{ items }, countsOf] = await Promise.all([
      instances.list(userId, { limit: listLimit, after: null }),
      readInstanceCounts(db, userId),
    ])
    return renderPage(
      c,
      { title: 'Instances', section },
      <ListPage instances={items} countsOf={countsOf} ignored={ignored} time={viewer.time} />,
    )
  })
}
