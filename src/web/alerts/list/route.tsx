/** @module `/alerts`: rules, open incidents, channels and recent messages. */
import { Hono } from 'hono'
import { isUuid } from '../../../lib/scalars.ts'
import { noLimit } from '../../components/period.ts'
import type { DashboardEnv } from '../../context.ts'
import { renderPage } from '../../layout/page.tsx'
import { readParameters } from '../../links/parameters.ts'
import { type AlertPageDeps, section } from '../page-context.ts'
import { ListPage } from './view.tsx'

const shown = 20

export function alertListPage({ alerts, now }: AlertPageDeps) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const { userId, viewer } = c.var
    const { query, ignored } = readParameters(new URL(c.req.url).searchParams, { workflow: isUuid })
    const workflowId = query.workflow
    const all = { limit: noLimit, after: null }
    const first = { limit: shown, after: null }
    const [rules, channels, incidents, deliveries] = await Promise.all([
      alerts.listRules(userId, { workflowId }, all),
      alerts.listChannels(userId, all),
      alerts.listIncidents(userId, { workflowId, state: 'open' }, first),
      alerts.listDeliveries(userId, {}, first),
    ])
    return renderPage(
      c,
      { title: 'Alerts', section },
      <ListPage
        rules={rules.items}
        channels={channels.items}
        incidents={incidents}
        deliveries={deliveries}
        workflowId={workflowId ?? null}
        ignored={ignored}
        now={now()}
        time={viewer.time}
      />,
    )
  })
}
