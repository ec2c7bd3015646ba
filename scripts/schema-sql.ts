/**
 * @module The schema as text: the dump `drizzle/schema.sql`, which shows the effect of a migration in reviews, and the
 * functions in `drizzle/functions/`, the only place to edit them.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Runs one statement, or several without parameters. */
export type Query = (sql: string) => Promise<Record<string, unknown>[]>

/** Tables, constraints, indexes, views and triggers in a fixed order. Omits partitions, which depend on the date. */
export async function dumpSchema(query: Query): Promise<string> {
  const rows = await query(`
    with tables as (
      select c.oid, c.relname, c.relkind, c.reloptions from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    ), members as (
      select a.attrelid as oid, 1 as kind, a.attnum::text as place,
        quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
          || case when a.attidentity <> '' then ' generated ' ||
            case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity' else '' end
          || case when a.attgenerated = 's' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
            else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end
          || case when a.attnotnull then ' not null' else '' end as text, a.attnum as nth
      from tables t
      join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      union all
      select c.conrelid, 2, c.conname collate "C", 'constraint ' || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid), 0
      from tables t
      join pg_constraint c on c.conrelid = t.oid and c.contype <> 'n' and c.contype <> 't'
    ), parts as (
      select 1 as section, t.relname::text collate "C" as name, 'create table ' || quote_ident(t.relname) || E' (\\n'
        || string_agg('  ' || m.text, E',\\n' order by m.kind, m.nth, m.place collate "C") || E'\\n)'
        || coalesce(' partition by ' || pg_get_partkeydef(t.oid), '')
        || coalesce(' with (' || array_to_string(t.reloptions, ', ') || ')', '') || ';' as text
      from tables t
      join members m on m.oid = t.oid
      group by t.oid, t.relname, t.reloptions
      union all
      select 2, i.relname, pg_get_indexdef(i.oid) || ';'
      from tables t
      join pg_index x on x.indrelid = t.oid
      join pg_class i on i.oid = x.indexrelid
      where not exists (select from pg_constraint c where c.conindid = i.oid and c.conrelid = t.oid)
      union all
      select 3, c.relname, 'create view ' || quote_ident(c.relname) || E' as\\n' || pg_get_viewdef(c.oid, true)
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
      union all
      select 4, t.relname || ' ' || g.tgname, pg_get_triggerdef(g.oid) || ';'
      from tables t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
    )
    select text from parts order by section, name collate "C"`)
  const header =
    '-- The schema after all migrations, without functions and partitions. Written by `npm run db:generate`.'
  return `${[header, ...rows.map(({ text }) => String(text))].join('\n\n')}\n`
}

export interface FunctionFile {
  name: string
  text: string
}

/** One file per function, with its name. */
export async function readFunctions(folder: string): Promise<FunctionFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(
    names.map(async (file) => ({
      name: file.slice(0, -'.sql'.length),
      text: await readFile(join(folder, file), 'utf8'),
    })),
  )
}

/** Name → definition, as Postgres returns it. */
export async function definedFunctions(query: Query): Promise<Map<string, string>> {
  const rows = await query(`
    select p.proname as name, pg_get_functiondef(p.oid) as definition from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`)
  return new Map(rows.map((row) => [String(row['name']), String(row['definition'])]))
}

/**
 * The statements that update the functions in the database to the files. Leaves the database unchanged.
 * @throws {Error} when a file name does not match its function, or a file cannot be applied
 */
export async function functionChanges(query: Query, files: FunctionFile[]): Promise<string[]> {
  for (const { name, text } of files) {
    if (!new RegExp(`^create or replace function ${name}\\(`, 'm').test(text)) {
      throw new Error(`drizzle/functions/${name}.sql does not create or replace ${name}`)
    }
  }
  const before = await definedFunctions(query)
  const names = new Set(files.map(({ name }) => name))
  const drops = [...before.keys()].filter((name) => !names.has(name)).map((name) => `drop function ${name};`)
  const statements = [...drops]
  await query('begin')
  try {
    await query('set local check_function_bodies = off')
    for (const drop of drops) await query(drop)
    for (const { name, text } of files) {
      if (await isReplaced(query, text)) continue
      statements.push(`drop function ${name};`)
      await query(`drop function ${name}`)
      await query(text)
    }
    const after = await definedFunctions(query)
    for (const { name, text } of files) if (after.get(name) !== before.get(name)) statements.push(text.trim())
  } finally {
    await query('rollback')
  }
  return statements.length === drops.length && drops.length === 0
    ? []
    : ['set local check_function_bodies = off;', ...statements]
}

/** False if Postgres requires dropping the function first, because its result or its parameter names change. */
async function isReplaced(query: Query, text: string): Promise<boolean> {
  await query('savepoint replacing')
  try {
    await query(text)
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '42P13')) throw error
    await query('rollback to savepoint replacing')
    return false
  }
}
