/**
 * @module Adds up rollups for buckets whose edges are not edges of rollups. A row counts for the bucket that contains its
 * middle. If a bucket starts inside the row, the finer rows that belong to another bucket are added to that bucket and
 * subtracted from this one, down to the runs themselves. A day in India, for example, reads one UTC day, five hours and
 * three rows of ten minutes.
 */
import type { Buckets } from './buckets.ts'
import { type Grain, type Part, type Range, type RollupPart, unitMs } from './period.ts'

/** Runs that have to be read one by one, and the bucket to which they are added. */
export interface PartialHour extends Range {
  sign: 1 | -1
  bucket: number
}

export interface BucketParts {
  /** Parts of the rollups, counted for the bucket of their middle. */
  whole: RollupPart[]
  /** Finer rows inside `whole` that belong to another bucket than the row that contains them. */
  moved: { grain: Grain; ranges: { from: number; to: number }[] }[]
  partialHours: PartialHour[]
}

/** @param grains of the parts, from the coarsest to the finest */
export function bucketParts(parts: Part[], buckets: Buckets, grains: readonly Grain[]): BucketParts {
  const { edges, bucketOf } = buckets
  const moved = new Map<Grain, { from: number; to: number }[]>()
  const partialHours: PartialHour[] = []
  /** Number of edges at or before an instant. */
  const edgesUpTo = (ms: number): number => {
    let [low, high] = [0, edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((edges[middle] ?? 0) <= ms) low = middle + 1
      else high = middle
    }
    return low
  }
  const bucketAt = (ms: number): number => bucketOf[edgesUpTo(ms)] ?? 0
  const hasEdgeInside = (from: number, to: number) => edgesUpTo(from) < edgesUpTo(to - 1)

  /** Splits a range at the edges. */
  function* segments(from: number, to: number) {
    let start = from
    for (let next = edgesUpTo(from); start < to; next += 1) {
      const end = Math.min(edges[next] ?? to, to)
      yield { from: new Date(start), to: new Date(end), bucket: bucketAt(start) }
      start = end
    }
  }

  function split(start: number, grain: Grain): void {
    const length = unitMs[grain]
    const bucket = bucketAt(start + length / 2)
    const finer = grains[grains.indexOf(grain) + 1]
    if (!finer) {
      for (const segment of segments(start, start + length)) {
        if (segment.bucket === bucket) continue
        partialHours.push({ ...segment, sign: 1 }, { ...segment, sign: -1, bucket })
      }
      return
    }
    const ranges = moved.get(finer) ?? []
    moved.set(finer, ranges)
    for (let at = start; at < start + length; at += unitMs[finer]) {
      const end = at + unitMs[finer]
      const last = ranges.at(-1)
      if (bucketAt(at + unitMs[finer] / 2) !== bucket) {
        if (last?.to === at) last.to = end
        else ranges.push({ from: at, to: end })
      }
      if (hasEdgeInside(at, end)) split(at, finer)
    }
  }

  const whole: RollupPart[] = []
  for (const part of parts) {
    const [from, to] = [part.from?.getTime() ?? 0, part.to?.getTime() ?? 0]
    const { source, sign } = part
    if (source === 'executions') {
      for (const segment of segments(from, to)) partialHours.push({ ...segment, sign })
      continue
    }
    whole.push({ ...part, source })
    let done = Number.NEGATIVE_INFINITY
    for (let index = edgesUpTo(from); (edges[index] ?? to) < to; index += 1) {
      const edge = edges[index] ?? to
      const start = Math.floor(edge / unitMs[source]) * unitMs[source]
      if (start !== edge && start !== done) split(start, source)
      done = start === edge ? done : start
    }
  }
  return { whole, moved: [...moved].map(([grain, ranges]) => ({ grain, ranges })), partialHours }
}
