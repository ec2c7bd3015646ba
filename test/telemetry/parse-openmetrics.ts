/**
 * A strict parser of OpenMetrics 1.0 text. Implements the ABNF and the rules for families, labels, counters, histograms and
 * units. Source: https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export interface Sample {
  /** With the suffix. */
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  name: string
  type: string
  unit: string
  help: string
  samples: Sample[]
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const number =
  '[+-]?(?:[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI]nf(?:inity)?)|NaN'
const descriptor = new RegExp(`^# (TYPE|UNIT|HELP) (${metricName}) (.*)$`)
const sample = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (${number})$`)
/** A label with an escaped value, then a comma or the end. */
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y
const suffixes: Record<string, string[]> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
}

export function parseOpenMetrics(text: string): Map<string, Family> {
  const fail = (line: number, reason: string): never => {
    throw new Error(`Line ${line + 1}: ${reason}`)
  }
  if (!text.endsWith('\n# EOF\n')) fail(text.split('\n').length, 'the text does not end with # EOF')
  const lines = text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)
  const families = new Map<string, Family>()
  const series = new Set<string>()
  let family: Family | undefined
  for (const [at, line] of lines.entries()) {
    const [, kind, name = '', value = ''] = descriptor.exec(line) ?? []
    if (kind !== undefined) {
      if (family?.name !== name) {
        if (families.has(name)) fail(at, `the family ${name} is interleaved or repeated`)
        family = { name, type: '', unit: '', help: '', samples: [] }
        families.set(name, family)
      }
      if (family.samples.length > 0) fail(at, 'a descriptor follows a sample')
      const member = kind.toLowerCase() as 'type' | 'unit' | 'help'
      if (family[member] !== '') fail(at, `${kind} is repeated`)
      if (kind === 'TYPE' && !(value in suffixes)) fail(at, `unknown type ${value}`)
      if (kind === 'UNIT' && !name.endsWith(`_${value}`)) fail(at, 'the name does not end with its unit')
      if (kind === 'HELP' && !/^(?:[^"\\]|\\["\\n])*$/.test(value)) fail(at, 'HELP is not escaped')
      family[member] = value
      continue
    }
    const [, sampleName, labelText, valueText = ''] = sample.exec(line) ?? []
    if (sampleName === undefined) return fail(at, `not a sample: ${line}`)
    const current = family ?? fail(at, 'a sample without a family')
    const suffix = sampleName.startsWith(current.name) ? sampleName.slice(current.name.length) : '?'
    if (!suffixes[current.type]?.includes(suffix))
      fail(at, `${sampleName} does not belong to ${current.name}`)
    const labels = parseLabels(labelText, (reason) => fail(at, reason))
    const key = JSON.stringify([sampleName, Object.entries(labels).toSorted()])
    if (series.has(key)) fail(at, 'the series is repeated')
    series.add(key)
    const parsed = { name: sampleName, labels, value: Number(valueText.replace(/inf(inity)?$/i, 'Infinity')) }
    if (current.type !== 'gauge' && !(parsed.value >= 0)) fail(at, 'a counter or bucket is negative or NaN')
    current.samples.push(parsed)
  }
  for (const each of families.values()) checkFamily(each)
  return families
}

function parseLabels(text: string | undefined, fail: (reason: string) => never): Record<string, string> {
  const labels: Record<string, string> = {}
  if (text === undefined) return labels
  label.lastIndex = 0
  for (let end = 0; end < text.length; end = label.lastIndex) {
    const [all, name = '', value = '', rest] = label.exec(text) ?? fail(`invalid labels: ${text}`)
    if (name in labels) fail(`the label ${name} is repeated`)
    if (rest === ',' && end + all.length === text.length) fail('the labels end with a comma')
    labels[name] = value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  return labels
}

function checkFamily({ name, type, help, samples }: Family): void {
  if (type === '' || help === '') throw new Error(`${name} has no TYPE or no HELP`)
  if (/_(total|created|bucket|count|sum|info)$/.test(name))
    throw new Error(`${name} ends with a reserved suffix`)
  if (type !== 'histogram') return
  const groups = new Map<string, Sample[]>()
  for (const each of samples) {
    const { le: _, ...labels } = each.labels
    const key = JSON.stringify(labels)
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  for (const group of groups.values()) {
    const buckets = group.filter((each) => each.name.endsWith('_bucket'))
    const bounds = buckets.map(({ labels }) => labels['le'] ?? '')
    if (bounds.some((bound) => bound !== '+Inf' && !/^\d+\.\d+(e[+-]\d+)?$/.test(bound))) {
      throw new Error(`${name} has a bucket that is not canonical: ${bounds.join(' ')}`)
    }
    if (bounds.at(-1) !== '+Inf') throw new Error(`${name} does not end with +Inf`)
    const ordered = bounds.map((bound) => (bound === '+Inf' ? Infinity : Number(bound)))
    for (const [at, bucket] of buckets.entries()) {
      const before = buckets[at - 1]
      if (before && (bucket.value < before.value || (ordered[at] ?? 0) <= (ordered[at - 1] ?? 0))) {
        throw new Error(`${name} has buckets that do not rise`)
      }
    }
    const count = group.find((each) => each.name.endsWith('_count'))
    const sum = group.find((each) => each.name.endsWith('_sum'))
    if (!sum || count?.value !== buckets.at(-1)?.value) throw new Error(`${name} has no sum or a wrong count`)
  }
}
