/**
 * @module Hours, days and weeks of a time zone, from the runtime's IANA data. Exact for every offset and clock change: a
 * day lasts 23 to 25 hours, an hour can last 30 minutes, and skipped local times have no bucket.
 */
import { dayMs } from '../lib/time.ts'
import { type BoundedRange, type Interval, intervalMs, originMs } from './period.ts'

/** A range, split into segments that each belong to one bucket. */
export interface Buckets {
  /** Milliseconds since 1970. The first bucket may start before the range. */
  starts: number[]
  /** Starts of the second and later segments, all inside the range. */
  edges: number[]
  /** The bucket of each segment. One item more than `edges`. */
  bucketOf: number[]
}

/** Combines `size` consecutive buckets into one. The first one combines fewer if the number does not divide. */
export function joinBuckets({ starts, edges, bucketOf }: Buckets, size: number): Buckets {
  const missing = (size - (starts.length % size)) % size
  const joined = bucketOf.map((bucket) => Math.floor((bucket + missing) / size))
  const isFirst = (index: number) => index === 0 || (index + missing) % size === 0
  const isEdge = (index: number) => joined[index] !== joined[index + 1]
  return {
    starts: starts.filter((_, index) => isFirst(index)),
    edges: edges.filter((_, index) => isEdge(index)),
    bucketOf: joined.filter((_, index) => index === 0 || isEdge(index - 1)),
  }
}

interface Segment {
  startMs: number
  /** Equal for segments of the same bucket. */
  key: number
}

export function bucketsOf({ from, to }: BoundedRange, interval: Interval, timeZone: string): Buckets {
  const [fromMs, toMs] = [from.getTime(), to.getTime()]
  const segments = segmentsOf(fromMs - intervalMs[interval] - 2 * dayMs, toMs, interval, timeZone)
  const first = segments.findLastIndex(({ startMs }) => startMs <= fromMs)
  const inRange = segments.slice(first)
  const places = new Map<number, number>()
  for (const { key } of inRange) if (!places.has(key)) places.set(key, places.size)
  const starts = new Map<number, number>()
  for (const { key, startMs } of segments) if (places.has(key) && !starts.has(key)) starts.set(key, startMs)
  return {
    starts: [...places.keys()].map((key) => starts.get(key) ?? fromMs),
    edges: inRange.slice(1).map(({ startMs }) => startMs),
    bucketOf: inRange.map(({ key }) => places.get(key) ?? 0),
  }
}

function segmentsOf(fromMs: number, toMs: number, interval: Interval, timeZone: string): Segment[] {
  const [length, origin] = [intervalMs[interval], originMs[interval]]
  const segments: Segment[] = []
  for (const { startMs, endMs, offsetMs } of offsetsIn(fromMs, toMs, timeZone)) {
    let label = Math.floor((startMs + offsetMs - origin) / length) * length + origin
    for (let at = startMs; at < endMs; at = label - offsetMs) {
      // An hour that a clock change repeats is two buckets; a day stays one.
      const key = interval === 'hour' ? label - offsetMs : label
      if (segments.at(-1)?.key !== key) segments.push({ startMs: at, key })
      label += length
    }
  }
  return segments
}

interface OffsetSpan {
  startMs: number
  endMs: number
  offsetMs: number
}

/** No zone changes its clocks twice in a day. */
const stepMs = dayMs

function offsetsIn(fromMs: number, toMs: number, timeZone: string): OffsetSpan[] {
  if (timeZone === 'UTC' || timeZone === 'GMT') return [{ startMs: fromMs, endMs: toMs, offsetMs: 0 }]
  const offsetAt = offsetReader(timeZone)
  const spans: OffsetSpan[] = []
  let [startMs, offsetMs] = [fromMs, offsetAt(fromMs)]
  for (let atMs = fromMs; atMs < toMs; ) {
    const nextMs = Math.min(atMs + stepMs, toMs)
    const nextOffset = offsetAt(nextMs)
    if (nextOffset !== offsetMs) {
      const changeMs = firstWith(nextOffset, atMs, nextMs, offsetAt)
      spans.push({ startMs, endMs: changeMs, offsetMs })
      startMs = changeMs
      offsetMs = nextOffset
    }
    atMs = nextMs
  }
  return [...spans, { startMs, endMs: toMs, offsetMs }]
}

/** The first time with an offset. Clocks change at whole seconds. */
function firstWith(offsetMs: number, beforeMs: number, fromMs: number, offsetAt: (ms: number) => number) {
  let [low, high] = [Math.floor(beforeMs / 1000), Math.ceil(fromMs / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === offsetMs) high = middle
    else low = middle
  }
  return high * 1000
}

/** @returns a function that returns the zone's offset from UTC in milliseconds */
function offsetReader(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  const known = new Map<string, number>()
  return (ms) => {
    const text = format.format(ms)
    const name = text.slice(text.lastIndexOf('GMT'))
    let offsetMs = known.get(name)
    if (offsetMs === undefined) {
      const [, sign, hours, minutes = 0, seconds = 0] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name) ?? []
      const size = hours === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
      offsetMs = (sign === '-' ? -1000 : 1000) * size
      known.set(name, offsetMs)
    }
    return offsetMs
  }
}
