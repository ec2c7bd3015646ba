/** @module Axes: x in percent of the width, y in pixels. */
import { dayMs } from '../../lib/time.ts'
import type { TimeFormat } from '../format.ts'

/** Rounds coordinates to two decimals, which keeps pages small. */
export const round = (value: number): number => Math.round(value * 100) / 100
export const percentX = (share: number): string => `${round(share * 100)}%`

/** From 0 at `bottom` to a round number at `top`, with about three ticks. */
export function countScale(max: number, bottom: number, top: number) {
  let end = Math.max(max, 1)
  let step = roundStep(end)
  for (let before = 0; step !== before; step = roundStep(end)) {
    end = Math.ceil(end / step) * step
    before = step
  }
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step)
  return {
    y: (value: number) => round(bottom + (value / end) * (top - bottom)),
    ticks: ticks.filter(Number.isInteger),
  }
}

/** 1, 2 or 5 times a power of ten: the one that divides `end` into two parts most nearly. */
function roundStep(end: number): number {
  const half = end / 2
  const power = 10 ** Math.floor(Math.log10(half))
  const factor = [10, 5, 2].find((each) => half / power >= Math.sqrt((each * each) / 2)) ?? 1
  return power * factor
}

const durationSteps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 120_000, 300_000,
  600_000, 1_200_000, 2_400_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000, 172_800_000,
  604_800_000,
]

/** Milliseconds on a log axis with three or four round ticks. */
export function durationScale(values: number[], bottom: number, top: number) {
  const low = Math.max(1, Math.min(...values))
  const high = Math.max(low, ...values)
  const first = durationSteps.findLastIndex((step) => step <= low)
  const after = durationSteps.findIndex((step) => step >= high)
  const last = Math.max(after === -1 ? durationSteps.length - 1 : after, Math.max(first, 0) + 1)
  const steps = durationSteps.slice(Math.max(first, 0), last + 1)
  const [from, to] = [steps[0] ?? 1, steps.at(-1) ?? 1000]
  // Beyond the last step there is one step only: all in the middle.
  const shareOf = (ms: number) =>
    from === to ? 0.5 : Math.log(Math.min(Math.max(ms, from), to) / from) / Math.log(to / from)
  const every = Math.max(1, Math.ceil((steps.length - 1) / 3))
  const ticks = steps.filter((_, index) => (steps.length - 1 - index) % every === 0)
  return { y: (ms: number) => round(bottom + shareOf(ms) * (top - bottom)), ticks }
}

/** About six labels at bucket starts: times of day, or days for daily buckets. */
export function timeLabels(starts: readonly string[], bucketMs: number, time: TimeFormat) {
  const every = Math.max(1, Math.round(starts.length / 6))
  const spansDays = bucketMs * starts.length > 2 * dayMs
  return starts.flatMap((start, index) =>
    (index + Math.ceil(every / 2)) % every === 0 && index > 0 && index < starts.length - 1
      ? [{ x: index / starts.length, text: spansDays ? time.day(start) : time.clockShort(start) }]
      : [],
  )
}

/** A time span between ISO instants. */
export interface Span {
  start: string
  end: string
}

/**
 * Position of an instant over bars of equal width, from 0 (left) to 1 (right). Bars can cover different time spans,
 * because of clock changes or a partial first bucket. Null outside the bars.
 */
export function placeOf(bars: readonly Span[], at: string): number | null {
  const atMs = Date.parse(at)
  const index = bars.findIndex(({ start, end }) => Date.parse(start) <= atMs && atMs < Date.parse(end))
  const bar = bars[index]
  if (!bar) return null
  const [startMs, endMs] = [Date.parse(bar.start), Date.parse(bar.end)]
  return (index + (atMs - startMs) / (endMs - startMs)) / bars.length
}

/** "17 Nov 16:00–20:00"; for daily buckets "17 Nov", "17 Nov – 18 Nov" or "17 Nov from 16:00". */
export function spanLabel({ start, end }: Span, bucketMs: number, time: TimeFormat): string {
  const [first, clock] = [time.day(start), time.clockShort(start)]
  if (bucketMs < dayMs) return `${first} ${clock}–${time.clockShort(end)}`
  const last = time.day(new Date(Date.parse(end) - 1))
  const isWhole = clock === '00:00'
  if (first === last) return isWhole ? first : `${first} from ${clock}`
  return `${isWhole ? first : `${first} ${clock}`} – ${last}`
}

/** A bucket's time in a table: "17 Nov" or "17 Nov 13:00". */
export const bucketLabel = (start: string, bucketMs: number, time: TimeFormat): string =>
  bucketMs >= dayMs ? time.day(start) : `${time.day(start)} ${time.clockShort(start)}`
