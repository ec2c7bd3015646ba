/** @module `/audit`: the audit trail as pages and as a CSV export. */
import { Hono } from 'hono'
import { downloadTable } from '../../http/table-stream.ts'
import type { AuditEvent } from '../../users/audit-events.ts'
import { renderPage } from '../layout/page.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { filterOf, readAuditQuery } from './filter.ts'
import { readSubjects } from '../../users/audit-queries.ts'
import { Trail } from './view.tsx'
import { labelOf } from './labels.ts'

const pageSize = 50

const columns: Record<string, (event: AuditEvent) => unknown> = {
  at: ({ at }) => at,
  action: ({ action }) => action,
  what: (event) => labelOf(event).text,
  subjectId: ({ subjectId }) => subjectId,
  details: ({ details }) => details,
  id: ({ id }) => id,
}

export function auditPages({
  auditEvents,
  db,
  now,
  exporting,
}: Pick<DashboardDeps, 'auditEvents' | 'db' | 'now' | 'exporting'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, user, viewer } = c.var
      const params = new URL(c.req.url).searchParams
      const query = readAuditQuery(params)
      const page = { limit: pageSize, after: query.after }
      const { items: events, nextCursor } = await auditEvents.list(userId, filterOf(query, now()), page)
      const ids = events.flatMap(({ subjectId }) => (subjectId === null ? [] : [subjectId]))
      const names = await readSubjects(db, userId, ids)
      return renderPage(
        c,
        { title: 'Audit trail', section: 'audit' },
        <Trail
          events={events}
          nextCursor={nextCursor}
          names={names}
          query={query}
          params={params}
          owner={user.name ?? user.email}
          time={viewer.time}
        />,
      )
    })
    .get('/export.csv', (c) => {
      const query = readAuditQuery(new URL(c.req.url).searchParams)
      return downloadTable({
        format: 'csv',
        name: 'audit-trail',
        columns,
        pages: auditEvents.pages(c.var.userId, filterOf(query, now())),
        onFailure: exporting.onFailure,
      })
    })
}
