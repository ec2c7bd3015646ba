/**
 * @module Formats numbers, durations, sizes and times. A missing value is an en dash, an unknown value a question mark.
 * Values are never rounded up to 100%.
 */
import type { CutList } from '../lib/cut-list.ts'
import { wallClock } from '../lib/local-time.ts'
import { dayMs } from '../lib/time.ts'

/** Missing value: the run has not ended, or nothing was counted. */
export const none = '–'
/** Unknown value. */
export const unknown = '?'

/** 10,480: groups of three, separated by commas. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  const [whole = '', fraction] = String(Math.abs(value)).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return `${value < 0 ? '−' : ''}${grouped}${fraction ? `.${fraction}` : ''}`
}

/** `plural(1, 'run')` → "1 run", `plural(2, 'run')` → "2 runs". Pass irregular plurals. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Says that a list is cut; undefined for a complete list. */
export const cutNote = ({ items, isCut }: CutList<unknown>): string | undefined =>
  isCut ? `Only the first ${count(items.length)} are listed` : undefined

/** A share from 0 to 1 as 98.4%, with one decimal. 100% and 0% are exact. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return none
  if (share === 1) return '100%'
  if (share === 0) return '0%'
  const tenths = Math.round(share * 1000)
  if (share > 0 && tenths < 1) return '<0.1%'
  return `${(share < 1 ? Math.min(tenths, 999) : tenths) / 10}%`.replace(/^(\d+)%$/, '$1.0%')
}

/** Whole percents: `44–100%`. */
export const percentRange = ({ low, high }: { low: number; high: number }): string =>
  `${Math.floor(low)}–${Math.ceil(high)}%`

