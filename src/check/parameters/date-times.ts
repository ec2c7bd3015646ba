/** @module Whether n8n reads a text as a point in time: ISO 8601, SQL, or anything that JavaScript's `Date` accepts. */

const time = String.raw`(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,]\d{1,30})?)?)?`
const zone = String.raw`(?:\s?(?:Z|[+-]\d{2}(?::?\d{2})?|[A-Za-z_]+(?:\/[A-Za-z_+\-\d]+)*))?(?:\[[^\]]*\])?`
const date = String.raw`[+-]?\d{4,6}(?:-?(?:W\d{2}(?:-?[1-7])?|\d{3}|\d{2}(?:-?\d{2})?))?`
const dateTime = new RegExp(`^(?:${date})?(?:[T ]?${time}${zone})?$`, 'i')

/** @param text trimmed */
export function isDateTime(text: string): boolean {
  if (!Number.isNaN(Date.parse(text))) return true
  // The rest of what n8n accepts: week and ordinal dates, times without a date, named zones.
  const parts = text.length > 0 && text.length < 100 ? dateTime.exec(text) : null
  if (!parts) return false
  const [, hour = '0', minute = '0', second = '0'] = parts
  return Number(hour) <= 24 && Number(minute) <= 59 && Number(second) <= 59
}
