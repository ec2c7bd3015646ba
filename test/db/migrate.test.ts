import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { createDb, type Sql } from '../../src/db/client.ts'
import { type Backend, createGateway } from '../../src/db/gateway/protocol.ts'
import { type Migration, migrate, pendingMigrations } from '../../src/db/migrate.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../harness/database.ts'

const BREAK = '\n--> statement-breakpoint\n'

const migrations: Migration[] = [
  { name: '0000_first', sql: ['create table a (id integer)', 'insert into a values (1)'].join(BREAK) },
  {
    name: '0001_second',
    sql: [
      '-- only a comment; no statement',
      'create table b (id integer)',
      `create function twice(n integer) returns integer language plpgsql as $$
begin
  return n * 2; -- semicolons stay
end $$;`,
      'insert into b select twice(id) from a',
    ].join(BREAK),
  },
]

const tables = (sql: Sql) =>
  sql`select to_regclass('a') is not null as a, to_regclass('b') is not null as b,
    (select coalesce(string_agg(name, ' ' order by position), '') from flowkeep_migrations) as journal`

describe.each(databaseKinds)('migrate, on $kind', ({ create }) => {
  let database: TestDatabase
  let sql: Sql
  beforeEach(async () => {
    database = await create()
    sql = database.sql
    await sql`drop table if exists flowkeep_migrations`
  })
  afterEach(() => database.close())

  test('applies missing migrations once, in order', async () => {
    await expect(pendingMigrations(sql, migrations)).resolves.toEqual(['0000_first', '0001_second'])
    const lines: string[] = []
    const onApplied = (name: string) => void lines.push(name)
    await expect(migrate({ sql, migrations: migrations.slice(0, 1), onApplied })).resolves.toEqual([
      '0000_first',
    ])
    await expect(pendingMigrations(sql, migrations)).resolves.toEqual(['0001_second'])
    await expect(migrate({ sql, migrations, onApplied })).resolves.toEqual(['0001_second'])
    await expect(migrate({ sql, migrations, onApplied })).resolves.toEqual([])
    await expect(pendingMigrations(sql, migrations)).resolves.toEqual([])
    await expect(sql`select id from b`).resolves.toEqual([{ id: 2 }])
    expect(lines).toEqual(['0000_first', '0001_second'])
  })

  test('rolls back a failing file, keeps earlier files, and succeeds once the file is fixed', async () => {
    const broken = { ...migrations[1]!, sql: `${migrations[1]!.sql}${BREAK}select 1 / 0` }
    await expect(migrate({ sql, migrations: [migrations[0]!, broken] })).rejects.toThrow(
      'Migration 0001_second failed and was rolled back: division by zero',
    )
    await expect(tables(sql)).resolves.toEqual([{ a: true, b: false, journal: '0000_first' }])
    await expect(migrate({ sql, migrations })).resolves.toEqual(['0001_second'])
  })

  test('rejects a file that was changed after it was applied, but ignores line endings', async () => {
    await migrate({ sql, migrations })
    const windows = migrations.map((each) => ({ ...each, sql: each.sql.replaceAll('\n', '\r\n') }))
    await expect(migrate({ sql, migrations: windows })).resolves.toEqual([])
    const changed = [{ ...migrations[0]!, sql: `${migrations[0]!.sql} ` }, migrations[1]!]
    await expect(migrate({ sql, migrations: changed })).rejects.toThrow(
      'Migration 0000_first was changed after it was applied',
    )
  })

  test('rejects another file at an applied position before it runs anything', async () => {
    await migrate({ sql, migrations: migrations.slice(0, 1) })
    const other = [{ name: '0000_other', sql: 'create table other (id integer)' }, migrations[1]!]
    await expect(migrate({ sql, migrations: other })).rejects.toThrow(
      'The database has migration 0000_first where this release has 0000_other',
    )
    await expect(tables(sql)).resolves.toEqual([{ a: true, b: false, journal: '0000_first' }])
  })

  test('does nothing when the database is newer than the release', async () => {
    await migrate({ sql, migrations })
    await expect(migrate({ sql, migrations: migrations.slice(0, 1) })).resolves.toEqual([])
  })

  test('concurrent migrators apply each file once, and all succeed', async () => {
    const racers = await Promise.all(Array.from({ length: 5 }, () => migrate({ sql, migrations })))
    expect(racers.flat().toSorted()).toEqual(['0000_first', '0001_second'])
    await expect(sql`select id from b`).resolves.toEqual([{ id: 2 }])
  })

  test('an interrupted run leaves complete files, and the next run finishes', async () => {
    let interruptions = 0
    for (let outcome: unknown; !Array.isArray(outcome); interruptions++) {
      for (const thing of ['table a', 'table b', 'function twice', 'table flowkeep_migrations']) {
        await sql.query(`drop ${thing.replace(' ', ' if exists ')}`)
      }
      const gateway = createGateway(dyingBackend(database.backend, interruptions + 1))
      const dying = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch })
      outcome = await migrate({ sql: dying.$client, migrations }).catch((error: unknown) => error)

      const [found] = await sql`select to_regclass('a') is not null as a, to_regclass('b') is not null as b`
      const left = (await pendingMigrations(sql, migrations)).length
      expect(found).toEqual({ a: left < 2, b: left < 1 })
      await migrate({ sql, migrations })
      await expect(sql`select id from b`).resolves.toEqual([{ id: 2 }])
    }
    // The journal, two files with begin, lock, journal row, statements and commit each, and reading the journal.
    expect(interruptions).toBeGreaterThan(15)
  })
})

