/** @module Failures of the database's endpoint, of its proxy and of the connection behind it, as the driver sees them. */
import { sleep } from '../../src/lib/retry.ts'
import type { Random } from './random.ts'

/** Those ending in `-after` execute the request first. */
export const databaseFaults = [
  'refused',
  'reset',
  'http500',
  'http429',
  'html502',
  'starting',
  'hang',
  'reset-after',
  'lost-after',
  'half-after',
  'html-after',
  'shutdown-after',
  'hang-after',
] as const
export type DatabaseFault = (typeof databaseFaults)[number]

/** A promise each time: what waits for a shared one would never be freed. */
export const never = () => new Promise<never>(() => undefined)

export const isAfter = (fault: DatabaseFault) => fault.endsWith('-after')

function brokenConnection(code: 'ECONNREFUSED' | 'ECONNRESET'): never {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })
}

const html = (status: number) =>
  new Response('<html><body>proxy</body></html>', { status, headers: { 'content-type': 'text/html' } })

const postgresError = (code: string) =>
  Response.json({ message: 'connection lost', severity: 'FATAL', code }, { status: 400 })

/** Instead of the answer `body`. */
export function failBy(fault: DatabaseFault, body: string): Response | Promise<never> {
  switch (fault) {
    case 'refused':
      return brokenConnection('ECONNREFUSED')
    case 'reset':
    case 'reset-after':
      return brokenConnection('ECONNRESET')
    case 'http500':
      return Response.json({ message: 'planted-proxy-detail' }, { status: 500 })
    case 'http429':
      return new Response('planted-proxy-detail', { status: 429 })
    case 'html502':
      return html(502)
    case 'html-after':
      return html(200)
    case 'starting':
      return postgresError('57P03')
    case 'lost-after':
      return postgresError('')
    case 'shutdown-after':
      return postgresError('57P01')
    case 'half-after':
      return half(body)
    case 'hang':
    case 'hang-after':
      return never()
    default:
      throw new Error(`No such fault: ${fault satisfies never}`)
  }
}

function half(body: string): Response {
  const start = new TextEncoder().encode(body.slice(0, body.length >> 1))
  const stream = new ReadableStream({
    start: (controller) => {
      controller.enqueue(start)
    },
    pull: (controller) => controller.error(new TypeError('terminated')),
  })
  return new Response(stream, { headers: { 'content-type': 'application/json' } })
}

export interface FaultyEndpoint {
  fetch: (request: Request) => Promise<Response>
  /** Fault → how often it happened. */
  counts: Partial<Record<DatabaseFault, number>>
  /** The share of requests that fail, by fault. Can be changed at any time. */
  rates: Partial<Record<DatabaseFault, number>>
  /** How long the next request waits before it is executed. */
  delayMs: () => number
}

/** Makes a share of the requests fail. */
export function failingAtRandom(
  fetch: (request: Request) => Promise<Response>,
  random: Random,
  rates: FaultyEndpoint['rates'] = {},
): FaultyEndpoint {
  const endpoint: FaultyEndpoint = {
    rates,
    counts: {},
    delayMs: () => 0,
    fetch: async (request) => {
      const ms = endpoint.delayMs()
      if (ms > 0) await sleep(ms)
      let point = random()
      for (const fault of databaseFaults) {
        point -= endpoint.rates[fault] ?? 0
        if (point >= 0) continue
        endpoint.counts[fault] = (endpoint.counts[fault] ?? 0) + 1
        return failBy(fault, isAfter(fault) ? await (await fetch(request)).text() : '')
      }
      return fetch(request)
    },
  }
  return endpoint
}

/** The same share for each fault, together `total`. */
export const evenly = (total: number, faults: readonly DatabaseFault[]): FaultyEndpoint['rates'] =>
  Object.fromEntries(faults.map((fault) => [fault, total / faults.length]))
