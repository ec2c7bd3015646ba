import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresBackend } from '../../src/db/gateway/postgres.ts'
import { createGateway } from '../../src/db/gateway/protocol.ts'
import { createDb } from '../../src/db/client.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

let database: PostgresTestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

/** A gateway with one connection. */
function oneConnection() {
  const backend = postgresBackend(database.postgresUrl, { maxConnections: 1, ssl: false })
  const gateway = createGateway(backend)
  const { $client: sql } = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch })
  return { backend, sql, [Symbol.asyncDispose]: () => backend.close() }
}

const prepared = `select statement from pg_prepared_statements order by statement`

test('prepares statements that are repeated, unless their best plan depends on the value', async () => {
  await using gateway = oneConnection()
  const { sql } = gateway
  await sql.query('select 1 as once')
  for (let again = 0; again < 3; again += 1) {
    await expect(sql.query('select $1::text as often', [String(again)])).resolves.toEqual([
      { often: String(again) },
    ])
    await sql.query(`select 1 as found where array['a', 'b'] @> $1::text[]`, ['{a}'])
    // Keeps what is prepared, although it is undone.
    await sql.query('select set_config($1, $2, false)', ['application_name', 'x'])
  }
  await expect(sql.query(prepared)).resolves.toEqual([{ statement: 'select $1::text as often' }])
  await expect(sql.query(`select current_setting('application_name') as name`)).resolves.toEqual([
    { name: 'flowkeep' },
  ])
})

test.each(['prepare own as select 1', 'deallocate all', 'discard all'])(
  'a connection on which a request ran %s is replaced',
  async (text) => {
    await using gateway = oneConnection()
    const { sql } = gateway
    const often = () => sql.query('select $1::text as often', ['x'])
    for (let again = 0; again < 3; again += 1) await often()
    await sql.query(text)
    await expect(sql.query(prepared)).resolves.toEqual([])
    await expect(often()).resolves.toEqual([{ often: 'x' }])
  },
)

test('a migration that changes the result of a prepared statement is not noticed', async () => {
  await using gateway = oneConnection()
  const { sql } = gateway
  await database.sql`create table altered (id integer, value integer)`
  await database.sql`insert into altered values (1, 7)`
  const read = () => sql.query('select value from altered where id = $1', ['1'])
  const write = () =>
    sql.transaction([
      sql.query('update altered set value = value where id = $1 returning value', ['1']),
      sql.query('insert into altered values ($1, 0)', ['2']),
    ])
  for (let again = 0; again < 3; again += 1) {
    await read()
    await write()
  }
  await database.sql`alter table altered alter column value type text`
  await expect(write()).resolves.toEqual([[{ value: '7' }], []])
  await database.sql`alter table altered alter column value type integer using value::integer`
  await expect(read()).resolves.toEqual([{ value: 7 }])
  await expect(sql.query('select count(*)::integer as rows from altered where id = 2')).resolves.toEqual([
    { rows: 4 },
  ])
})

test('stops preparing statements behind a pooler that drops prepared statements', async () => {
  await using gateway = oneConnection()
  const { sql, backend } = gateway
  const text = 'select $1::text as pooled'
  for (let again = 0; again < 3; again += 1) await sql.query(text, ['before'])
  const used: number[] = []
  const result = await backend.withConnection(async (execute) => {
    used.push(used.length)
    // As if another server connection answered.
    if (used.length === 1) await execute({ query: 'deallocate all', params: [] }, 0)
    return execute({ query: text, params: ['after'] }, 100)
  })
  expect(result.rows).toEqual([['after']])
  expect(used).toHaveLength(2)
  for (let again = 0; again < 3; again += 1) await sql.query(text, ['later'])
  await expect(sql.query(prepared)).resolves.toEqual([])
})

test('the plans of a connection are bounded', async () => {
  await using gateway = oneConnection()
  const { sql } = gateway
  const texts = Array.from({ length: 300 }, (_, index) => `select ${index} as value`)
  for (const text of [...texts, ...texts, ...texts]) await sql.query(text)
  const [row] = await sql.query('select count(*)::integer as count from pg_prepared_statements')
  expect(row?.['count']).toBeGreaterThan(10)
  expect(row?.['count']).toBeLessThan(140)
})

// `statement-kinds.ts` relies on it.
test('no function of the schema keeps session state', async () => {
  const functions = await database.sql`
    select proname as name, prosrc as source, proconfig as settings
    from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    where nspname = 'public' and prolang in (select oid from pg_language where lanname in ('sql', 'plpgsql'))`
  expect(functions.length).toBeGreaterThan(20)
  const keeping = functions.filter(({ source }) =>
    /set_config\s*\([^;]*false\s*\)|pg_(?:try_)?advisory_lock|pg_(?:try_)?advisory_lock_shared|\blisten\b|\btemp(?:orary)?\s+(?:table|sequence|view)|\bset\s+(?:session|role|search_path)/i.test(
      String(source),
    ),
  )
  expect(keeping.map(({ name }) => name)).toEqual([])
})
