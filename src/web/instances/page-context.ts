import { IdParam } from '../../lib/scalars.ts'
import type { Context } from 'hono'
import { notFound } from '../../errors.ts'
import { type Instance } from '../../instances/contract.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'

/** @throws {AppError} `not-found` if the path has no valid ID */
export function idOf(c: Context<DashboardEnv>): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound('Instance')
  return data.id
}

/**
 * The instance in the path.
 * @throws {AppError} `not-found` if the row does not exist or belongs to another user
 */
export async function instanceOf(
  c: Context<DashboardEnv>,
  { instances }: Pick<DashboardDeps, 'instances'>,
): Promise<Instance> {
  const instance = await instances.find(c.var.userId, idOf(c))
  if (!instance) throw notFound('Instance')
  return instance
}

export const section = 'instances' as const
export const listCrumb = { label: 'Instances', href: '/instances' }
export const crumbsOf = ({ id, name }: Instance) => [listCrumb, { label: name, href: `/instances/${id}` }]
