/** @module Every column that CREDENTIAL_KEYS seals. Rotation, status, readiness and backups derive from this list. */
import { and, asc, eq, getTableName, gt, ne, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { SealedBox, SecretContext } from '../crypto/secret-box.ts'
import type { Db } from './client.ts'
import { alertChannels } from './schema/alerts.ts'
import { credentials } from './schema/credentials.ts'
import { totpFactors } from './schema/factors.ts'
import { instances } from './schema/instances.ts'
import { executionValues } from './schema/values.ts'

export interface SealedRow {
  id: string
  context: SecretContext
  sealed: SealedBox
}

export interface SealedColumn {
  table: string
  /** Rows that an inactive key wraps, by ID. @param after null for the first page */
  stale(db: Db, activeKeyId: string, after: string | null, limit: number): Promise<SealedRow[]>
  /** Compare-and-swap: skips a row that has changed since it was read. Keeps the row's version. */
  replace(db: Db, id: string, old: SealedBox, fresh: SealedBox): BatchItem<'pg'>
}

type TableWith<Sealed extends string> = PgTable & Record<Sealed | 'id' | 'keyId', AnyPgColumn>

/** @param bound the columns that the context is computed from */
function sealedColumn<Sealed extends string, Bound extends Record<string, AnyPgColumn>>(
  table: TableWith<Sealed>,
  property: Sealed,
  bound: Bound,
  contextOf: (row: Record<keyof Bound, string>, rowId: string) => SecretContext,
): SealedColumn {
  const { id, keyId, [property]: sealed } = table
  const source: PgTable = table
  return {
    table: getTableName(table),

    async stale(db, activeKeyId, after, limit) {
      const rows = await db.read
        .select({ id, sealed, ...bound })
        .from(source)
        .where(and(ne(keyId, activeKeyId), after === null ? undefined : gt(id, after)))
        .orderBy(asc(id))
        .limit(limit)
      return (rows as unknown as (Record<keyof Bound, string> & { id: string; sealed: SealedBox })[]).map(
        (row) => ({ id: row.id, sealed: row.sealed, context: contextOf(row, row.id) }),
      )
    },

    replace: (db, rowId, old, fresh) =>
      db
        .update(source)
        .set({ [property]: fresh })
        .where(and(eq(id, rowId), sql`${sealed} = ${JSON.stringify(old)}::jsonb`))
        .returning({ id }),
  }
}

/** The context that binds the sealed target of an alert channel to its owner and row. */
export const channelContext = (userId: string, channelId: string): SecretContext => ({
  purpose: 'alert-channel',
  userId,
  rowId: channelId,
  type: 'alertChannel',
})

/** The context that binds the sealed values of a run to its owner and ID. */
export const valuesContext = (userId: string, executionId: string): SecretContext => ({
  purpose: 'execution-values',
  userId,
  rowId: executionId,
  type: 'executionValues',
})

/** The context that binds the secret of an authenticator app to its owner and row. */
export const totpContext = (userId: string, factorId: string): SecretContext => ({
  purpose: 'totp',
  userId,
  rowId: factorId,
  type: 'totp',
})

export const sealedColumns: readonly SealedColumn[] = [
  sealedColumn(
    credentials,
    'data',
    { userId: credentials.userId, type: credentials.type },
    ({ userId, type }, rowId) => ({ purpose: 'n8n-credential', userId, rowId, type }),
  ),
  sealedColumn(
    instances,
    'apiKey',
    { userId: instances.userId, baseUrl: instances.baseUrl },
    ({ userId, baseUrl }, rowId) => {
      const origin = URL.canParse(baseUrl) ? new URL(baseUrl).origin : ''
      return { purpose: 'n8n-api-key', userId, rowId, type: 'n8nApi', origin }
    },
  ),
  sealedColumn(alertChannels, 'target', { userId: alertChannels.userId }, ({ userId }, rowId) =>
    channelContext(userId, rowId),
  ),
  sealedColumn(executionValues, 'sealed', { userId: executionValues.userId }, ({ userId }, rowId) =>
    valuesContext(userId, rowId),
  ),
  sealedColumn(totpFactors, 'secret', { userId: totpFactors.userId }, ({ userId }, rowId) =>
    totpContext(userId, rowId),
  ),
]

/** Each has a generated column `key_id` with an index. It is null in rows without a secret. */
export const sealedTables: readonly string[] = sealedColumns.map(({ table }) => table)
