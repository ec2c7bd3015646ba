/** @module Everything the overview shows, read at once. */
import type { Series, Summary, WorkflowStats } from '../../analytics/contract.ts'
import type { CredentialStats } from '../../analytics/credential-contract.ts'
import type { ErrorGroup, ErrorGroups } from '../../analytics/error-contract.ts'
import type { IncludableKind } from '../../runs/meaning.ts'
import {
  type DeployedVersion,
  readOverviewFacts,
  type StuckRuns,
  type WorkflowIncidents,
} from '../../overview/queries.ts'
import type { Instance } from '../../instances/contract.ts'
import { allOfThem } from '../components/period.ts'
import { type CredentialRow, readCredentials } from '../../credentials/queries.ts'
import { type BoardRow, readBoard } from '../../deployments/list-queries.ts'
import type { DashboardDeps } from '../context.ts'
import { byTrend } from '../components/error-trend.ts'
import type { Period } from './period.ts'

export interface Overview {
  period: Period
  include: IncludableKind[]
  from: Date
  to: Date
  summary: Summary
  series: Series
  /** Worst first. */
  workflows: WorkflowStats['items']
  /** Of the period, new and rising ones first. */
  errors: ErrorGroup[]
  errorsPeriod: ErrorGroups['period']
  errorGroups: number
  credentials: CredentialRow[]
  credentialTotal: number
  credentialStats: Map<string, CredentialStats['items'][number]>
  /** Worst first. */
  board: BoardRow[]
  /** Those that lag most first. */
  instances: Instance[]
  /** How many deployments are live on an instance, by its id; without those on which none is. */
  liveByInstance: Record<string, number>
  versions: DeployedVersion[]
  missing: { displayName: string; workflows: number }[]
  stuck: StuckRuns
  incidents: WorkflowIncidents[]
  isEmpty: boolean
  newestRunId: string | null
  /** When the first deployment was made: runs of before are not read; null without one. */
  knownFrom: Date | null
}

export type OverviewDeps = Pick<DashboardDeps, 'db' | 'analytics' | 'instances' | 'requirements'>

/** As many as the page of instances lists. */
const maximumInstances = 100
/** Of fewer runs a rate says nothing. */
const minimumRuns = 5

export async function readOverview(
  { db, analytics, instances, requirements }: OverviewDeps,
  userId: string,
  { period, include }: { period: Period; include: IncludableKind[] },
  now: Date,
  timeZone: string,
): Promise<Overview> {
  const to = now
  const from = new Date(now.getTime() - period.lengthMs)
  const range = { from, to, include }
  const noCredentials = { q: '', status: null, type: null, service: null }
  const [summary, series, failing, slow, errors, credentials, stats, board, slice, rest, missing] =
    await Promise.all([
      analytics.summary(userId, range),
      analytics.series(userId, { ...range, interval: period.interval, timeZone }),
      analytics.workflows(userId, { ...range, sort: 'failureRate', minRuns: minimumRuns, limit: 5 }),
      analytics.workflows(userId, { ...range, sort: 'p95', minRuns: minimumRuns, limit: 3 }),
      analytics.errors(userId, { ...range, sort: 'runs', limit: 50 }),
      readCredentials(db, userId, noCredentials, null),
      analytics.credentials(userId, { ...range, limit: allOfThem }),
      readBoard(db, userId, now, {}, null),
      instances.list(userId, { limit: maximumInstances, after: null }),
      readOverviewFacts(db, userId, from, now),
      requirements.missing(userId),
    ])
  return {
    ...{ period, include, from, to, summary, series, board: board.rows, ...rest },
    workflows: worst(failing.items, slow.items),
    errors: byTrend(errors.items, errors.period),
    errorsPeriod: errors.period,
    errorGroups: errors.total,
    credentials: credentials.items,
    credentialTotal: credentials.groups.reduce((sum, { count }) => sum + count, 0),
    credentialStats: new Map(stats.items.map((item) => [item.credentialId, item])),
    instances: slice.items.toSorted((a, b) => (b.polling.lagSeconds ?? -1) - (a.polling.lagSeconds ?? -1)),
    missing: missing.items.map(({ displayName, workflowCount }) => ({
      displayName,
      workflows: workflowCount,
    })),
  }
}

/** Those that fail, then the slowest that do not, each once. */
function worst(failing: WorkflowStats['items'], slow: WorkflowStats['items']): WorkflowStats['items'] {
  const failed = failing.filter((each) => each.failed > 0)
  const others = slow.filter(({ workflowId }) => !failed.some((each) => each.workflowId === workflowId))
  return [...failed, ...others].slice(0, 6)
}
