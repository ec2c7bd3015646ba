/**
 * @module Rolls up the changes that ingest appended to the ledger. Sums over the `…_now` views are the same before and
 * after; only the number of rows read differs. Concurrent calls return without doing any work.
 */
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from '../../db/client.ts'

export interface RollUpOptions {
  /** Changes per statement. */
  limit?: number
  maxStatements?: number
}

/** @returns the number of changes rolled up */
export async function rollUpChanges(
  db: Db,
  { limit = 5000, maxStatements = 1 }: RollUpOptions = {},
): Promise<number> {
  let total = 0
  for (let statements = 0; statements < maxStatements; statements += 1) {
    const { rows } = await idempotent(db).execute<{ rolledUp: number | null }>(
      sql`select fold_execution_changes(${limit}::integer) as "rolledUp"`,
    )
    const rolledUp = rows[0]?.rolledUp ?? 0
    total += rolledUp
    if (rolledUp === 0) break
  }
  return total
}

/** Average number of recorded executions between rollups. */
const recordedPerRollUp = 2500

/** Whether to roll up after `recorded` executions. Random, because an isolate may not live long enough to count. */
export const isTimeToRollUp = (recorded: number, random: () => number = Math.random): boolean =>
  random() * recordedPerRollUp < recorded

/** Deletes unused rollup rows of dropped months. @returns the number of rows deleted */
export async function deleteDroppedRollups(
  db: Db,
  { limit = 5000, maxStatements = 5 }: RollUpOptions = {},
): Promise<number> {
  let total = 0
  for (let statements = 0; statements < maxStatements; statements += 1) {
    const { rows } = await idempotent(db).execute<{ deleted: number }>(
      sql`select delete_dropped_rollups(${limit}::integer) as deleted`,
    )
    const deleted = rows[0]?.deleted ?? 0
    total += deleted
    if (deleted < limit) break
  }
  return total
}
