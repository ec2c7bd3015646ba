/**
 * @module An in-process n8n: its public API and webhooks, as strict as n8n 2.41.1. `n8n/stub-conformance.test.ts`
 * compares it with a real one. Not implemented: the check of required node parameters when publishing, tags, projects,
 * archiving, version history, and API key scopes.
 */
import { createServer, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import * as executions from './n8n-stub-executions.ts'
import { ConnectionFault, failBy, html, json, type StubFault, type StubStep } from './n8n-stub-faults.ts'
import type {
  Generation,
  Json,
  StubCall,
  StubContext,
  StubExecution,
  StubOutcome,
  StubState,
  StubWorkflow,
} from './n8n-stub-state.ts'
import { OTEL_DEFAULTS } from './n8n-stub-otel.ts'
import { type Route, routesAt } from './n8n-stub-routes.ts'
import { Refusal } from './n8n-stub-validation.ts'
import * as workflows from './n8n-stub-workflows.ts'

export interface N8nStubOptions {
  generation?: Generation
  apiKey?: string
  baseUrl?: string
  /** from the response of a publish until triggers run; default 0: with the next request. Real: 0.4 to 1.5 s. */
  publishDelayMs?: number
  /** from the response of an unpublish until webhooks stop and a delete is possible; default 0. Real: about 0.2 s. */
  unpublishDelayMs?: number
  /** default: the real clock; `advance` moves it */
  now?: () => Date
  /** the outcome of a run; default: by its nodes */
  outcome?: (workflow: StubWorkflow) => StubOutcome | undefined
  /** receives the error reports of published error workflows */
  push?: (report: Json, errorWorkflow: StubWorkflow) => void | Promise<void>
}

export type N8nStub = Awaited<ReturnType<typeof createN8nStub>>

const VERSIONS: Record<Generation, string> = { '2.41': '2.41.1', '2.0': '2.0.3', '1.x': '1.123.0' }
const MAX_BODY_BYTES = 16 * 1024 * 1024

interface Request_ {
  method: string
  path: string
  query: URLSearchParams
  headers: Headers
  body: string
}

export async function createN8nStub(options: N8nStubOptions = {}) {
  const apiKey = options.apiKey ?? `n8n-stub-key-${crypto.randomUUID()}`
  const state: StubState = {
    generation: options.generation ?? '2.41',
    workflows: new Map(),
    credentials: new Map(),
    executions: [],
    calls: [],
    workingCredentials: new Set(),
    communityPackages: [],
    variables: null,
    withheld: new Set(),
    editorVersion: VERSIONS[options.generation ?? '2.41'],
    otel: { settings: { ...OTEL_DEFAULTS }, managed: new Set(), testError: null },
  }
  let advancedMs = 0
  const context: StubContext = {
    state,
    catalogue: await loadCatalogue(),
    baseUrl: options.baseUrl ?? 'http://n8n.test',
    nowMs: () => (options.now?.() ?? new Date()).getTime() + advancedMs,
    publishDelayMs: options.publishDelayMs ?? 0,
    unpublishDelayMs: options.unpublishDelayMs ?? 0,
    outcome: (workflow, nodes) => options.outcome?.(workflow) ?? executions.outcomeByNodes(nodes),
    push: options.push ?? (() => undefined),
  }
  const faults: StubFault[] = []

  async function handle(request: Request_): Promise<{ response: Response; fault?: StubFault }> {
    if (request.path === '/' && state.editorVersion !== null) {
      return { response: html(200, editorPage(state.editorVersion)) }
    }
    workflows.settle(context)
    const webhook = request.path.match(/^\/webhook\/(.+)$/)
    const path = request.path.match(/^\/api\/v1(\/.*?)\/?$/)?.[1]
    const matching = path === undefined ? [] : routesAt(state.generation, path)
    const route = matching.find(([method]) => method === request.method)
    const call: StubCall = {
      step: webhook ? 'webhook' : (route?.[2] ?? 'other'),
      method: request.method,
      path: request.path + (request.query.size > 0 ? `?${request.query}` : ''),
      body: parse(request.body),
      apiKey: request.headers.get('x-n8n-api-key'),
      status: null,
    }
    state.calls.push(call)
    const apply = async () => {
      if (webhook?.[1] !== undefined) {
        const name = webhook[1]
        return answer(() =>
          executions.callWebhook(context, {
            method: request.method,
            path: name,
            headers: request.headers,
            body: parse(request.body),
          }),
        )
      }
      if (path === undefined) return html(404, `Cannot ${request.method} ${request.path}`)
      return answerApi(request, path, matching, route)
    }
    const fault = takeFault(faults, call.step)
    const response = fault ? await failBy(fault, apiKey, apply) : await apply()
    call.status = response.status
    return fault ? { response, fault } : { response }
  }

  function answerApi(request: Request_, path: string, matching: Route[], route: Route | undefined): Response {
    if (new TextEncoder().encode(request.body).length > MAX_BODY_BYTES) return html(413, 'Payload Too Large')
    const type = request.headers.get('content-type')?.split(';')[0]
    const body = request.body === '' ? {} : parse(request.body)
    // n8n reads the body before it checks the key.
    if (type === 'application/json' && body === undefined) return html(500, 'Internal Server Error')
    if (matching.length === 0) return json(404, { message: 'not found' })
    if (!route) return json(405, { message: `${request.method} method not allowed` })
    if (request.headers.get('x-n8n-api-key') !== apiKey) return json(401, { message: 'Unauthorized' })
    if (state.withheld.has(route[2])) return json(403, { message: 'Forbidden' })
    const takesBody = [
      'workflow-create',
      'workflow-update',
      'credential-create',
      'credential-update',
      'otel-update',
      'otel-test',
    ]
    if (takesBody.includes(route[2]) && type !== 'application/json') {
      return json(415, { message: `unsupported media type ${type}` })
    }
    const id = decodeURIComponent(path.match(route[1])?.[1] ?? '')
    return answer(() => route[3](context, { id, body, query: request.query }))
  }

  async function stubFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const { pathname, searchParams } = new URL(request.url)
    const aborted = new Promise<never>((_, reject) => {
      if (request.signal.aborted) reject(request.signal.reason)
      request.signal.addEventListener('abort', () => reject(request.signal.reason))
    })
    aborted.catch(() => undefined)
    const body = await request.text()
    const incoming = {
      method: request.method,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body,
    }
    try {
      return (await Promise.race([handle(incoming), aborted])).response
    } catch (error) {
      // Like fetch in Node.
      if (error instanceof ConnectionFault) throw new TypeError('fetch failed', { cause: error })
      throw error
    }
  }

  /** On a free loopback port. */
  async function listen(): Promise<{ baseUrl: string; close: () => Promise<void> }> {
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        void (async () => {
          const url = new URL(incoming.url ?? '/', 'http://n8n.test')
          try {
            const { response, fault } = await handle({
              method: incoming.method ?? 'GET',
              path: url.pathname,
              query: url.searchParams,
              headers: new Headers(
                Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
              ),
              body: Buffer.concat(chunks).toString(),
            })
            await send(response, outgoing, fault?.mode === 'gzip-bomb')
          } catch {
            incoming.socket.destroy()
          }
        })()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    context.baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const close = async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    return { baseUrl: context.baseUrl, close }
  }

  return {
    apiKey,
    baseUrl: context.baseUrl,
    state,
    fetch: stubFetch,
    listen,
    /** Moves the stub's clock. */
    advance(ms: number) {
      advancedMs += ms
      workflows.settle(context)
    },
    /** Makes the next matching request fail. Several faults apply in order. */
    failNext: (fault: StubFault) => void faults.push({ ...fault }),
    clearFaults: () => void faults.splice(0),
    addExecution: (execution: Partial<StubExecution> & Pick<StubExecution, 'workflowId'>) =>
      executions.addExecution(context, execution),
    /** Requests of one step, or all. */
    calls: (step?: StubStep) => state.calls.filter((call) => step === undefined || call.step === step),
  }
}

