/** @module Confirmation pages and the actions behind them: roll back, overwrite, undeploy, delete. */
import { notFound } from '../../../errors.ts'
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { Rollback } from '../../../deployments/contract.ts'
import { act } from '../../links/outcome.ts'
import { readForm } from '../../form-data.ts'
import { deploymentContext, type DeploymentPageDeps, nameOf } from '../page-context.ts'
import { DeletePage, OverwritePage, RollbackPage, UndeployPage } from './view.tsx'

export function deploymentConfirmPages(deps: DeploymentPageDeps) {
  const { deployer, drift, workflows } = deps
  const { read, render, lifecycle } = deploymentContext(deps)
  return new Hono<DashboardEnv>()
    .get('/:id/rollback', async (c) => {
      const found = await read(c)
      const { deployment, detail } = found
      const version = Number(c.req.query('version'))
      if (!detail.history.some((entry) => entry.version === version)) throw notFound('Deployment')
      const diff = await workflows.diff(c.var.userId, deployment.workflowId, deployment.version, version)
      return render(
        c,
        found,
        `Roll back to v${version}`,
        <RollbackPage {...found} version={version} diff={diff} />,
      )
    })
    .post('/:id/rollback', async (c) => {
      const form = await readForm(c)
      const { data } = Rollback.safeParse({ version: Number(form.get('version')) })
      return lifecycle(c, (userId, id) => deployer.rollback(userId, id, data?.version ?? 0), data?.version)
    })
    .get('/:id/overwrite', async (c) => {
      const found = await read(c)
      const { n8nWorkflowId, status } = found.deployment
      if (n8nWorkflowId === null || status === 'undeployed') throw notFound('Deployment')
      return render(c, found, 'Re-apply', <OverwritePage {...found} />)
    })
    .post('/:id/overwrite', (c) => lifecycle(c, (userId, id) => drift.overwrite(userId, id)))
    .get('/:id/undeploy', async (c) => {
      const found = await read(c)
      if (!found.deployment.managed || found.deployment.status === 'undeployed') throw notFound('Deployment')
      return render(c, found, 'Undeploy', <UndeployPage {...found} />)
    })
    .post('/:id/undeploy', (c) => lifecycle(c, (userId, id) => deployer.undeploy(userId, id)))
    .get('/:id/delete', async (c) => {
      const found = await read(c)
      return render(c, found, 'Delete', <DeletePage {...found} />)
    })
    .post('/:id/delete', async (c) => {
      const form = await readForm(c)
      const found = await read(c)
      const { workflowName } = found.detail.surroundings
      const typed = form.get('name') ?? ''
      if (typed.trim() !== workflowName.trim()) {
        const rejected = { typed, text: `The name does not match. Type ${workflowName} to confirm.` }
        return render(c, found, 'Delete', <DeletePage {...found} rejected={rejected} />, 422)
      }
      return act(c, `/deployments/${found.deployment.id}`, async () => {
        if (!(await deployer.remove(c.var.userId, found.deployment.id, { force: false })))
          throw notFound('Deployment')
        return {
          kind: 'ok',
          text: `${nameOf(found.detail)} was removed from Flowkeep. Its recorded runs are not deleted.`,
          path: '/deployments',
        }
      })
    })
}
