import { types } from '@neondatabase/serverless'
import { array, constant, constantFrom, oneof, sample, string } from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const special = [
  '',
  'NULL',
  'null',
  ' ',
  '{',
  '}',
  '{}',
  ',',
  '"',
  '\\',
  'a,b',
  'x y',
  "'",
  '\n',
  'é',
  '😀',
  '@n8n/x.agent',
]
const element = oneof(
  constantFrom(...special),
  string({ unit: constantFrom(...special, 'a', 'b', '.', '-') }),
  constant(null),
)

test('reads what Postgres writes for any array of text', async () => {
  const arrays = sample(array(element, { maxLength: 8 }), 500)
  const rows = await database.sql.query(
    `select array(select jsonb_array_elements_text(each)) as value from jsonb_array_elements($1::jsonb) with ordinality _ (each, at) order by at`,
    [JSON.stringify(arrays)],
  )
  expect(rows.map((row) => row['value'])).toEqual(arrays)
})

test('leaves nested arrays and bounds to the parser of the driver', async () => {
  const [row] = await database.sql`
    select array[['a', 'b'], ['c', 'd']] as nested, '[0:1]={a,b}'::text[] as bounded, '{}'::text[] as none`
  expect(row).toEqual({
    nested: [
      ['a', 'b'],
      ['c', 'd'],
    ],
    bounded: ['a', 'b'],
    none: [],
  })
  expect(types.getTypeParser(1009)('{NULL,NULLS}')).toEqual([null, 'NULLS'])
})
