/** @module Shared by the pages of one deployment: reading it, rendering a page, running an action. */
import { IdParam } from '../../lib/scalars.ts'
import type { Context } from 'hono'
import type { Deployment } from '../../deployments/contract.ts'
import { type DeploymentDetail, readDetail } from '../../deployments/detail-queries.ts'
import { AppError, notFound, requireFound } from '../../errors.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { renderPage } from '../layout/page.tsx'
import { act, outcomeOf, reasonOf } from '../links/outcome.ts'
import { planPath } from './plan/choices.ts'

export type DeploymentPageDeps = DashboardDeps

const list = { label: 'Deployments', href: '/deployments' }

/** @throws {AppError} `not-found` */
export function idOf(c: Context<DashboardEnv>): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound('Deployment')
  return data.id
}

export const nameOf = ({ surroundings }: DeploymentDetail) =>
  `${surroundings.workflowName} on ${surroundings.instanceName}`

export function deploymentContext({
  db,
  deployments,
  now,
}: Pick<DeploymentPageDeps, 'db' | 'deployments' | 'now'>) {
  async function read(
    c: Context<DashboardEnv>,
  ): Promise<{ deployment: Deployment; detail: DeploymentDetail }> {
    const id = idOf(c)
    const { userId } = c.var
    const [deployment, detail] = await Promise.all([
      deployments.find(userId, id),
      readDetail(db, userId, id, now()),
    ])
    return { deployment: requireFound(deployment, 'Deployment'), detail: requireFound(detail, 'Deployment') }
  }

  const render = (
    c: Context<DashboardEnv>,
    { deployment, detail }: Awaited<ReturnType<typeof read>>,
    title: string | null,
    content: Parameters<typeof renderPage>[2],
    status: 200 | 409 | 422 = 200,
  ) =>
    renderPage(
      c,
      {
        title: title ?? nameOf(detail),
        section: 'deployments',
        crumbs:
          title === null ? [list] : [list, { label: nameOf(detail), href: `/deployments/${deployment.id}` }],
        status,
      },
      content,
    )

  /**
   * Runs an action that returns a deployment, then redirects to its page with the outcome. If problems block it, redirects
   * to the plan, which lists them.
   * @param version that the action deploys; default: the deployed one
   */
  async function lifecycle(
    c: Context<DashboardEnv>,
    work: (userId: string, id: string) => Promise<Deployment | null>,
    version?: number,
  ): Promise<Response> {
    const id = idOf(c)
    const { userId } = c.var
    return act(c, `/deployments/${id}`, async () => {
      try {
        const deployment = requireFound(await work(userId, id), 'Deployment')
        const detail = requireFound(await readDetail(db, userId, id, now()), 'Deployment')
        return outcomeOf(deployment, nameOf(detail))
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'deployment-blocked') throw error
        const found = requireFound(await deployments.find(userId, id), 'Deployment')
        const { workflowId, instanceId } = found
        const path = planPath({ workflowId, instanceId, version: version ?? found.version })
        return { kind: 'fail', text: reasonOf(error), path }
      }
    })
  }

  return { read, render, lifecycle }
}
