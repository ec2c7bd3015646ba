/** `drizzle/functions/` and `drizzle/schema.sql` match the migrated schema on Postgres 15. */
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  definedFunctions,
  dumpSchema,
  functionChanges,
  type Query,
  readFunctions,
} from '../../scripts/schema-sql.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

let database: PostgresTestDatabase
let client: Client
const query: Query = async (sql) => (await client.query<Record<string, unknown>>(sql)).rows
beforeAll(async () => {
  database = await createTestDatabase()
  client = new Client({ connectionString: database.postgresUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.close()
})

test('every function has a file with its definition; otherwise edit the file and run `npm run db:generate`', async () => {
  const files = await readFunctions('drizzle/functions')
  expect(files.map(({ name }) => name)).toEqual([...(await definedFunctions(query)).keys()].toSorted())
  expect(await functionChanges(query, files)).toEqual([])
})

test('schema.sql matches the schema; otherwise run `npm run db:generate`', async () => {
  const [row] = await query('show server_version_num')
  // Other versions print views differently.
  if (!String(row?.['server_version_num']).startsWith('15')) return
  expect(await dumpSchema(query)).toBe(await readFile('drizzle/schema.sql', 'utf8'))
})

test('generates statements for changed, added and removed functions and changed parameters without applying them', async () => {
  const before = await definedFunctions(query)
  const files = (await readFunctions('drizzle/functions'))
    .filter(({ name }) => name !== 'runs_between')
    .map(({ name, text }) => {
      if (name === 'run_kind') return { name, text: text.replace("'manual'", "'by hand'") }
      return { name, text: name === 'count_of' ? text.replaceAll('largest', 'most') : text }
    })
  const added = 'create or replace function added(n integer) returns integer language sql as $$ select n $$;'
  files.push({ name: 'added', text: `-- Another one.\n${added}\n` })
  const statements = await functionChanges(query, files)
  expect(statements.map((text) => text.replace(/^--.*\n/gm, '').split('(')[0])).toEqual([
    'set local check_function_bodies = off;',
    'drop function runs_between;',
    'drop function count_of;',
    'create or replace function count_of',
    'create or replace function run_kind',
    'create or replace function added',
  ])
  expect(await definedFunctions(query)).toEqual(before)
  await query('begin')
  for (const statement of statements) await query(statement)
  expect(await functionChanges(query, files).catch(String)).toEqual([])
  await query('rollback')
})

test('rejects a file whose name does not match its function', async () => {
  const text = 'create or replace function other() returns integer language sql as $$ select 1 $$;'
  await expect(functionChanges(query, [{ name: 'one', text }])).rejects.toThrow(
    'does not create or replace one',
  )
})
