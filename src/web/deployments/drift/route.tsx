/** @module `/deployments/:id/drift`: shows how n8n differs, and adopts its content as a new version. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { AppError, requireFound } from '../../../errors.ts'
import { act } from '../../links/outcome.ts'
import { deploymentContext, type DeploymentPageDeps, idOf } from '../page-context.ts'
import { compare } from './compare.ts'
import { DriftPage } from './view.tsx'

export function deploymentDriftPage(deps: DeploymentPageDeps) {
  const { drift } = deps
  const { read, render } = deploymentContext(deps)
  return new Hono<DashboardEnv>()
    .get('/:id/drift', async (c) => {
      const id = idOf(c)
      const reading = read(c)
      const comparing = compare(deps, c.var.userId, id, reading).catch((error: unknown) => {
        if (error instanceof AppError && error.code !== 'not-found') return error
        throw error
      })
      const [found, comparison] = await Promise.all([reading, comparing])
      return render(
        c,
        found,
        'Drift',
        <DriftPage {...found} comparison={requireFound(comparison, 'Deployment')} time={c.var.viewer.time} />,
      )
    })
    .post('/:id/adopt', async (c) => {
      const id = idOf(c)
      return act(c, `/deployments/${id}/drift`, async () => {
        const { version, live, ambiguousTypes, lostVariables } = requireFound(
          await drift.adopt(c.var.userId, id),
          'Deployment',
        )
        const several =
          ambiguousTypes.length > 0
            ? ` Nodes use different credentials for ${ambiguousTypes.join(', ')}. Each node's binding is preserved.`
            : ''
        const lost = lostVariables.map(({ node, name }) => `$vars.${name} in ${node}`)
        const values =
          lost.length > 0 ? ` Edited in n8n, so no longer read from variables: ${lost.join(', ')}.` : ''
        const notes = several + values
        return live
          ? {
              kind: 'ok',
              text: `The workflow in n8n is saved as v${version}, which is now the deployed version.${notes}`,
              path: `/deployments/${id}`,
            }
          : {
              kind: 'wait',
              text: `The draft in n8n is saved as v${version}. n8n runs the previous version until you deploy v${version}.${notes}`,
            }
      })
    })
}
