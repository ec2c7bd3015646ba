/**
 * @module Corrects executions that were recorded before runs had kinds and their version's source: newest first, a bounded
 * number a run, until none is left. The rollups follow by the ledger, as they do for a delivery.
 */
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from '../db/client.ts'

export interface BackfillOptions {
  /** Rows that one statement looks at; deliveries to their instances wait for it. */
  chunkRows?: number
  maxStatements?: number
}

/** @returns how many were looked at */
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
