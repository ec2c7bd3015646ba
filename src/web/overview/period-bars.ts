/** @module The bars of the overview's charts. Rollups have hourly and daily resolution only. */
import { type Interval } from '../../runs/period.ts'
import { dayMs, hourMs } from '../../lib/time.ts'
import type { Period } from '../components/period.ts'

interface Bars {
  /** Follows "vs": the previous period. */
  before: string
  interval: Interval
  /** Intervals per bar. */
  perBar: number
  /** Length of a bar. */
  bucketMs: number
  /** Shown next to the title of the runs chart. */
  steps: string
}

export const periodBars: Record<Period['name'], Bars> = {
  '24h': {
    before: 'the previous 24 hours',
    interval: 'hour',
    perBar: 1,
    bucketMs: hourMs,
    steps: 'per hour',
  },
  '7d': {
    before: 'the previous 7 days',
    interval: 'hour',
    perBar: 4,
    bucketMs: 4 * hourMs,
    steps: 'per 4 hours',
  },
  '30d': {
    before: 'the previous 30 days',
    interval: 'day',
    perBar: 1,
    bucketMs: dayMs,
    steps: 'per day',
  },
  '90d': {
    before: 'the previous 90 days',
    interval: 'day',
    perBar: 2,
    bucketMs: 2 * dayMs,
    steps: 'per 2 days',
  },
}
