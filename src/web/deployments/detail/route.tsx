/** @module `/deployments/:id`: one deployment, and the actions that need no confirmation page. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { failedStatuses } from '../../../runs/meaning.ts'
import { last24Hours } from '../../../lib/time.ts'
import { deploymentContext, type DeploymentPageDeps, idOf } from '../page-context.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { DetailPage } from './view.tsx'

const failingLimit = 6

export function deploymentDetailPage(deps: DeploymentPageDeps) {
  const { now, deployer, analytics, executions } = deps
  const { read, render, lifecycle } = deploymentContext(deps)
  return new Hono<DashboardEnv>()
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const id = idOf(c)
      const page = { limit: failingLimit, after: null }
      const [found, summary, { items: failing }, catalogue] = await Promise.all([
        read(c),
        analytics.summary(userId, { deploymentId: id, ...last24Hours(now()) }),
        executions.list(userId, { deploymentId: id, statuses: failedStatuses }, page),
        loadCatalogue(),
      ])
      return render(
        c,
        found,
        null,
        <DetailPage
          {...found}
          summary={summary}
          failing={failing}
          catalogue={catalogue}
          time={viewer.time}
        />,
      )
    })
    .post('/:id/activate', (c) => lifecycle(c, (userId, id) => deployer.publish(userId, id, 'activate')))
    .post('/:id/deactivate', (c) => lifecycle(c, (userId, id) => deployer.publish(userId, id, 'deactivate')))
    .post('/:id/retry', (c) => lifecycle(c, (userId, id) => deployer.retry(userId, id)))
}
