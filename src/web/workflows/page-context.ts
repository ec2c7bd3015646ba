/** @module What the pages of workflows use, and how they find the one that a path names. */
import type { Context } from 'hono'
import { AppError } from '../../errors.ts'
import { type Workflow, WorkflowId } from '../../workflows/contract.ts'
import { type BoardRow, readBoard } from '../../deployments/list-queries.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { type DayRuns, readDay } from '../../workflows/detail-queries.ts'

export type WorkflowPageDeps = Pick<
  DashboardDeps,
  'config' | 'db' | 'now' | 'fingerprint' | 'workflows' | 'requirements' | 'executions' | 'analytics'
>

export interface FoundWorkflow {
  workflow: Workflow
  /** Its deployments, worst first. */
  board: readonly BoardRow[]
  today: DayRuns
}

export const listCrumb = { label: 'Workflows', href: '/workflows' }

export const crumbsOf = ({ id, name }: Pick<Workflow, 'id' | 'name'>) => [
  listCrumb,
  { label: name, href: `/workflows/${id}` },
]

/** @throws {AppError} `not-found`, the same for a row that is missing and for another user's */
export function present<T>(value: T | null | undefined, what = 'workflow'): T {
  if (value === null || value === undefined) throw new AppError('not-found', `No such ${what}`)
  return value
}

/** @throws {AppError} `not-found` for what is no id of ours */
export function idOf(c: Context<DashboardEnv>): string {
  return present(WorkflowId.safeParse({ id: c.req.param('id') }).data).id
}

/** A version number as it stands in a path; null for anything else. */
export const versionNumber = (text: string | undefined): number | null =>
  text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null

/** @throws {AppError} `not-found` */
export async function findWorkflow(
  { workflows, db, now }: WorkflowPageDeps,
  c: Context<DashboardEnv>,
): Promise<FoundWorkflow> {
  const id = idOf(c)
  const { userId } = c.var
  const [workflow, board, today] = await Promise.all([
    workflows.find(userId, id),
    readBoard(db, userId, now(), { workflowId: id }, null),
    readDay(db, userId, id, now()),
  ])
  return { workflow: present(workflow), board: board.rows, today }
}
