/** @module The series as the drawings take it: several of its buckets to a bar, and what is not known yet said so. */
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

/** The time that a drawing shows, and what of it is known; of runs outside of that nothing, unless they were reported. */
export interface ShownTime {
  from: Date
  to: Date
  /** Null: from the beginning, to the end. */
  knownFrom: Date | null
  knownUntil: Date | null
}

/** The first bar begins with the period and the last ends with it, whenever their hours or days do. */
export function toRunsBuckets(items: Item[], perBar: number, shown: ShownTime): RunsBucket[] {
  const spans = spansOf(items, shown)
  // The last bar is the one that may be cut short, not the first.
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

/** From when to when each counts runs, and whether anything is known of that time. */
function spansOf(items: Item[], { from, to, knownFrom, knownUntil }: ShownTime) {
  const starts = items.map(({ start }, index) => (index === 0 ? from : new Date(start)))
  const firstWithRuns = items.findIndex(({ total }) => total > 0)
  return items.map(({ total }, index) => {
    const [start, end] = [starts[index] ?? from, starts[index + 1] ?? to]
    const isBegun = knownFrom === null || end > knownFrom || (firstWithRuns !== -1 && index >= firstWithRuns)
    const isRead = knownUntil === null || start <= knownUntil
    return {
      ...{ start: start.toISOString(), end: end.toISOString() },
      isKnown: total > 0 || (isBegun && isRead),
    }
  })
}

/** A rate below this is failing, not merely imperfect. */
const badRate = 90

/** Where the end of a line of success rates (0 to 100) is bad throughout; undefined where it ends well. */
export function badFrom(rates: readonly (number | null)[]): number | undefined {
  const lastGood = rates.findLastIndex((rate) => rate !== null && rate >= badRate)
  const first = rates.findIndex((rate, index) => index > lastGood && rate !== null)
  // With the way down to it.
  return first === -1 ? undefined : Math.max(0, first - 1)
}

function* range(from: number, to: number, step: number): Generator<number> {
  for (let each = from; each < to; each += step) yield each
}

const maximumMarkers = 3
/** Of the width, so that no two labels meet. */
const minimumDistance = 0.2

/** The newest versions that went live, as far as their labels have room. */
export function toMarkers(versions: DeployedVersion[], bars: readonly Span[]): Marker[] {
  const chosen: { at: string; label: string; place: number }[] = []
  for (const { at, workflowName, version } of versions) {
    const place = placeOf(bars, at)
    if (chosen.length === maximumMarkers) break
    if (place === null) continue
    if (chosen.some((each) => Math.abs(each.place - place) < minimumDistance)) continue
    const name =
      workflowName.length > 18 ? `${workflowName.slice(0, 17).toWellFormed().trimEnd()}…` : workflowName
    chosen.push({ at, label: `${name} v${version}`, place })
  }
  return chosen.map(({ at, label }) => ({ at, label }))
}
