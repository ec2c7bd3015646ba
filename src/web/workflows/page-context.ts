/** @module Dependencies of the workflow pages, and the lookup of the workflow in the path. */
import { IdParam } from '../../lib/scalars.ts'
import type { Context } from 'hono'
import { requireFound } from '../../errors.ts'
import { type Workflow } from '../../workflows/contract.ts'
import { type DeploymentListRow, readDeploymentList } from '../../deployments/list-queries.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { type DayRuns, readDay } from '../../workflows/detail-queries.ts'

export type WorkflowPageDeps = Pick<
  DashboardDeps,
  | 'checks'
  | 'config'
  | 'db'
  | 'now'
  | 'fingerprint'
  | 'workflows'
  | 'requirements'
  | 'executions'
  | 'runValues'
  | 'analytics'
  | 'instances'
  | 'testRuns'
  | 'testRepository'
>

export interface FoundWorkflow {
  workflow: Workflow
  /** Its deployments, worst first. */
  deployments: DeploymentListRow[]
  /** It has more deployments. */
  isCut: boolean
  today: DayRuns
}

export const listCrumb = { label: 'Workflows', href: '/workflows' }

export const crumbsOf = ({ id, name }: Pick<Workflow, 'id' | 'name'>) => [
  listCrumb,
  { label: name, href: `/workflows/${id}` },
]

/** @throws {AppError} `not-found` if the path has no valid ID */
export function idOf(c: Context<DashboardEnv>): string {
  return requireFound(IdParam.safeParse({ id: c.req.param('id') }).data, 'Workflow').id
}

/** Parses a version number in a path. Null for anything else. */
export const versionNumber = (text: string | undefined): number | null =>
  text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null

/** @throws {AppError} `not-found` */
export async function findWorkflow(
  { workflows, db, now }: WorkflowPageDeps,
  c: Context<DashboardEnv>,
): Promise<FoundWorkflow> {
  const id = idOf(c)
  const { userId } = c.var
  const [workflow, { rows: deployments, nextCursor }, today] = await Promise.all([
    workflows.find(userId, id),
    readDeploymentList(db, userId, now(), { workflowId: id }, null),
    readDay(db, userId, id, now()),
  ])
  return {
    workflow: requireFound(workflow, 'Workflow'),
    deployments,
    isCut: nextCursor !== null,
    today,
  }
}
