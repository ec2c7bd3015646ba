import { IdParam } from '../../lib/scalars.ts'
import type { Context } from 'hono'
import { notFound } from '../../errors.ts'
import { type Instance } from '../../instances/contract.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'

/**
 * The instance in the path.
 * @throws {AppError} `not-found` if the row does not exist or belongs to another user
 */
export async function instanceOf(
  c: Context<DashboardEnv>,
  { instances }: Pick<DashboardDeps, 'instances'>,
): Promise<Instance> {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  const instance = data ? await instances.find(c.var.userId, data.id) : null
  if (!instance) throw notFound('Instance')
  return instance
}

export const section = 'instances' as const
export const listCrumb = { label: 'Instances', href: '/instances' }
export const crumbsOf = ({ id, name }: Instance) => [listCrumb, { label: name, href: `/instances/${id}` }]
