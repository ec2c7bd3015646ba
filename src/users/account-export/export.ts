/** @module Streams everything that an account owns as objects `{ "kind", "value" }`, page by page. */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Reader } from '../../db/client.ts'
import { downloadTable } from '../../http/table-stream.ts'
import { type AuditEventRepository, withoutNames } from '../audit-events.ts'
import { type ExportedKind, exportedKinds } from './kinds.ts'

export interface ExportedObject {
  kind: string
  value: object
}

export interface AccountExportDeps {
  /** Source of exports; may be a replica. */
  db: Reader
  /** Every execution of the account as the API returns it, page by page. */
  executionsOf: (userId: string) => AsyncIterable<readonly object[]>
  auditEvents: Pick<AuditEventRepository, 'pages'>
  /** Records the export. */
  audit: (userId: string, action: 'user.exported', details: Record<string, unknown>) => Promise<void>
  onFailure: (error: unknown) => void
}

const pageRows = 500
const largeRows = 50
const pageChars = 4_000_000

export async function downloadAccount(
  deps: AccountExportDeps,
  userId: string,
  format: 'ndjson' | 'json' = 'ndjson',
): Promise<Response> {
  await deps.audit(userId, 'user.exported', { format })
  return downloadTable({
    format,
    name: 'flowkeep-account',
    columns: {},
    pages: pagesOf(deps, userId),
    onFailure: deps.onFailure,
  })
}

async function* pagesOf(
  { db, executionsOf, auditEvents }: AccountExportDeps,
  userId: string,
): AsyncGenerator<ExportedObject[], void, undefined> {
  for (const exported of exportedKinds) yield* kindPages(db, exported, userId)
  for await (const page of executionsOf(userId)) yield page.map((value) => ({ kind: 'execution', value }))
  for await (const page of auditEvents.pages(userId, {}))
    yield page.map((event) => ({ kind: 'audit-event', value: withoutNames(event) }))
}

async function* kindPages(
  db: Reader,
  exported: ExportedKind,
  userId: string,
): AsyncGenerator<ExportedObject[], void, undefined> {
  const { kind, table, owner, order, columns } = exported
  const keys = Object.fromEntries(order.map((column, index) => [`key${index}`, column]))
  let after: unknown[] | null = null
  for (;;) {
    const where: SQL | undefined = and(eq(owner, userId), after === null ? undefined : isAfter(order, after))
    const limit = await rowsOfPage(db, exported, where)
    if (limit === 0) return
    const rows: Record<string, unknown>[] = await db
      .select({ ...columns, ...keys })
      .from(table)
      .where(where)
      .orderBy(...order.map((column) => asc(column)))
      .limit(limit)
    yield rows.map((row) => ({
      kind,
      value: Object.fromEntries(Object.keys(columns).map((name) => [name, row[name]])),
    }))
    const last = rows.at(-1)
    if (!last || (rows.length < limit && !exported.large)) return
    after = Object.keys(keys).map((name) => last[name])
  }
}

const isAfter = (order: readonly AnyPgColumn[], values: readonly unknown[]): SQL => {
  const given = values.map((value, index) => sql.param(value, order[index]))
  return sql`(${sql.join([...order], sql`, `)}) > (${sql.join(given, sql`, `)})`
}

/** How many of the next rows fit in one page: of large ones, those with at most `pageChars`, but at least one. */
async function rowsOfPage(
  db: Reader,
  { table, order, large }: ExportedKind,
  where: SQL | undefined,
): Promise<number> {
  if (!large) return pageRows
  const sizes = await db
    .select({ chars: sql<number>`coalesce(length(${large}::text), 0)`.mapWith(Number) })
    .from(table)
    .where(where)
    .orderBy(...order.map((column) => asc(column)))
    .limit(largeRows)
  let total = 0
  const tooMany = sizes.findIndex(({ chars }) => {
    total += chars
    return total > pageChars
  })
  return tooMany === -1 ? sizes.length : Math.max(1, tooMany)
}
