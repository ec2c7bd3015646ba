/** @module The period that runs and failures are counted in: a parameter of the URL. */

export interface Period {
  name: string
  label: string
  hours: number
}

export const periods: readonly Period[] = [
  { name: '24h', label: '24 h', hours: 24 },
  { name: '7d', label: '7 d', hours: 7 * 24 },
  { name: '30d', label: '30 d', hours: 30 * 24 },
]

/** The first for whatever is none. */
export const periodNamed = (name: string | undefined): Period =>
  periods.find((each) => each.name === name) ?? (periods[0] as Period)

/** Ending now. */
export const rangeOf = ({ hours }: Period, now: Date) => ({
  from: new Date(now.getTime() - hours * 3_600_000),
  to: now,
})

/** A limit above any quota: the figures of every credential. */
export const allOfThem = 100_000
