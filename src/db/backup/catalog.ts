/** @module What a backup contains: every table in `public`, its columns, sequences and partitions, and the keys it needs. */
import * as z from 'zod'
import { sealedTables } from '../sealed-columns.ts'

/** Runs one statement. Returns the values in Postgres text format, independently of the settings of the role. */
export type Query = (text: string, params?: (string | null)[]) => Promise<(string | null)[][]>

const ForeignKey = z.object({
  name: z.string(),
  parent: z.string(),
  columns: z.array(z.string()),
  parentColumns: z.array(z.string()),
  definition: z.string(),
})

const CatalogTable = z.object({
  name: z.string(),
  /** Without generated columns. */
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  primaryKey: z.array(z.string()).min(1),
  foreignKeys: z.array(ForeignKey),
})
export type CatalogTable = z.output<typeof CatalogTable>

export interface Sequence {
  name: string
  lastValue: string
  isCalled: boolean
}

/** Migrations write it. */
const journal = 'flowkeep_migrations'

/** Makes text output identical on every server, and allows long statements and pauses. For one transaction. */
export const transactionSettings = `select ${Object.entries({
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  search_path: 'public',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
})
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ')}`

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const quotedList = (names: readonly string[]): string => names.map(quoted).join(', ')

/** All tables except the journal of migrations. Parents precede the tables that refer to them. */
export async function readTables(query: Query): Promise<CatalogTable[]> {
  const rows = await query(`
    select json_build_object(
      'name', c.relname,
      'columns', (
        select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''),
      'primaryKey', coalesce((
        select json_agg(a.attname order by k.position)
        from pg_index i
        cross join lateral unnest(i.indkey::int2[]) with ordinality k (attnum, position)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where i.indrelid = c.oid and i.indisprimary), '[]'),
      'foreignKeys', coalesce((
        select json_agg(json_build_object(
          'name', f.conname,
          'parent', (select relname from pg_class where oid = f.confrelid),
          'columns', (
            select json_agg(a.attname order by k.position) from unnest(f.conkey) with ordinality k (attnum, position)
            join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
          'parentColumns', (
            select json_agg(a.attname order by k.position) from unnest(f.confkey) with ordinality k (attnum, position)
            join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum),
          'definition', pg_get_constraintdef(f.oid)) order by f.conname)
        from pg_constraint f where f.conrelid = c.oid and f.contype = 'f'), '[]')
    )::text
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> '${journal}'
      and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by c.relname`)
  return parentsFirst(
    rows.map(([row]) => {
      const table = CatalogTable.safeParse(JSON.parse(row ?? ''))
      if (!table.success) throw new Error('Every table in the schema "public" needs a primary key')
      return table.data
    }),
  )
}

/** Until the transaction ends, no migration changes them and no month of executions is dropped. */
export const lockTables = async (query: Query, tables: readonly CatalogTable[]): Promise<void> =>
  void (await query(`lock table ${quotedList(tables.map(({ name }) => name))} in access share mode`))

function parentsFirst(tables: CatalogTable[]): CatalogTable[] {
  const sorted: CatalogTable[] = []
  const waiting = new Set(tables)
  while (waiting.size > 0) {
    const names = new Set([...waiting].map(({ name }) => name))
    const free = [...waiting].filter(({ name, foreignKeys }) =>
      foreignKeys.every(({ parent }) => parent === name || !names.has(parent)),
    )
    // Tables that refer to each other: any order will do.
    for (const table of free.length > 0 ? free : waiting) {
      sorted.push(table)
      waiting.delete(table)
    }
  }
  return sorted
}

/** The name of the newest applied migration; null without a schema. */
export async function readSchemaVersion(query: Query): Promise<string | null> {
  const [found] = await query(`select (to_regclass('public.${journal}') is not null)::text`)
  if (found?.[0] !== 'true') return null
  const [row] = await query(`select name from ${journal} order by position desc limit 1`)
  return row?.[0] ?? null
}

/** Sequences of identity and serial columns. */
export async function readSequences(query: Query): Promise<Sequence[]> {
  const names = await query(
    `select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S' order by 1`,
  )
  const sequences: Sequence[] = []
  for (const [name] of names) {
    if (name === null || name === undefined) continue
    const [row] = await query(`select last_value::text, is_called::text from ${quoted(name)}`)
    sequences.push({ name, lastValue: row?.[0] ?? '1', isCalled: row?.[1] === 'true' })
  }
  return sequences
}

/** The months of `executions`, as `2026-11`, oldest first. */
export async function readMonths(query: Query): Promise<string[]> {
  const rows = await query(String.raw`
    select replace(right(c.relname, 7), '_', '-') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.executions'::regclass and c.relname ~ '^executions_\d{4}_\d{2}$' order by 1`)
  return rows.map(([month]) => month ?? '')
}

/** Creates a month of `executions` unless it exists. */
export const ensureMonth = async (query: Query, month: string): Promise<void> =>
  void (await query('select ensure_execution_partitions($1::timestamptz, 0)::text', [
    `${month}-01T00:00:00Z`,
  ]))

export interface RequiredKeys {
  /** Variable → IDs of the keys without which stored secrets or passwords are lost. */
  ids: Record<string, string[]>
  /** ID of a key in CREDENTIAL_KEYS → a known text that it sealed. Detects another key under the same ID. */
  checks: Record<string, unknown>
}

