/** @module Checks that the newest migration is applied, before a statement fails on an outdated schema. */
import { sql } from 'drizzle-orm'
import { AppError } from '../errors.ts'
import type { Reader } from './client.ts'
import { databaseError } from './errors.ts'

/** The newest file in `drizzle/` that this release needs: it serves before and after migrations that only remove. */
export const schemaVersion = '0053_overview_indexes'

/** @throws {AppError} `database-unavailable` when the newest migration has not been applied */
export async function requireSchema(db: Reader): Promise<void> {
  const behind = (cause?: unknown) =>
    new AppError(
      'database-unavailable',
      'The database schema is outdated. Run `npm run flowkeep -- migrate`',
      {
        retryAfterSeconds: 30,
        cause,
      },
    )
  try {
    const { rows } = await db.execute(sql`select 1 from flowkeep_migrations where name = ${schemaVersion}`)
    if (rows.length === 0) throw behind()
  } catch (error) {
    // 42P01: the journal does not exist yet.
    throw databaseError(error).sqlState === '42P01' ? behind(error) : error
  }
}
