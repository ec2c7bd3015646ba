/** @module Prepares series for the charts: combines buckets into bars and marks unknown time. */
import type { Series } from '../../analytics/contract.ts'
import { failedStatuses } from '../../runs/meaning.ts'
import type { DurationBucket } from '../charts/duration-chart.tsx'
import type { Marker, RunsBucket } from '../charts/runs-chart.tsx'
import { placeOf, type Span } from '../charts/scales.ts'
import type { DeployedVersion } from '../../overview/queries.ts'

type Item = Series['items'][number]

const count = (items: Item[], ...statuses: (keyof Item['byStatus'])[]): number =>
  items.reduce(
    (sum, item) => sum + statuses.reduce((part, status) => part + (item.byStatus[status] ?? 0), 0),
    0,
  )

/** The time span of a chart, and the part of it with known runs. Reported runs are shown anyway. */
export interface ShownTime {
  from: Date
  to: Date
  /** Null bounds are open. */
  knownFrom: Date | null
  knownUntil: Date | null
}

/** The first bar starts and the last bar ends with the period, even in the middle of an hour or day. */
export function toRunsBuckets(items: Item[], perBar: number, shown: ShownTime): RunsBucket[] {
  const spans = spansOf(items, shown)
  // Any shortened bar is the last one.
  const first = items.length % perBar
  const starts = [...(first > 0 ? [0] : []), ...range(first, items.length, perBar)]
  return starts.map((first, index) => {
    const next = starts[index + 1] ?? items.length
    const part = items.slice(first, next)
    return {
      start: spans[first]?.start ?? '',
      end: spans[next - 1]?.end ?? '',
      succeeded: count(part, 'success'),
      failed: count(part, ...failedStatuses),
      waiting: count(part, 'waiting'),
      running: count(part, 'running', 'new'),
      canceled: count(part, 'canceled'),
      unknown: count(part, 'unknown'),
      known: spans.slice(first, next).some(({ isKnown }) => isKnown),
    }
  })
}

export function toDurationBuckets(items: Item[], shown: ShownTime): DurationBucket[] {
  const spans = spansOf(items, shown)
  return items.map((item, index) => ({
    start: item.start,
    p50: item.durationMs.p50,
    p95: item.durationMs.p95,
    runs: item.total,
    known: spans[index]?.isKnown ?? false,
  }))
}

/** Time span of each bucket, and whether its runs are known. */
function spansOf(items: Item[], { from, to, knownFrom, knownUntil }: ShownTime) {
  const starts = items.map(({ start }, index) => (index === 0 ? from : new Date(start)))
  const firstWithRuns = items.findIndex(({ total }) => total > 0)
  return items.map(({ total }, index) => {
    const [start, end] = [starts[index] ?? from, starts[index + 1] ?? to]
    const isBegun = knownFrom === null || end > knownFrom || (firstWithRuns !== -1 && index >= firstWithRuns)
    const isRead = knownUntil === null || start <= knownUntil
    return {
      start: start.toISOString(),
      end: end.toISOString(),
      isKnown: total > 0 || (isBegun && isRead),
    }
  })
}

/** Success rates below this count as failing. */
const badRate = 90

/** Start index of the failing tail of a line of success rates (0 to 100); undefined when it ends well. */
export function badFrom(rates: readonly (number | null)[]): number | undefined {
  const lastGood = rates.findLastIndex((rate) => rate !== null && rate >= badRate)
  const first = rates.findIndex((rate, index) => index > lastGood && rate !== null)
  // Includes the line segment that leads to it.
  return first === -1 ? undefined : Math.max(0, first - 1)
}

function* range(from: number, to: number, step: number): Generator<number> {
  for (let each = from; each < to; each += step) yield each
}

const maximumMarkers = 3
/** Minimum distance between labels, as a share of the width. */
const minimumDistance = 0.2

/** The newest deployed versions whose labels fit. */
export function toMarkers(versions: DeployedVersion[], bars: readonly Span[]): Marker[] {
  const selected: { at: string; label: string; place: number }[] = []
  for (const { at, workflowName, version } of versions) {
    const place = placeOf(bars, at)
    if (selected.length === maximumMarkers) break
    if (place === null) continue
    if (selected.some((each) => Math.abs(each.place - place) < minimumDistance)) continue
    const name =
      workflowName.length > 18 ? `${workflowName.slice(0, 17).toWellFormed().trimEnd()}…` : workflowName
    selected.push({ at, label: `${name} v${version}`, place })
  }
  return selected.map(({ at, label }) => ({ at, label }))
}