export async function readRequiredKeys(query: Query): Promise<RequiredKeys> {
  // An older schema does not have all of these tables yet.
  const tables = await query(
    "select name from unnest(string_to_array($1, ' ')) name where to_regclass(name) is not null",
    [sealedTables.join(' ')],
  )
  const sealedIds = tables.map(([table]) => `select key_id from ${table}`).join(' union ')
  const rows = await query(`
    select 'CREDENTIAL_KEYS', key_id from (${sealedIds}) sealed
    union all
    select 'PASSWORD_PEPPERS', pepper_id from (select distinct pepper_id from users) hashed
    order by 1, 2`)
  const ids: Record<string, string[]> = {}
  for (const [variable, id] of rows) if (variable && id) (ids[variable] ??= []).push(id)
  const sealed = await query('select key_id, sealed::text from key_checks order by key_id')
  const needed = new Set(ids['CREDENTIAL_KEYS'])
  const checks = sealed.flatMap(([id, box]) =>
    id && box && needed.has(id) ? [[id, JSON.parse(box) as unknown] as const] : [],
  )
  return { ids, checks: Object.fromEntries(checks) }
}

type Columns = Pick<CatalogTable, 'columns'>

/** A row as a JSON array of texts and nulls. */
export const lineOf = ({ columns }: Columns): string =>
  `json_build_array(${columns.map(({ name }) => `${quoted(name)}::text`).join(', ')})::text`

/** The first 8 bytes of a line's SHA-256 as a signed integer. */
const hashOf = (line: string): string =>
  `('x' || encode(substr(sha256(convert_to(${line}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint::numeric`

export interface TableContent {
  rows: number
  /** The sum of the hashes of all lines, so independent of their order. `TableHash` computes it from lines. */
  checksum: string
}

/** @param where condition on the rows; by default all of the table */
export async function contentOf(
  query: Query,
  table: Columns & { name: string },
  where = 'true',
): Promise<TableContent> {
  const [row] = await query(
    `select count(*)::text, coalesce(sum(${hashOf(lineOf(table))}), 0)::text from ${quoted(table.name)} where ${where}`,
  )
  return { rows: Number(row?.[0]), checksum: row?.[1] ?? '' }
}

/** Twice this, as JSON in JSON, stays below Neon's limit of 10 MB. */
const pageBytes = 1024 * 1024
const maxPageRows = 2000

/** Lines of a table in the order of its primary key. Each page is one statement of at most 1 MB or one row. */
export async function* readLines(query: Query, table: CatalogTable): AsyncGenerator<string[]> {
  const { name, columns, primaryKey } = table
  const keyColumns = primaryKey.map((key) => columns.findIndex((column) => column.name === key))
  const types = keyColumns.map((index) => columns[index]?.type ?? 'text')
  const after = `where (${quotedList(primaryKey)}) > (${types.map((type, i) => `$${i + 1}::${type}`).join(', ')})`
  let last: (string | null)[] | null = null
  let limit = 100
  for (;;) {
    const page = await query(
      `select line from (
         select line, position, sum(octet_length(line)) over (order by position) - octet_length(line) as before
         from (
           select ${lineOf(table)} as line, row_number() over (order by ${quotedList(primaryKey)}) as position
           from (select * from ${quoted(name)} ${last ? after : ''} order by ${quotedList(primaryKey)} limit ${limit}) r
         ) numbered
       ) measured where before < ${pageBytes} order by position`,
      last ?? [],
    )
    const lines = page.map(([line]) => line ?? '')
    if (lines.length > 0) yield lines
    // A page cut by its size is not the last one.
    if (lines.length === 0) return
    const values: (string | null)[] = JSON.parse(lines.at(-1) ?? '[]')
    last = keyColumns.map((index) => values[index] ?? null)
    limit = Math.min(maxPageRows, Math.max(10, lines.length * 2))
  }
}

/** Inserts lines of a table with the given columns. */
export async function insertLines(
  query: Query,
  { name, columns }: Columns & { name: string },
  lines: readonly string[],
): Promise<void> {
  const values = columns.map(({ type }, index) => `(r ->> ${index})::${type}`)
  await query(
    `insert into ${quoted(name)} (${quotedList(columns.map((column) => column.name))}) overriding system value
     select ${values.join(', ')} from jsonb_array_elements($1::jsonb) r`,
    [`[${lines.join(',')}]`],
  )
}

/** The first table that has rows of a user, or null. */
export async function tableWithUserRows(query: Query, tables: CatalogTable[]): Promise<string | null> {
  for (const { name, columns } of tables) {
    if (name !== 'users' && columns.every((column) => column.name !== 'user_id')) continue
    const rows = await query(`select 1::text from ${quoted(name)} limit 1`)
    if (rows.length > 0) return name
  }
  return null
}

export const dropForeignKeys = async (query: Query, tables: CatalogTable[]): Promise<void> => {
  for (const { name, foreignKeys } of tables) {
    for (const key of foreignKeys)
      await query(`alter table ${quoted(name)} drop constraint ${quoted(key.name)}`)
  }
}

/** Checks all rows. */
export const addForeignKeys = async (query: Query, tables: CatalogTable[]): Promise<void> => {
  for (const { name, foreignKeys } of tables) {
    for (const key of foreignKeys) {
      await query(`alter table ${quoted(name)} add constraint ${quoted(key.name)} ${key.definition}`)
    }
  }
}
