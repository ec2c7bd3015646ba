/** @module Reads all data of the overview in parallel. */
import type { CredentialStats, ErrorGroup, ErrorGroups, Series, Summary } from '../../analytics/contract.ts'
import type { RankedWorkflow } from '../../analytics/workflows.ts'
import type { IncludableKind } from '../../runs/meaning.ts'
import {
  type DeployedVersion,
  readOverviewFacts,
  type StuckRuns,
  type WorkflowIncidents,
} from '../../overview/queries.ts'
import type { Instance } from '../../instances/contract.ts'
import { noLimit, type Period } from '../components/period.ts'
import { type CredentialRow, readCredentials } from '../../credentials/queries.ts'
import { type DeploymentListRow, readDeploymentList } from '../../deployments/list-queries.ts'
import type { DashboardDeps } from '../context.ts'
import { byTrend } from '../components/error-trend.ts'
import { periodBars } from './period-bars.ts'

export interface Overview {
  period: Period
  include: IncludableKind[]
  from: Date
  to: Date
  summary: Summary
  series: Series
  /** Worst first. */
  workflows: RankedWorkflow[]
  /** Error groups of the period, new and rising ones first. */
  errors: ErrorGroup[]
  errorsPeriod: ErrorGroups['period']
  errorGroups: number
  credentials: CredentialRow[]
  credentialTotal: number
  credentialStats: Map<string, CredentialStats['items'][number]>
  /** Worst first. */
  deployments: DeploymentListRow[]
  /** Highest lag first. */
  instances: Instance[]
  /** Number of live deployments by instance ID; without instances that have none. */
  liveByInstance: Record<string, number>
  versions: DeployedVersion[]
  missing: { displayName: string; workflows: number }[]
  stuck: StuckRuns
  incidents: WorkflowIncidents[]
  isEmpty: boolean
  newestRunId: string | null
  /** Time of the first deployment, before which no runs are known; null without deployments. */
  knownFrom: Date | null
}

export type OverviewDeps = Pick<DashboardDeps, 'db' | 'analytics' | 'instances' | 'requirements'>

/** A rate over fewer runs is not meaningful. */
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
  const { interval, perBar } = periodBars[period.name]
  const noCredentials = { q: '', status: null, type: null, service: null }
  const [summary, series, [failing, slow], errors, credentials, stats, deployments, slice, rest, missing] =
    await Promise.all([
      analytics.summary(userId, range),
      analytics.series(userId, { ...range, interval, perBucket: perBar, timeZone }),
      analytics.rankWorkflows(userId, {
        ...range,
        minRuns: minimumRuns,
        rankings: [
          { sort: 'failureRate', limit: 5 },
          { sort: 'p95', limit: 3 },
        ],
      }),
      analytics.errors(userId, { ...range, sort: 'runs', limit: 50 }),
      readCredentials(db, userId, noCredentials, null),
      analytics.credentials(userId, { ...range, limit: noLimit }),
      readDeploymentList(db, userId, now, {}, null),
      instances.list(userId, { limit: noLimit, after: null }),
      readOverviewFacts(db, userId, from, now),
      requirements.countMissing(userId),
    ])
  return {
    period,
    include,
    from,
    to,
    summary,
    series,
    deployments: deployments.rows,
    ...rest,
    workflows: worst(failing, slow),
    errors: byTrend(errors.items, errors.period),
    errorsPeriod: errors.period,
    errorGroups: errors.total,
    credentials: credentials.items,
    credentialTotal: credentials.groups.reduce((sum, { count }) => sum + count, 0),
    credentialStats: new Map(stats.items.map((item) => [item.credentialId, item])),
    instances: slice.items.toSorted((a, b) => (b.polling.lagSeconds ?? -1) - (a.polling.lagSeconds ?? -1)),
    missing: missing.map(({ displayName, workflowCount }) => ({
      displayName,
      workflows: workflowCount,
    })),
  }
}

/** Failing workflows, then the slowest others. */
function worst(failing: RankedWorkflow[], slow: RankedWorkflow[]): RankedWorkflow[] {
  const failed = failing.filter((each) => each.failed > 0)
  const others = slow.filter(({ workflowId }) => !failed.some((each) => each.workflowId === workflowId))
  return [...failed, ...others].slice(0, 6)
}
