/**
 * @module Traces: the spans of sampled requests and job parts, and the context that links them. Costs nothing unless traces are
 * exported or a caller sends `traceparent`. Source: W3C Trace Context, https://www.w3.org/TR/trace-context/
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { toHex } from '../lib/encoding.ts'
import { metrics } from './metrics.ts'

export type SpanKind = 'internal' | 'server' | 'client'

interface TraceContext {
  traceId: string
  spanId: string
  isSampled: boolean
}

/** Times are those of `performance.now()`. */
export interface Span extends TraceContext {
  parentId: string | undefined
  name: string
  kind: SpanKind
  startMs: number
  endMs: number
  /** Never parameters, addresses or anything else that a user enters. */
  attributes: Record<string, string | number>
  isFailed: boolean
}

const maxSpans = 2048

const contexts = new AsyncLocalStorage<TraceContext>()
/** Finished spans that are not exported yet. */
let finished: Span[] = []
let ratio: number | undefined

/** @param sampled the fraction of requests without `traceparent` that are recorded; undefined records none at all */
export function recordTraces(sampled: number | undefined): void {
  ratio = sampled
}

export function takeSpans(): Span[] {
  const spans = finished
  finished = []
  return spans
}

/** Keeps the spans of a failed export for the next one. */
export function returnSpans(spans: Span[]): void {
  const kept = spans.slice(0, maxSpans - finished.length)
  metrics.droppedSpans.add(spans.length - kept.length)
  finished = [...kept, ...finished]
}

/** Versions after 00 may append more; ff is invalid. */
const format = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Null for a header that is not valid. */
export function parseTraceparent(header: string): TraceContext | null {
  const [, version, traceId = '', spanId = '', flags = '', rest] = format.exec(header) ?? []
  if (version === undefined || (version === '00' && rest !== undefined)) return null
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** For a request that this one causes. */
export function traceparent(): string | undefined {
  const context = contexts.getStore()
  return context && `00-${context.traceId}-${context.spanId}-${context.isSampled ? '01' : '00'}`
}

export const traceId = (): string | undefined => contexts.getStore()?.traceId

const randomId = (bytes: number) => toHex(crypto.getRandomValues(new Uint8Array(bytes)))

/** The first span of this server: of the caller's trace if there is a valid `traceparent`, else of a new one. */
export function inTrace<T>(
  header: string | undefined,
  kind: SpanKind,
  name: string,
  work: (span?: Span) => Promise<T>,
): Promise<T> {
  const caller = header === undefined ? null : parseTraceparent(header)
  if (ratio === undefined) return caller ? contexts.run(caller, work) : work()
  const context = caller ?? { traceId: randomId(16), spanId: '', isSampled: Math.random() < ratio }
  if (context.isSampled) return record(context, kind, name, work)
  return contexts.run(caller ?? Object.assign(context, { spanId: randomId(8) }), work)
}

/** A span within the current one, if that is recorded. */
export function inSpan<T>(kind: SpanKind, name: string, work: (span?: Span) => Promise<T>): Promise<T> {
  const context = contexts.getStore()
  return ratio !== undefined && context?.isSampled ? record(context, kind, name, work) : work()
}

async function record<T>(
  { traceId, spanId: parentId }: TraceContext,
  kind: SpanKind,
  name: string,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const startMs = performance.now()
  const span: Span = {
    traceId,
    spanId: randomId(8),
    isSampled: true,
    parentId: parentId || undefined,
    name,
    kind,
    startMs,
    endMs: startMs,
    attributes: {},
    isFailed: false,
  }
  try {
    return await contexts.run(span, () => work(span))
  } catch (error) {
    span.isFailed = true
    throw error
  } finally {
    span.endMs = performance.now()
    if (finished.length < maxSpans) finished.push(span)
    else metrics.droppedSpans.add(1)
  }
}
