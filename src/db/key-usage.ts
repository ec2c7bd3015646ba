/** @module Which stored rows need which key of which ring. */
import { sql } from 'drizzle-orm'
import type { RingName } from '../crypto/key-ring.ts'
import type { Db } from './client.ts'
import { sealedTables } from './sealed-columns.ts'

/** Rows of one table that need one key. */
export interface KeyUsage {
  ring: RingName
  /** Null for sessions that an earlier release started: they may need any key of the ring. */
  keyId: string | null
  table: string
  rows: number
  /** When the last session or connected app that needs the key expires. Null for rows that do not expire. */
  until: Date | null
}

/** One statement. Sorted by ring, key and table. */
export async function keyUsage(db: Db, now: Date): Promise<KeyUsage[]> {
  const sealed = sealedTables.map(
    (table) => sql`select 'CREDENTIAL_KEYS', key_id, ${table}, count(*)::integer, null::timestamptz
      from ${sql.identifier(table)} where key_id is not null group by key_id`,
  )
  const sessions = (ring: RingName, column: string) => sql`
    select ${ring}, ${sql.identifier(column)}, 'sessions', count(*)::integer, max(expires_at) from sessions
    where revoked_at is null and expires_at > ${now.toISOString()}::timestamptz group by ${sql.identifier(column)}`
  const { rows } = await db.read.execute<{
    ring: RingName
    key_id: string | null
    table: string
    rows: number
    until: string | null
  }>(sql`
    select * from (
      ${sql.join(
        [
          sql`select 'PASSWORD_PEPPERS' as ring, pepper_id as key_id, 'users' as "table", count(*)::integer as rows,
            null::timestamptz as until from users where deleted_at is null group by pepper_id`,
          ...sealed,
          sessions('REFRESH_TOKEN_KEYS', 'refresh_key_id'),
          sql`select 'REFRESH_TOKEN_KEYS', refresh_key_id, 'oauth_grants', count(*)::integer, max(expires_at)
            from oauth_grants join api_tokens on id = token_id
            where refresh_key_id is not null and expires_at > ${now.toISOString()}::timestamptz group by refresh_key_id`,
          sessions('ACCESS_TOKEN_KEYS', 'access_key_id'),
        ],
        sql` union all `,
      )}
    ) usage order by ring, key_id, "table"`)
  return rows.map(({ ring, key_id: keyId, table, rows: count, until }) => ({
    ring,
    keyId,
    table,
    rows: count,
    until: until === null ? null : new Date(until),
  }))
}
