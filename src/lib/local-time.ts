/** @module Converts between instants and local times in a time zone. Text has the format of `datetime-local` fields. */
import { dayMs } from './time.ts'

const formats = new Map<string, Intl.DateTimeFormat>()
const maxFormats = 100

/**
 * @param timeZone IANA name
 * @throws {RangeError} when the zone is unknown
 */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (!format) {
    if (formats.size >= maxFormats) formats.clear()
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(timeZone, format)
  }
  return format
}

/** What a clock in the zone shows, as if it were UTC: the UTC fields of the result are the local ones. Whole seconds. */
export function wallClock(ms: number, timeZone: string): Date {
  if (timeZone === 'UTC') return new Date(Math.floor(ms / 1000) * 1000)
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 1, day, hour, minute, second } = parts
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second))
}

/**
 * The instants at which a clock in the zone shows a time, earliest first. Two when clocks go back; a time that is skipped
 * moves forward by the length of the gap.
 * @param wallMs as `wallClock` returns it
 */
export function instantsAt(wallMs: number, timeZone: string): [number, ...number[]] {
  // Offsets differ by at most a day.
  const [late, early] = [wallMs - dayMs, wallMs + dayMs].map(
    (near) => wallMs - (wallClock(near, timeZone).getTime() - near),
  ) as [number, number]
  if (late === early) return [late]
  const [first, second] = [Math.min(late, early), Math.max(late, early)]
  const shown = [first, second].filter((ms) => wallClock(ms, timeZone).getTime() === wallMs)
  const [at = second, ...more] = shown
  return [at, ...more]
}

/**
 * `2026-01-31` is midnight, `2026-01-31T12:00` is noon. A local time that occurs twice resolves to the first
 * occurrence; a skipped one moves forward by the length of the gap.
 */
export function localInstant(text: string, timeZone: string): Date | null {
  const match = /^((?!00)\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d)?(\.\d{1,3})?)?$/.exec(text)
  if (!match) return null
  const [, day, minute = '00:00', second = ':00', fraction = 0] = match
  const wallMs = Date.parse(`${day}T${minute}${second}Z`)
  // 30 February
  if (Number.isNaN(wallMs) || !new Date(wallMs).toISOString().startsWith(text.replace(/\..*/, '')))
    return null
  return new Date(instantsAt(wallMs, timeZone)[0] + Math.round(Number(fraction) * 1000))
}

/** The value of a `datetime-local` field: 2026-01-31T12:00, with seconds unless they are 0. */
export function localText(at: Date, timeZone: string): string {
  const text = wallClock(at.getTime(), timeZone).toISOString().slice(0, 19)
  const ms = at.getUTCMilliseconds()
  if (ms > 0) return `${text}.${String(ms).padStart(3, '0')}`
  return text.endsWith(':00') ? text.slice(0, 16) : text
}

/** From local midnight to local midnight. */
export function yesterday(now: Date, timeZone: string): { from: Date; to: Date } | null {
  const to = localInstant(localText(now, timeZone).slice(0, 10), timeZone)
  // Noon of the day before: days have 23 to 25 hours.
  const noon = to && new Date(to.getTime() - dayMs / 2)
  const from = noon && localInstant(localText(noon, timeZone).slice(0, 10), timeZone)
  return to && from && { from, to }
}
