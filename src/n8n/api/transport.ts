/** @module Sends a request to n8n's public API with limits on time and size, without redirects, and maps failures to `N8nError`. */
import { metrics } from '../../telemetry/metrics.ts'
import { inSpan, type Span, traceparent } from '../../telemetry/trace.ts'
import { isContainer } from '../../lib/json-object.ts'
import { retryAfterSeconds } from '../../lib/retry.ts'
import type * as z from 'zod'
import { redact, redacted } from '../../lib/secrets/redact.ts'

export type N8nErrorKind =
  | 'unreachable'
  | 'timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'rejected'
  | 'rate-limited'
  | 'redirected'
  | 'not-n8n'
  | 'too-large'
  | 'server-error'

/** `tls`: the server does not speak TLS, such as on an HTTP port. */
export type UnreachableReason =
  | 'connection-refused'
  | 'unknown-host'
  | 'tls'
  | 'certificate'
  | 'connection-lost'

export interface N8nErrorOptions {
  operation: string
  status?: number | undefined
  ambiguous?: boolean
  retryAfterSeconds?: number | undefined
  detail?: string | undefined
  reason?: UnreachableReason | undefined
  cause?: unknown
}

/** A failed request to n8n. Safe to log and show, except for `cause`. */
export class N8nError extends Error {
  readonly kind: N8nErrorKind
  /** Such as `workflow-create`. */
  readonly operation: string
  /** HTTP status; undefined without a response. */
  readonly status: number | undefined
  /** The write may have been applied. Check before a retry. */
  readonly ambiguous: boolean
  readonly retryAfterSeconds: number | undefined
  /** n8n's message for `rejected` and `conflict`: one line, redacted, at most 4 KB. The caller redacts secrets that it sent. */
  detail: string | undefined
  /** Why there was no response, if the platform reports it. */
  readonly reason: UnreachableReason | undefined
  /** The affected resource, such as the name of a credential; set by the caller. */
  subject: string | undefined

