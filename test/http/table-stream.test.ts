import { describe, expect, test } from 'vitest'
import { downloadTable, type TableFormat } from '../../src/http/table-stream.ts'

interface Row {
  name: unknown
  count: number
}

const columns = { name: ({ name }: Row) => name, count: ({ count }: Row) => count }

async function* pagesOf(...pages: Row[][]): AsyncGenerator<Row[], void, undefined> {
  for (const page of pages) yield page
}

const download = (format: TableFormat, ...pages: Row[][]) =>
  downloadTable({ format, name: 'rows', columns, pages: pagesOf(...pages) })

describe('csv', () => {
  test('has a header, CRLF and quotes where required (RFC 4180)', async () => {
    const response = await download('csv', [{ name: 'a "b", c\nd', count: 1 }], [{ name: null, count: 2 }])
    expect(await response.text()).toBe('name,count\r\n"a ""b"", c\nd",1\r\n,2\r\n')
    expect(response.headers.get('Content-Type')).toBe('text/csv; charset=utf-8; header=present')
    expect(response.headers.get('Content-Disposition')).toBe('attachment; filename="rows.csv"')
  })

  test.each([
    ['=cmd|calc', "'=cmd|calc"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', '"\'\tx"'],
    ['\nx', '"\'\nx"'],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠x', "'＠x"],
    // Spreadsheets of other locales split at these, even within quotes.
    ['a;=1', '"a;\'=1"'],
    ['a;b', '"a;b"'],
    ['a\t@x', '"a\t\'@x"'],
    ['a|+1', "a|'+1"],
    ['a\r\n-1', '"a\r\n\'-1"'],
    ['a;"=1', '"a;""\'=1"'],
    ['\t=1', '"\'\t\'=1"'],
    ['a;＝1', '"a;\'＝1"'],
    ['2 - 1 = 1; x', '"2 - 1 = 1; x"'],
    ['\rx', '"\'\rx"'],
    ['=1,"2"', '"\'=1,""2"""'],
    ['a=1', 'a=1'],
    ["'=1", "'=1"],
    ['', ''],
  ])('writes %j as %j, which spreadsheets treat as text', async (name, cell) => {
    expect(await (await download('csv', [{ name, count: 1 }])).text()).toBe(`name,count\r\n${cell},1\r\n`)
  })

  test('writes objects as JSON and negative numbers as numbers', async () => {
    expect(await (await download('csv', [{ name: { a: 1 }, count: -1 }])).text()).toBe(
      'name,count\r\n"{""a"":1}",-1\r\n',
    )
  })
})

test.each([
  ['none', []],
  ['an empty page', [[]]],
  ['empty pages between', [[], [], [{ name: 'a', count: 1 }], [], [{ name: 'b', count: 2 }], []]],
  [
    'several pages',
    [
      [{ name: 'a', count: 1 }],
      [
        { name: 'ü', count: 2 },
        { name: '=x', count: 3 },
      ],
      [],
    ],
  ],
])('json and ndjson contain the unchanged rows: %s', async (_, pages: Row[][]) => {
  const json = await download('json', ...pages)
  expect(await json.json()).toEqual(pages.flat())
  expect(json.headers.get('Content-Type')).toContain('application/json')
  const lines = (await (await download('ndjson', ...pages)).text()).split('\n').filter(Boolean)
  expect(lines.map((line) => JSON.parse(line) as Row)).toEqual(pages.flat())
})

test('throws errors of the first page, so that the response can have an error status', async () => {
  const pages = { next: () => Promise.reject(new Error('away')) }
  await expect(downloadTable({ format: 'csv', name: 'rows', columns, pages })).rejects.toThrow('away')
})

test('aborts the body on a later failure and reports it', async () => {
  const failures: unknown[] = []
  async function* failing(): AsyncGenerator<Row[], void, undefined> {
    yield [{ name: 'a', count: 1 }]
    throw new Error('select a secret')
  }
  const response = await downloadTable({
    format: 'csv' as const,
    name: 'rows',
    columns,
    pages: failing(),
    onFailure: (error) => failures.push(error),
  })
  const reader = response.body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('name,count\r\na,1\r\n')
  const error: unknown = await reader?.read().catch((reason: unknown) => reason)
  expect(error).toMatchObject({ message: 'The download was aborted' })
  expect((error as Error).cause).toBeUndefined()
  expect(failures).toEqual([new Error('select a secret')])
})

test('does not report a client that disconnects', async () => {
  const failures: unknown[] = []
  const read = Promise.withResolvers<IteratorResult<Row[], void>>()
  const page = { done: false as const, value: [{ name: 'a', count: 1 }] }
  const results = [Promise.resolve(page), read.promise]
  const response = await downloadTable({
    format: 'csv' as const,
    name: 'rows',
    columns,
    pages: { next: () => results.shift() ?? Promise.resolve({ done: true as const, value: undefined }) },
    onFailure: (error) => failures.push(error),
  })
  const reader = response.body?.getReader()
  await reader?.read()
  const reading = reader?.read()
  await reader?.cancel()
  read.resolve(page)
  await reading
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(failures).toEqual([])
})

test('reads pages on demand and stops when the client disconnects', async () => {
  let read = 0
  let hasEnded = false
  async function* counting(): AsyncGenerator<Row[], void, undefined> {
    try {
      for (;;) {
        read += 1
        yield [{ name: 'a', count: read }]
      }
    } finally {
      hasEnded = true
    }
  }
  const response = await downloadTable({ format: 'ndjson', name: 'rows', columns, pages: counting() })
  const reader = response.body?.getReader()
  for (let taken = 0; taken < 3; taken++) await reader?.read()
  expect(read).toBe(3)
  await reader?.cancel()
  expect([read, hasEnded]).toEqual([3, true])
})
