/**
 * @module Moves stored secrets to the active key without downtime. The rows are the only state: several sweeps can run
 * concurrently, and a sweep that was killed can simply be started again.
 */
import { and, asc, eq, gt, ne, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { SealedBox, SecretBox, SecretContext } from '../crypto/secret-box.ts'
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { alertChannels } from './schema/alerts.ts'
import { credentials } from './schema/credentials.ts'
import { instances } from './schema/instances.ts'

/** A page of sealed 64 KB secrets stays below Neon's 10 MB response limit. */
const rowsPerPage = 50

export const sealedTables = ['credentials', 'instances', 'alert_channels'] as const
export type SealedTable = (typeof sealedTables)[number]

export interface PageResult {
  /** Start of the next page; null after the last page. */
  cursor: string | null
  rewrapped: number
  /** Rows that changed during the sweep. They need another sweep only if they were written with an old key. */
  overtaken: number
  /** Rows that could not be decrypted. They stay unchanged. */
  failed: { id: string; code: string }[]
}

interface SealedRow {
  id: string
  context: SecretContext
  sealed: SealedBox
}

/** Rewraps the next page of rows that are wrapped by an inactive key. @param after null for the first page */
export async function rewrapPage(
  db: Db,
  secretBox: SecretBox,
  table: SealedTable,
  after: string | null,
): Promise<PageResult> {
  const rows = await stale[table](db, secretBox.activeKeyId, after)
  const failed: PageResult['failed'] = []
  const writes: BatchItem<'pg'>[] = []
  // In order, because sweeps that lock rows in the same order cannot deadlock.
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

/** The number of rows per inactive key, across all tables. */
export async function rowsLeft(db: Db, activeKeyId: string): Promise<Map<string, number>> {
  const { rows } = await db.read.execute<{ key_id: string; count: number }>(sql`
    select key_id, count(*)::integer as count from (
      select key_id from credentials where key_id <> ${activeKeyId}
      union all
      select key_id from instances where key_id <> ${activeKeyId}
      union all
      select key_id from alert_channels where key_id <> ${activeKeyId}
    ) stale group by key_id order by key_id`)
  return new Map(rows.map((row) => [row.key_id, row.count]))
}

const stale: Record<
  SealedTable,
  (db: Db, activeKeyId: string, after: string | null) => Promise<SealedRow[]>
> = {
  async credentials(db, activeKeyId, after) {
    const { id, userId, type, data } = credentials
    const rows = await db.read
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
    const rows = await db.read
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
  async alert_channels(db, activeKeyId, after) {
    const { id, userId, target } = alertChannels
    const rows = await db.read
      .select({ id, userId, sealed: target })
      .from(alertChannels)
      .where(and(ne(alertChannels.keyId, activeKeyId), after === null ? undefined : gt(id, after)))
      .orderBy(asc(id))
      .limit(rowsPerPage)
    return rows.flatMap(({ id: rowId, userId, sealed }) =>
      sealed ? [{ id: rowId, context: channelContext(userId, rowId), sealed }] : [],
    )
  },
}

/** The context that binds the sealed target of an alert channel to its owner and row. */
export const channelContext = (userId: string, channelId: string): SecretContext => ({
  purpose: 'alert-channel',
  userId,
  rowId: channelId,
  type: 'alertChannel',
})

/** Compare-and-swap: skips a row that has changed since it was read. Keeps the row's version. */
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
  alert_channels: (db, id, old, fresh) =>
    db
      .update(alertChannels)
      .set({ target: fresh })
      .where(and(eq(alertChannels.id, id), same(alertChannels.target, old)))
      .returning({ id: alertChannels.id }),
}

const same = (
  column: typeof credentials.data | typeof instances.apiKey | typeof alertChannels.target,
  old: SealedBox,
): SQL => sql`${column} = ${JSON.stringify(old)}::jsonb`
