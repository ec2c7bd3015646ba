/**
 * @module Moves stored secrets to the active key without downtime. The rows are the only state: several sweeps can run
 * concurrently, and a sweep that was killed can simply be started again.
 */
import { sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { SecretBox } from '../crypto/secret-box.ts'
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { type SealedColumn, sealedTables } from './sealed-columns.ts'

/** A page of sealed 64 KB secrets stays below Neon's 10 MB response limit. */
const rowsPerPage = 50

export interface PageResult {
  /** Start of the next page; null after the last page. */
  cursor: string | null
  rewrapped: number
  /** Rows that changed during the sweep. They need another sweep only if they were written with an old key. */
  overtaken: number
  /** Rows that could not be decrypted. They stay unchanged. */
  failed: { id: string; code: string }[]
}

/** Rewraps the next page of rows that are wrapped by an inactive key. @param after null for the first page */
export async function rewrapPage(
  db: Db,
  secretBox: SecretBox,
  column: SealedColumn,
  after: string | null,
): Promise<PageResult> {
  const rows = await column.stale(db, secretBox.activeKeyId, after, rowsPerPage)
  const failed: PageResult['failed'] = []
  const writes: BatchItem<'pg'>[] = []
  // In order, because sweeps that lock rows in the same order cannot deadlock.
  for (const { id, context, sealed } of rows) {
    try {
      writes.push(column.replace(db, id, sealed, await secretBox.rewrap(context, sealed)))
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

/** The number of rows per inactive key, across all tables. */
export async function rowsLeft(db: Db, activeKeyId: string): Promise<Map<string, number>> {
  const staleIds = sealedTables.map(
    (table) => sql`select key_id from ${sql.identifier(table)} where key_id <> ${activeKeyId}`,
  )
  const { rows } = await db.read.execute<{ key_id: string; count: number }>(sql`
    select key_id, count(*)::integer as count from (
      ${sql.join(staleIds, sql` union all `)}
    ) stale group by key_id order by key_id`)
  return new Map(rows.map((row) => [row.key_id, row.count]))
}
