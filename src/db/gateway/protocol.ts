/**
 * @module Neon's SQL-over-HTTP protocol in front of any Postgres, so that every installation uses the same driver. For
 * the driver it behaves like Neon's proxy: extended protocol only, text in and out, the same statuses, limits and error
 * members, and no state between requests.
 * Source: neondatabase/neon, proxy/src/serverless/sql_over_http.rs; `@neondatabase/serverless` 1.2.0.
 */
import { isObject } from '../../lib/json-object.ts'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** One statement with its parameters in Postgres text format. */
export interface Statement {
  query: string
  params: (string | null)[]
}

export interface Field {
  name: string
  dataTypeID: number
  tableID: number
  columnID: number
  dataTypeSize: number
  dataTypeModifier: number
  format: 'text'
}

/** The members that the driver reads, of a field of `pg`. */
export const textField = (field: Omit<Field, 'format'>): Field => ({
  name: field.name,
  dataTypeID: field.dataTypeID,
  tableID: field.tableID,
  columnID: field.columnID,
  dataTypeSize: field.dataTypeSize,
  dataTypeModifier: field.dataTypeModifier,
  format: 'text',
})

/** Values in Postgres text format. `command` is the first word of the command tag. */
export interface StatementResult {
  fields: Field[]
  rows: (string | null)[][]
  command: string
  rowCount: number | null
}

/**
 * Runs one statement with the extended protocol.
 * @throws an error with the members of a Postgres error (`severity`, `code`, …); without them if the connection is lost
 * @throws {ResponseTooLarge} when the values together exceed `maxChars`
 */
export type Execute = (statement: Statement, maxChars: number) => Promise<StatementResult>

/** Runs the gateway's statements. */
export interface Backend {
  /**
   * Gives `use` exclusive access to a connection with session defaults and no open transaction. Rolls back a transaction
   * that `use` leaves open. Calls `use` again after a failure that is certain not to have changed anything.
   * @throws {ConnectionFailed} when no connection is available; `use` is not called
   */
  withConnection<T>(use: (execute: Execute) => Promise<T>): Promise<T>
  close(): Promise<void>
  /** Absent without a pool. */
  pool?: () => PoolFigures
}

export interface PoolFigures {
  active: number
  idle: number
  /** Requests that wait for a connection. */
  waiting: number
  max: number
}

export class ConnectionFailed extends Error {}

export class ResponseTooLarge extends Error {}

export interface Gateway {
  /** For the driver. Contains the gateway's password; the host is ignored. */
  url: string
  fetch: GatewayFetch
}

/** Handles one request of the driver. Never rejects. */
export type GatewayFetch = ((request: Request) => Promise<Response>) & {
  /** The same for a caller in this process, which needs no encoded response. */
  answer?: (request: GatewayRequest) => Promise<GatewayAnswer>
}

/** A request of the driver, already read. */
export interface GatewayRequest {
  headers: { get: (name: string) => string | null }
  body: string
  signal?: AbortSignal
}

export interface GatewayAnswer {
  status: number
  /** What the body's JSON would contain. */
  body: unknown
}

export interface GatewayOptions {
  /** The password that callers must send; random by default. */
  password?: string
  maxRequestBytes?: number
  maxResponseBytes?: number
}

const NEON_LIMIT_BYTES = 10 * 1024 * 1024

const ISOLATION_LEVELS: Record<string, string> = {
  ReadUncommitted: 'read uncommitted',
  ReadCommitted: 'read committed',
  RepeatableRead: 'repeatable read',
  Serializable: 'serializable',
}

const ERROR_MEMBERS = [
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** A request that the gateway itself rejects. */
class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, message: string, code = '') {
    super(message)
    this.status = status
    this.code = code
  }
}

export function createGateway(backend: Backend, options: GatewayOptions = {}): Gateway {
  const password = options.password ?? randomBytes(24).toString('base64url')
  const digestOfPassword = digest(password)
  const maxRequestBytes = options.maxRequestBytes ?? NEON_LIMIT_BYTES
  const maxResponseBytes = options.maxResponseBytes ?? NEON_LIMIT_BYTES

  /** @param finish runs before a batch is committed */
  async function run<T>(
    { headers, body, signal }: GatewayRequest,
    finish: (result: object) => T,
  ): Promise<T> {
    authenticate(headers.get('neon-connection-string'), digestOfPassword)
    if (headers.get('neon-raw-text-output') !== 'true') {
      throw new Refused(400, 'Only Neon-Raw-Text-Output: true is supported')
    }
    const asArrays = headers.get('neon-array-mode') === 'true'
    const begin = beginStatement(headers)
    const payload = parsePayload(body)
    return backend.withConnection(async (execute) => {
      if (signal?.aborted) throw new Refused(400, 'Query cancelled, connection was terminated', '08P01')
      let charsLeft = maxResponseBytes
      const each = async (statement: Statement) => {
        const result = await execute(statement, charsLeft)
        charsLeft -= countChars(result)
        return render(result, asArrays)
      }
      if (!Array.isArray(payload)) return finish(await each(payload))

      await execute(begin, 0)
      try {
        const results = []
        for (const statement of payload) results.push(await each(statement))
        const finished = finish({ results })
        await execute({ query: 'commit', params: [] }, 0)
        return finished
      } catch (error) {
        await execute({ query: 'rollback', params: [] }, 0).catch(() => undefined)
        throw error
      }
    })
  }

  async function respond(request: Request): Promise<Response> {
    if (request.method !== 'POST') throw new Refused(405, 'Method not allowed. Use POST')
    const { headers, signal } = request
    const read = { headers, body: await readBody(request, maxRequestBytes), signal }
    const body = await run(read, (result) => encode(result, maxResponseBytes))
    return new Response(body, { headers: { 'content-type': 'application/json' } })
  }

  async function answer(request: GatewayRequest): Promise<GatewayAnswer> {
    try {
      if (Buffer.byteLength(request.body) > maxRequestBytes) throw tooLarge(maxRequestBytes)
      return await run(request, (body) => ({ status: 200, body }))
    } catch (error) {
      return problem(error)
    }
  }

  return {
    url: `postgresql://flowkeep:${encodeURIComponent(password)}@localhost/flowkeep`,
    fetch: Object.assign(
      (request: Request) =>
        respond(request).catch((error: unknown) => {
          const { status, body } = problem(error)
          return Response.json(body, { status })
        }),
      { answer },
    ),
  }
}

