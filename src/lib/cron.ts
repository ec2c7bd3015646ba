/** @module Cron expressions, as n8n reads them. Pure. */
import { instantsAt, wallClock } from './local-time.ts'

interface Unit {
  from: number
  to: number
  /** Names of the values from `from` on. */
  names?: readonly string[]
}

const units: readonly Unit[] = [
  { from: 0, to: 59 },
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  { from: 1, to: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { from: 0, to: 7, names: 'sun mon tue wed thu fri sat'.split(' ') },
]

const presets = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
  ['@minutely', '* * * * *'],
  ['@secondly', '* * * * * *'],
  ['@weekdays', '0 0 * * 1-5'],
  ['@weekends', '0 0 * * 0,6'],
])

type Values = ReadonlySet<number>

/** Seconds, minutes, hours, days of the month, months (1–12) and weekdays (0 is Sunday) at which it is due. */
export type Cron = readonly [Values, Values, Values, Values, Values, Values]

/** Null if the expression is invalid. 5 fields, or 6 with seconds first. */
export function parseCron(expression: string): Cron | null {
  const text = expression.trim().toLowerCase()
  const fields = (presets.get(text) ?? text).split(/\s+/)
  if (fields.length === 5) fields.unshift('0')
  if (fields.length !== 6) return null
  const cron = units.map((unit, index) => valuesOf(fields[index] ?? '', unit))
  if (cron.includes(null)) return null
  return cron as unknown as Cron
}

function valuesOf(field: string, unit: Unit): Values | null {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '', step, ...more] = part.split('/')
    if (more.length > 0 || (step !== undefined && !/^0*[1-9]\d*$/.test(step))) return null
    const [from, to = step === undefined ? from : unit.to, ...rest] =
      range === '*' ? [unit.from, unit.to] : range.split('-').map((end) => valueOf(end, unit))
    if (from === undefined || to === undefined || rest.length > 0 || !(from <= to)) return null
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value)
  }
  // Sunday is 0 and 7.
  if (unit.to === 7 && values.delete(7)) values.add(0)
  return values
}

/** `NaN` if it is not in range. */
function valueOf(text: string, { from, to, names }: Unit): number {
  const index = names?.indexOf(text) ?? -1
  const value = index >= 0 ? from + index : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= from && value <= to ? value : Number.NaN
}

const yearsSearched = 8

/** The first time after `after`; null if there is none within 8 years. */
export function nextCronTime(cron: Cron, timeZone: string, after: Date): Date | null {
  const afterMs = after.getTime()
  const wall = wallClock(afterMs, timeZone)
  for (;;) {
    if (!moveToNext(wall, cron)) return null
    const at = instantsAt(wall.getTime(), timeZone).find((ms) => ms > afterMs)
    if (at !== undefined) return new Date(at)
  }
}

/** Moves local time, as UTC, to the next time that is due; false if there is none. */
function moveToNext(wall: Date, [seconds, minutes, hours, days, months, weekdays]: Cron): boolean {
  const lastYear = wall.getUTCFullYear() + yearsSearched
  // A day is due by either of the two if both are restricted.
  const isDayDue = () => {
    const [isDay, isWeekday] = [days.has(wall.getUTCDate()), weekdays.has(wall.getUTCDay())]
    return days.size === 31 || weekdays.size === 7 ? isDay && isWeekday : isDay || isWeekday
  }
  wall.setUTCSeconds(wall.getUTCSeconds() + 1)
  while (wall.getUTCFullYear() <= lastYear) {
    if (!months.has(wall.getUTCMonth() + 1)) {
      wall.setUTCMonth(wall.getUTCMonth() + 1, 1)
      wall.setUTCHours(0, 0, 0)
    } else if (!isDayDue()) {
      wall.setUTCDate(wall.getUTCDate() + 1)
      wall.setUTCHours(0, 0, 0)
    } else if (!hours.has(wall.getUTCHours())) wall.setUTCHours(wall.getUTCHours() + 1, 0, 0)
    else if (!minutes.has(wall.getUTCMinutes())) wall.setUTCMinutes(wall.getUTCMinutes() + 1, 0)
    else if (!seconds.has(wall.getUTCSeconds())) wall.setUTCSeconds(wall.getUTCSeconds() + 1)
    else return true
  }
  return false
}
