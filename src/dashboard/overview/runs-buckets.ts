/** @module The series as the drawings take it: several of its buckets to a bar, and what is not known yet said so. */
import type { Series } from '../../analytics/contract.ts'
import type { DurationBucket } from '../charts/duration-chart.tsx'
import type { Marker, RunsBucket } from '../charts/runs-chart.tsx'
import type { DeployedVersion } from './read-overview.ts'

type Item = Series['items'][number]

const count = (items: Item[], ...statuses: (keyof Item['byStatus'])[]): number =>
  items.reduce(
    (sum, item) => sum + statuses.reduce((part, status) => part + (item.byStatus[status] ?? 0), 0),
    0,
  )

/** @param knownUntil nothing is known of runs that started later, unless they were reported */
export function toRunsBuckets(items: Item[], perBar: number, knownUntil: Date | null): RunsBucket[] {
  // The last bar is the one that may be cut short, not the first.
  const first = items.length % perBar
  const starts = [...(first > 0 ? [0] : []), ...range(first, items.length, perBar)]
  return starts.map((start, index) => {
    const part = items.slice(start, starts[index + 1] ?? items.length)
    return {
      start: part[0]?.start ?? '',
      succeeded: count(part, 'success'),
      failed: count(part, 'error', 'crashed'),
      waiting: count(part, 'waiting'),
      running: count(part, 'running', 'new'),
      canceled: count(part, 'canceled', 'unknown'),
      known: isKnown(part, knownUntil),
    }
  })
}

export const toDurationBuckets = (items: Item[], knownUntil: Date | null): DurationBucket[] =>
  items.map((item) => ({
    start: item.start,
    p50: item.durationMs.p50,
    p95: item.durationMs.p95,
    runs: item.total,
    known: isKnown([item], knownUntil),
  }))

const isKnown = (items: Item[], knownUntil: Date | null): boolean =>
  knownUntil === null ||
  items.some((item) => item.total > 0 || new Date(item.start).getTime() <= knownUntil.getTime())

function* range(from: number, to: number, step: number): Generator<number> {
  for (let each = from; each < to; each += step) yield each
}

const maximumMarkers = 3
/** Of the width, so that no two labels meet. */
const minimumDistance = 0.2

/** The newest versions that went live, as far as their labels have room. */
export function toMarkers(versions: DeployedVersion[], from: Date, to: Date): Marker[] {
  const span = to.getTime() - from.getTime()
  const chosen: { at: string; label: string; place: number }[] = []
  for (const { at, workflowName, version } of versions) {
    const place = (Date.parse(at) - from.getTime()) / span
    if (chosen.length === maximumMarkers) break
    if (chosen.some((each) => Math.abs(each.place - place) < minimumDistance)) continue
    const name =
      workflowName.length > 18 ? `${workflowName.slice(0, 17).toWellFormed().trimEnd()}…` : workflowName
    chosen.push({ at, label: `${name} v${version}`, place })
  }
  return chosen.map(({ at, label }) => ({ at, label }))
}
