/** @module `/deployments`. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { countDeploymentStates, readDeploymentList, readOptions } from '../../../deployments/list-queries.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DeploymentPageDeps } from '../page-context.ts'
import { readListQuery } from './filter.ts'
import { ListPage } from './view.tsx'

export function deploymentListPage({ db, now }: Pick<DeploymentPageDeps, 'db' | 'now'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const { userId, viewer } = c.var
    const { filter, query, after, ignored } = readListQuery(new URL(c.req.url).searchParams)
    const [list, counts, options] = await Promise.all([
      readDeploymentList(db, userId, now(), filter, after),
      countDeploymentStates(db, userId, now(), filter),
      readOptions(db, userId, filter),
    ])
    return renderPage(
      c,
      { title: 'Deployments', section: 'deployments' },
      <ListPage
        list={list}
        counts={counts}
        filter={filter}
        query={query}
        ignored={ignored}
        isFirstPage={after === null}
        workflow={options.workflows.items.find(({ id }) => id === filter.workflowId)?.name ?? null}
        instances={options.instances}
        time={viewer.time}
      />,
    )
  })
}
