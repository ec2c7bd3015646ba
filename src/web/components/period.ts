/** @module The periods that pages offer, selected by a URL parameter. */
import { dayMs } from '../../lib/time.ts'
import { yesterday } from '../../lib/local-time.ts'

const day = { name: '24h', label: '24 h', text: '24 hours', lengthMs: dayMs } as const
const week = { name: '7d', label: '7 d', text: '7 days', lengthMs: 7 * dayMs } as const
const month = { name: '30d', label: '30 d', text: '30 days', lengthMs: 30 * dayMs } as const
const quarter = { name: '90d', label: '90 d', text: '90 days', lengthMs: 90 * dayMs } as const

/** Of the overview. */
export const periods = [day, week, month, quarter] as const
export type Period = (typeof periods)[number]

/** Of lists and details. */
export const shortPeriods = [day, week, month] as const
export type ShortPeriod = (typeof shortPeriods)[number]

/** @param among the periods that the page offers. @param fallback without a valid name; default: 24 hours */
export const periodNamed = <P extends Period>(
  name: string | undefined,
  among: readonly P[],
  fallback: P['name'] = '24h',
): P => (among.find((each) => each.name === name) ?? among.find((each) => each.name === fallback)) as P

/** The period that ends now. */
export const rangeOf = ({ lengthMs }: Period, now: Date): { from: Date; to: Date } => ({
  from: new Date(now.getTime() - lengthMs),
  to: now,
})

const yesterdayPeriod = { name: 'yesterday', label: 'Yesterday' } as const

/** Of error groups. */
export const errorPeriods = [day, yesterdayPeriod, week, month, quarter] as const
export type ErrorPeriod = (typeof errorPeriods)[number]

export const errorPeriodNamed = (name: string | undefined): ErrorPeriod =>
  errorPeriods.find((each) => each.name === name) ?? week

export const errorRangeOf = (period: ErrorPeriod, now: Date, timeZone: string): { from: Date; to: Date } =>
  period.name === 'yesterday' ? (yesterday(now, timeZone) ?? rangeOf(day, now)) : rangeOf(period, now)

/** As a column heading: "Last 24 h", "Yesterday". */
export const periodHeading = ({ name, label }: ErrorPeriod): string =>
  name === 'yesterday' ? label : `Last ${label}`

/** A limit above any quota. */
export const noLimit = 100_000
