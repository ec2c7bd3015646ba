/**
 * @module Tables as downloads of any length: rows are read a page at a time while the client takes them, so that neither
 * side of it holds them all. What breaks midway breaks the body off: half a table never looks like a whole one.
 */
import * as z from 'zod'

export const tableFormats = ['csv', 'json', 'ndjson'] as const
export type TableFormat = (typeof tableFormats)[number]

export const TableFormat = z
  .enum(tableFormats)
  .optional()
  .meta({
    description:
      '`csv` (default; RFC 4180, an apostrophe precedes cells that a spreadsheet would read as a ' +
      'formula), `json` (one array) or `ndjson` (one object per line)',
  })

/** Media types of the formats but JSON, which the OpenAPI description has of every answer. */
export const tableMediaTypes = ['text/csv', 'application/x-ndjson'] as const

const contentTypes: Record<TableFormat, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

export interface TableDownload<T> {
  format: TableFormat
  /** Without the ending. */
  name: string
  /** Header → cell; an object is given as JSON. CSV only: the other formats give the rows as they are. */
  columns: Record<string, (row: T) => unknown>
  pages: AsyncIterator<readonly T[]>
  /** Told of what has broken the body off. */
  onFailure?: (error: unknown) => void
}

/** @throws what reading the first page throws, while there still is a status to tell it by */
export async function downloadTable<T>({
  format,
  name,
  columns,
  pages,
  onFailure,
}: TableDownload<T>): Promise<Response> {
  const encoder = new TextEncoder()
  const frame = framing(format, columns)
  let next = await pages.next()
  let isBegun = false
  let hasRows = false
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let text = ''
          // A pull that gives nothing would be the last one.
          while (text === '') {
            if (isBegun) next = await pages.next()
            if (isCancelled) return
            const rows = next.done ? [] : next.value
            const lines = rows.map((row, index) => frame.row(row, !hasRows && index === 0))
            text = [isBegun ? '' : frame.begin, ...lines, next.done ? frame.end : ''].join('')
            isBegun = true
            hasRows ||= rows.length > 0
            if (next.done) break
          }
          if (text !== '') controller.enqueue(encoder.encode(text))
          if (next.done) controller.close()
        } catch (error) {
          onFailure?.(error)
          // Servers print what a body fails with, and a database's error holds what was asked for.
          controller.error(new Error('The download was broken off'))
        }
      },
      async cancel() {
        isCancelled = true
        await pages.return?.()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: {
      'Content-Type': contentTypes[format],
      'Content-Disposition': `attachment; filename="${name}.${format}"`,
      'X-Content-Type-Options': 'nosniff',
    },
  })
}

function framing<T>(format: TableFormat, columns: TableDownload<T>['columns']) {
  if (format === 'csv') {
    const line = (cells: unknown[]) => `${cells.map(csvCell).join(',')}\r\n`
    return {
      begin: line(Object.keys(columns)),
      row: (row: T) => line(Object.values(columns).map((cell) => cell(row))),
      end: '',
    }
  }
  if (format === 'ndjson') return { begin: '', row: (row: T) => `${JSON.stringify(row)}\n`, end: '' }
  return {
    begin: '[',
    row: (row: T, isFirst: boolean) => `${isFirst ? '\n' : ',\n'}${JSON.stringify(row)}`,
    end: '\n]\n',
  }
}

/** RFC 4180. Text that a spreadsheet would read as a formula is told by an apostrophe (OWASP, CSV Injection). */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const harmless = /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
