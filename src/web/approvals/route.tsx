/** @module `/approvals`: requests by access tokens that a person approves or denies. */
import { type Context, Hono } from 'hono'
import { decide } from '../../approvals/decide.ts'
import { AppError, notFound, requireFound } from '../../errors.ts'
import { toPage } from '../../http/page.ts'
import { IdParam } from '../../lib/scalars.ts'
import { ApprovalQuery } from '../../approvals/contract.ts'
import { noLimit } from '../components/period.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { renderPage } from '../layout/page.tsx'
import { redirectWith } from '../notice.ts'
import { ApprovalPage, ListPage } from './view.tsx'

const path = '/approvals'
const section = 'approvals' as const

function idOf(c: Context<DashboardEnv>): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound('Approval')
  return data.id
}

export function approvalPages({ approvals }: Pick<DashboardDeps, 'approvals'>) {
  const decided = (decision: 'approved' | 'denied') => async (c: Context<DashboardEnv>) => {
    const { userId, sessionId } = c.var
    const id = idOf(c)
    if (sessionId === undefined) throw new AppError('unauthenticated', 'Sign in to continue')
    try {
      const { token } = await decide(approvals, userId, id, decision, sessionId)
      const text =
        decision === 'approved'
          ? `Approved. ${token.name} can now make the request once, within an hour.`
          : 'Denied. Nothing was changed.'
      return redirectWith(c, path, text)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'conflict') throw error
      return redirectWith(c, `${path}/${id}`, `${error.message}.`, 'fail')
    }
  }
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const cursor = ApprovalQuery.shape.cursor.safeParse(c.req.query('after')).data
      const [pending, all] = await Promise.all([
        approvals.list(userId, { status: 'pending' }, { limit: noLimit, after: null }),
        approvals.list(userId, {}, toPage({ cursor })),
      ])
      return renderPage(
        c,
        { title: 'Approvals', section },
        <ListPage
          pending={pending.items}
          history={{ ...all, items: all.items.filter(({ status }) => status !== 'pending') }}
          isFirst={cursor === undefined}
          time={viewer.time}
        />,
      )
    })
    .get('/:id', async (c) => {
      const approval = requireFound(await approvals.find(c.var.userId, idOf(c)), 'Approval')
      return renderPage(
        c,
        { title: approval.summary, section, crumbs: [{ label: 'Approvals', href: path }] },
        <ApprovalPage approval={approval} time={c.var.viewer.time} />,
      )
    })
    .post('/:id/approve', decided('approved'))
    .post('/:id/deny', decided('denied'))
}
