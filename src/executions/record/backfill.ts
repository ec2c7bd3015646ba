/**
 * @module Backfills the kind and the version source of executions recorded before these columns existed: newest first, a
 * bounded number per run. The ledger updates the rollups, as for a delivery.
 */
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from '../../db/client.ts'

export interface BackfillOptions {
  /** Rows per statement. Deliveries to the same instances wait for the statement. */
  chunkRows?: number
  maxStatements?: number
}

/** @returns the number of executions examined */
export async function backfillExecutions(
  db: Db,
  { chunkRows = 1000, maxStatements = 20 }: BackfillOptions = {},
): Promise<number> {
  let total = 0
  for (let statements = 0; statements < maxStatements; statements += 1) {
    const { rows } = await idempotent(db).execute<{ seen: number }>(
      sql`select backfill_executions(${chunkRows}::integer) as seen`,
    )
    const seen = rows[0]?.seen ?? 0
    total += seen
    if (seen < chunkRows) break
  }
  return total
}
