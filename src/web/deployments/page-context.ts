/** @module What the pages of one deployment share: reading it, the page around it, and acting on it. */
import type { Context } from 'hono'
import type { Deployment } from '../../deployments/contract.ts'
import { DeploymentId } from '../../deployments/contract.ts'
import { type DeploymentDetail, readDetail } from '../../deployments/detail-queries.ts'
import { AppError } from '../../errors.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { renderPage } from '../layout/page.tsx'
import { act, outcomeOf } from '../links/outcome.ts'

export type DeploymentPageDeps = DashboardDeps

const list = { label: 'Deployments', href: '/deployments' }

export const notFound = () => new AppError('not-found', 'No such deployment')

/** @throws {AppError} `not-found`, the same for a row that is missing and for another user's */
export function present<T>(value: T | null): T {
  if (value === null) throw notFound()
  return value
}

/** @throws {AppError} `not-found` */
export function idOf(c: Context<DashboardEnv>): string {
  const { data } = DeploymentId.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound()
  return data.id
}

export const nameOf = ({ surroundings }: DeploymentDetail) =>
  `${surroundings.workflowName} on ${surroundings.instanceName}`

export function deploymentContext({ db, deployments }: Pick<DeploymentPageDeps, 'db' | 'deployments'>) {
  async function read(
    c: Context<DashboardEnv>,
  ): Promise<{ deployment: Deployment; detail: DeploymentDetail }> {
    const id = idOf(c)
    const { userId } = c.var
    const [deployment, detail] = await Promise.all([deployments.find(userId, id), readDetail(db, userId, id)])
    return { deployment: present(deployment), detail: present(detail) }
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

  /** Something that ends as a deployment: on to its page, which says how it came out. */
  async function lifecycle(
    c: Context<DashboardEnv>,
    work: (userId: string, id: string) => Promise<Deployment | null>,
  ): Promise<Response> {
    const id = idOf(c)
    return act(c, `/deployments/${id}`, async () => {
      const deployment = present(await work(c.var.userId, id))
      const detail = present(await readDetail(db, c.var.userId, id))
      return outcomeOf(deployment, nameOf(detail))
    })
  }

  return { read, render, lifecycle }
}