async function send(response: Response, outgoing: ServerResponse, isBomb: boolean): Promise<void> {
  const encoding: Record<string, string> = isBomb ? { 'content-encoding': 'gzip' } : {}
  outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), ...encoding })
  const body = isBomb ? [gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))] : (response.body ?? [])
  for await (const chunk of body) {
    if (outgoing.destroyed) break
    if (!outgoing.write(chunk)) await drained(outgoing)
  }
  outgoing.end()
}

/** Or closed. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    outgoing.on('drain', done).on('close', done)
  })
}

/** The start of the page of n8n's editor. */
const editorPage = (version: string): string => {
  const sentry = btoa(JSON.stringify({ dsn: '', environment: 'development', release: `n8n@${version}` }))
  return `<meta name="n8n:config:rest-endpoint" content="cmVzdA=="><meta name="n8n:config:sentry" content="${sentry}">`
}

function takeFault(faults: StubFault[], step: string): StubFault | undefined {
  const index = faults.findIndex((fault) => fault.step === '*' || fault.step === step)
  const fault = faults[index]
  if (!fault) return undefined
  fault.times = (fault.times ?? 1) - 1
  if (fault.times <= 0) faults.splice(index, 1)
  return fault
}

function answer(make: () => Json | Json[]): Response {
  try {
    return json(200, make())
  } catch (error) {
    if (error instanceof Refusal) return json(error.status, { message: error.message })
    throw error
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
