import type { Context } from 'hono'
import type { AlertDelivery, AlertRule } from '../../alerts/contract.ts'
import { AppError, notFound } from '../../errors.ts'
import { IdParam } from '../../lib/scalars.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import type { StatusStyle } from '../components/status.tsx'

export type AlertPageDeps = Pick<DashboardDeps, 'db' | 'now' | 'alerts' | 'deliverAlertsSoon'>

export const section = 'alerts' as const
export const listCrumb = { label: 'Alerts', href: '/alerts' }

/** @throws {AppError} `not-found` if the path has no valid ID */
export function idOf(c: Context<DashboardEnv>, what: string): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound(what)
  return data.id
}

/** Errors that the forms show themselves. */
const formCodes = new Set(['invalid', 'url-not-allowed', 'name-taken', 'quota-exceeded', 'version-conflict'])

/** @throws `error`, unless the form shows it */
export function failureOf(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

export const isMuted = ({ mutedUntil }: Pick<AlertRule, 'mutedUntil'>, now: Date): boolean =>
  mutedUntil !== null && new Date(mutedUntil) > now

/** An open incident first: it is what needs attention. */
export function ruleStyle(rule: AlertRule, now: Date): StatusStyle {
  if (!rule.enabled) return { tone: 'idle', label: 'Off', struckThrough: true }
  if (rule.openIncidents > 0) return { tone: 'fail', label: `Firing (${rule.openIncidents})` }
  if (isMuted(rule, now)) return { tone: 'idle', label: 'Muted' }
  return { tone: 'ok', label: 'Quiet' }
}

export const deliveryStyles: Record<AlertDelivery['state'], StatusStyle> = {
  pending: { tone: 'run', label: 'Pending' },
  delivered: { tone: 'ok', label: 'Delivered' },
  failed: { tone: 'fail', label: 'Failed' },
  muted: { tone: 'idle', label: 'Muted', struckThrough: true },
}

export const channelKinds = { email: 'Email', slack: 'Slack', webhook: 'Signed webhook' } as const
