/** @module `/deployments/:id/drift`: what differs in n8n, and adopting it as a version. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { AppError } from '../../../errors.ts'
import { act } from '../../links/outcome.ts'
import { deploymentContext, type DeploymentPageDeps, idOf, present } from '../page-context.ts'
import { compare } from './compare.ts'
import { DriftPage } from './view.tsx'

export function deploymentDriftPage(deps: DeploymentPageDeps) {
  const { drift } = deps
  const { read, render } = deploymentContext(deps)
  return new Hono<DashboardEnv>()
    .get('/:id/drift', async (c) => {
      const found = await read(c)
      const comparison = await compare(deps, c.var.userId, found.deployment, found.detail).catch(
        (error: unknown) => {
          if (error instanceof AppError && error.code !== 'not-found') return error
          throw error
        },
      )
      return render(
        c,
        found,
        'Drift',
        <DriftPage {...found} comparison={present(comparison)} time={c.var.viewer.time} />,
      )
    })
    .post('/:id/adopt', async (c) => {
      const id = idOf(c)
      return act(c, `/deployments/${id}/drift`, async () => {
        const { version, live, ambiguousTypes } = present(await drift.adopt(c.var.userId, id))
        const several =
          ambiguousTypes.length > 0
            ? ` Nodes use several credentials of ${ambiguousTypes.join(', ')}: each node keeps its own.`
            : ''
        return live
          ? {
              kind: 'ok',
              text: `What n8n has is v${version} now, and recorded as deployed.${several}`,
              path: `/deployments/${id}`,
            }
          : {
              kind: 'wait',
              text: `The draft is kept as v${version}. n8n runs the version before until that is deployed.${several}`,
            }
      })
    })
}