  constructor(kind: N8nErrorKind, options: N8nErrorOptions) {
    super(
      `${options.operation}: ${kind}${options.status === undefined ? '' : ` (${options.status})`}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = 'N8nError'
    this.kind = kind
    this.operation = options.operation
    this.status = options.status
    this.ambiguous = options.ambiguous ?? false
    this.retryAfterSeconds = options.retryAfterSeconds
    this.detail = options.detail
    this.reason = options.reason
  }
}

/** Whether n8n failed in one of these ways, or in any. */
export const isN8nError = (error: unknown, ...kinds: N8nErrorKind[]): error is N8nError =>
  error instanceof N8nError && (kinds.length === 0 || kinds.includes(error.kind))

export interface TransportOptions {
  /** URL of n8n, with an optional path prefix */
  baseUrl: string
  apiKey: string
  fetch: typeof fetch
  timeoutMs: number
  now: () => Date
}

export interface N8nRequest<T> {
  operation: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** below `/api/v1`; encode IDs with `pathId` */
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** after decompression */
  maxResponseBytes: number
  answer: z.ZodType<T>
  /** Marks a rejection as `ambiguous`, because n8n may save first and reject afterwards. */
  savesBeforeRefusing?: boolean
}

export type Send = <T>(request: N8nRequest<T>) => Promise<T>

const MAX_DETAIL_CHARS = 4096
const MAX_REFUSAL_BYTES = 64 * 1024

/** @throws {N8nError} from the returned function */
export function createTransport(options: TransportOptions): Send {
  const root = new URL(options.baseUrl)
  const prefix = root.pathname.replace(/\/+$/, '')
  return (request) => measured(request, (span) => answerOf(request, span))

  async function answerOf<T>(request: N8nRequest<T>, span: Span | undefined): Promise<T> {
    const failed = (kind: N8nErrorKind, more: Partial<N8nErrorOptions> = {}) =>
      new N8nError(kind, { operation: request.operation, ...more })
    const isWrite = request.method !== 'GET'
    const signal = AbortSignal.timeout(options.timeoutMs)
    const trace = traceparent()
    let status: number | undefined
    try {
      const response = await options.fetch(urlOf(root.origin, prefix, request), {
        method: request.method,
        headers: {
          'x-n8n-api-key': options.apiKey,
          accept: 'application/json',
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
          ...(trace !== undefined && { traceparent: trace }),
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
        redirect: 'manual',
        signal,
      })
      status = response.status
      if (span) span.attributes['http.response.status_code'] = status
      const refusal = refusalOf(response.status, isJson(response))
      if (!refusal) return await readAnswer(response, request, failed)
      const retryAfter = retryAfterSeconds(response.headers.get('retry-after'), options.now())
      if (refusal !== 'rejected' && refusal !== 'conflict') {
        // Not awaited, because a tarpit may never close.
        response.body?.cancel().catch(() => undefined)
        throw failed(refusal, {
          status,
          retryAfterSeconds: retryAfter,
          ambiguous: isWrite && AMBIGUOUS.has(refusal),
        })
      }
      const detail = isJson(response) ? await readDetail(response, options.apiKey) : undefined
      throw failed(refusal, {
        status,
        retryAfterSeconds: retryAfter,
        detail,
        ambiguous: request.savesBeforeRefusing ?? false,
      })
    } catch (error) {
      if (error instanceof N8nError) throw error
      if (signal.aborted) throw failed('timeout', { status, ambiguous: isWrite, cause: error })
      const ambiguous = isWrite && !isBeforeSending(error)
      throw failed('unreachable', { status, ambiguous, reason: unreachableReason(error), cause: error })
    }
  }
}

/** Counts the request by its outcome, and records a span without the address of the server. */
function measured<T>({ operation, method }: N8nRequest<T>, work: (span?: Span) => Promise<T>): Promise<T> {
  return inSpan('client', `n8n ${operation}`, async (span) => {
    const startedAt = performance.now()
    let outcome = 'ok'
    if (span) span.attributes['http.request.method'] = method
    try {
      return await work(span)
    } catch (error) {
      outcome = error instanceof N8nError ? error.kind : 'unknown'
      if (span) span.attributes['error.type'] = outcome
      throw error
    } finally {
      metrics.n8nRequests.add(1, operation, outcome)
      metrics.n8nSeconds.observe((performance.now() - startedAt) / 1000)
    }
  })
}

const AMBIGUOUS: ReadonlySet<N8nErrorKind> = new Set(['server-error', 'not-n8n', 'timeout'])

/** IDs of n8n and Flowkeep. Anything else could change the path. */
const ID = /^[A-Za-z0-9_-]{1,64}$/

/** @throws {N8nError} `rejected` for an invalid ID */
export function pathId(operation: string, id: string): string {
  if (ID.test(id)) return encodeURIComponent(id)
  throw new N8nError('rejected', { operation, detail: 'Not a valid n8n ID' })
}

function urlOf(origin: string, prefix: string, request: N8nRequest<unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value))
  }
  const search = query.size > 0 ? `?${query}` : ''
  return `${origin}${prefix}/api/v1${request.path}${search}`
}

/** Undefined for success. An HTML response comes from a proxy and does not reflect n8n's state. */
function refusalOf(status: number, json: boolean): N8nErrorKind | undefined {
  // Browser-like fetch returns 0 for an unfollowed redirect.
  if (status === 0 || (status >= 300 && status < 400)) return 'redirected'
  if (status < 300) return json || status === 204 ? undefined : 'not-n8n'
  if (status >= 500) return 'server-error'
  switch (status) {
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 408:
      return 'timeout'
    case 429:
      return 'rate-limited'
    case 413:
      return 'rejected'
    case 404:
      return json ? 'not-found' : 'not-n8n'
    case 409:
      return json ? 'conflict' : 'not-n8n'
    default:
      return json ? 'rejected' : 'not-n8n'
  }
}

function isJson(response: Response): boolean {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  return type === 'application/json' || (type?.endsWith('+json') ?? false)
}

async function readAnswer<T>(
  response: Response,
  request: N8nRequest<T>,
  failed: (kind: N8nErrorKind, more: Partial<N8nErrorOptions>) => N8nError,
): Promise<T> {
  const ambiguous = request.method !== 'GET'
  const text = response.status === 204 ? 'null' : await readText(response, request.maxResponseBytes)
  if (text === undefined) throw failed('too-large', { status: response.status, ambiguous })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw failed('not-n8n', { status: response.status, ambiguous })
  }
  const parsed = request.answer.safeParse(json)
  if (!parsed.success) throw failed('not-n8n', { status: response.status, ambiguous })
  return parsed.data
}

/** Undefined if the body exceeds `maxBytes`. Does not read the rest. */
export async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let sizeBytes = 0
  let text = ''
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    sizeBytes += chunk.value.byteLength
    if (sizeBytes > maxBytes) {
      reader.cancel().catch(() => undefined)
      return undefined
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
  return text + decoder.decode()
}

/** The redacted `message` of a rejection. */
async function readDetail(response: Response, apiKey: string): Promise<string | undefined> {
  try {
    const text = await readText(response, MAX_REFUSAL_BYTES)
    const json: unknown = text === undefined ? undefined : JSON.parse(text)
    const message = isContainer(json) && 'message' in json ? json.message : undefined
    return typeof message === 'string' ? redactDetail(message, apiKey) : undefined
  } catch {
    return undefined
  }
}

/** One line of at most 4 KB without the API key, markup and secrets. */
export function redactDetail(text: string, apiKey: string): string {
  const line = redact(text.slice(0, MAX_REFUSAL_BYTES).replaceAll(apiKey, redacted))
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/[<>]/g, '')
    .trim()
  return line.length > MAX_DETAIL_CHARS ? `${line.slice(0, MAX_DETAIL_CHARS - 1)}…` : line
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

/** Works in Node only. workerd provides no error code, so writes there count as ambiguous. */
function isBeforeSending(error: unknown): boolean {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    if ('code' in each && typeof each.code === 'string' && NOT_CONNECTED.has(each.code)) return true
  }
  return false
}

/** Match the error code in Node and the message in workerd, which provides no code. */
const REASONS: [UnreachableReason, RegExp][] = [
  ['connection-refused', /ECONNREFUSED|connection refused/i],
  ['unknown-host', /ENOTFOUND|EAI_AGAIN|DNS|name resolution|getaddrinfo/i],
  ['certificate', /certificate|CERT_|SELF_SIGNED|ALTNAME/i],
  ['tls', /WRONG_VERSION_NUMBER|EPROTO|ERR_SSL|TLS|SSL|handshake/i],
  ['connection-lost', /ECONNRESET|UND_ERR_SOCKET|connection (?:lost|reset|closed)|disconnected|hang up/i],
]

function unreachableReason(error: unknown): UnreachableReason | undefined {
  const texts: string[] = []
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    texts.push('code' in each ? String(each.code) : '', each.message)
    if (each instanceof AggregateError) texts.push(...each.errors.map(String))
  }
  const text = texts.join(' ')
  return REASONS.find(([, pattern]) => pattern.test(text))?.[0]
}
