/** @module From what a clock in a time zone shows to the instant, and back, as `datetime-local` fields have it. */

function shownAt(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const),
  })
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
  const { year, month, day, hour, minute, second } = parts
  return `${year?.padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}`
}

/**
 * `2026-01-31` is its midnight, `2026-01-31T12:00` is noon. A time that the clock shows twice is its first; one that it
 * leaves out is as much later as the clock is put on.
 */
export function localInstant(text: string, timeZone: string): Date | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text)
  if (!match) return null
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0))
  const asUtcMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
  const wanted = new Date(asUtcMs).toISOString().slice(0, 19)
  if (!wanted.startsWith(text)) return null
  const offsetMs = (ms: number) => Date.parse(`${shownAt(ms, timeZone)}Z`) - ms
  // Offsets differ by a day at most from place to place, and change by hours.
  const candidates = [asUtcMs - 86_400_000, asUtcMs + 86_400_000].map((near) => asUtcMs - offsetMs(near))
  const shown = candidates.filter((ms) => shownAt(ms, timeZone) === wanted)
  return new Date(shown.length > 0 ? Math.min(...shown) : Math.max(...candidates))
}

/** For the value of a `datetime-local` field: 2026-01-31T12:00 */
export const localText = (at: Date, timeZone: string): string => shownAt(at.getTime(), timeZone).slice(0, 16)
