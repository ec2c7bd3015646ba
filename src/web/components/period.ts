/** @module The period of the figures, selected by a URL parameter. */

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

/** Defaults to the first period. */
export const periodNamed = (name: string | undefined): Period =>
  periods.find((each) => each.name === name) ?? (periods[0] as Period)

/** The period that ends now. */
export const rangeOf = ({ hours }: Period, now: Date) => ({
  from: new Date(now.getTime() - hours * 3_600_000),
  to: now,
})

/** A limit above any quota. */
export const noLimit = 100_000