function authenticate(connectionString: string | null, expected: Buffer): void {
  let shown = ''
  try {
    shown = decodeURIComponent(new URL(connectionString ?? '').password)
  } catch {
    // Not a connection string, so without a password.
  }
  if (!timingSafeEqual(digest(shown), expected)) {
    throw new Refused(400, 'password authentication failed', '28P01')
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function beginStatement(headers: GatewayRequest['headers']): Statement {
  const modes = []
  const level = headers.get('neon-batch-isolation-level')
  if (level !== null) {
    const name = ISOLATION_LEVELS[level]
    if (name === undefined) throw new Refused(400, 'invalid isolation level')
    modes.push(`isolation level ${name}`)
  }
  if (headers.get('neon-batch-read-only') === 'true') modes.push('read only')
  if (headers.get('neon-batch-deferrable') === 'true') modes.push('deferrable')
  return { query: `start transaction ${modes.join(', ')}`, params: [] }
}

const tooLarge = (maxBytes: number) => new Refused(413, `request is too large (max is ${maxBytes} bytes)`)

async function readBody(request: Request, maxBytes: number): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const decoder = new TextDecoder()
  let text = ''
  let sizeBytes = 0
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** One statement, or the statements of a batch. */
function parsePayload(body: string): Statement | Statement[] {
  let payload: unknown
  try {
    payload = JSON.parse(body)
  } catch {
    throw new Refused(400, 'The request body is not valid JSON')
  }
  if (isObject(payload) && Array.isArray(payload['queries'])) return payload['queries'].map(parseStatement)
  return parseStatement(payload)
}

function parseStatement(value: unknown): Statement {
  const query = isObject(value) ? value['query'] : undefined
  const params = isObject(value) ? (value['params'] ?? []) : undefined
  if (typeof query !== 'string' || !Array.isArray(params) || !params.every(isParam)) {
    throw new Refused(400, 'A statement must be {query: string, params: (string | null)[]}')
  }
  return { query, params }
}

function isParam(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function countChars(result: StatementResult): number {
  let chars = 0
  for (const row of result.rows) for (const value of row) chars += value?.length ?? 0
  return chars
}

function render(result: StatementResult, rowAsArray: boolean) {
  const names = result.fields.map((field) => field.name)
  const rows = rowAsArray
    ? result.rows
    : result.rows.map((row) => Object.fromEntries(row.map((value, index) => [names[index], value])))
  return { rowAsArray, fields: result.fields, rows, command: result.command, rowCount: result.rowCount }
}

function encode(value: unknown, maxBytes: number): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(JSON.stringify(value))
  if (encoded.byteLength > maxBytes) throw new ResponseTooLarge()
  return encoded
}

/** Status and body as Neon returns them: 400 with a Postgres error's members, or with code "" for a lost connection. */
function problem(error: unknown): GatewayAnswer {
  if (error instanceof Refused) return errorResponse(error.status, error.message, { code: error.code })
  if (error instanceof ResponseTooLarge) return errorResponse(507, 'response is too large', {})
  if (error instanceof ConnectionFailed) {
    const cause = isObject(error.cause) ? error.cause : {}
    const code = 'severity' in cause ? cause['code'] : '08001'
    return errorResponse(500, 'couldn’t connect to the database', { code })
  }
  const members: Record<string, unknown> = isObject(error) && 'severity' in error ? error : {}
  return errorResponse(400, error instanceof Error ? error.message : 'connection lost', members)
}

function errorResponse(status: number, message: string, members: Record<string, unknown>): GatewayAnswer {
  const body: Record<string, unknown> = {
    message,
    code: members['code'] ?? '',
    severity: members['severity'] ?? '',
  }
  for (const member of ERROR_MEMBERS) body[member] = members[member] ?? null
  return { status, body }
}
