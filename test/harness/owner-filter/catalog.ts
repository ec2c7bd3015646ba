/** What the database says about its tables: whose rows they hold, and which rows refer to which. */
import type { Sql } from '../../../src/db/client.ts'

export interface Catalog {
  /** Table → the column that names the owner. */
  owned: ReadonlyMap<string, string>
  tables: ReadonlyMap<string, ReadonlySet<string>>
  /** Columns that identify a row across all users. */
  keys: ReadonlyMap<string, readonly string[][]>
  /** Constraint → its columns. */
  constraints: ReadonlyMap<string, readonly string[]>
  /** Foreign keys that include the owner: a row and the row that it refers to have the same one. */
  references: readonly { from: string; to: string; columns: readonly (readonly [string, string])[] }[]
}

/** Runs have no foreign keys, for the speed of reports. `record_executions` writes these columns together. */
const runReferences: Catalog['references'] = [
  { from: 'execution_keys', to: 'instances', columns: [['instance_id', 'id']] },
  { from: 'executions', to: 'instances', columns: [['instance_id', 'id']] },
  { from: 'executions', to: 'execution_keys', columns: [['id', 'id']] },
  { from: 'executions', to: 'workflows', columns: [['workflow_id', 'id']] },
  { from: 'execution_values', to: 'executions', columns: [['id', 'id']] },
]

/** The owner of a row of `users` is the user. */
const ownerColumnOf = (table: string, columns: ReadonlySet<string>): string | undefined =>
  table === 'users' ? 'id' : columns.has('user_id') ? 'user_id' : undefined

export async function readCatalog(sql: Sql): Promise<Catalog> {
  const tables = new Map<string, Set<string>>()
  const rows = await sql.query(`select c.relname as table, a.attname as column from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`)
  for (const { table, column } of rows) {
    const columns = tables.get(String(table)) ?? new Set(['ctid'])
    tables.set(String(table), columns.add(String(column)))
  }
  const owned = new Map<string, string>()
  for (const [table, columns] of tables) {
    const column = ownerColumnOf(table, columns)
    if (column !== undefined) owned.set(table, column)
  }
  const names = (oid: string, numbers: string) =>
    `array(select attname::text from unnest(${numbers}) with ordinality n (number, place)
      join pg_attribute on attrelid = ${oid} and attnum = number order by place)`
  const constraints =
    await sql.query(`select conname as name, contype as kind, conrelid::regclass::text as "from",
      confrelid::regclass::text as "to", ${names('conrelid', 'conkey')} as columns, ${names('confrelid', 'confkey')} as targets
    from pg_constraint where connamespace = 'public'::regnamespace and contype in ('f', 'p', 'u') and conparentid = 0`)
  const keys = new Map<string, string[][]>()
  const references = [...runReferences]
  for (const table of tables.keys()) keys.set(table, [['ctid']])
  const columnsOf = new Map<string, string[]>()
  for (const { name, kind, from, to, columns, targets } of constraints) {
    columnsOf.set(String(name), columns)
    const [source, target] = [String(from), String(to)]
    if (kind !== 'f') {
      const ofUser = columns.includes(owned.get(source))
      if (!ofUser) keys.set(source, [...(keys.get(source) ?? []), columns])
      continue
    }
    const pairs = columns.map((column: string, index: number) => [column, targets[index]] as const)
    const isOwner = ([left, right]: readonly [string, string]) =>
      left === owned.get(source) && right === owned.get(target)
    if (target !== 'users' && pairs.some(isOwner))
      references.push({
        from: source,
        to: target,
        columns: pairs.filter((pair: readonly [string, string]) => !isOwner(pair)),
      })
  }
  return { owned, tables, keys, references, constraints: columnsOf }
}
