/**
 * @module The HTTP half of `@neondatabase/serverless` 1.2.0, which `wrangler.toml` substitutes for the package: the package
 * also holds a WebSocket client with `pg` in it, a tenth of the worker that nothing calls. Drizzle and `db/client.ts` import
 * it under the package's name. `test/worker/neon-http.test.ts` compares the two, request by request and value by value.
 */
type Parser = (text: string) => unknown
type ArrayValue = unknown[]

const arrayOf =
  (parse: Parser): Parser =>
  (text) =>
    parseArray(text, parse)
const integer: Parser = (text) => Number.parseInt(text, 10)
const boolean: Parser = (text) => /^(t|true|y|yes|on|1)$/i.test(text)
const same: Parser = (text) => text
const bytes: Parser = (text) =>
  Uint8Array.from(text.slice(2).match(/../g) ?? [], (hex) => Number.parseInt(hex, 16))
const json: Parser = (text) => JSON.parse(text)

/** Type → its OID, in `pg_type`. Only those that drizzle names. */
const builtins = { DATE: 1082, TIMESTAMP: 1114, TIMESTAMPTZ: 1184, INTERVAL: 1186 }

/** OID → parser. Other types, and numbers too large for a double, stay text. */
const parsers = new Map<number, Parser>([
  [16, boolean],
  [17, bytes],
  ...[21, 23, 26].map((oid) => [oid, integer] as const),
  ...[700, 701].map((oid) => [oid, Number.parseFloat] as const),
  ...[114, 3802].map((oid) => [oid, json] as const),
  ...[199, 3807].map((oid) => [oid, arrayOf(json)] as const),
  [1000, arrayOf(boolean)],
  [1001, arrayOf(bytes)],
  ...[1005, 1007, 1028].map((oid) => [oid, arrayOf(integer)] as const),
  ...[1021, 1022].map((oid) => [oid, arrayOf(Number.parseFloat)] as const),
  // Text, varchar, char, bigint, uuid, inet, time and money arrays.
  ...[651, 791, 1008, 1009, 1014, 1015, 1016, 1040, 1041, 1183, 1270, 2951, 3907].map(
    (oid) => [oid, arrayOf(same)] as const,
  ),
])

export const types = {
  builtins,
  setTypeParser: (oid: number, parse: Parser) => void parsers.set(oid, parse),
  getTypeParser: (oid: number): Parser => parsers.get(oid) ?? same,
}

/** Postgres' text form of an array: `{1,NULL,"a \"b\""}`, nested, perhaps after its bounds `[0:1]=`. */
function parseArray(text: string, parse: Parser): ArrayValue {
  let at = text.indexOf('{')
  const element = (): unknown => {
    if (text[at] === '{') return list()
    if (text[at] === '"') {
      let value = ''
      for (at += 1; text[at] !== '"'; at += 1) {
        if (text[at] === '\\') at += 1
        value += text[at] ?? ''
        if (at >= text.length) throw new SyntaxError('An array ends within a quoted element')
      }
      at += 1
      return parse(value)
    }
    const from = at
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at += 1
    const value = text.slice(from, at)
    return value === 'NULL' ? null : parse(value)
  }
  const list = (): ArrayValue => {
    const elements: unknown[] = []
    at += 1
    while (text[at] !== '}') {
      if (at >= text.length) throw new SyntaxError('An array has no end')
      elements.push(element())
      if (text[at] === ',') at += 1
    }
    at += 1
    return elements
  }
  return list()
}

const hex = (view: ArrayBufferView): string =>
  `\\x${Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), (byte) => byte.toString(16).padStart(2, '0')).join('')}`

type Parameter = string | number | bigint | boolean | object | null | undefined

function toParameter(value: Parameter): string | null {
  if (value === null || value === undefined) return null
  if (typeof value !== 'object') return String(value)
  if (ArrayBuffer.isView(value)) return hex(value)
  if (value instanceof Date) return value.toISOString().replace('Z', '+00:00')
  return Array.isArray(value) ? toArrayLiteral(value) : JSON.stringify(value)
}

