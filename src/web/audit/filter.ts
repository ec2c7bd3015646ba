/** @module Reads the filter of the audit trail from the URL. */
import { dayMs } from '../../lib/time.ts'
import { decodeCursor } from '../../http/page.ts'
import type { AuditEventFilter } from '../../users/audit-events.ts'
import { isOneOf, isText, readParameters } from '../links/parameters.ts'
import { type Actor, actionsOf, actors, entities, knownActions } from './labels.ts'

export interface AuditPeriod {
  name: string
  label: string
  /** Null for all stored events. */
  days: number | null
}

const allTime: AuditPeriod = { name: 'all', label: 'All', days: null }
export const auditPeriods: readonly AuditPeriod[] = [
  { name: '24h', label: '24 h', days: 1 },
  { name: '7d', label: '7 d', days: 7 },
  { name: '30d', label: '30 d', days: 30 },
  allTime,
]

export interface AuditQuery {
  /** An action, or an entity for all its actions. */
  action: string | null
  /** Part of a name or of a detail. */
  q: string | null
  by: Actor | null
  period: AuditPeriod
  /** The ID after which the page starts. */
  after: string | null
  /** The valid parameters, for links. */
  params: URLSearchParams
  /** Invalid parameters, as `name=value`. */
  ignored: string[]
}

export function readAuditQuery(params: URLSearchParams): AuditQuery {
  const { query, ignored } = readParameters(params, {
    action: isOneOf([...entities, ...knownActions]),
    q: isText(100),
    by: isOneOf(actors),
    period: isOneOf(auditPeriods.map(({ name }) => name)),
    after: (value) => decodeCursor(value) !== null,
  })
  const { action = null, q = null, by, period, after } = query
  return {
    action,
    q,
    by: actors.find((each) => each === by) ?? null,
    period: auditPeriods.find(({ name }) => name === period) ?? allTime,
    after: after === undefined ? null : decodeCursor(after),
    params: new URLSearchParams(query),
    ignored,
  }
}

export const filterOf = ({ action, q, by, period: { days } }: AuditQuery, now: Date): AuditEventFilter => ({
  ...(q !== null && { q }),
  ...(by !== null && { among: actionsOf(by) }),
  ...(action !== null && { action }),
  ...(days !== null && { from: new Date(now.getTime() - days * dayMs) }),
})
