/** @module Applies migrations, each atomically with its journal row. Safe to run in several processes concurrently. */
import { sha256Hex } from '../lib/encoding.ts'
import type { Sql } from './client.ts'
import { databaseError } from './errors.ts'

export interface Migration {
  /** The file name without its extension, e.g. `0003_add_audit_events`. */
  name: string
  /** Statements separated by drizzle's `--> statement-breakpoint`. */
  sql: string
}

export interface MigrateOptions {
  /** Its `timeoutMs` must allow for the longest migration. */
  sql: Sql
  /** All migrations, in order. */
  migrations: Migration[]
  log?: (line: string) => void
}

/** Advisory lock number that all migrators share: ASCII "flow". */
const LOCK = 0x666c6f77

const CREATE_JOURNAL = `create table if not exists flowkeep_migrations (
  position integer primary key,
  name text not null unique,
  hash text not null,
  applied_at timestamptz not null default now()
)`

/**
 * Applies the missing migrations. The journal row is the first statement of a migration's batch: a second migrator waits
 * for the lock, then fails on that row and treats the migration as applied.
 * @returns the names of the applied migrations
 * @throws {Error} when an applied migration has changed or is missing here, or when a statement fails. Earlier migrations
 * stay applied; the failing one is rolled back
 */
export async function migrate({ sql, migrations, log = () => undefined }: MigrateOptions): Promise<string[]> {
  await sql.transaction([...lock(sql), sql.query(CREATE_JOURNAL)])
  const hashes = await Promise.all(migrations.map(hash))
  let journal = await readJournal(sql)
  const applied: string[] = []
  for (const [position, migration] of migrations.entries()) {
    const known = journal.get(position)
    if (known === undefined && (await apply(sql, position, migration, hashes[position]!))) {
      log(`Applied ${migration.name}`)
      applied.push(migration.name)
      continue
    }
    if (known === undefined) journal = await readJournal(sql)
    check(journal.get(position), migration, hashes[position]!)
  }
  if (journal.size > migrations.length) {
    const newer = journal.size - migrations.length
    log(
      `The database is ${newer} ${newer === 1 ? 'migration' : 'migrations'} ahead of this release. Upgrade Flowkeep`,
    )
  }
  return applied
}

/** Names of the migrations that are not applied yet. */
export async function pendingMigrations(sql: Sql, migrations: Migration[]): Promise<string[]> {
  const [found] = await sql`select to_regclass('flowkeep_migrations') is not null as found`
  const journal = found?.['found'] === true ? await readJournal(sql) : new Map<number, JournalRow>()
  return migrations.filter((_, position) => !journal.has(position)).map(({ name }) => name)
}

interface JournalRow {
  name: string
  hash: string
}

async function readJournal(sql: Sql): Promise<Map<number, JournalRow>> {
  const rows = await sql`select position, name, hash from flowkeep_migrations order by position`
  return new Map(
    rows.map((row) => [Number(row['position']), { name: String(row['name']), hash: String(row['hash']) }]),
  )
}

/** Waits indefinitely for another migrator, but only briefly for locked tables. */
function lock(sql: Sql) {
  return [
    sql`select set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)`,
    sql`select pg_advisory_xact_lock(${LOCK}::bigint), set_config('lock_timeout', '2s', true)`,
  ]
}

/** False when another migrator has already applied this position. */
async function apply(
  sql: Sql,
  position: number,
  { name, sql: text }: Migration,
  digest: string,
): Promise<boolean> {
  const statements = text
    .split('--> statement-breakpoint')
    .filter((statement) => /\S/.test(withoutComments(statement)))
  try {
    await sql.transaction([
      ...lock(sql),
      sql`insert into flowkeep_migrations (position, name, hash) values (${position}, ${name}, ${digest})`,
      ...statements.map((statement) => sql.query(statement)),
    ])
    return true
  } catch (error) {
    if (databaseError(error).constraint?.startsWith('flowkeep_migrations_') === true) return false
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Migration ${name} failed and was rolled back: ${reason}`, { cause: error })
  }
}

function withoutComments(statement: string): string {
  return statement.replaceAll(/--.*$/gm, '').replaceAll(/\/\*[\s\S]*?\*\//g, '')
}

function check(known: JournalRow | undefined, { name }: Migration, digest: string): void {
  if (known === undefined) throw new Error(`The journal has migration ${name} at a different position`)
  if (known.name !== name)
    throw new Error(`The database has migration ${known.name} where this release has ${name}`)
  if (known.hash !== digest) throw new Error(`Migration ${name} was changed after it was applied`)
}

/** SHA-256 in hexadecimal, the same for all line endings. */
const hash = ({ sql }: Migration): Promise<string> => sha256Hex(sql.replaceAll('\r\n', '\n'))
