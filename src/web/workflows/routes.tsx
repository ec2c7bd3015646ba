/** @module `/workflows`: the list here, its other pages beside. */
import { Hono } from 'hono'
import { loadCatalogue } from '../../n8n/catalogue.ts'
import { renderPage } from '../layout/page.tsx'
import type { DashboardEnv } from '../context.ts'
import { changePages } from './edit/route.tsx'
import { detailPages } from './detail/route.tsx'
import { readListQuery } from './list/filter.ts'
import { ListView } from './list/view.tsx'
import { newPages } from './new/route.tsx'
import type { WorkflowPageDeps } from './page-context.ts'
import { readFacets, readWorkflowList } from './list/read-list.ts'
import { versionPages } from './versions/route.tsx'

export function workflowPages(deps: WorkflowPageDeps) {
  const { db, now, config } = deps
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const listQuery = readListQuery(new URL(c.req.url).searchParams)
      const [page, facets, catalogue] = await Promise.all([
        readWorkflowList(db, userId, listQuery.filter, listQuery.cursor, now()),
        readFacets(db, userId),
        loadCatalogue(),
      ])
      return renderPage(
        c,
        { title: 'Workflows', section: 'workflows' },
        <ListView
          {...{ page, facets, listQuery, publicUrl: config.publicUrl, time: viewer.time }}
          nameOf={(type) => catalogue.credentialType(type)?.displayName ?? type}
          nodeNameOf={(type) => catalogue.nodeType(type)?.displayName ?? type}
        />,
      )
    })
    .route('/', newPages(deps))
    .route('/', changePages(deps))
    .route('/', versionPages(deps))
    .route('/', detailPages(deps))
}
