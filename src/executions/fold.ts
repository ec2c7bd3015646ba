/**
 * @module Moves what ingest has appended to the ledger into the rollups. How far that has come changes no sum over the
 * views `…_now`, only how much they read. One folds at a time; whoever comes meanwhile leaves it to the other.
 */
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from '../db/client.ts'

export interface FoldOptions {
  /** Changes that one statement takes. */
  limit?: number
  maxStatements?: number
}

/** @returns how many changes were folded */
export async function foldChanges(
  db: Db,
  { limit = 5000, maxStatements = 1 }: FoldOptions = {},
): Promise<number> {
  let total = 0
  for (let statements = 0; statements < maxStatements; statements += 1) {
    const { rows } = await idempotent(db).execute<{ folded: number | null }>(
      sql`select fold_execution_changes(${limit}::integer) as folded`,
    )
    const folded = rows[0]?.folded ?? 0
    total += folded
    if (folded === 0) break
  }
  return total
}

/** How many executions are recorded, on the average, before someone folds. */
const recordedPerFold = 2500

/** Whether to fold after `recorded` executions. By chance: an isolate may not live to count up to a number. */
export const isTimeToFold = (recorded: number, random: () => number = Math.random): boolean =>
  random() * recordedPerFold < recorded

/** Deletes what months that are dropped have left in the rollups, which nothing reads any more. @returns rows deleted */
export async function deleteDroppedRollups(
  db: Db,
  { limit = 5000, maxStatements = 5 }: FoldOptions = {},
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
