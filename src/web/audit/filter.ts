/** @module Reads the filter of the audit trail from the URL. */
import { dayMs } from '../../lib/time.ts'
import { decodeCursor } from '../../http/page.ts'
import type { AuditEventFilter } from '../../users/audit-events.ts'
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
  /** Parameters with an invalid value, as `name=value`. */
  ignored: string[]
}

export function readAuditQuery(params: URLSearchParams): AuditQuery {
  const [action, period, after, q, by] = ['action', 'period', 'after', 'q', 'by'].map((name) =>
    (params.get(name) ?? '').slice(0, 100),
  )
  const isAction = [...entities, ...knownActions].includes(action ?? '')
  const actor = actors.find((each) => each === by)
  const known = auditPeriods.find(({ name }) => name === period)
  const cursor = after ? decodeCursor(after) : null
  return {
    action: action && isAction ? action : null,
    q: q?.trim() || null,
    by: actor ?? null,
    period: known ?? allTime,
    after: cursor,
    ignored: [
      ...(action && !isAction ? [`action=${action}`] : []),
      ...(by && !actor ? [`by=${by}`] : []),
      ...(period && !known ? [`period=${period}`] : []),
      ...(after && cursor === null ? [`after=${after}`] : []),
    ],
  }
}

export const filterOf = ({ action, q, by, period: { days } }: AuditQuery, now: Date): AuditEventFilter => ({
  ...(q !== null && { q }),
  ...(by !== null && { among: actionsOf(by) }),
  ...(action !== null && { action }),
  ...(days !== null && { from: new Date(now.getTime() - days * dayMs) }),
})
