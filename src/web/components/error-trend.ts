/** @module The title, state and trend of an error group in a period, and the order of groups. Pure. */
import type { ErrorGroup } from '../../analytics/contract.ts'
import type { Tone } from './status.tsx'
import { dayMs } from '../../lib/time.ts'
import { duration } from '../format.ts'

export type Trend = 'regressed' | 'new' | 'rising' | 'steady' | 'quiet' | 'resolved' | 'ignored'

type Facts = Pick<ErrorGroup, 'state' | 'runs' | 'previousRuns' | 'firstSeenAt' | 'lastSeenAt'>

interface Period {
  from: string
  to: string
}

/** Worst first. */
const trends: Trend[] = ['regressed', 'new', 'rising', 'steady', 'quiet', 'resolved', 'ignored']
/** In a period of any length, a group is new for one day after its first failure. */
const newMs = dayMs
/** A group without runs in this last part of the period is quiet. */
const quietShare = 1 / 8
const minRisingRuns = 3

/**
 * The state of a group takes precedence, unless it is open; then `quiet`, because a failure that stopped needs no action.
 * `new`: first seen in the last 24 hours of the period.
 */
export function trendOf(
  { state, runs, previousRuns, firstSeenAt, lastSeenAt }: Facts,
  period: Period,
): Trend {
  if (state !== 'open') return state
  const [fromMs, toMs] = [Date.parse(period.from), Date.parse(period.to)]
  const lastMs = lastSeenAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastSeenAt)
  if (lastMs < toMs - (toMs - fromMs) * quietShare) return 'quiet'
  if (firstSeenAt !== null && Date.parse(firstSeenAt) >= toMs - newMs) return 'new'
  return runs >= minRisingRuns && runs >= previousRuns * 1.5 ? 'rising' : 'steady'
}

/** "Quiet 3 h" shows the time since the last run. */
export function trendLabel(
  trend: Trend,
  lastSeenAt: string | null,
  now: Date,
): { label: string; tone: Tone } {
  if (trend === 'new') return { label: 'New', tone: 'fail' }
  if (trend === 'regressed') return { label: 'Regressed', tone: 'fail' }
  if (trend === 'resolved') return { label: 'Resolved', tone: 'ok' }
  if (trend === 'ignored') return { label: 'Ignored', tone: 'idle' }
  if (trend === 'rising') return { label: 'Rising', tone: 'fail' }
  if (trend === 'steady' || lastSeenAt === null)
    return { label: trend === 'steady' ? 'Steady' : 'Quiet', tone: 'idle' }
  const [largest = ''] = duration(Math.max(0, now.getTime() - Date.parse(lastSeenAt))).match(/^\S+ \S+/) ?? []
  return { label: `Quiet ${largest}`, tone: 'idle' }
}

/** Regressed, new and rising groups first, then the most frequent ones. */
export function byTrend<T extends Facts>(groups: readonly T[], period: Period): T[] {
  const rank = new Map(groups.map((group) => [group, trends.indexOf(trendOf(group, period))]))
  return groups.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0) || b.runs - a.runs)
}

/**
 * Makes a group's message readable: replaces variable parts with an ellipsis, and restores the HTTP status at its
 * start.
 */
export const readableMessage = (message: string, httpStatus: number | null): string =>
  message
    .replace(/^<number>(?= )/, httpStatus === null ? '…' : String(httpStatus))
    .replaceAll(/(["'“‘`]?)<(?:number|text|id|url|email|time|address|hex)>\1/g, '…')
    .replaceAll(/…(?:\s*…)+/g, '…')

/** Messages whose wording hides the cause, and a plain form of each. */
const plainForms: [RegExp, (...parts: string[]) => string][] = [
  [
    /^(.{1,40}?) error response: (["'“]?)(.+?)["'”]?$/,
    (_, service, __, cause) => `${service} rejected the request: ${cause}`,
  ],
  [
    /^timeout of (\d+)\s?ms exceeded$/i,
    (_, ms) => `No response within ${duration(Number(ms)).replace(/\.0+ /, ' ')}`,
  ],
  [/^connect ECONNREFUSED (\S+)$/, (_, address) => `Connection refused by ${address}`],
  [/^getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (\S+)$/, (_, host) => `Host not found: ${host}`],
]

const maxTitleChars = 160

/** The newest message as a title that names the cause. */
export function errorTitle({
  message,
  latestMessage,
  httpStatus,
}: Pick<ErrorGroup, 'message' | 'latestMessage' | 'httpStatus'>): string {
  const text = (latestMessage ?? readableMessage(message, httpStatus)).replaceAll(/\s+/g, ' ').trim()
  const [pattern, plain] = plainForms.find(([form]) => form.test(text)) ?? []
  const title = pattern && plain ? text.replace(pattern, plain) : text
  if (title === '') return 'Failed without a message'
  return title.length > maxTitleChars ? `${title.slice(0, maxTitleChars - 1).toWellFormed()}…` : title
}
