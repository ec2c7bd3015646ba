import type * as neonPackage from '@neondatabase/serverless'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpDriver } from '../../scripts/http-driver.ts'

type Driver = Pick<typeof neonPackage, 'neon' | 'neonConfig' | 'NeonDbError' | 'types'>

const root = join(import.meta.dirname, '../..')
const packageFile = join(root, 'node_modules/@neondatabase/serverless/index.mjs')
const url = 'postgresql://user:secret@ep-a-1.eu.example.test/database?sslmode=require'

let folder: string
let code: string
let reduced: Driver
/** A copy, since drizzle changes the types of the package's own instance. */
let whole: Driver

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-driver-'))
  const entry = join(folder, 'entry.js')
  await writeFile(
    entry,
    `export { neon, neonConfig, NeonDbError, types } from ${JSON.stringify(packageFile)}`,
  )
  await using bundle = await rolldown({
    input: entry,
    // As in the worker.
    transform: { define: { 'globalThis.Buffer': 'undefined' } },
    experimental: { nativeMagicString: true },
    plugins: [
      {
        name: 'driver',
        transform: {
          filter: { id: /serverless[\\/]index\.mjs$/ },
          handler: (source) => ({ code: httpDriver(source) }),
        },
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: false })
  code = output[0].code
  const file = join(folder, 'driver.mjs')
  await writeFile(file, code)
  reduced = (await import(pathToFileURL(file).href)) as Driver
  const copy = join(folder, 'whole.mjs')
  await copyFile(packageFile, copy)
  whole = (await import(pathToFileURL(copy).href)) as Driver
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the same on both drivers, with a database that returns this. */
async function compare(
  response: () => Response,
  run: (sql: neonPackage.NeonQueryFunction<false, false>) => Promise<unknown>,
) {
  const runOn = async ({ neon, neonConfig, NeonDbError }: Driver) => {
    const requests: unknown[] = []
    neonConfig.fetchFunction = async (endpoint: string, init: RequestInit) => {
      requests.push(endpoint, init)
      return response()
    }
    const outcome = await run(neon(url)).then(
      (value: unknown) => ({ value: JSON.parse(JSON.stringify(value)) as unknown }),
      (error: Error) => ({ ...error, isDbError: error instanceof NeonDbError, message: error.message }),
    )
    return { requests, outcome }
  }
  const result = await runOn(reduced)
  expect(result).toEqual(await runOn(whole))
  return result
}

const rowsOf = (fields: unknown[], rows: unknown[]) => () =>
  Response.json({ command: 'SELECT', rowCount: rows.length, fields, rows })

describe('the driver in the worker', () => {
  test('is without the protocol over WebSockets', () => {
    expect(/SCRAM|startTls|ieee754/.test(code)).toBe(false)
    expect(code.length).toBeLessThan(30_000)
  })

  test('sends parameters of every kind as the whole driver does', async () => {
    const parameters = [
      null,
      undefined,
      1,
      1.5,
      true,
      'text',
      '{"a":1}',
      { a: [1, null] },
      [],
      [1, null, [2]],
    ]
    const dates = [new Date(0), new Date('2026-02-28T23:59:59.123Z'), [new Date(1)]]
    const strings = ['quotes \' " \\ , {} NULL', ['a,b', 'say "hi"', 'back\\slash', null, '日本語 🎉']]
    const { requests } = await compare(rowsOf([], []), (sql) =>
      sql.query('select $1', [...parameters, ...dates, ...strings], { fullResults: true, arrayMode: true }),
    )
    expect(requests[0]).toBe('https://api.eu.example.test/sql')
    await compare(rowsOf([], []), (sql) => sql`select ${1}, ${sql.unsafe('now()')}, ${sql`a = ${'b'}`}`)
  })

  test('parses the same types as the full driver, except bytea and those that drizzle overrides', async () => {
    const texts = [
      't',
      'f',
      '12',
      '-9007199254740993',
      '1.50',
      'NaN',
      '2026-02-28 23:59:59.123+00',
      '2026-02-28',
    ]
    const more = [
      '{}',
      '{"a": [1, null]}',
      '[1]',
      '(1,2)',
      '<(1,2),3>',
      '1 day 02:03:04.5',
      '{1,NULL,3}',
      '{"a b",c}',
    ]
    // Bytes, dates and intervals, and lists of them.
    const others = new Set([17, 1082, 1114, 1184, 1186, 1001, 1115, 1182, 1185, 1187])
    const numbers = Array.from({ length: 4_000 }, (_, id) => id).filter((id) => !others.has(id))
    const parse = ({ types }: Driver, id: number, text: string) => {
      try {
        return types.getTypeParser(id)(text)
      } catch (error) {
        return String(error)
      }
    }
    for (const text of [...texts, ...more]) {
      const parseAll = (driver: Driver) => numbers.map((id) => parse(driver, id, text))
      expect(parseAll(reduced)).toEqual(parseAll(whole))
    }
    expect(reduced.types.builtins).toEqual(whole.types.builtins)
  })

  test('shapes rows and batches as the whole driver does', async () => {
    const fields = ['a', 'b', 'c'].map((name, index) => ({ name, dataTypeID: [23, 3802, 25][index] }))
    const row = ['1', '{"x":1}', '2026-02-28 23:59:59.123+00']
    const result = { command: 'SELECT', rowCount: 2, fields, rows: [row, [null, null, null]] }
    await compare(rowsOf(fields, [row]), (sql) => sql`select`)
    await compare(rowsOf(fields, [row]), (sql) => sql.query('select', [], { arrayMode: true }))
    const { outcome } = await compare(
      () => Response.json({ results: [result, result] }),
      (sql) =>
        sql.transaction([sql`select 1`, sql.query('select 2')], {
          arrayMode: true,
          fullResults: true,
          readOnly: true,
          isolationLevel: 'RepeatableRead',
        }),
    )
    expect(outcome).toMatchObject({
      value: [
        {
          rows: [
            [1, { x: 1 }, expect.anything()],
            [null, null, null],
          ],
        },
        {},
      ],
    })
  })

  test('uses type parsers that drizzle sets', async () => {
    const fields = [{ name: 'at', dataTypeID: 1184 }]
    const read = () => compare(rowsOf(fields, [['2026-02-28 23:59:59+00']]), (sql) => sql`select`)
    const parser = whole.types.getTypeParser(1184)
    try {
      for (const { types } of [reduced, whole]) types.setTypeParser(1184, (text: string) => `text ${text}`)
      expect((await read()).outcome).toEqual({ value: [{ at: 'text 2026-02-28 23:59:59+00' }] })
    } finally {
      for (const { types } of [reduced, whole]) types.setTypeParser(1184, parser)
    }
  })

  test('throws the errors of the whole driver', async () => {
    const failure = {
      message: 'duplicate key',
      code: '23505',
      constraint: 'users_key',
      severity: 'ERROR',
      table: 'users',
    }
    const { outcome } = await compare(
      () => Response.json(failure, { status: 400 }),
      (sql) => sql`select`,
    )
    expect(outcome).toMatchObject({ isDbError: true, name: 'NeonDbError', ...failure })
    await compare(
      () => new Response('busy', { status: 503 }),
      (sql) => sql`select`,
    )
    await compare(
      () => {
        throw new TypeError('refused')
      },
      (sql) => sql`select`,
    )
    await compare(rowsOf([], []), (sql) => sql.transaction(['select' as never]))
  })
})

test('no column is bytea, which the driver in the worker cannot read', async () => {
  expect(await readFile(join(root, 'drizzle/schema.sql'), 'utf8')).not.toMatch(
    /^\s+\w+ bytea\b|returns bytea/im,
  )
})

test('a driver of another shape is reported', async () => {
  const source = await readFile(packageFile, 'utf8')
  expect(() => httpDriver(source.replaceAll('stateIdentity', 'state'))).toThrow('has no stateIdentity')
  expect(() => httpDriver(source.replaceAll('export_types', 'exportedTypes'))).toThrow('has changed')
  expect(() => httpDriver('const = 1')).toThrow('does not parse')
})
