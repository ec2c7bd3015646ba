/** @module `/audit`: the audit trail as pages and as a CSV export. */
import { Hono } from 'hono'
import { downloadTable, type TableColumns } from '../../http/table-stream.ts'
import { auditNameColumns, type NamedAuditEvent, withoutNames } from '../../users/audit-events.ts'
import { renderPage } from '../layout/page.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { filterOf, readAuditQuery } from './filter.ts'
import { Trail } from './view.tsx'
import { labelOf } from './labels.ts'

const pageSize = 50

const columns: TableColumns<NamedAuditEvent> = {
  at: ({ at }) => at,
  action: ({ action }) => action,
  what: (event) => labelOf(event).text,
  subjectId: ({ subjectId }) => subjectId,
  details: ({ details }) => details,
  id: ({ id }) => id,
  ...auditNameColumns,
}

export function auditPages({
  auditEvents,
  now,
  exporting,
}: Pick<DashboardDeps, 'auditEvents' | 'now' | 'exporting'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, user, viewer } = c.var
      const query = readAuditQuery(new URL(c.req.url).searchParams)
      const page = { limit: pageSize, after: query.after }
      const { items: events, nextCursor } = await auditEvents.listNamed(userId, filterOf(query, now()), page)
      return renderPage(
        c,
        { title: 'Audit trail', section: 'audit' },
        <Trail
          events={events}
          nextCursor={nextCursor}
          query={query}
          owner={user.name ?? user.email}
          time={viewer.time}
        />,
      )
    })
    .get('/export.csv', async (c) => {
      const query = readAuditQuery(new URL(c.req.url).searchParams)
      await exporting.audit(c.var.userId, 'audit.exported', {
        format: 'csv',
        ...Object.fromEntries(query.params),
      })
      return downloadTable({
        format: 'csv',
        name: 'audit-trail',
        columns,
        toObject: withoutNames,
        pages: auditEvents.pages(c.var.userId, filterOf(query, now())),
        onFailure: exporting.onFailure,
      })
    })
}
