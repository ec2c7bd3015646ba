/** @module Writes metrics as OpenMetrics 1.0 text. Source: https://prometheus.io/docs/specs/om/open_metrics_spec/ */
import { type Metric, unitOf } from './registry.ts'

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** @param metrics with distinct names */
export function openMetrics(metrics: Iterable<Metric>): string {
  const lines: string[] = []
  for (const metric of metrics) {
    const { name, type, help } = metric
    const unit = unitOf(name)
    lines.push(`# TYPE ${name} ${type}`)
    if (unit) lines.push(`# UNIT ${name} ${unit}`)
    lines.push(`# HELP ${name} ${escaped(help)}`)
    for (const [key, values] of metric.series) addSeries(lines, metric, key, values)
  }
  return [...lines, '# EOF', ''].join('\n')
}

function addSeries(lines: string[], { name, type, labels, bounds }: Metric, key: string, values: number[]) {
  const own =
    labels.length === 0 ? [] : key.split('\0').map((value, at) => `${labels[at]}="${escaped(value)}"`)
  const sample = (suffix: string, value: number, ...more: string[]) => {
    const all = [...own, ...more]
    lines.push(`${name}${suffix}${all.length > 0 ? `{${all.join(',')}}` : ''} ${value}`)
  }
  if (type !== 'histogram') return sample(type === 'counter' ? '_total' : '', values[0] ?? 0)
  let count = 0
  for (const [at, bound] of [...bounds, Infinity].entries()) {
    count += values[at] ?? 0
    sample('_bucket', count, `le="${bound === Infinity ? '+Inf' : canonical(bound)}"`)
  }
  sample('_count', count)
  sample('_sum', values[bounds.length + 1] ?? 0)
}

/** Bounds are floats in a canonical form, so that every exposer writes the same label. */
const canonical = (bound: number) => (Number.isInteger(bound) ? `${bound}.0` : String(bound))

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
