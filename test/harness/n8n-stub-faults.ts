/** @module Failures of n8n or of a proxy in front of it. */
import type { Json } from './n8n-stub-state.ts'

export type StubStep =
  | 'discover'
  | 'workflow-create'
  | 'workflow-get'
  | 'workflow-list'
  | 'workflow-update'
  | 'workflow-delete'
  | 'publish'
  | 'unpublish'
  | 'credential-create'
  | 'credential-get'
  | 'credential-list'
  | 'credential-update'
  | 'credential-delete'
  | 'credential-schema'
  | 'test'
  | 'execution-list'
  | 'execution-get'
  | 'execution-stop'
  | 'community-package-list'
  | 'variable-list'
  | 'otel-get'
  | 'otel-update'
  | 'otel-test'
  | 'webhook'
  | 'other'

/**
 * Modes ending in `-after-apply` execute the request first. `refuse`: no listener. `reset`: the connection breaks.
 * `timeout`: never responds. `endless`: an endless JSON response. `gzip-bomb`: 64 MB in 64 KB; `endless` in-process,
 * where bodies are never compressed. `leak`: a 500 that repeats the API key and markup.
 */
export type StubMode =
  | 'refuse'
  | 'reset'
  | 'reset-after-apply'
  | 'timeout'
  | 'timeout-after-apply'
  | 'http500'
  | 'http500-html'
  | 'http500-after-apply'
  | 'http502-html'
  | 'http503'
  | 'html200'
  | 'html200-after-apply'
  | 'html404'
  | 'not-json200'
  | 'wrong-shape200'
  | 'endless'
  | 'gzip-bomb'
  | 'leak'
  | 'redirect'
  | '429'
  | '4xx'
  | '400-leak'
  | '401'
  | '403'
  | '404'
  | '409'

export interface StubFault {
  step: StubStep | '*'
  mode: StubMode
  /** how often; default once */
  times?: number
  /** for `429` and `http503`; default 1 and none */
  retryAfterSeconds?: number
  /** for `redirect` */
  location?: string
}

/** The connection ends without a response. */
export class ConnectionFault extends Error {
  readonly code: 'ECONNREFUSED' | 'ECONNRESET'

  constructor(code: 'ECONNREFUSED' | 'ECONNRESET') {
    super(code)
    this.code = code
  }
}

const NEVER = new Promise<Response>(() => undefined)

/** `apply` executes the request and returns n8n's real response. */
export async function failBy(
  fault: StubFault,
  apiKey: string,
  apply: () => Promise<Response>,
): Promise<Response> {
  const { mode } = fault
  switch (mode) {
    case 'refuse':
      throw new ConnectionFault('ECONNREFUSED')
    case 'reset':
      throw new ConnectionFault('ECONNRESET')
    case 'reset-after-apply':
      await apply()
      throw new ConnectionFault('ECONNRESET')
    case 'timeout':
      return NEVER
    case 'timeout-after-apply':
      await apply()
      return NEVER
    case 'http500':
      return json(500, { message: 'Internal server error' })
    case 'http500-after-apply':
      await apply()
      return json(500, { message: 'Internal server error' })
    case 'http500-html':
      return html(500, 'Internal Server Error')
    case 'http502-html':
      return html(502, 'Bad Gateway')
    case 'http503':
      return json(503, { message: 'Starting up' }, retryAfter(fault.retryAfterSeconds))
    case 'html200':
      return html(200, 'Sign in')
    case 'html200-after-apply':
      await apply()
      return html(200, 'Sign in')
    case 'html404':
      return html(404, 'Not found')
    case 'not-json200':
      return new Response('{"data":', { headers: { 'content-type': 'application/json' } })
    case 'wrong-shape200':
      return json(200, { ok: true })
    case 'endless':
    case 'gzip-bomb':
      return new Response(endless(), { headers: { 'content-type': 'application/json' } })
    case 'leak':
      return json(500, { message: `<script>alert(1)</script> ${apiKey} at /srv/n8n/index.js:1` })
    case 'redirect':
      return new Response(null, {
        status: 302,
        headers: { location: fault.location ?? 'http://127.0.0.1:9/' },
      })
    case '429':
      return json(429, { message: 'Too many requests' }, retryAfter(fault.retryAfterSeconds ?? 1))
    case '4xx':
      return json(400, { message: 'request/body is refused by the stub' })
    case '400-leak':
      return json(400, {
        message: `<script>alert(1)</script>\nrefused ${apiKey} and Bearer abc.def and sk-123456`,
      })
    case '401':
    case '403':
    case '404':
    case '409':
      return json(Number(mode), { message: 'The stub was told to' })
    default:
      throw new Error(`No such mode: ${mode satisfies never}`)
  }
}

export function json(status: number, body: Json | unknown[], headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  })
}

export function html(status: number, text: string): Response {
  const body = `<!DOCTYPE html><html lang="en"><head><title>Error</title></head><body><pre>${text}</pre></body></html>`
  return new Response(body, { status, headers: { 'content-type': 'text/html; charset=utf-8' } })
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}

function endless(): ReadableStream<Uint8Array> {
  const chunk = new TextEncoder().encode(' '.repeat(64 * 1024))
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) })
}