/** A duration's values and units, for a large figure with a small unit. */
export function durationParts(ms: number | null | undefined): { value: string; unit: string }[] {
  if (ms === null || ms === undefined) return []
  if (Math.round(ms) < 1000) return [{ value: String(Math.round(ms)), unit: 'ms' }]
  const seconds = ms / 1000
  if (seconds < 9.995) return [{ value: seconds.toFixed(2), unit: 's' }]
  if (seconds < 59.95) return [{ value: seconds.toFixed(1), unit: 's' }]
  const whole = Math.round(seconds)
  if (whole < 3600) return largest(Math.floor(whole / 60), 'min', whole % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return largest(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(seconds / 3600)
  return largest(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function largest(first: number, firstUnit: string, second: number, secondUnit: string) {
  const parts = [{ value: count(first), unit: firstUnit }]
  if (second > 0) parts.push({ value: String(second), unit: secondUnit })
  return parts
}

/** Milliseconds as 3 ms, 210 ms, 6.42 s, 41.8 s, 6 min 12 s, 2 h 5 min, 3 d 4 h. */
export function duration(ms: number | null | undefined): string {
  const parts = durationParts(ms)
  return parts.length === 0 ? none : parts.map(({ value, unit }) => `${value} ${unit}`).join(' ')
}

/** Duration between ISO instants; an en dash when one is missing. */
export const durationBetween = (from: string | null, to: string | null): string =>
  from === null || to === null ? none : duration(Math.max(0, Date.parse(to) - Date.parse(from)))

/** US dollars: $1,204.50, $0.0123, $0.0000045; an en dash when unknown. */
export function money(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  if (value === 0) return '$0'
  const digits = value >= 1 ? 2 : Math.min(12, 2 - Math.floor(Math.log10(value)))
  const text = value.toFixed(digits)
  const [whole = '', fraction = ''] = text.split('.')
  return `$${count(Number(whole))}.${fraction}`
}

/** The cost, and whether models without a price are missing from it. */
export function costText({ cost, unpricedTokens }: { cost: number | null; unpricedTokens: number }): string {
  if (cost === null) return 'no price'
  return unpricedTokens > 0 ? `${money(cost)} without unpriced models` : money(cost)
}

const sizeUnits = ['B', 'KB', 'MB', 'GB', 'TB']

/** Bytes in decimal units: 512 B, 2.1 KB, 41.8 MB. */
export function size(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return none
  let value = bytes
  let unit = 0
  while (unit < sizeUnits.length - 1 && (unit === 0 ? value >= 1000 : Number(value.toFixed(1)) >= 1000)) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${sizeUnits[unit]}`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

interface LocalTime {
  year: number
  month: number
  day: number
  hour: string
  minute: string
  second: string
}

/** Formats times in the viewer's zone. `now` is the time of the request. */
export interface TimeFormat {
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string
  readonly now: Date
  /** Today 13:58:04, or 17 Nov 16:40; with the year unless it is the current one. With the offset if it occurs twice. */
  instant(at: Date | string | null | undefined): string
  /** today at 13:58, or 17 Nov at 16:40. For times outside of tables. */
  inSentence(at: Date | string | null | undefined): string
  /** today at 13:58, or on 17 Nov at 16:40. Follows a verb. */
  afterVerb(at: Date | string | null | undefined): string
  /** 13:58:04, with the offset if it occurs twice. */
  clock(at: Date | string): string
  /** 13:58, with the offset if it occurs twice. */
  clockShort(at: Date | string): string
  /** 17 Nov */
  day(at: Date | string): string
  /** 13:58 today, otherwise 17 Nov. For narrow columns. */
  brief(at: Date | string | null | undefined): string
  /** just now, 12 min ago, 9 h ago; after 24 h as `inSentence`. */
  relative(at: Date | string | null | undefined): string
}

export function createTimeFormat(timeZone: string, now: Date): TimeFormat {
  const local = (at: Date | string): LocalTime => {
    const wall = wallClock(new Date(at).getTime(), timeZone)
    const [hour = '', minute = '', second = ''] = wall.toISOString().slice(11, 19).split(':')
    return {
      year: wall.getUTCFullYear(),
      month: wall.getUTCMonth(),
      day: wall.getUTCDate(),
      hour,
      minute,
      second,
    }
  }
  const today = local(now)
  const isToday = ({ year, month, day }: LocalTime) =>
    year === today.year && month === today.month && day === today.day
  const dayOf = ({ year, month, day }: LocalTime) =>
    `${day} ${months[month]}${year === today.year ? '' : ` ${year}`}`

  const offsetMs = (ms: number): number => wallClock(ms, timeZone).getTime() - Math.floor(ms / 1000) * 1000
  /** UTC day → by how much clocks go back around it. */
  const setBacks = new Map<number, number>()
  const setBackOn = (day: number): number => {
    let setBackMs = setBacks.get(day)
    if (setBackMs === undefined) {
      setBackMs = offsetMs((day - 0.5) * dayMs) - offsetMs((day + 1.5) * dayMs)
      setBacks.set(day, setBackMs)
    }
    return setBackMs
  }
  /** ` (UTC+2)` for a local time that occurs twice because clocks go back, otherwise empty. */
  const offsetNote = (at: Date | string): string => {
    const ms = new Date(at).getTime()
    const setBackMs = setBackOn(Math.floor(ms / dayMs))
    if (setBackMs <= 0) return ''
    const own = offsetMs(ms)
    if (offsetMs(ms + setBackMs) === own && offsetMs(ms - setBackMs) === own) return ''
    const minutes = Math.abs(own) / 60_000
    const rest = minutes % 60 === 0 ? '' : `:${minutes % 60}`
    return ` (UTC${own < 0 ? '−' : '+'}${Math.floor(minutes / 60)}${rest})`
  }

  const instant: TimeFormat['instant'] = (at) => {
    if (at === null || at === undefined) return none
    const time = local(at)
    const { hour, minute, second } = time
    const text = isToday(time) ? `Today ${hour}:${minute}:${second}` : `${dayOf(time)} ${hour}:${minute}`
    return text + offsetNote(at)
  }
  const inSentence: TimeFormat['inSentence'] = (at) => {
    if (at === null || at === undefined) return none
    const time = local(at)
    return `${isToday(time) ? 'today' : dayOf(time)} at ${time.hour}:${time.minute}${offsetNote(at)}`
  }
  const clockShort = (at: Date | string) => {
    const { hour, minute } = local(at)
    return `${hour}:${minute}${offsetNote(at)}`
  }
  return {
    timeZone,
    now,
    instant,
    inSentence,
    afterVerb: (at) => (at && !isToday(local(at)) ? `on ${inSentence(at)}` : inSentence(at)),
    clock: (at) => {
      const { hour, minute, second } = local(at)
      return `${hour}:${minute}:${second}${offsetNote(at)}`
    },
    clockShort,
    day: (at) => dayOf(local(at)),
    brief: (at) => {
      if (at === null || at === undefined) return none
      const time = local(at)
      return isToday(time) ? clockShort(at) : dayOf(time)
    },
    relative: (at) => {
      if (at === null || at === undefined) return none
      const minutes = Math.floor((now.getTime() - new Date(at).getTime()) / 60_000)
      if (minutes < -1 || minutes >= 1440) return inSentence(at)
      if (minutes < 1) return 'just now'
      return minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`
    },
  }
}

/** 2026-11-17 16:40:12 UTC, for time titles. */
export const utc = (at: Date | string): string =>
  `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** Adds a full stop unless the text ends in punctuation. Empty for null. */
export const sentence = (text: string | null): string =>
  text ? (/[.!?…}]$/.test(text) ? text : `${text}.`) : ''

/** With a capital at the start. */
export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** n8n's ID of the run, such as #48213. */
export const runNumber = ({ n8nExecutionId }: { n8nExecutionId: string }): string => `#${n8nExecutionId}`
