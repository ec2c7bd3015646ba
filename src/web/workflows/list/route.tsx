/** @module `/workflows`: the workflow list. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { readFacets, readWorkflowList } from '../../../workflows/list-queries.ts'
import { renderPage } from '../../layout/page.tsx'
import type { WorkflowPageDeps } from '../page-context.ts'
import { readListQuery } from './filter.ts'
import { ListView } from './view.tsx'

export function workflowListPage({ db, now, config }: Pick<WorkflowPageDeps, 'db' | 'now' | 'config'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
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
        page={page}
        facets={facets}
        listQuery={listQuery}
        publicUrl={config.publicUrl}
        time={viewer.time}
        nameOf={(type) => catalogue.credentialType(type)?.displayName ?? type}
        nodeNameOf={(type) => catalogue.nodeType(type)?.displayName ?? type}
      />,
    )
  })
}
