import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../harness/database.ts'

describe.each(databaseKinds)('batches through the gateway, on $kind', ({ create }) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await create()
    await database.sql`create table notes (id integer primary key, body text)`
    await database.sql`create table counters (id integer primary key, value integer not null)`
    await database.sql`insert into counters values (1, 0)`
    await database.sql`create sequence counted`
  })
  afterAll(() => database.close())

  test('applies all statements of a batch, each seeing the earlier ones', async () => {
    const { sql } = database
    const results = await sql.transaction([
      sql`insert into notes values (1, 'first')`,
      sql`select count(*)::integer as count from notes where id = 1`,
    ])
    expect(results).toEqual([[], [{ count: 1 }]])
  })

  test('a failing statement rolls back the whole batch', async () => {
    const { sql } = database
    const batch = sql.transaction([
      sql`insert into notes values (10, 'kept?')`,
      sql`select 1 / 0`,
      sql`insert into notes values (11, 'never run')`,
    ])
    await expect(batch).rejects.toMatchObject({ code: '22012' })
    await expect(sql`select id from notes where id in (10, 11)`).resolves.toEqual([])
  })

  test('a failing commit rolls back the whole batch', async () => {
    const { sql } = database
    await sql`create table deferred (id integer, constraint deferred_key unique (id) deferrable initially deferred)`
    const batch = sql.transaction([
      sql`insert into deferred values (1)`,
      sql`insert into deferred values (1)`,
    ])
    await expect(batch).rejects.toMatchObject({ code: '23505', constraint: 'deferred_key' })
    await expect(sql`select * from deferred`).resolves.toEqual([])
  })

  test('a read-only batch cannot write', async () => {
    const { sql } = database
    const write = sql.transaction([sql`insert into notes values (20, 'x')`], { readOnly: true })
    await expect(write).rejects.toMatchObject({ code: '25006' })
    const read = sql.transaction([sql`show transaction_read_only`], { readOnly: true })
    await expect(read).resolves.toEqual([[{ transaction_read_only: 'on' }]])
  })

  test.each([
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ] as const)('a batch runs at %s on request', async (isolationLevel, name) => {
    const { sql } = database
    await expect(sql.transaction([sql`show transaction_isolation`], { isolationLevel })).resolves.toEqual([
      [{ transaction_isolation: name }],
    ])
    await expect(
      sql.transaction([sql`show transaction_deferrable`], {
        isolationLevel: 'Serializable',
        readOnly: true,
        deferrable: true,
      }),
    ).resolves.toEqual([[{ transaction_deferrable: 'on' }]])
  })

  test('a hundred concurrent batches neither mix nor lose updates', async () => {
    const { sql } = database
    const batches = Array.from({ length: 100 }, (_, id) =>
      sql.transaction([
        sql`update counters set value = value + 1 where id = 1`,
        sql`insert into notes values (${1000 + id}, 'one of many')`,
        sql`update counters set value = value + ${id % 10 === 0 ? '1/0' : '1'}::integer where id = 1`,
      ]),
    )
    const outcomes = await Promise.allSettled(batches)
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10)
    await expect(sql`select value from counters`).resolves.toEqual([{ value: 180 }])
    await expect(sql`select count(*)::integer as count from notes where id >= 1000`).resolves.toEqual([
      { count: 90 },
    ])
  })

  test('keeps no session state between requests', async () => {
    const { sql } = database
    const before = await sql`show search_path`
    await sql`begin`
    await sql`insert into notes values (30, 'x')`
    await sql`select set_config('application_name', 'leaked', false), set_config('search_path', 'nowhere', false)`
    await sql`create temporary table leaked (id integer)`
    await sql`create temporary sequence leaked_sequence`
    await sql`select nextval('counted')`
    await sql`prepare leaked_statement as select 1`
    await sql`listen leaked_channel`
    await sql`declare leaked_cursor cursor with hold for select 1`
    await sql`select pg_advisory_lock(4711)`
    for (let again = 0; again < 20; again++) {
      await expect(sql`show search_path`).resolves.toEqual(before)
      const [row] =
        await sql`select current_setting('application_name') as name, to_regclass('leaked') as leaked`
      expect(row).not.toMatchObject({ name: 'leaked' })
      expect(row).toMatchObject({ leaked: null })
      const [kept] = await sql`
        select (select count(*) from pg_prepared_statements where from_sql)::integer as statements,
          (select count(*) from pg_cursors where name = 'leaked_cursor')::integer as cursors,
          (select count(*) from pg_listening_channels())::integer as channels,
          (select count(*) from pg_locks where locktype = 'advisory' and objid = 4711)::integer as locks,
          to_regclass('leaked_sequence') as sequence, session_user = current_user as is_same_user`
      expect(kept).toEqual({
        statements: 0,
        cursors: 0,
        channels: 0,
        locks: 0,
        sequence: null,
        is_same_user: true,
      })
      await expect(sql`select currval('counted')`).rejects.toMatchObject({ code: '55000' })
    }
    await expect(sql`select id from notes where id = 30`).resolves.toEqual([{ id: 30 }])
  })

  test('rolls back a transaction that a single statement leaves open', async () => {
    const { sql, backend } = database
    await backend.withConnection(async (execute) => {
      await execute({ query: 'begin', params: [] }, 100)
      await execute({ query: `insert into notes values (31, 'x')`, params: [] }, 100)
    })
    await expect(sql`select id from notes where id = 31`).resolves.toEqual([])
  })
})

test('runs requests concurrently on a real Postgres', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  await sql`create table baton (id integer)`
  await database.backend.withConnection(async (execute) => {
    await execute({ query: 'begin', params: [] }, 100)
    await execute({ query: 'lock table baton', params: [] }, 100)
    await expect(sql`select 1 as one`).resolves.toEqual([{ one: 1 }])
  })
  await database.close()
})
