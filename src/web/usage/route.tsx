/** @module `/account/usage`: what the account uses of its quotas. */
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { renderPage } from '../layout/page.tsx'
import { UsageView } from './view.tsx'

const account = { label: 'Account', href: '/account' }

export const usagePages = ({ usage }: Pick<DashboardDeps, 'usage'>) =>
  new Hono<DashboardEnv>().get('/', async (c) =>
    renderPage(
      c,
      { title: 'Usage', section: 'more', crumbs: [account] },
      <UsageView usage={await usage.of(c.var.userId)} />,
    ),
  )
