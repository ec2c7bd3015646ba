/**
 * @module Moves stored secrets to the active key while everything runs. The rows are the only state: any number of
 * sweeps may run at once, and one that was killed is run again.
 */
import { and, asc, eq, gt, ne, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { SealedBox, SecretBox, SecretContext } from '../crypto/secret-box.ts'
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { credentials } from './schema/credentials.ts'
import { instances } from './schema/instances.ts'

/** A read of 64 KB secrets, sealed, stays under the 10 MB that Neon answers with. */
const rowsPerPage = 50

export const sealedTables = ['credentials', 'instances'] as const
export type SealedTable = (typeof sealedTables)[number]

export interface PageResult {
  /** Where the next page starts; null when this was the last. */
  cursor: string | null
  rewrapped: number
  /** Rows that someone else wrote meanwhile; nothing to do unless that was under an old key. */
  overtaken: number
  /** Rows that do not open: they stay as they are. */
  failed: { id: string; code: string }[]
}

interface SealedRow {
  id: string
  context: SecretContext
  sealed: SealedBox
}

/** Rewraps the next page of rows that another key than the active one wraps. `after`: null to start. */
export async function rewrapPage(
  db: Db,
  secretBox: SecretBox,
  table: SealedTable,
  after: string | null,
): Promise<PageResult> {
  const rows = await stale[table](db, secretBox.activeKeyId, after)
  const failed: PageResult['failed'] = []
  const writes: BatchItem<'pg'>[] = []
  // One after the other, as they come: sweeps that lock rows in the same order cannot deadlock.
  for (const { id, context, sealed } of rows) {
    try {
      writes.push(replace[table](db, id, sealed, await secretBox.rewrap(context, sealed)))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      failed.push({ id, code: error.code })
    }
  }
  const results = writes.length === 0 ? [] : await db.batch(writes as [BatchItem<'pg'>, ...BatchItem<'pg'>[]])
  const rewrapped = results.filter((result) => (result as unknown[]).length > 0).length
  const cursor = rows.length < rowsPerPage ? null : (rows.at(-1)?.id ?? null)
  return { cursor, rewrapped, overtaken: writes.length - rewrapped, failed }
}

/** Rows by key id, over all tables; the active key is left out. */
export async function rowsLeft(db: Db, activeKeyId: string): Promise<Map<string, number>> {
  const { rows } = await db.execute<{ key_id: string; count: number }>(sql`
    select key_id, count(*)::integer as count from (
      select key_id from credentials where key_id <> ${activeKeyId}
      union all
      select key_id from instances where key_id <> ${activeKeyId}
    ) stale group by key_id order by key_id`)
  return new Map(rows.map((row) => [row.key_id, row.count]))
}

const stale: Record<
  SealedTable,
  (db: Db, activeKeyId: string, after: string | null) => Promise<SealedRow[]>
> = {
  async credentials(db, activeKeyId, after) {
    const { id, userId, type, data } = credentials
    const rows = await db
      .select({ id, userId, type, sealed: data })
      .from(credentials)
      .where(and(ne(credentials.keyId, activeKeyId), after === null ? undefined : gt(id, after)))
      .orderBy(asc(id))
      .limit(rowsPerPage)
    return rows.map(({ id: rowId, userId, type, sealed }) => ({
      id: rowId,
      context: { purpose: 'n8n-credential', userId, rowId, type },
      sealed,
    }))
  },
  async instances(db, activeKeyId, after) {
    const { id, userId, baseUrl, apiKey } = instances
    const rows = await db
      .select({ id, userId, baseUrl, sealed: apiKey })
      .from(instances)
      .where(and(ne(instances.keyId, activeKeyId), after === null ? undefined : gt(id, after)))
      .orderBy(asc(id))
      .limit(rowsPerPage)
    return rows.map(({ id: rowId, userId, baseUrl, sealed }) => {
      const origin = URL.canParse(baseUrl) ? new URL(baseUrl).origin : ''
      return { id: rowId, context: { purpose: 'n8n-api-key', userId, rowId, type: 'n8nApi', origin }, sealed }
    })
  },
}

/** Compare and swap: a row that its owner has written since is left alone. The version stays. */
const replace: Record<
  SealedTable,
  (db: Db, id: string, old: SealedBox, fresh: SealedBox) => BatchItem<'pg'>
> = {
  credentials: (db, id, old, fresh) =>
    db
      .update(credentials)
      .set({ data: fresh })
      .where(and(eq(credentials.id, id), same(credentials.data, old)))
      .returning({ id: credentials.id }),
  instances: (db, id, old, fresh) =>
    db
      .update(instances)
      .set({ apiKey: fresh })
      .where(and(eq(instances.id, id), same(instances.apiKey, old)))
      .returning({ id: instances.id }),
}

const same = (column: typeof credentials.data | typeof instances.apiKey, old: SealedBox): SQL =>
  sql`${column} = ${JSON.stringify(old)}::jsonb`
