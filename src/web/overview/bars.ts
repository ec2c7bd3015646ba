/** @module Periods of the overview and their bar sizes. Rollups have hourly and daily resolution only. */
import { type Interval } from '../../runs/period.ts'
import { dayMs, hourMs } from '../../lib/time.ts'

export interface Period {
  name: string
  label: string
  /** Follows "vs": the previous period. */
  before: string
  lengthMs: number
  interval: Interval
  /** Series buckets per bar. */
  perBar: number
  bucketMs: number
  /** Shown next to the title of the runs chart. */
  steps: string
}

const day = {
  name: '24h',
  label: '24 h',
  before: 'the 24 h before',
  lengthMs: dayMs,
  interval: 'hour',
  perBar: 1,
  bucketMs: hourMs,
  steps: 'per hour',
} as const satisfies Period

export const periods: readonly Period[] = [
  day,
  {
    ...{ name: '7d', label: '7 d', before: 'the 7 days before', lengthMs: 7 * dayMs },
    ...{ interval: 'hour', perBar: 4, bucketMs: hourMs, steps: 'per 4 hours' },
  },
  {
    ...{ name: '30d', label: '30 d', before: 'the 30 days before', lengthMs: 30 * dayMs },
    ...{ interval: 'day', perBar: 1, bucketMs: dayMs, steps: 'per day' },
  },
  {
    ...{ name: '90d', label: '90 d', before: 'the 90 days before', lengthMs: 90 * dayMs },
    ...{ interval: 'day', perBar: 2, bucketMs: dayMs, steps: 'per 2 days' },
  },
]

/** Defaults to 24 hours. */
export const periodOf = (name: string | undefined): Period =>
  periods.find((period) => period.name === name) ?? day
