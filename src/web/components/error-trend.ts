/** @module The trend of an error group in a period, and the order of groups by trend. Pure. */
import type { ErrorGroup } from '../../analytics/contract.ts'
import type { Tone } from './status.tsx'
import { duration } from '../format.ts'

export type Trend = 'new' | 'rising' | 'steady' | 'quiet'

type Facts = Pick<ErrorGroup, 'runs' | 'previousRuns' | 'firstSeenAt' | 'lastSeenAt'>

interface Period {
  from: string
  to: string
}

const order: Record<Trend, number> = { new: 0, rising: 1, steady: 2, quiet: 3 }
/** A group without runs in this last part of the period is quiet. */
const quietShare = 1 / 8
const minRisingRuns = 3

/** `quiet` takes precedence, because a failure that stopped needs no action. */
export function trendOf({ runs, previousRuns, firstSeenAt, lastSeenAt }: Facts, period: Period): Trend {
  const [fromMs, toMs] = [Date.parse(period.from), Date.parse(period.to)]
  const lastMs = lastSeenAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastSeenAt)
  if (lastMs < toMs - (toMs - fromMs) * quietShare) return 'quiet'
  if (firstSeenAt !== null && Date.parse(firstSeenAt) >= fromMs) return 'new'
  return runs >= minRisingRuns && runs >= previousRuns * 1.5 ? 'rising' : 'steady'
}

/** "Quiet 3 h" shows the time since the last run. */
export function trendLabel(
  trend: Trend,
  lastSeenAt: string | null,
  now: Date,
): { label: string; tone: Tone } {
  if (trend === 'new') return { label: 'New', tone: 'fail' }
  if (trend === 'rising') return { label: 'Rising', tone: 'fail' }
  if (trend === 'steady' || lastSeenAt === null)
    return { label: trend === 'steady' ? 'Steady' : 'Quiet', tone: 'idle' }
  const [largest = ''] = duration(Math.max(0, now.getTime() - Date.parse(lastSeenAt))).match(/^\S+ \S+/) ?? []
  return { label: `Quiet ${largest}`, tone: 'idle' }
}

/** New and rising groups first, then the most frequent ones. */
export function byTrend<T extends Facts>(groups: readonly T[], period: Period): T[] {
  const rank = new Map(groups.map((group) => [group, order[trendOf(group, period)]]))
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
