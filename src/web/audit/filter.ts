/** @module The filter of the audit trail, as the URL has it. */
import { decodeCursor } from '../../http/page.ts'
import type { AuditEventFilter } from '../../users/audit-events.ts'
import { entities, knownActions } from './labels.ts'

export interface AuditPeriod {
  name: string
  label: string
  /** Null: all that is kept. */
  days: number | null
}

const everything: AuditPeriod = { name: 'all', label: 'All', days: null }
export const auditPeriods: readonly AuditPeriod[] = [
  { name: '24h', label: '24 h', days: 1 },
  { name: '7d', label: '7 d', days: 7 },
  { name: '30d', label: '30 d', days: 30 },
  everything,
]

export interface AuditQuery {
  /** An action, or an entity for all that was done to one. */
  action: string | null
  period: AuditPeriod
  /** The id after which the page starts. */
  after: string | null
  /** Parameters whose values stand for nothing, as they came. */
  ignored: string[]
}

export function readAuditQuery(params: URLSearchParams): AuditQuery {
  const [action, period, after] = ['action', 'period', 'after'].map((name) =>
    (params.get(name) ?? '').slice(0, 100),
  )
  const isAction = [...entities, ...knownActions].includes(action ?? '')
  const chosen = auditPeriods.find(({ name }) => name === period)
  const cursor = after ? decodeCursor(after) : null
  return {
    action: action && isAction ? action : null,
    period: chosen ?? everything,
    after: cursor,
    ignored: [
      ...(action && !isAction ? [`action=${action}`] : []),
      ...(period && !chosen ? [`period=${period}`] : []),
      ...(after && cursor === null ? [`after=${after}`] : []),
    ],
  }
}

export const filterOf = ({ action, period: { days } }: AuditQuery, now: Date): AuditEventFilter => ({
  ...(action !== null && { action }),
  ...(days !== null && { from: new Date(now.getTime() - days * 86_400_000) }),
})
