/** @module Periods, and their split into parts that rollups or executions answer exactly. */
import { dayMs, hourMs } from '../lib/time.ts'

/** From `from` up to but not including `to`; null: no bound. */
export interface Range {
  from: Date | null
  to: Date | null
}

export interface BoundedRange extends Range {
  from: Date
  to: Date
}

/** A part of a range, and where to read it: rollups of a grain (UTC), or the executions themselves. */
export interface Part extends Range {
  source: Grain | 'executions'
  /** -1: subtracted from the sum of the other parts. */
  sign: 1 | -1
}

export type RollupPart = Part & { source: Grain }

export type Grain = 'day' | 'hour' | '10min'

export const intervals = ['hour', 'day', 'week'] as const
export type Interval = (typeof intervals)[number]
/** In UTC. */
export const intervalMs: Record<Interval, number> = { hour: hourMs, day: dayMs, week: 7 * dayMs }
/** Start of a bucket, in milliseconds since 1970, which began on a Thursday. Weeks begin on Monday. */
export const originMs: Record<Interval, number> = { hour: 0, day: 0, week: 4 * dayMs }

const defaultDays = 30
export const unitMs: Record<Grain, number> = { day: dayMs, hour: hourMs, '10min': hourMs / 6 }

/** By default ends now and starts 30 days before its end. */
export function boundedRange(
  { from, to }: { from?: Date | undefined; to?: Date | undefined },
  now: Date,
): BoundedRange {
  const end = to ?? new Date(Math.max(now.getTime(), from?.getTime() ?? 0))
  return { from: from ?? new Date(end.getTime() - defaultDays * dayMs), to: end }
}

/** The preceding period of equal length. */
export function rangeBefore({ from, to }: BoundedRange): BoundedRange {
  return { from: new Date(2 * from.getTime() - to.getTime()), to: from }
}

export const periodOf = ({ from, to }: BoundedRange) => ({ from: from.toISOString(), to: to.toISOString() })

/** Rounds outwards to whole UTC days. */
export function wholeDays({ from, to }: BoundedRange): BoundedRange {
  return { from: floor(from, dayMs), to: ceil(to, dayMs) }
}

/**
 * Splits a range: whole days, then whole units of the finer grains, with ends rounded to the nearest unit of the finest
 * grain. Executions add or subtract the rest, at most half a unit at each end. If the range ends now, the rest at its end
 * is in the future and empty.
 * @param grains from the coarsest to the finest
 */
export function partsOf({ from, to }: Range, grains: readonly Grain[] = ['day', 'hour']): Part[] {
  if (from && to && from >= to) return []
  const finestMs = unitMs[grains.at(-1) ?? 'hour']
  const [start, end] = [from && nearest(from, finestMs), to && nearest(to, finestMs)]
  if (start && end && start >= end) return [{ source: 'executions', sign: 1, from, to }]
  const parts = wholeParts({ from: start, to: end }, grains)
  if (from && start && from < start) parts.push({ source: 'executions', sign: 1, from, to: start })
  if (from && start && from > start) parts.push({ source: 'executions', sign: -1, from: start, to: from })
  if (to && end && to > end) parts.push({ source: 'executions', sign: 1, from: end, to })
  if (to && end && to < end) parts.push({ source: 'executions', sign: -1, from: to, to: end })
  return parts
}

/** @param range with ends that are multiples of the finest grain */
function wholeParts(range: Range, [grain, ...finer]: readonly Grain[]): Part[] {
  if (!grain || (range.from && range.to && range.from >= range.to)) return []
  const start = range.from && ceil(range.from, unitMs[grain])
  const end = range.to && floor(range.to, unitMs[grain])
  if (start && end && start >= end) return wholeParts(range, finer)
  return [
    ...(start ? wholeParts({ from: range.from, to: start }, finer) : []),
    { source: grain, sign: 1, from: start, to: end },
    ...(end ? wholeParts({ from: end, to: range.to }, finer) : []),
  ]
}

/** Starts of the UTC intervals that overlap a range, oldest first. */
export function intervalStarts({ from, to }: BoundedRange, interval: Interval): Date[] {
  const [lengthMs, offsetMs] = [intervalMs[interval], originMs[interval]]
  const starts = []
  let startMs = Math.floor((from.getTime() - offsetMs) / lengthMs) * lengthMs + offsetMs
  for (; startMs < to.getTime(); startMs += lengthMs) starts.push(new Date(startMs))
  return starts
}

export const floor = (time: Date, ms: number) => new Date(Math.floor(time.getTime() / ms) * ms)
const ceil = (time: Date, ms: number) => new Date(Math.ceil(time.getTime() / ms) * ms)
const nearest = (time: Date, ms: number) => floor(new Date(time.getTime() + ms / 2), ms)
