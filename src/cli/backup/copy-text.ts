/** @module Reads the output of `pg_restore --data-only` as lines of tables, the form that `readLines` returns. */
import type { BackupTable } from './manifest.ts'

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Source: PostgreSQL documentation, COPY, "Text Format". */
const unescaped = (field: string): string =>
  field.includes('\\') ? field.replaceAll(/\\(.)/gs, (_, char: string) => escapes[char] ?? char) : field

/** `t` is how COPY prints what `::text` prints as `true`. */
const booleans: Readonly<Record<string, string>> = { t: 'true', f: 'false' }

interface CopyBlock {
  table: string
  /** Position in the dump of each column of the manifest. */
  order: number[]
  isBoolean: boolean[]
}

const copyStatement = /^COPY public\.("(?:[^"]|"")+"|\w+) \((.*)\) FROM stdin;$/

function beginBlock(line: string, tables: ReadonlyMap<string, BackupTable>): CopyBlock | null {
  const match = copyStatement.exec(line)
  const table = tables.get(unquoted(match?.[1] ?? ''))
  if (!match || !table) return null
  const dumped = (match[2] ?? '').split(', ').map(unquoted)
  return {
    table: table.name,
    order: table.columns.map(({ name }) => dumped.indexOf(name)),
    isBoolean: table.columns.map(({ type }) => type === 'boolean'),
  }
}

const unquoted = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name

/** The JSON array that Postgres' `json_build_array` prints. */
export const jsonLine = (values: readonly (string | null)[]): string =>
  `[${values.map((value) => JSON.stringify(value)).join(', ')}]`

const yieldedChars = 1024 * 1024

/** Yields lines of one table at a time, about 1 MB at most. @param tables of the manifest; other tables are skipped */
export async function* readCopyText(
  chunks: AsyncIterable<Buffer>,
  tables: readonly BackupTable[],
): AsyncGenerator<{ table: string; lines: string[] }> {
  const byName = new Map(tables.map((table) => [table.name, table]))
  const decoder = new TextDecoder()
  let rest = ''
  let isCopying = false
  let block: CopyBlock | null = null
  let lines: string[] = []
  let chars = 0
  for await (const chunk of chunks) {
    const texts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = texts.pop() ?? ''
    for (const text of texts) {
      if (!isCopying) {
        if (!text.startsWith('COPY ')) continue
        isCopying = true
        block = beginBlock(text, byName)
      } else if (text === String.raw`\.`) {
        if (block && lines.length > 0) yield { table: block.table, lines }
        lines = []
        chars = 0
        isCopying = false
      } else if (block) {
        lines.push(lineOf(text, block))
        chars += text.length
      }
    }
    if (isCopying && block && chars >= yieldedChars) {
      yield { table: block.table, lines }
      lines = []
      chars = 0
    }
  }
  if (isCopying) throw new Error('The dump ends in the middle of a table')
}

function lineOf(text: string, { order, isBoolean }: CopyBlock): string {
  const fields = text.split('\t')
  return jsonLine(
    order.map((position, index) => {
      const field = fields[position]
      if (field === undefined) throw new Error('The dump lacks a column that the manifest lists')
      if (field === String.raw`\N`) return null
      const value = unescaped(field)
      return isBoolean[index] ? (booleans[value] ?? value) : value
    }),
  )
}