function toArrayLiteral(values: readonly Parameter[]): string {
  const elements = values.map((value) => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return toArrayLiteral(value)
    return `"${(toParameter(value) ?? '').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${elements.join(',')}}`
}

const errorFields = [
  ...['severity', 'code', 'detail', 'hint', 'position', 'internalPosition', 'internalQuery', 'where'],
  ...['schema', 'table', 'column', 'dataType', 'constraint', 'file', 'line', 'routine'],
]

export class NeonDbError extends Error {
  override readonly name = 'NeonDbError'
  sourceError?: unknown
}

type FetchFunction = (endpoint: string, init: object) => Promise<Response>

export const neonConfig: { fetchFunction: FetchFunction | undefined } = { fetchFunction: undefined }

interface QueryOptions {
  arrayMode?: boolean
  fullResults?: boolean
}

interface QueryResult {
  fields: { name: string; dataTypeID: number }[]
  rows: (string | null)[][]
}

/** Sent when it is awaited, or as a part of `transaction`. */
class Query implements PromiseLike<unknown> {
  readonly body: { query: string; params: (string | null)[] }
  readonly options: QueryOptions
  readonly #execute: () => Promise<unknown>

  constructor(body: Query['body'], options: QueryOptions, execute: () => Promise<unknown>) {
    this.body = body
    this.options = options
    this.#execute = execute
  }

  // oxlint-disable-next-line unicorn/no-thenable -- as in the package: drizzle awaits it
  then<A, B>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#execute().then(onFulfilled, onRejected)
  }
}

const applicationName = 'pkg:npm/%40neondatabase/serverless@1.2.0'

export interface ClientOptions {
  fetchOptions?: object
  disableWarningInBrowsers?: boolean
}

/** A client for one database. Its tagged template and its `unsafe` are left out: statements come from drizzle. */
export function neon(connectionString: string, { fetchOptions }: ClientOptions = {}) {
  const url = new URL(connectionString)
  if (!url.searchParams.has('application_name')) url.searchParams.append('application_name', applicationName)
  const endpoint = `https://${url.hostname.replace(/^[^.]+\./, 'api.')}/sql`
  const headers = {
    'Neon-Connection-String': `postgresql:${url.href.slice(url.protocol.length)}`,
    'Neon-Raw-Text-Output': 'true',
    'Neon-Array-Mode': 'true',
  }

  async function send(body: object): Promise<{ results?: unknown } & QueryResult> {
    let response: Response
    try {
      const init = { method: 'POST', body: JSON.stringify(body), headers, ...fetchOptions }
      response = await (neonConfig.fetchFunction ?? fetch)(endpoint, init)
    } catch (error) {
      throw Object.assign(new NeonDbError(`Error connecting to database: ${String(error)}`), {
        sourceError: error,
      })
    }
    if (response.ok) return response.json()
    if (response.status !== 400) {
      throw new NeonDbError(`Server error (HTTP status ${response.status}): ${await response.text()}`)
    }
    const failure = (await response.json()) as Record<string, unknown>
    const fields = errorFields.map((name) => [name, failure[name] ?? undefined])
    throw Object.assign(new NeonDbError(failure['message'] as string), Object.fromEntries(fields))
  }

  return {
    query(query: string, values: Parameter[] = [], options: QueryOptions = {}) {
      const body = { query, params: values.map(toParameter) }
      return new Query(body, options, async () => toResult(await send(body), options))
    },
    /** In one request and one transaction, each with the options of its `query`. */
    async transaction(queries: Query[], shared: QueryOptions = {}) {
      const { results } = await send({ queries: queries.map(({ body }) => body) })
      if (!Array.isArray(results)) throw new NeonDbError('Neon internal error: unexpected result format')
      return results.map((result: QueryResult, index) =>
        toResult(result, { ...shared, ...queries[index]?.options }),
      )
    },
  }
}

function toResult(result: QueryResult, { arrayMode = false, fullResults = false }: QueryOptions) {
  const columns = result.fields.map(({ name, dataTypeID }) => ({
    name,
    parse: types.getTypeParser(dataTypeID),
  }))
  const valueOf = (text: string | null, index: number) => (text === null ? null : columns[index]?.parse(text))
  const rows = result.rows.map((row) =>
    arrayMode
      ? row.map(valueOf)
      : Object.fromEntries(row.map((text, index) => [columns[index]?.name, valueOf(text, index)])),
  )
  return fullResults ? { ...result, rows, rowAsArray: arrayMode, viaNeonFetch: true } : rows
}
