import { sql } from 'drizzle-orm'
import type { Db } from './client.ts'

/**
 * Statement that locks the owner's row, the first one of a batch: batches of the same owner run one after another, so that
 * each counts what the one before it inserted. Does not block inserts of rows that refer to the owner.
 */
export const lockOwner = (db: Db, userId: string) =>
  db.execute(sql`select 1 from users where id = ${userId} for no key update`)
