/** @module Whether n8n reads a text as a point in time: ISO 8601, SQL, or anything that JavaScript's `Date` accepts. */

const time = String.raw`(?<hour>\d\d)(?::?(?<minute>\d\d)(?::?(?<second>\d\d)(?:[.,]\d{1,30})?)?)?`
const offset = String.raw`(?:Z|[+-]\d\d(?::?\d\d)?)`
const zone = String.raw`(?<zone>[A-Za-z_+-]+(?:\/[A-Za-z\d_+-]+)*)`
const date =
  String.raw`(?:(?<year>[+-]\d{6}|\d{4})(?:-?(?<month>\d\d)(?:-?(?<day>\d\d))?)?|` +
  String.raw`(?<weekYear>\d{4})-?W(?<week>\d\d)(?:-?(?<weekday>\d))?|(?<dayYear>\d{4})-?(?<dayOfYear>\d{3}))`
const day = String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)`
const forms = [
  `${date}(?:T${time}${offset}?(?:\\[${zone}\\])?)?`,
  `${time}${offset}?(?:\\[${zone}\\])?`,
  `(?:${day} )?${time}(?: ?${offset}| ${zone})?`,
].map((form) => new RegExp(`^${form}$`, 'i'))
const maximumChars = 100

/** @param text trimmed */
export function isDateTime(text: string): boolean {
  if (!Number.isNaN(Date.parse(text))) return true
  return text.length < maximumChars && forms.some((form) => isPossible(form.exec(text)?.groups))
}

function isPossible(parts: Record<string, string | undefined> | undefined): boolean {
  if (!parts) return false
  const number = (name: string, fallback: number) => Number(parts[name] ?? fallback)
  const year = number('year', number('weekYear', number('dayYear', 2000)))
  const [month, day] = [number('month', 1), number('day', 1)]
  const [hour, minute, second] = [number('hour', 0), number('minute', 0), number('second', 0)]
  return (
    isBetween(1, month, 12) &&
    isBetween(1, day, new Date(Date.UTC(year, month, 0)).getUTCDate()) &&
    isBetween(1, number('week', 1), weeksIn(year)) &&
    isBetween(1, number('weekday', 1), 7) &&
    isBetween(1, number('dayOfYear', 1), isLeap(year) ? 366 : 365) &&
    (hour < 24 || (hour === 24 && minute === 0 && second === 0)) &&
    minute < 60 &&
    second < 60 &&
    isZone(parts.zone)
  )
}

const isBetween = (from: number, value: number, to: number): boolean => from <= value && value <= to
const isLeap = (year: number): boolean => new Date(Date.UTC(year, 1, 29)).getUTCDate() === 29

/** A year has 53 weeks if it begins or ends on a Thursday. */
const weeksIn = (year: number): number =>
  [Date.UTC(year, 0, 1), Date.UTC(year, 11, 31)].some((at) => new Date(at).getUTCDay() === 4) ? 53 : 52

function isZone(name: string | undefined): boolean {
  try {
    return name === undefined || Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
