import { expect, test } from 'vitest'
import { openMetrics } from '../../src/telemetry/openmetrics.ts'
import { Metric, recordMetrics } from '../../src/telemetry/registry.ts'
import { parseOpenMetrics } from './parse-openmetrics.ts'

recordMetrics(true)

test('a counter, a gauge and a histogram are valid OpenMetrics with the values that were recorded', () => {
  const requests = new Metric('counter', 'app_requests', 'Requests', ['route', 'status'])
  requests.add(1, '/a', '2xx')
  requests.add(2, '/a', '2xx')
  requests.add(1, '/b', '5xx')
  const lag = new Metric('gauge', 'app_lag_seconds', 'Lag')
  lag.set(7)
  lag.set(1.5)
  const duration = new Metric('histogram', 'app_duration_seconds', 'Duration', ['kind'], [0.5, 1, 10])
  for (const value of [0.1, 0.5, 0.6, 10, 11]) duration.observe(value, 'read')
  const families = parseOpenMetrics(openMetrics([requests, lag, duration]))
  expect(families.get('app_requests')?.samples).toEqual([
    { name: 'app_requests_total', labels: { route: '/a', status: '2xx' }, value: 3 },
    { name: 'app_requests_total', labels: { route: '/b', status: '5xx' }, value: 1 },
  ])
  expect(families.get('app_lag_seconds')).toMatchObject({
    unit: 'seconds',
    samples: [{ name: 'app_lag_seconds', labels: {}, value: 1.5 }],
  })
  expect(
    families
      .get('app_duration_seconds')
      ?.samples.map(({ name, labels, value }) => [name, labels['le'], value]),
  ).toEqual([
    ['app_duration_seconds_bucket', '0.5', 2],
    ['app_duration_seconds_bucket', '1.0', 3],
    ['app_duration_seconds_bucket', '10.0', 4],
    ['app_duration_seconds_bucket', '+Inf', 5],
    ['app_duration_seconds_count', undefined, 5],
    ['app_duration_seconds_sum', undefined, 22.2],
  ])
})

test('labels and help are escaped', () => {
  const metric = new Metric('gauge', 'app_odd', 'A "quote", a \\ and\na line', ['of'])
  const odd = 'a"b\\n\nc\\'
  metric.set(1, odd)
  const text = openMetrics([metric])
  expect(parseOpenMetrics(text).get('app_odd')?.samples[0]?.labels).toEqual({ of: odd })
})

test('a metric with too many series adds up the rest', () => {
  const metric = new Metric('counter', 'app_many', 'Many', ['of', 'and'])
  for (let index = 0; index < 10_000; index += 1) metric.add(1, `value ${index}`, 'x')
  expect(metric.series.size).toBeLessThan(2100)
  const total = [...metric.series.values()].reduce((sum, [value = 0]) => sum + value, 0)
  expect(total).toBe(10_000)
  expect(metric.series.get('other\0other')?.[0]).toBeGreaterThan(7000)
})

test('nothing is recorded while metrics are off', () => {
  const metric = new Metric('counter', 'app_off', 'Off')
  recordMetrics(false)
  metric.add(1)
  recordMetrics(true)
  expect(metric.series.size).toBe(0)
})

test.each([
  ['no end', 'app_a 1\n'],
  ['a sample without a type', 'app_a 1\n# EOF\n'],
  ['a counter without _total', '# TYPE app_a counter\n# HELP app_a A\napp_a 1\n# EOF\n'],
  ['a repeated series', '# TYPE app_a gauge\n# HELP app_a A\napp_a 1\napp_a 2\n# EOF\n'],
  ['a wrong unit', '# TYPE app_a gauge\n# UNIT app_a seconds\n# HELP app_a A\napp_a 1\n# EOF\n'],
  ['an unescaped quote', '# TYPE app_a gauge\n# HELP app_a A\napp_a{b="c"d"} 1\n# EOF\n'],
  ['a comma at the end', '# TYPE app_a gauge\n# HELP app_a A\napp_a{b="c",} 1\n# EOF\n'],
  ['two spaces', '# TYPE app_a gauge\n# HELP app_a A\napp_a  1\n# EOF\n'],
  ['an empty line', '# TYPE app_a gauge\n# HELP app_a A\n\napp_a 1\n# EOF\n'],
  ['text after the end', '# TYPE app_a gauge\n# HELP app_a A\napp_a 1\n# EOF\n\n'],
  [
    'a histogram without +Inf',
    '# TYPE app_a histogram\n# HELP app_a A\napp_a_bucket{le="1.0"} 1\napp_a_count 1\napp_a_sum 1\n# EOF\n',
  ],
  [
    'buckets that fall',
    '# TYPE app_a histogram\n# HELP app_a A\napp_a_bucket{le="1.0"} 2\napp_a_bucket{le="+Inf"} 1\napp_a_count 1\napp_a_sum 1\n# EOF\n',
  ],
])('the parser of the tests rejects %s', (_, text) => {
  expect(() => parseOpenMetrics(text)).toThrow(/^(Line \d+: |app_a )/)
})
