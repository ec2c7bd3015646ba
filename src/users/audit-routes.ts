import { Hono } from 'hono'
import * as z from 'zod'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { downloadTable, type TableColumns, tableMediaTypes } from '../http/table-stream.ts'
import { valid } from '../http/validate.ts'
import {
  AuditEventExportQuery,
  AuditEventList,
  AuditEventQuery,
  type AuditEventRepository,
  auditNameColumns,
  ExportedAuditEvent,
  type NamedAuditEvent,
  withoutNames,
} from './audit-events.ts'

const columns: TableColumns<NamedAuditEvent> = {
  at: ({ at }) => at,
  action: ({ action }) => action,
  subjectId: ({ subjectId }) => subjectId,
  details: ({ details }) => details,
  id: ({ id }) => id,
  ...auditNameColumns,
}

interface Exporting {
  audit: (userId: string, action: 'audit.exported', details: Record<string, unknown>) => Promise<void>
  onFailure: (error: unknown) => void
}

/** Requires `requireUser`. */
export function auditRoutes(auditEvents: AuditEventRepository, { audit, onFailure }: Exporting) {
  const tag = 'Audit events'
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'listAuditEvents',
        tag,
        summary: 'List audit events',
        description: 'Newest first. Events are stored for 400 days.',
        responses: { 200: AuditEventList },
        errors: ['invalid'],
      }),
      valid('query', AuditEventQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await auditEvents.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/export',
      describe({
        operationId: 'exportAuditEvents',
        tag,
        summary: 'Export audit events',
        description:
          'Returns all events that match the filters, newest first. If the export fails ' +
          'midway, the connection is aborted, so an incomplete download never looks complete. CSV also contains the current names of the ' +
          'subject, workflow and instance, the version and the access token. JSON and NDJSON contain what is needed to verify the hashes: see docs/audit.md.',
        responses: { 200: z.array(ExportedAuditEvent) },
        mediaTypes: tableMediaTypes,
        errors: ['invalid'],
      }),
      valid('query', AuditEventExportQuery),
      async (c) => {
        const { format = 'csv', ...filter } = c.req.valid('query')
        await audit(c.var.userId, 'audit.exported', { format, ...filter })
        const pages = auditEvents.pages(c.var.userId, filter)
        return downloadTable({
          format,
          name: 'audit-events',
          columns,
          toObject: withoutNames,
          pages,
          onFailure,
        })
      },
    )
}
