/**
 * @module Streams table downloads of any length. Rows are read one page at a time as the client consumes them, so
 * memory use stays constant. A failure midway aborts the transfer, so an incomplete download never looks complete.
 */
import * as z from 'zod'

export const tableFormats = ['csv', 'json', 'ndjson'] as const
export type TableFormat = (typeof tableFormats)[number]

export const TableFormat = z
  .enum(tableFormats)
  .optional()
  .meta({
    description:
      '`csv` (default; RFC 4180, an apostrophe precedes what a spreadsheet would read as a ' +
      'formula), `json` (one array) or `ndjson` (one object per line)',
  })

/** Media types of the formats other than JSON, which the OpenAPI document lists for every response. */
export const tableMediaTypes = ['text/csv', 'application/x-ndjson'] as const

const contentTypes: Record<TableFormat, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

/** CSV header → cell; objects become JSON. Clients read cells by position, so new columns come last. */
export type TableColumns<T> = Record<string, (row: T) => unknown>

export interface TableDownload<T> {
  format: TableFormat
  /** File name without the extension. */
  name: string
  columns: TableColumns<T>
  /** A row in the formats other than CSV. Default: the row itself. */
  toObject?: (row: T) => unknown
  pages: AsyncIterator<readonly T[]>
  /** Called with the error that aborted the download. */
  onFailure?: (error: unknown) => void
}

/** @throws errors of the first page, while the response can still have an error status */
export async function downloadTable<T>({
  format,
  name,
  columns,
  toObject = (row) => row,
  pages,
  onFailure,
}: TableDownload<T>): Promise<Response> {
  const encoder = new TextEncoder()
  const frame = framing(format, columns, toObject)
  let next = await pages.next()
  let isBegun = false
  let hasRows = false
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let text = ''
          // A pull that enqueues nothing would be the last one.
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
          // Servers log this error. A database error would include the query's parameters.
          controller.error(new Error('The download was aborted'))
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

function framing<T>(format: TableFormat, columns: TableColumns<T>, toObject: (row: T) => unknown) {
  const json = (row: T) => JSON.stringify(toObject(row))
  if (format === 'csv') {
    const line = (cells: unknown[]) => `${cells.map(csvCell).join(',')}\r\n`
    return {
      begin: line(Object.keys(columns)),
      row: (row: T) => line(Object.values(columns).map((cell) => cell(row))),
      end: '',
    }
  }
  if (format === 'ndjson') return { begin: '', row: (row: T) => `${json(row)}\n`, end: '' }
  return {
    begin: '[',
    row: (row: T, isFirst: boolean) => `${isFirst ? '\n' : ',\n'}${json(row)}`,
    end: '\n]\n',
  }
}

/**
 * Where a cell starts for a spreadsheet, followed by the start of a formula. Spreadsheets split at commas, or at semicolons
 * or tabs in other locales, where the quotes around this cell do not count.
 */
const formulaStart = /(^|[;|\t\r\n]"*)(?=[=+\-@＝＋－＠])/g

/** RFC 4180. An apostrophe precedes text that a spreadsheet would run as a formula (OWASP, CSV Injection). */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const harmless = (/^[\t\r\n]/.test(text) ? "'" : '') + text.replace(formulaStart, "$1'")
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
