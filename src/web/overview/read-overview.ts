/** @module Everything the overview shows, read at once. */
import { sql } from 'drizzle-orm'
import type { Series, Summary, WorkflowStats } from '../../analytics/contract.ts'
import type { CredentialStats } from '../../analytics/credential-contract.ts'
import type { ErrorGroup, ErrorGroups } from '../../analytics/error-contract.ts'
import type { Db } from '../../db/client.ts'
import { executions } from '../../db/schema/executions.ts'
import { happenedAt } from '../../executions/run-order.ts'
import { matching } from '../../executions/search.ts'
import type { IncludableKind } from '../../executions/run-meaning.ts'
import type { Instance } from '../../instances/contract.ts'
import { allOfThem } from '../components/period.ts'
import { type CredentialRow, readCredentials } from '../credentials/read-credentials.ts'
import { type BoardRow, isoOf, readBoard } from '../deployments/read-board.ts'
import type { DashboardDeps } from '../context.ts'
import { byTrend } from '../components/error-trend.ts'
import type { StuckRuns, WorkflowIncidents } from './attention.ts'
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

export interface DeployedVersion extends Record<string, unknown> {
  deploymentId: string
  workflowName: string
  version: number
  /** ISO. */
  at: string
}

export type OverviewDeps = Pick<DashboardDeps, 'db' | 'analytics' | 'instances' | 'requirements'>

const maximumMarkers = 20
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
      readRest(db, userId, from, now),
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

interface Kept extends Record<string, unknown> {
  hasWorkflow: boolean
  newestRunId: string | null
  liveByInstance: Record<string, number>
  knownFromMs: number | null
}

const nothing: Kept = { hasWorkflow: false, newestRunId: null, liveByInstance: {}, knownFromMs: null }

const noStuckRuns = { count: 0, sinceMs: null, workflowName: null }

async function readRest(db: Db, userId: string, from: Date, now: Date) {
  const [versions, kept, stuck, incidents] = await db.batch([
    db.execute<DeployedVersion>(sql`
      select v.deployment_id as "deploymentId", w.name as "workflowName", v.version,
        to_char(v.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
      from deployment_versions v
      join deployments d on d.user_id = v.user_id and d.id = v.deployment_id
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      where v.user_id = ${userId} and v.created_at >= ${from.toISOString()}::timestamptz
      order by v.created_at desc limit ${maximumMarkers}`),
    db.execute<Kept>(sql`
      select exists (select from workflows where user_id = ${userId}) as "hasWorkflow",
        (select id from executions where user_id = ${userId} 
          order by coalesce(started_at, finished_at, recorded_at) desc, id desc limit 1) as "newestRunId",
        (select coalesce(jsonb_object_agg(instance_id, live), '{}') from (
          select instance_id, count(*)::integer as live from deployments
          where user_id = ${userId} and status = 'active' group by instance_id
        ) l) as "liveByInstance",
        (select extract(epoch from min(created_at))::float8 * 1000 from deployments where user_id = ${userId})
          as "knownFromMs"`),
    db.execute<{ count: number; sinceMs: number | null; workflowName: string | null }>(sql`
      with stuck as (
        select ${executions.workflowId} as workflow_id, ${happenedAt} as since from ${executions}
        where ${matching(userId, { stuck: true }, now)}
      )
      select (select count(*)::integer from stuck) as count, extract(epoch from s.since)::float8 * 1000 as "sinceMs",
        w.name as "workflowName"
      from (select * from stuck order by since limit 1) s
      left join workflows w on w.user_id = ${userId} and w.id = s.workflow_id`),
    db.execute<Omit<WorkflowIncidents, 'latestAt'> & { latestMs: number }>(sql`
      select i.workflow_id as "workflowId", w.name as "workflowName", i.count::float8 as count, i.source, i.message,
        extract(epoch from i.at)::float8 * 1000 as "latestMs"
      from (
        select workflow_id, count(*) as count, max(occurred_at) as at,
          (array_agg(source order by occurred_at desc))[1] as source,
          (array_agg(message order by occurred_at desc))[1] as message
        from incidents where user_id = ${userId} and occurred_at >= ${from.toISOString()}::timestamptz
        group by workflow_id
      ) i
      join workflows w on w.user_id = ${userId} and w.id = i.workflow_id
      order by i.count desc, i.at desc limit ${maximumMarkers}`),
  ])
  const [{ count: stuckRuns, sinceMs, workflowName } = noStuckRuns] = stuck.rows
  const [{ hasWorkflow, newestRunId, liveByInstance, knownFromMs } = nothing] = kept.rows
  return {
    ...{ versions: versions.rows, newestRunId, liveByInstance },
    stuck: { count: stuckRuns, since: isoOf(sinceMs), workflowName },
    incidents: incidents.rows.map(({ latestMs, ...row }) =>
      Object.assign(row, { latestAt: new Date(latestMs).toISOString() }),
    ),
    isEmpty: !hasWorkflow && newestRunId === null,
    knownFrom: knownFromMs === null ? null : new Date(knownFromMs),
  }
}
