/** @module Applies migrations, each atomically with its journal row. Safe to run in several processes concurrently. */
import { sha256Hex } from '../lib/encoding.ts'
import { backoffMs, retry } from '../lib/retry.ts'
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
  /** Called with the name of each applied migration. */
  onApplied?: (name: string) => void
  log?: (line: string) => void
  /** Attempts to lock the tables of a migration, of 2 seconds each. */
  lockAttempts?: number
  /** Between these attempts. */
  wait?: (ms: number) => Promise<void>
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
export async function migrate({
  sql,
  migrations,
  onApplied,
  log = () => undefined,
  lockAttempts = 6,
  wait,
}: MigrateOptions): Promise<string[]> {
  await sql.transaction([...lock(sql), sql.query(CREATE_JOURNAL)])
  const hashes = await Promise.all(migrations.map(hash))
  let journal = await readJournal(sql)
  const applied: string[] = []
  const applyWhenUnlocked = (position: number, migration: Migration, digest: string) =>
    retry(() => apply(sql, position, migration, digest), {
      delayMs: (outcome, attempt) => {
        if (!('error' in outcome) || !isLockFailure(outcome.error)) return null
        if (attempt < lockAttempts) log(`Waiting for a lock: attempt ${attempt} of ${lockAttempts} failed`)
        return backoffMs(500, attempt)
      },
      maxAttempts: lockAttempts,
      ...(wait && { wait }),
    })
  for (const [position, migration] of migrations.entries()) {
    const known = journal.get(position)
    if (known === undefined && (await applyWhenUnlocked(position, migration, hashes[position]!))) {
      onApplied?.(migration.name)
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

/**
 * Waits indefinitely for another migrator, but only briefly for locked tables: while a migration waits for a lock, every
 * later statement on that table waits too.
 */
function lock(sql: Sql) {
  return [
    sql`select set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)`,
    sql`select pg_advisory_xact_lock(${LOCK}::bigint), set_config('lock_timeout', '2s', true)`,
  ]
}

/** A statement ended another's wait after 2 seconds, or both waited for each other. */
const isLockFailure = (error: unknown): boolean =>
  error instanceof Error && ['55P03', '40P01'].includes(databaseError(error.cause).sqlState ?? '')

/** False when another migrator has already applied this position. */
async function apply(sql: Sql, position: number, migration: Migration, digest: string): Promise<boolean> {
  const { name } = migration
  const statements = statementsOf(migration)
  const journalRow = sql`insert into flowkeep_migrations (position, name, hash) values (${position}, ${name}, ${digest})`
  try {
    if (isInParts(migration)) await runInParts(sql, statements)
    await sql.transaction([
      ...lock(sql),
      journalRow,
      ...(isInParts(migration) ? [] : statements.map(({ text }) => sql.query(text))),
    ])
    return true
  } catch (error) {
    if (databaseError(error).constraint?.startsWith('flowkeep_migrations_') === true) return false
    const reason = error instanceof Error ? error.message : String(error)
    const rest = isInParts(migration)
      ? 'stopped; run the command again to continue'
      : 'failed and was rolled back'
    throw new Error(`Migration ${name} ${rest}: ${reason}`, { cause: error })
  }
}

/**
 * For statements that cannot run in a transaction, such as `create index concurrently if not exists`. Each statement must
 * have no effect if it ran before.
 */
const isInParts = ({ sql }: Migration): boolean => /^\s*-- no-transaction\b/.test(sql)

async function runInParts(sql: Sql, statements: { text: string }[]): Promise<void> {
  for (const { text } of statements) {
    // An interrupted build leaves an invalid index, which `if not exists` would keep.
    const invalid =
      await sql`select format('drop index concurrently if exists %s', i.indexrelid::regclass) as statement
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where not i.indisvalid and c.relkind = 'i' and c.relnamespace = current_schema()::regnamespace
        and not exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)`
    for (const { statement } of invalid) await sql.query(String(statement))
    await sql.query(text)
  }
}

/** In order, each with its first line in the file, from 1. */
export function statementsOf({ sql: file }: Migration): { text: string; line: number }[] {
  let line = 1
  return file
    .split('--> statement-breakpoint')
    .map((text) => {
      const start = line + (/^\s*/.exec(text)?.[0].split('\n').length ?? 1) - 1
      line += text.split('\n').length - 1
      return { text, line: start }
    })
    .filter(({ text }) => /\S/.test(withoutComments(text)))
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
