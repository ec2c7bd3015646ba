/** @module Converts between instants and local times in a time zone, in the format of `datetime-local` fields. */
import { dayMs } from '../../lib/time.ts'

function shownAt(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
  const { year, month, day, hour, minute, second } = parts
  return `${year?.padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}`
}

/**
 * `2026-01-31` is midnight, `2026-01-31T12:00` is noon. A local time that occurs twice resolves to the first
 * occurrence; a skipped one moves forward by the length of the gap.
 */
export function localInstant(text: string, timeZone: string): Date | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,3})?)?)?$/.exec(text)
  if (!match) return null
  const [year, month, day, hour, minute, second, fraction = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0))
  const asUtcMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
  const wanted = new Date(asUtcMs).toISOString().slice(0, 19)
  if (!wanted.startsWith(text.replace(/\..*/, ''))) return null
  const offsetMs = (ms: number) => Date.parse(`${shownAt(ms, timeZone)}Z`) - ms
  // Offsets differ by at most a day.
  const candidates = [asUtcMs - dayMs, asUtcMs + dayMs].map((near) => asUtcMs - offsetMs(near))
  const shown = candidates.filter((ms) => shownAt(ms, timeZone) === wanted)
  const at = shown.length > 0 ? Math.min(...shown) : Math.max(...candidates)
  return new Date(at + Math.round(fraction * 1000))
}

/** The value of a `datetime-local` field: 2026-01-31T12:00, with seconds unless they are 0. */
export function localText(at: Date, timeZone: string): string {
  const text = shownAt(at.getTime(), timeZone)
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
