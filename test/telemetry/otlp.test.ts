import { describe, expect, test } from 'vitest'
import { createExporter, type ExporterOptions } from '../../src/telemetry/otlp.ts'
import { Metric, recordMetrics } from '../../src/telemetry/registry.ts'
import { inTrace, recordTraces, takeSpans } from '../../src/telemetry/trace.ts'

recordMetrics(true)
recordTraces(1)

interface Sent {
  url: string
  headers: Record<string, string>
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  body: any
}

function exporter(temporality: ExporterOptions['temporality'], statuses: (number | Error)[] = []) {
  const sent: Sent[] = []
  const failures: string[] = []
  const made = createExporter({
    endpoint: 'https://collector.example.com',
    headers: { authorization: 'Bearer planted' },
    resource: { 'service.name': 'flowkeep' },
    temporality,
    onFailure: (signal, reason) => failures.push(`${signal} ${reason}`),
    fetch: async (url, init) => {
      const status = statuses.shift() ?? 200
      if (status instanceof Error) throw status
      const headers = init?.headers as Record<string, string>
      sent.push({ url: url as string, headers, body: JSON.parse(init?.body as string) })
      return new Response('{}', { status })
    },
  })
  return { ...made, sent, failures }
}

const metricsOf = ({ body }: Sent) => body.resourceMetrics[0].scopeMetrics[0].metrics

function planted() {
  const counter = new Metric('counter', 'app_runs', 'Runs', ['of'])
  const gauge = new Metric('gauge', 'app_size_bytes', 'Size')
  const histogram = new Metric('histogram', 'app_time_seconds', 'Time', [], [1, 2])
  counter.add(3, 'a')
  gauge.set(5)
  for (const value of [0.5, 1.5, 9]) histogram.observe(value)
  return { counter, gauge, histogram, all: [counter, gauge, histogram] }
}

test('metrics are an ExportMetricsServiceRequest in JSON', async () => {
  const { all } = planted()
  const to = exporter('cumulative')
  await to.pushMetrics(all)
  expect(to.sent.map(({ url, headers }) => [url, headers['content-type'], headers['authorization']])).toEqual(
    [['https://collector.example.com/v1/metrics', 'application/json', 'Bearer planted']],
  )
  const [sent] = to.sent as [Sent]
  expect(sent.body.resourceMetrics[0].resource.attributes).toEqual([
    { key: 'service.name', value: { stringValue: 'flowkeep' } },
  ])
  const time = {
    startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
    timeUnixNano: expect.stringMatching(/^\d{19}$/),
  }
  expect(metricsOf(sent)).toEqual([
    {
      name: 'app_runs',
      description: 'Runs',
      unit: '1',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ attributes: [{ key: 'of', value: { stringValue: 'a' } }], ...time, asDouble: 3 }],
      },
    },
    {
      name: 'app_size_bytes',
      description: 'Size',
      unit: 'By',
      gauge: { dataPoints: [{ attributes: [], ...time, asDouble: 5 }] },
    },
    {
      name: 'app_time_seconds',
      description: 'Time',
      unit: 's',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            attributes: [],
            ...time,
            count: '3',
            sum: 11,
            bucketCounts: ['1', '1', '1'],
            explicitBounds: [1, 2],
          },
        ],
      },
    },
  ])
})

describe('the deltas of an isolate', () => {
  const countsOf = (sent: Sent[]) =>
    sent.map((each) =>
      Object.fromEntries(
        metricsOf(each).map((metric: { name: string } & Record<string, { dataPoints: never[] }>) => {
          const [point] = (metric['sum'] ?? metric['gauge'] ?? metric['histogram'])?.dataPoints ?? []
          const { asDouble, count } = point as unknown as { asDouble?: number; count?: string }
          return [metric.name, asDouble ?? Number(count)]
        }),
      ),
    )

  test('contain what happened since the last export', async () => {
    const { counter, histogram, all } = planted()
    const to = exporter('delta')
    await to.pushMetrics(all)
    await to.pushMetrics(all)
    counter.add(4, 'a')
    histogram.observe(1)
    await to.pushMetrics(all)
    expect(countsOf(to.sent)).toEqual([
      { app_runs: 3, app_size_bytes: 5, app_time_seconds: 3 },
      { app_size_bytes: 5 },
      { app_runs: 4, app_size_bytes: 5, app_time_seconds: 1 },
    ])
    expect(metricsOf(to.sent[0] as Sent)[0].sum.aggregationTemporality).toBe(1)
  })

  test.each([[503], [429], [new TypeError('fetch failed')]])(
    'include what failed to be sent: %s',
    async (failure) => {
      const { counter, all } = planted()
      const to = exporter('delta', [failure])
      await to.pushMetrics(all)
      counter.add(4, 'a')
      await to.pushMetrics(all)
      expect(countsOf(to.sent).at(-1)).toMatchObject({ app_runs: 7 })
      expect(to.failures).toHaveLength(1)
    },
  )
})

describe('spans', () => {
  const recorded = () =>
    inTrace(undefined, 'server', 'GET /x', async (span) => {
      Object.assign(span?.attributes ?? {}, { 'http.route': '/x', 'http.response.status_code': 200 })
    })

  test('are an ExportTraceServiceRequest in JSON', async () => {
    takeSpans()
    await recorded()
    const to = exporter('delta')
    await to.pushSpans()
    await to.pushSpans()
    expect(to.sent.map(({ url }) => url)).toEqual(['https://collector.example.com/v1/traces'])
    const [span] = (to.sent[0] as Sent).body.resourceSpans[0].scopeSpans[0].spans
    expect(span).toEqual({
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      name: 'GET /x',
      kind: 2,
      startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
      endTimeUnixNano: expect.stringMatching(/^\d{19}$/),
      attributes: [
        { key: 'http.route', value: { stringValue: '/x' } },
        { key: 'http.response.status_code', value: { intValue: '200' } },
      ],
      status: {},
    })
    expect(Math.abs(Number(span.startTimeUnixNano) / 1e6 - Date.now())).toBeLessThan(600_000)
  })

  test.each([
    [503, 1],
    [new TypeError('fetch failed'), 1],
    [400, 0],
  ])('are sent again after %s: %i', async (failure, again) => {
    takeSpans()
    await recorded()
    const to = exporter('delta', [failure])
    await to.pushSpans()
    to.sent.length = 0
    await to.pushSpans()
    expect(to.sent).toHaveLength(again)
  })
})

test('a failure names the status or the error, never the collector or a header', async () => {
  const to = exporter('cumulative', [
    401,
    new TypeError('connect https://collector.example.com Bearer planted'),
  ])
  await to.pushMetrics([])
  await to.pushMetrics([])
  expect(to.failures).toEqual(['metrics 401', 'metrics TypeError'])
})
