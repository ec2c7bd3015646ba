/** @module `/instances`. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { readInstanceCounts } from '../../../instances/queries.ts'
import type { DashboardDeps } from '../../context.ts'
import { renderPage } from '../../layout/page.tsx'
import { validate as isUuid } from 'uuid'
import { noLimit } from '../../components/period.ts'
import { cutList } from '../../../lib/cut-list.ts'
import { readParameters } from '../../links/parameters.ts'
import { section } from '../page-context.ts'
import { ListPage, worstFirst } from './view.tsx'

/** Instances per page. */
const pageSize = 100

export function instanceListPage({ db, instances }: Pick<DashboardDeps, 'db' | 'instances'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const { userId, viewer } = c.var
    const { query, ignored } = readParameters(new URL(c.req.url).searchParams, { after: isUuid })
    const [{ items }, countsOf] = await Promise.all([
      instances.list(userId, { limit: noLimit, after: null }),
      readInstanceCounts(db, userId),
    ])
    const all = worstFirst(items)
    const start = all.findIndex(({ id }) => id === query.after) + 1
    return renderPage(
      c,
      { title: 'Instances', section },
      <ListPage
        instances={cutList(all.slice(start), pageSize)}
        total={all.length}
        isFirst={start === 0}
        countsOf={countsOf}
        ignored={ignored}
        time={viewer.time}
      />,
    )
  })
}
