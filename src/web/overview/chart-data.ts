/** @module Prepares series for the charts: marks unknown time and labels deployments. */
import type { Series } from '../../analytics/contract.ts'
import { failedStatuses, lowSuccessRate } from '../../runs/meaning.ts'
import type { DurationBucket } from '../charts/duration-chart.tsx'
import type { Marker, RunsBucket } from '../charts/runs-chart.tsx'
import { placeOf, type Span } from '../charts/scales.ts'
import type { DeployedVersion } from '../../overview/queries.ts'

type Item = Series['items'][number]

const count = (byStatus: Item['byStatus'], ...statuses: (keyof Item['byStatus'])[]): number =>
  statuses.reduce((sum, status) => sum + (byStatus[status] ?? 0), 0)

/** The time span of a chart, and the part of it with known runs. Reported runs are shown anyway. */
export interface ShownTime {
  from: Date
  to: Date
  /** Null bounds are open. */
  knownFrom: Date | null
  knownUntil: Date | null
}

/** The first bar starts and the last bar ends with the period, even in the middle of an hour or day. */
export function toRunsBuckets(items: Item[], shown: ShownTime): RunsBucket[] {
  const spans = spansOf(items, shown)
  return items.map(({ byStatus }, index) => ({
    start: spans[index]?.start ?? '',
    end: spans[index]?.end ?? '',
    succeeded: count(byStatus, 'success'),
    failed: count(byStatus, ...failedStatuses),
    waiting: count(byStatus, 'waiting'),
    running: count(byStatus, 'running', 'new'),
    canceled: count(byStatus, 'canceled'),
    unknown: count(byStatus, 'unknown'),
    known: spans[index]?.isKnown ?? false,
  }))
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

/** Start index of the low tail of a line of success rates (0 to 100); undefined when it ends well. */
export function badFrom(rates: readonly (number | null)[]): number | undefined {
  const lastGood = rates.findLastIndex((rate) => rate !== null && rate >= lowSuccessRate * 100)
  const first = rates.findIndex((rate, index) => index > lastGood && rate !== null)
  // Includes the line segment that leads to it.
  return first === -1 ? undefined : Math.max(0, first - 1)
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
