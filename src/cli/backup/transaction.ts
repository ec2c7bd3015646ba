/** @module Statements of backups and restores: one transaction over the Postgres protocol, or pages over Neon's HTTP. */
import { type Query, transactionSettings } from '../../db/backup/catalog.ts'
import type { Sql } from '../../db/client.ts'
import type { Backend } from '../../db/gateway/protocol.ts'

const begin = {
  snapshot: 'start transaction isolation level repeatable read, read only',
  writable: 'start transaction',
} as const

/** Runs `work` in one transaction. Commits if it succeeds. */
export function inTransaction<T>(
  backend: Backend,
  kind: keyof typeof begin,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  return backend.withConnection(async (execute) => {
    const query: Query = async (text, params = []) =>
      (await execute({ query: text, params }, Number.POSITIVE_INFINITY)).rows
    await query(begin[kind])
    // Rolled back by the backend if it fails.
    await query(transactionSettings)
    const result = await work(query)
    await query('commit')
    return result
  })
}

/** Each statement is a transaction of its own, with one HTTP request. */
export function overHttp(sql: Sql): Query {
  return async (text, params = []) => {
    const [, result] = await sql.transaction([sql.query(transactionSettings), sql.query(text, params)], {
      arrayMode: true,
      types: { getTypeParser: () => (value: string) => value },
      fullResults: true,
      isolationLevel: 'RepeatableRead',
      readOnly: true,
    })
    return (result as unknown as { rows: (string | null)[][] }).rows
  }
}
