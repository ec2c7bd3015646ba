import { type Context, Hono } from 'hono'
import type { Deployment } from '../../deployments/contract.ts'
import { DeploymentId, Rollback } from '../../deployments/contract.ts'
import { AppError } from '../../errors.ts'
import { failedStatuses } from '../../executions/run-meaning.ts'
import { last24Hours } from '../../lib/time.ts'
import { renderPage } from '../layout/page.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { readForm } from '../form-data.ts'
import { compare } from './drift/compare.ts'
import { DeletePage, OverwritePage, RollbackPage, UndeployPage } from './confirm/view.tsx'
import { DetailPage } from './detail/view.tsx'
import { DriftPage } from './drift/view.tsx'
import { readBoardQuery } from './list/filter.ts'
import { BoardPage } from './list/view.tsx'
import { act, outcomeOf } from '../links/outcome.ts'
import { planPages } from './plan/route.tsx'
import { countBoard, readBoard, readOptions } from './read-board.ts'
import { type DeploymentDetail, readDetail } from './read-detail.ts'

const failingLimit = 6
const list = { label: 'Deployments', href: '/deployments' }

const missing = () => new AppError('not-found', 'No such deployment')

/** @throws {AppError} `not-found`, the same for a row that is missing and for another user's */
function present<T>(value: T | null): T {
  if (value === null) throw missing()
  return value
}

function idOf(c: Context<DashboardEnv>): string {
  const { data } = DeploymentId.safeParse({ id: c.req.param('id') })
  if (!data) throw missing()
  return data.id
}

const nameOf = ({ surroundings }: DeploymentDetail) =>
  `${surroundings.workflowName} on ${surroundings.instanceName}`

export function deploymentPages(deps: DashboardDeps) {
  const { db, now, deployments, deployer, drift, workflows, analytics, executions } = deps

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

  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { filter, query, after, ignored } = readBoardQuery(new URL(c.req.url).searchParams)
      const [board, counts, options] = await Promise.all([
        readBoard(db, userId, now(), filter, after),
        countBoard(db, userId, now(), filter),
        readOptions(db, userId),
      ])
      return renderPage(
        c,
        { title: 'Deployments', section: 'deployments' },
        <BoardPage
          {...{ board, counts, filter, query, ignored }}
          isFirstPage={after === null}
          workflow={options.workflows.find(({ id }) => id === filter.workflowId)?.name ?? null}
          instances={options.instances}
          time={viewer.time}
        />,
      )
    })
    .route('/', planPages(deps))
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const id = idOf(c)
      const page = { limit: failingLimit, after: null }
      const [found, summary, { items: failing }] = await Promise.all([
        read(c),
        analytics.summary(userId, { deploymentId: id, ...last24Hours(now()) }),
        executions.list(userId, { deploymentId: id, statuses: failedStatuses }, page),
      ])
      return render(c, found, null, <DetailPage {...found} {...{ summary, failing }} time={viewer.time} />)
    })
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
    .get('/:id/rollback', async (c) => {
      const found = await read(c)
      const { deployment, detail } = found
      const version = Number(c.req.query('version'))
      if (!detail.history.some((entry) => entry.version === version)) throw missing()
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
      return lifecycle(c, (userId, id) => deployer.rollback(userId, id, data?.version ?? 0))
    })
    .post('/:id/activate', (c) => lifecycle(c, (userId, id) => deployer.publish(userId, id, 'activate')))
    .post('/:id/deactivate', (c) => lifecycle(c, (userId, id) => deployer.publish(userId, id, 'deactivate')))
    .post('/:id/retry', (c) => lifecycle(c, (userId, id) => deployer.retry(userId, id)))
    .get('/:id/overwrite', async (c) => {
      const found = await read(c)
      const { n8nWorkflowId, status } = found.deployment
      if (n8nWorkflowId === null || status === 'undeployed') throw missing()
      return render(c, found, 'Re-apply', <OverwritePage {...found} />)
    })
    .post('/:id/overwrite', (c) => lifecycle(c, (userId, id) => drift.overwrite(userId, id)))
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
    .get('/:id/undeploy', async (c) => {
      const found = await read(c)
      if (!found.deployment.managed || found.deployment.status === 'undeployed') throw missing()
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
        const wrong = { typed, text: `That is not the name. Type ${workflowName}` }
        return render(c, found, 'Delete', <DeletePage {...found} wrong={wrong} />, 422)
      }
      return act(c, `/deployments/${found.deployment.id}`, async () => {
        if (!(await deployer.remove(c.var.userId, found.deployment.id, { force: false }))) throw missing()
        return {
          kind: 'ok',
          text: `${nameOf(found.detail)} is forgotten. Its recorded runs stay.`,
          path: '/deployments',
        }
      })
    })
}
