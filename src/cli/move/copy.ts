/** @module Copies, compares and deletes the rows of one user. Every step can be repeated after a crash. */
import {
  type CatalogTable,
  contentOf,
  insertLines,
  lineOf,
  type Query,
  quoted,
  quotedList,
  type TableContent,
} from '../../db/backup/catalog.ts'
import type { Backend } from '../../db/gateway/protocol.ts'
import { inTransaction } from '../backup/transaction.ts'
import { passGuard } from './guard.ts'
import { current, keyExpressions, literal, ofUser } from './user-tables.ts'

export interface Ends {
  source: Backend
  target: Backend
}

const fetchRows = 100
const batchChars = 2 * 1024 * 1024
const batchRows = 2000
const deleteRows = 5000

/**
 * Copies rows in the order of their primary key. The rows in the target are the progress: a repeated copy continues
 * after the last one.
 */
export async function copyTable(
  { source, target }: Ends,
  table: CatalogTable,
  userId: string,
  horizon: string,
  onRows: (rows: number) => void,
): Promise<void> {
  const key = keyExpressions(table)
  const last = await inTransaction(target, 'snapshot', async (query) => {
    const columns = table.primaryKey.map((name) => `${quoted(name)}::text`)
    const order = key.map((expression) => `${expression} desc`)
    const [row] = await query(
      `select ${columns.join(', ')} from ${quoted(table.name)} where ${ofUser(table, userId)}
       order by ${order.join(', ')} limit 1`,
    )
    return row
  })
  const types = table.primaryKey.map((name) => table.columns.find((column) => column.name === name)?.type)
  const after = last
    ? ` and (${key.join(', ')}) > (${last.map((value, i) => `${literal(value ?? '')}::${types[i]}`).join(', ')})`
    : ''
  const insert = (lines: string[]) =>
    inTransaction(target, 'writable', async (query) => {
      await passGuard(query, userId)
      await insertLines(query, table, lines)
    })
  await inTransaction(source, 'snapshot', async (query) => {
    await query(`declare moving no scroll cursor for select ${lineOf(table)} from ${quoted(table.name)}
      where ${current(table, userId, horizon)}${after} order by ${key.join(', ')}`)
    let batch: string[] = []
    let chars = 0
    for (;;) {
      const rows = await query(`fetch ${fetchRows} from moving`)
      for (const [line = null] of rows) {
        batch.push(line ?? '')
        chars += line?.length ?? 0
        if (chars < batchChars && batch.length < batchRows) continue
        await insert(batch)
        onRows(batch.length)
        batch = []
        chars = 0
      }
      if (rows.length < fetchRows) break
    }
    if (batch.length === 0) return
    await insert(batch)
    onRows(batch.length)
  })
}

export const contentOfUser = (
  backend: Backend,
  table: CatalogTable,
  userId: string,
  horizon: string,
): Promise<TableContent> =>
  inTransaction(backend, 'snapshot', (query) => contentOf(query, table, current(table, userId, horizon)))

/** Deletes all rows of the user, children first. */
export async function deleteRowsOf(
  backend: Backend,
  tables: readonly CatalogTable[],
  userId: string,
  onTable: (table: string) => void,
): Promise<void> {
  for (const table of tables.toReversed()) {
    while ((await inTransaction(backend, 'writable', (query) => deleteSome(query, table, userId))) > 0) {
      // Until none is left.
    }
    onTable(table.name)
  }
}

async function deleteSome(query: Query, table: CatalogTable, userId: string): Promise<number> {
  await passGuard(query, userId)
  const key = quotedList(table.primaryKey)
  const [row] = await query(
    `with found as materialized (
       select ${key} from ${quoted(table.name)} where ${ofUser(table, userId)} limit ${deleteRows}
     ), gone as (
       delete from ${quoted(table.name)} where (${key}) in (select ${key} from found)
         and ${ofUser(table, userId)} returning 1
     ) select count(*)::text from gone`,
  )
  return Number(row?.[0])
}
