/**
 * @module Purges deleted accounts. Executions and their rollups have no foreign keys and can be millions of rows, so
 * they are deleted in chunks first; deleting the account's row cascades to everything else. Each run resumes where the
 * last one stopped.
 */
import { and, asc, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Db } from '../db/client.ts'
import {
  errorGroups,
  errorStats,
  executionChanges,
  executionStats,
  nodeStats,
  usageStats,
} from '../db/schema/analytics.ts'
import { executionKeys, executions, incidents } from '../db/schema/executions.ts'
import { users } from '../db/schema/users.ts'
import { executionValues } from '../db/schema/values.ts'

export interface PurgeOptions {
  /** Purges only this account, if it is marked as deleted. */
  userId?: string
  /** Rows per statement. */
  chunkRows?: number
  /** Statements per run. Workers count them as subrequests. */
  maxStatements?: number
  /** Keeps the audit trail without personal data. Default: yes. */
  keepsTrail?: boolean
}

interface Budget {
  chunkRows: number
  statements: number
  keepsTrail: boolean
}

/** Purges accounts marked as deleted, oldest first, and returns their number. The next run purges the rest. */
export async function purgeDeletedAccounts(
  db: Db,
  { userId, chunkRows = 5000, maxStatements = 200, keepsTrail = true }: PurgeOptions = {},
): Promise<{ purged: number }> {
  const budget = { chunkRows, statements: maxStatements, keepsTrail }
  const deleted = await db.read
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

/** False when the budget ran out before the account was removed. */
async function purge(db: Db, userId: string, budget: Budget): Promise<boolean> {
  if (!(await deleteExecutions(db, userId, budget))) return false
  if (!(await eraseTrail(db, userId, budget))) return false
  const [gone] = await db
    .delete(users)
    .where(and(eq(users.id, userId), isNotNull(users.deletedAt)))
    .returning({ id: users.id })
  // Executions that were being stored while the account was deleted may have arrived after the first pass.
  if (gone) await deleteExecutions(db, userId, { ...budget, statements: 10 })
  return true
}

async function eraseTrail(db: Db, userId: string, budget: Budget): Promise<boolean> {
  const { chunkRows, keepsTrail } = budget
  let found = chunkRows
  while (found === chunkRows) {
    if (budget.statements-- <= 0) return false
    const { rows } = await db.execute<{ count: number }>(
      sql`select erase_audit_trail(${userId}::uuid, ${keepsTrail}::boolean, ${chunkRows}::integer) as count`,
    )
    found = rows[0]?.count ?? 0
  }
  return true
}

const rollups = [executionStats, errorStats, errorGroups, nodeStats, usageStats]

/**
 * Deletes the ledger before the rollups. Counts the rows found rather than deleted, because a concurrent rollup may
 * delete some of them first.
 */
async function deleteExecutions(db: Db, userId: string, budget: Budget): Promise<boolean> {
  const { chunkRows } = budget
  const ofUser = sql`user_id = ${userId}`
  const chunks = [
    [
      {
        table: executions,
        key: sql`id, recorded_at`,
        where: sql`${ofUser} order by recorded_at desc, id desc`,
      },
    ],
    [{ table: executionKeys, key: sql`instance_id, n8n_execution_id, epoch`, where: ofUser }],
    [incidents, executionValues].map((table) => ({ table, key: sql`id`, where: ofUser })),
    [{ table: executionChanges, key: sql`user_id, id`, where: ofUser }],
    rollups.map((table) => ({ table, key: sql`ctid`, where: ofUser })),
  ]
  for (const chunk of chunks) {
    let found = chunkRows
    while (found === chunkRows) {
      if (budget.statements-- <= 0) return false
      found = await deleteSome(db, chunk, chunkRows)
    }
  }
  return true
}

interface Chunk {
  table: PgTable
  key: SQL
  where: SQL
}

/** @returns the highest row count of any table; `chunkRows` when there may be more */
async function deleteSome(db: Db, chunk: Chunk[], chunkRows: number): Promise<number> {
  const name = (what: string, index: number) => sql.identifier(`${what}_${index}`)
  const ctes = chunk.flatMap(({ table, key, where }, index) => [
    sql`${name('found', index)} as materialized (select ${key} from ${table} where ${where} limit ${chunkRows})`,
    sql`${name('gone', index)} as (delete from ${table} where (${key}) in (select ${key} from ${name('found', index)}))`,
  ])
  const counts = chunk.map((_, index) => sql`(select count(*) from ${name('found', index)})`)
  const { rows } = await db.execute<{ count: number }>(
    sql`with ${sql.join(ctes, sql`, `)} select greatest(${sql.join(counts, sql`, `)})::integer as count`,
  )
  return rows[0]?.count ?? 0
}
