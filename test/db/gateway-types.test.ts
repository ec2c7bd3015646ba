import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds, type TestDatabase } from '../harness/database.ts'

describe.each(databaseKinds)('the driver through the gateway, on $kind', ({ create }) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await create()
  })
  afterAll(() => database.close())

  test.each([
    ['boolean', true, true],
    ['boolean', false, false],
    ['integer', -7, -7],
    ['bigint', '9223372036854775807', '9223372036854775807'],
    ['numeric', '123456789012345678901234567890.000000001', '123456789012345678901234567890.000000001'],
    ['double precision', 0.1, 0.1],
    ['double precision', 'NaN', Number.NaN],
    ['text', '', ''],
    ['text', 'null', 'null'],
    ['text', `quotes ' " \\ and 日本語 🎉`, `quotes ' " \\ and 日本語 🎉`],
    ['text', null, null],
    ['jsonb', null, null],
    ['uuid', '0197a0a0-0000-7000-8000-000000000000', '0197a0a0-0000-7000-8000-000000000000'],
    ['timestamptz(3)', '2026-02-28T23:59:59.123Z', '2026-02-28 23:59:59.123+00'],
    ['timestamptz', new Date('2026-02-28T23:59:59.123Z'), '2026-02-28 23:59:59.123+00'],
    ['jsonb', { a: [1, null, '"\\'], b: { c: 'é' } }, { a: [1, null, '"\\'], b: { c: 'é' } }],
    ['jsonb', '"just text"', 'just text'],
    ['text[]', [], []],
    [
      'text[]',
      ['plain', 'a,b', 'say "hi"', 'back\\slash', '{}', '', 'NULL', null],
      ['plain', 'a,b', 'say "hi"', 'back\\slash', '{}', '', 'NULL', null],
    ],
    ['integer[]', [1, null, 3], [1, null, 3]],
    [
      'text[]',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
  ])('%s %j round-trips', async (type, sent, received) => {
    const rows = await database.sql.query(`select $1::${type} as value`, [sent])
    expect(rows).toEqual([{ value: received }])
  })

  test('every byte of a bytea round-trips', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    const rows = await database.sql.query('select $1::bytea as value', [bytes])
    expect(Buffer.from(rows[0]?.['value']).equals(bytes)).toBe(true)
  })

  test('a result has its columns, types, command and row count', async () => {
    const { sql } = database
    const full = { fullResults: true } as const
    await sql`create table counted (id integer)`
    await expect(sql.query('insert into counted values (1), (2)', [], full)).resolves.toMatchObject({
      command: 'INSERT',
      rowCount: 2,
      rows: [],
      fields: [],
    })
    await expect(sql.query('update counted set id = id + 1', [], full)).resolves.toMatchObject({
      command: 'UPDATE',
      rowCount: 2,
    })
    await expect(sql.query('select id from counted where false', [], full)).resolves.toMatchObject({
      command: 'SELECT',
      rowCount: 0,
      rows: [],
      fields: [{ name: 'id', dataTypeID: 23, columnID: 1, format: 'text' }],
    })
    await expect(sql.query('drop table counted', [], full)).resolves.toMatchObject({
      command: 'DROP',
      rowCount: null,
    })
  })

  test('array mode returns two columns with the same name', async () => {
    await expect(database.sql.query('select 1 as a, 2 as a', [], { arrayMode: true })).resolves.toEqual([
      [1, 2],
    ])
  })

  test('an empty statement returns no rows', async () => {
    await expect(database.sql.query('')).resolves.toEqual([])
  })
})
