/**
 * @module How the rollups add up to buckets that begin where no rollup does. A row counts for the bucket that its middle
 * is in. Where a bucket begins inside of a row's time, the finer rows in there that are in another bucket are counted
 * for that one and taken off here, down to the runs themselves. So a day in India reads a UTC day, and of it five hours
 * and three times ten minutes.
 */
import type { Buckets } from './buckets.ts'
import { type Grain, type Part, type Range, unitMs } from './period.ts'

/** Runs that no rollup tells apart, and what they are added to. */
export interface Piece extends Range {
  sign: 1 | -1
  bucket: number
}

export interface BucketParts {
  /** Of the rollups, to be counted for the bucket of their middle. */
  whole: Part[]
  /** Finer rows inside of `whole` that are in another bucket than the row that contains them. */
  moved: { grain: Grain; ranges: { from: number; to: number }[] }[]
  pieces: Piece[]
}

/** @param grains from the coarsest to the finest, as the parts were made of */
export function bucketParts(parts: Part[], buckets: Buckets, grains: readonly Grain[]): BucketParts {
  const { edges, bucketOf } = buckets
  const moved = new Map<Grain, { from: number; to: number }[]>()
  const pieces: Piece[] = []
  /** How many edges are at or before an instant. */
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

  /** What lies between two edges, or an edge and an end. */
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
        pieces.push({ ...segment, sign: 1 }, { ...segment, sign: -1, bucket })
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

  const whole: Part[] = []
  for (const part of parts) {
    const [from, to] = [part.from?.getTime() ?? 0, part.to?.getTime() ?? 0]
    const { source, sign } = part
    if (source === 'executions') {
      for (const segment of segments(from, to)) pieces.push({ ...segment, sign })
      continue
    }
    whole.push(part)
    let done = Number.NEGATIVE_INFINITY
    for (let index = edgesUpTo(from); (edges[index] ?? to) < to; index += 1) {
      const edge = edges[index] ?? to
      const start = Math.floor(edge / unitMs[source]) * unitMs[source]
      if (start !== edge && start !== done) split(start, source)
      done = start === edge ? done : start
    }
  }
  return { whole, moved: [...moved].map(([grain, ranges]) => ({ grain, ranges })), pieces }
}
