import type { Context } from 'hono'
import type { ReleaseTargetStatus } from '../../db/schema/releases.ts'
import { notFound } from '../../errors.ts'
import { IdParam } from '../../lib/scalars.ts'
import type { ReleaseSummary, ReleaseTarget } from '../../releases/contract.ts'
import type { StatusStyle } from '../components/status.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'

export type ReleasePageDeps = Pick<DashboardDeps, 'db' | 'releasing' | 'environments' | 'fingerprint'>

export const section = 'deployments' as const
export const deploymentsCrumb = { label: 'Deployments', href: '/deployments' }
export const listCrumb = { label: 'Releases', href: '/releases' }

/** @throws {AppError} `not-found` if the path has no valid ID */
export function idOf(c: Context<DashboardEnv>): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound('Release')
  return data.id
}

export const isInProgress = ({ status }: Pick<ReleaseSummary, 'status'>): boolean =>
  status === 'planning' || status === 'running' || status === 'rolling-back'

const phases = {
  canary: 'Deploying the canary',
  observing: 'Observing the canary',
  rest: 'Deploying the rest',
} as const

const styles = {
  planning: { tone: 'run', label: 'Planning' },
  planned: { tone: 'idle', label: 'Planned' },
  halted: { tone: 'fail', label: 'Halted' },
  completed: { tone: 'ok', label: 'Completed' },
  'rolling-back': { tone: 'run', label: 'Rolling back' },
  'rolled-back': { tone: 'idle', label: 'Rolled back', struckThrough: true },
} as const satisfies Record<string, StatusStyle>

export function releaseStyle({ status, phase, targets }: ReleaseSummary): StatusStyle {
  if (status === 'running') return { tone: 'run', label: phases[phase] }
  return status === 'planned' && targets.blocked > 0 ? { tone: 'wait', label: 'Blocked' } : styles[status]
}

const targetStyles: Record<ReleaseTargetStatus, StatusStyle> = {
  pending: { tone: 'idle', label: 'Pending' },
  deploying: { tone: 'run', label: 'Deploying' },
  deployed: { tone: 'ok', label: 'Deployed' },
  unchanged: { tone: 'ok', label: 'Unchanged' },
  failed: { tone: 'fail', label: 'Failed' },
  'rolling-back': { tone: 'run', label: 'Rolling back' },
  'rolled-back': { tone: 'idle', label: 'Rolled back', struckThrough: true },
  'rollback-failed': { tone: 'fail', label: 'Rollback failed' },
  kept: { tone: 'wait', label: 'Kept' },
}

export const targetStyle = ({ status, problems }: ReleaseTarget): StatusStyle =>
  status === 'pending' && problems.some(({ blocks }) => blocks)
    ? { tone: 'fail', label: 'Blocked' }
    : targetStyles[status]
