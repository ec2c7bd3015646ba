import { Hono } from 'hono'
import * as z from 'zod'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { downloadTable, tableMediaTypes } from '../http/table-stream.ts'
import { valid } from '../http/validate.ts'
import {
  AuditEvent,
  AuditEventExportQuery,
  AuditEventList,
  AuditEventQuery,
  type AuditEventRepository,
} from './audit-events.ts'

const columns: Record<string, (event: AuditEvent) => unknown> = {
  at: ({ at }) => at,
  action: ({ action }) => action,
  subjectId: ({ subjectId }) => subjectId,
  details: ({ details }) => details,
  id: ({ id }) => id,
}

/** Mounted behind `requireUser`. */
export function auditRoutes(auditEvents: AuditEventRepository, onFailure?: (error: unknown) => void) {
  const tag = 'Audit'
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        tag,
        summary: 'List what was done to the account and its things',
        description: 'Newest first; kept for 400 days.',
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
        tag,
        summary: 'Export the audit trail',
        description:
          'All that the filter chooses, newest first. A body that is broken off midway is not whole.',
        responses: { 200: z.array(AuditEvent) },
        mediaTypes: tableMediaTypes,
        errors: ['invalid'],
      }),
      valid('query', AuditEventExportQuery),
      async (c) => {
        const { format = 'csv', ...filter } = c.req.valid('query')
        const pages = auditEvents.pages(c.var.userId, filter)
        return downloadTable({
          format,
          name: 'audit-events',
          columns,
          pages,
          ...(onFailure && { onFailure }),
        })
      },
    )
}
