import type { Context } from 'hono'
import { AppError } from '../../errors.ts'
import { type Instance, InstanceId } from '../../instances/contract.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'

/**
 * The instance that the path names.
 * @throws {AppError} `not-found`, the same for a row that is missing and for another user's
 */
export async function instanceOf(
  c: Context<DashboardEnv>,
  { instances }: Pick<DashboardDeps, 'instances'>,
): Promise<Instance> {
  const { data } = InstanceId.safeParse({ id: c.req.param('id') })
  const instance = data ? await instances.find(c.var.userId, data.id) : null
  if (!instance) throw notFound()
  return instance
}

export const notFound = () => new AppError('not-found', 'No such instance')

export const section = 'instances' as const
export const listCrumb = { label: 'Instances', href: '/instances' }
export const crumbsOf = ({ id, name }: Instance) => [listCrumb, { label: name, href: `/instances/${id}` }]
