/** @module The periods of the error pages, and their values in the URL. */

export const errorPeriods = [
  ['24h', '24 h', 24],
  ['7d', '7 d', 7 * 24],
  ['30d', '30 d', 30 * 24],
] as const
export type ErrorPeriod = (typeof errorPeriods)[number][0]

/** Defaults to 7 days. */
export const readPeriod = (text: string | undefined): ErrorPeriod =>
  errorPeriods.find(([value]) => value === text)?.[0] ?? '7d'

export function periodFrom(period: ErrorPeriod, now: Date): Date {
  const hours = errorPeriods.find(([value]) => value === period)?.[2] ?? 168
  return new Date(now.getTime() - hours * 3_600_000)
}