/** Permanently loses its connection instead of running statement number `at`. */
function dyingBackend(backend: Backend, at: number): Backend {
  let count = 0
  return {
    ...backend,
    withConnection: (use) =>
      backend.withConnection((execute) =>
        use(async (statement, maxChars) => {
          count++
          if (count >= at) throw new Error('Connection terminated unexpectedly')
          return execute(statement, maxChars)
        }),
      ),
  }
}

test('leaves nothing of a file during which Postgres ended the connection', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  await sql`drop table flowkeep_migrations`
  const suicidal: Migration = {
    name: '0000_killed',
    sql: `create table half (id integer)${BREAK}select pg_terminate_backend(pg_backend_pid())`,
  }
  await expect(migrate({ sql, migrations: [suicidal] })).rejects.toThrow('0000_killed failed')
  await expect(
    sql`select to_regclass('half') as half, (select count(*)::integer from flowkeep_migrations) as count`,
  ).resolves.toEqual([{ half: null, count: 0 }])
  await database.close()
})

test('waits for a locked table in short attempts, between which other statements run', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  await sql`drop table flowkeep_migrations`
  await sql`create table busy (id integer)`
  const migrations = [{ name: '0000_busy', sql: 'alter table busy add column more integer' }]
  await database.backend.withConnection(async (execute) => {
    await execute({ query: 'begin', params: [] }, 100)
    await execute({ query: 'select * from busy', params: [] }, 100)
    await expect(migrate({ sql, migrations, lockAttempts: 1 })).rejects.toThrow('lock timeout')
    const lines: string[] = []
    const wait = async () => {
      await expect(sql`select * from busy`).resolves.toEqual([])
      await execute({ query: 'commit', params: [] }, 100)
    }
    await expect(migrate({ sql, migrations, log: (line) => lines.push(line), wait })).resolves.toEqual([
      '0000_busy',
    ])
    expect(lines).toEqual(['Waiting for a lock: attempt 1 of 6 failed'])
  })
  await database.close()
})

describe('a migration without a transaction', () => {
  const migrations: Migration[] = [
    {
      name: '0000_index',
      sql: `-- no-transaction\ncreate table if not exists grown (id integer)${BREAK}create index concurrently if not exists grown_idx on grown (id)`,
    },
  ]
  const index = (sql: Sql) =>
    sql`select indisvalid as valid from pg_index where indexrelid = to_regclass('grown_idx')`

  test('builds an index concurrently, and again after an interrupted build', async () => {
    const database = await createTestDatabase()
    const { sql } = database
    await sql`drop table flowkeep_migrations`
    await sql`create table grown (id integer)`
    await sql`insert into grown select n from generate_series(1, 1000) n`
    await sql`create index grown_idx on grown (id)`
    await sql`update pg_index set indisvalid = false where indexrelid = 'grown_idx'::regclass`
    await expect(migrate({ sql, migrations })).resolves.toEqual(['0000_index'])
    await expect(index(sql)).resolves.toEqual([{ valid: true }])
    await expect(migrate({ sql, migrations })).resolves.toEqual([])
    await database.close()
  })

  test('is not in the journal until its last statement succeeded', async () => {
    const database = await createTestDatabase()
    const { sql } = database
    await sql`drop table flowkeep_migrations`
    const broken = { name: '0000_index', sql: `${migrations[0]!.sql}${BREAK}select 1 / 0` }
    await expect(migrate({ sql, migrations: [broken] })).rejects.toThrow(
      'Migration 0000_index stopped; run the command again to continue: division by zero',
    )
    await expect(pendingMigrations(sql, migrations)).resolves.toEqual(['0000_index'])
    await expect(migrate({ sql, migrations })).resolves.toEqual(['0000_index'])
    await database.close()
  })
})

describe('readMigrations', () => {
  test('reads the files in the order of the journal', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'flowkeep-migrations-'))
    await mkdir(join(dir, 'meta'))
    const entries = [
      { idx: 1, tag: '0001_b', when: 2 },
      { idx: 0, tag: '0000_a', when: 1 },
    ]
    await writeFile(join(dir, 'meta', '_journal.json'), JSON.stringify({ version: '7', entries }))
    await writeFile(join(dir, '0000_a.sql'), 'select 1')
    await writeFile(join(dir, '0001_b.sql'), 'select 2')
    await expect(readMigrations(dir)).resolves.toEqual([
      { name: '0000_a', sql: 'select 1' },
      { name: '0001_b', sql: 'select 2' },
    ])
    await rm(dir, { recursive: true })
  })
})
