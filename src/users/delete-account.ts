/**
 * @module Removes what a deleted account leaves. Executions and their rollups have no foreign keys and can be millions,
 * so they go in chunks first; the account's row takes everything else with it. Each run is resumable: what is left is
 * found again.
 */
import { and, asc, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import {
  errorGroups,
  errorStats,
  executionChanges,
  executionDurations,
  executionStats,
  nodeDurations,
  nodeStats,
} from '../db/schema/analytics.ts'
import { executionKeys, executions } from '../db/schema/executions.ts'
import { users } from '../db/schema/users.ts'

export interface PurgeOptions {
  /** Only this account, if it is marked as deleted. */
  userId?: string
  /** Rows that one statement deletes. */
  chunkRows?: number
  /** Statements that one run may send: Workers count them as subrequests. */
  maxStatements?: number
}

interface Budget {
  chunkRows: number
  statements: number
}

/** Purges accounts marked as deleted, oldest first. Returns how many are gone; the rest waits for the next run. */
export async function purgeDeletedAccounts(
  db: Db,
  { userId, chunkRows = 5000, maxStatements = 200 }: PurgeOptions = {},
): Promise<{ purged: number }> {
  const budget = { chunkRows, statements: maxStatements }
  const deleted = await db
    .select({ id: users.id })
    .from(users)
    .where(and(isNotNull(users.deletedAt), userId === undefined ? undefined : eq(users.id, userId)))
    .orderBy(asc(users.deletedAt))
    .limit(100)
  let purged = 0
  for (const { id } of deleted) {
    if (!(await purge(db, id, budget))) break
    purged += 1
  }
  return { purged }
}

/** False when the budget ran out before the account was gone. */
async function purge(db: Db, userId: string, budget: Budget): Promise<boolean> {
  if (!(await deleteExecutions(db, userId, budget))) return false
  const [gone] = await db
    .delete(users)
    .where(and(eq(users.id, userId), isNotNull(users.deletedAt)))
    .returning({ id: users.id })
  // A result that was being stored while its instance went may have come after the first pass.
  if (gone) await deleteExecutions(db, userId, { ...budget, statements: 10 })
  return true
}

const rollups = [executionStats, executionDurations, errorStats, errorGroups, nodeStats, nodeDurations]

/** The ledger before the rollups: whoever is folding some of it has then come to an end. */
async function deleteExecutions(db: Db, userId: string, budget: Budget): Promise<boolean> {
  const { chunkRows } = budget
  const chunks = [
    [
      sql`delete from ${executions} where (id, recorded_at) in (
        select id, recorded_at from ${executions} where user_id = ${userId} order by recorded_at desc, id desc limit ${chunkRows})`,
    ],
    [
      sql`delete from ${executionKeys} where (instance_id, n8n_execution_id) in (
        select instance_id, n8n_execution_id from ${executionKeys} where user_id = ${userId} limit ${chunkRows})`,
    ],
    [
      sql`delete from ${executionChanges} where (user_id, id) in (
        select user_id, id from ${executionChanges} where user_id = ${userId} limit ${chunkRows})`,
    ],
    rollups.map(
      (rollup) => sql`delete from ${rollup} where ctid = any (array(
        select ctid from ${rollup} where user_id = ${userId} limit ${chunkRows}))`,
    ),
  ]
  for (const chunk of chunks) {
    let deleted = chunkRows
    while (deleted === chunkRows) {
      if (budget.statements-- <= 0) return false
      deleted = await mostDeleted(db, chunk)
    }
  }
  return true
}

/** Runs deletes as one statement. @returns the largest of their counts */
async function mostDeleted(db: Db, deletes: SQL[]): Promise<number> {
  const ctes = deletes.map((each, index) => sql`${sql.identifier(`gone_${index}`)} as (${each} returning 1)`)
  const counts = deletes.map((_, index) => sql`(select count(*) from ${sql.identifier(`gone_${index}`)})`)
  const { rows } = await db.execute<{ count: number }>(
    sql`with ${sql.join(ctes, sql`, `)} select greatest(${sql.join(counts, sql`, `)})::integer as count`,
  )
  return rows[0]?.count ?? 0
}
