/** @module `/releases`. */
import { Hono } from 'hono'
import { decodeCursor, defaultLimit } from '../../../http/page.ts'
import type { DashboardEnv } from '../../context.ts'
import { renderPage } from '../../layout/page.tsx'
import { deploymentsCrumb, type ReleasePageDeps, section } from '../page-context.ts'
import { ListPage } from './view.tsx'

export function releaseListPage({ releasing }: Pick<ReleasePageDeps, 'releasing'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const after = decodeCursor(c.req.query('after') ?? '')
    const list = await releasing.repository.list(c.var.userId, {}, { limit: defaultLimit, after })
    return renderPage(
      c,
      { title: 'Releases', section, crumbs: [deploymentsCrumb] },
      <ListPage {...list} isFirstPage={after === null} time={c.var.viewer.time} />,
    )
  })
}
