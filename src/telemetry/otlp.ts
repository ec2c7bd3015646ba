/**
 * @module Sends metrics and spans to an OpenTelemetry collector: OTLP/HTTP 1.x in the JSON encoding.
 * Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp and opentelemetry-proto, opentelemetry/proto
 */
import { metrics as own } from './metrics.ts'
import type { Metric } from './registry.ts'
import { unitOf } from './registry.ts'
import { returnSpans, type Span, takeSpans } from './trace.ts'

export interface ExporterOptions {
  /** Of the collector; `/v1/metrics` and `/v1/traces` are appended. */
  endpoint: string
  headers: Record<string, string>
  /** What sends the data, such as `service.name`. */
  resource: Record<string, string>
  /**
   * `delta`: each export contains what happened since the last successful one. For isolates, which do not live long
   * enough to keep totals.
   */
  temporality: 'cumulative' | 'delta'
  fetch?: typeof fetch
  /** Called with the status of the collector, or with a network error's name. */
  onFailure: (signal: 'metrics' | 'traces', reason: string) => void
}

const timeoutMs = 10_000
const kinds = { internal: 1, server: 2, client: 3 }
/** `AGGREGATION_TEMPORALITY_…` */
const temporalities = { delta: 1, cumulative: 2 }

export type Exporter = ReturnType<typeof createExporter>

export function createExporter(options: ExporterOptions) {
  const { endpoint, headers, temporality, onFailure, fetch: call = fetch } = options
  const resource = { attributes: attributesOf(options.resource) }
  const scope = { name: 'flowkeep' }
  let sinceMs = Date.now()
  /** What the last successful export contained; only for `delta`. */
  let sent = new Map<string, number[]>()

  /** @returns the outcome; never rejects */
  async function post(signal: 'metrics' | 'traces', body: unknown): Promise<'sent' | 'later' | 'never'> {
    let status: number | undefined
    let reason = 'Error'
    try {
      const response = await call(`${endpoint}/v1/${signal}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      response.body?.cancel().catch(() => undefined)
      if (response.ok) return 'sent'
      status = response.status
    } catch (error) {
      reason = (error as Error).name
    }
    own.exportFailures.add(1)
    onFailure(signal, String(status ?? reason))
    return status === undefined || [429, 502, 503, 504].includes(status) ? 'later' : 'never'
  }

  return {
    /** Never rejects. Data that could not be sent is part of the next export. */
    async pushMetrics(metrics: readonly Metric[]): Promise<void> {
      const nowMs = Date.now()
      const sending = new Map<string, number[]>()
      const isDelta = temporality === 'delta'
      const time = { startTimeUnixNano: nanosOf(sinceMs), timeUnixNano: nanosOf(nowMs) }
      const data = metrics.flatMap((metric) => {
        const points = [...metric.series].flatMap(([key, values]) => {
          const id = `${metric.name}\0${key}`
          const before = isDelta && metric.type !== 'gauge' ? sent.get(id) : undefined
          sending.set(id, [...values])
          const current = before ? values.map((value, at) => value - (before[at] ?? 0)) : values
          if (before && current.every((value) => value === 0)) return []
          const names = key.split('\0')
          const attributes = attributesOf(
            Object.fromEntries(metric.labels.map((label, at) => [label, names[at] ?? ''])),
          )
          return [{ attributes, ...time, ...pointOf(metric, current) }]
        })
        return points.length > 0 ? [metricOf(metric, points, temporalities[temporality])] : []
      })
      const outcome = await post('metrics', {
        resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics: data }] }],
      })
      if (!isDelta || outcome === 'later') return
      sinceMs = nowMs
      sent = sending
    },

    /** Never rejects. */
    async pushSpans(): Promise<void> {
      const spans = takeSpans()
      if (spans.length === 0) return
      const offsetMs = Date.now() - performance.now()
      const outcome = await post('traces', {
        resourceSpans: [
          { resource, scopeSpans: [{ scope, spans: spans.map((span) => spanOf(span, offsetMs)) }] },
        ],
      })
      if (outcome === 'later') returnSpans(spans)
      else if (outcome === 'never') own.droppedSpans.add(spans.length)
    },
  }
}

function metricOf({ name, help, type }: Metric, dataPoints: unknown[], aggregationTemporality: number) {
  const unit = { seconds: 's', bytes: 'By' }[unitOf(name) ?? ''] ?? '1'
  const described = { name, description: help, unit }
  if (type === 'gauge') return { ...described, gauge: { dataPoints } }
  return type === 'counter'
    ? { ...described, sum: { dataPoints, aggregationTemporality, isMonotonic: true } }
    : { ...described, histogram: { dataPoints, aggregationTemporality } }
}

function pointOf({ type, bounds }: Metric, values: number[]) {
  if (type !== 'histogram') return { asDouble: values[0] ?? 0 }
  const buckets = values.slice(0, bounds.length + 1)
  return {
    count: String(buckets.reduce((sum, count) => sum + count, 0)),
    sum: values[bounds.length + 1],
    bucketCounts: buckets.map(String),
    explicitBounds: bounds,
  }
}

const spanOf = (span: Span, offsetMs: number) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentId !== undefined && { parentSpanId: span.parentId }),
  name: span.name,
  kind: kinds[span.kind],
  startTimeUnixNano: nanosOf(span.startMs + offsetMs),
  endTimeUnixNano: nanosOf(span.endMs + offsetMs),
  attributes: attributesOf(span.attributes),
  status: span.isFailed ? { code: 2 } : {},
})

const attributesOf = (values: Record<string, string | number>) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }))

/** Nanoseconds do not fit into a number. */
const nanosOf = (ms: number) => `${Math.floor(ms)}${String(Math.floor((ms % 1) * 1e6)).padStart(6, '0')}`
