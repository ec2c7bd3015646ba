/** @module Collects the metrics of the process and of the database, and exports them and traces. */
import type { KeyRing } from '../crypto/key-ring.ts'
import type { Reader } from '../db/client.ts'
import type { Log } from '../http/log.ts'
import { sleep } from '../lib/retry.ts'
import { minuteMs } from '../lib/time.ts'
import { metrics } from '../telemetry/metrics.ts'
import { openMetrics } from '../telemetry/openmetrics.ts'
import { createExporter } from '../telemetry/otlp.ts'
import { Metric, recordMetrics } from '../telemetry/registry.ts'
import { recordTraces } from '../telemetry/trace.ts'
import { databaseUp, readDatabaseMetrics } from './database-metrics.ts'

export interface MonitoringSettings {
  /** Bearer token of `/metrics`. */
  metricsToken: string | undefined
  /** Absent: nothing is pushed. */
  otlp: { endpoint: string; headers: Record<string, string> } | undefined
  /** Fraction of requests that are traced. */
  traceRatio: number
}

export interface MonitoringOptions extends MonitoringSettings {
  runtime: 'workerd' | 'node'
  /** Whether `/metrics` can be read without a token. */
  isOpen: boolean
  db: Reader
  credentialKeys: KeyRing
  log: Log
  now: () => Date
  defer: (work: Promise<unknown>) => void
  /** Memory, CPU time and connections. */
  processMetrics?: (() => Metric[]) | undefined
}

/** How long database metrics are reused, so that several scrapers cost as much as one. */
const databaseMaxAgeMs = 15_000
/** Below the timeout of a scrape, by default 10 s. */
const databaseTimeoutMs = 5_000
/** An isolate exports together what its requests record within this time. */
const gatherMs = 5_000
/** Workers cancel work that a request left behind after 30 s. */
const pushTimeoutMs = 40_000
const failureLogIntervalMs = 10 * minuteMs

export type Monitoring = ReturnType<typeof createMonitoring>

export function createMonitoring(options: MonitoringOptions) {
  const { otlp, runtime, log, now, defer, db, credentialKeys } = options
  const isNode = runtime === 'node'
  const isOn = options.metricsToken !== undefined || otlp !== undefined || options.isOpen
  recordMetrics(isOn)
  recordTraces(otlp && options.traceRatio)
  const startedAt = new Metric(
    'gauge',
    'flowkeep_start_timestamp_seconds',
    'When this process or isolate started',
  )
  startedAt.set(now().getTime() / 1000)

  let failureLoggedAtMs = -Infinity
  const exporter =
    otlp &&
    createExporter({
      ...otlp,
      // Isolates come and go: their IDs would be series without end.
      resource: { 'service.name': 'flowkeep', ...(isNode && { 'service.instance.id': crypto.randomUUID() }) },
      temporality: isNode ? 'cumulative' : 'delta',
      onFailure: (signal, reason) => {
        if (now().getTime() - failureLoggedAtMs < failureLogIntervalMs) return
        failureLoggedAtMs = now().getTime()
        log('warn', 'telemetry-export-failed', { signal, reason })
      },
    })

  // Caches the result instead of a promise, because workerd ties a promise to its request.
  let ofDatabase: { readAtMs: number; metrics: Metric[] } | undefined
  async function databaseMetrics(): Promise<Metric[]> {
    const startedAtMs = now().getTime()
    if (ofDatabase && startedAtMs - ofDatabase.readAtMs < databaseMaxAgeMs) return ofDatabase.metrics
    const answered = new AbortController()
    const late = sleep(databaseTimeoutMs, answered.signal).then(() => [databaseUp(false)])
    const read = await Promise.race([readDatabaseMetrics(db, credentialKeys), late])
    answered.abort()
    ofDatabase = { readAtMs: startedAtMs, metrics: read }
    return read
  }

  const processMetrics = () => [startedAt, ...Object.values(metrics), ...(options.processMetrics?.() ?? [])]

  let pushingSinceMs = -Infinity
  return {
    token: options.metricsToken,
    /** For `/metrics`. Without the database metrics while the database does not respond. */
    render: async () => openMetrics([...processMetrics(), ...(await databaseMetrics())]),

    /** Exports everything, if exporting is on. Never rejects. */
    push: async (): Promise<void> => {
      if (!exporter) return
      const all = [...processMetrics(), ...(await databaseMetrics())]
      await Promise.all([exporter.pushMetrics(all), exporter.pushSpans()])
    },

    pushSpans: async (): Promise<void> => exporter?.pushSpans(),

    /** In an isolate, exports soon what requests have recorded. */
    onRequestEnd:
      exporter && !isNode
        ? () => {
            const nowMs = now().getTime()
            if (nowMs - pushingSinceMs < pushTimeoutMs) return
            pushingSinceMs = nowMs
            const pushing = sleep(gatherMs)
              .then(() => Promise.all([exporter.pushMetrics(processMetrics()), exporter.pushSpans()]))
              .finally(() => (pushingSinceMs = -Infinity))
            defer(pushing)
          }
        : undefined,
  }
}
