/** @module Overview queries that are not part of a feature's repository. */
import { isoOf } from '../lib/time.ts'
import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { executions } from '../db/schema/executions.ts'
import { isSettledIncident } from '../analytics/error-states.ts'
import { matching } from '../executions/list-filter.ts'
import { happenedAt } from '../runs/order.ts'

export interface DeployedVersion extends Record<string, unknown> {
  deploymentId: string
  workflowName: string
  version: number
  /** ISO. */
  at: string
}

/** Runs that exceed their workflow's timeout, or run for more than 24 hours. */
export interface StuckRuns {
  count: number
  /** ISO time of the earliest start; null when there are none. */
  since: string | null
  workflowName: string | null
}

/** A workflow's failures without a run in the selected period. */
export type WorkflowIncidents = {
  workflowId: string
  workflowName: string
  count: number
  /** Source of the latest one. */
  source: 'trigger' | 'run'
  message: string
  /** ISO. */
  latestAt: string
}

const maximumMarkers = 20

interface AccountFacts extends Record<string, unknown> {
  hasWorkflow: boolean
  newestRunId: string | null
  liveByInstance: Record<string, number>
  knownFromMs: number | null
}

const nothing: AccountFacts = { hasWorkflow: false, newestRunId: null, liveByInstance: {}, knownFromMs: null }

const noStuckRuns = { count: 0, sinceMs: null, workflowName: null }

export async function readOverviewFacts(db: Reader, userId: string, from: Date, now: Date) {
  const [versions, kept, stuck, incidents] = await db.batch([
    db.execute<DeployedVersion>(sql`
      select v.deployment_id as "deploymentId", w.name as "workflowName", v.version,
        to_char(v.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
      from deployment_versions v
      join deployments d on d.user_id = v.user_id and d.id = v.deployment_id
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      where v.user_id = ${userId} and v.created_at >= ${from.toISOString()}::timestamptz
      order by v.created_at desc limit ${maximumMarkers}`),
    db.execute<AccountFacts>(sql`
      select exists (select from workflows where user_id = ${userId}) as "hasWorkflow",
        (select id from executions where user_id = ${userId} 
          order by ${happenedAt} desc, id desc limit 1) as "newestRunId",
        (select coalesce(jsonb_object_agg(instance_id, live), '{}') from (
          select instance_id, count(*)::integer as live from deployments
          where user_id = ${userId} and status = 'active' group by instance_id
        ) each) as "liveByInstance",
        -- Before the period, any time will do.
        (select extract(epoch from case when created_at < ${from.toISOString()}::timestamptz then created_at
            else (select min(created_at) from deployments where user_id = ${userId}) end)::float8 * 1000
          from deployments where user_id = ${userId} order by id limit 1) as "knownFromMs"`),
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
        from incidents i
        where user_id = ${userId} and occurred_at >= ${from.toISOString()}::timestamptz and not ${isSettledIncident}
        group by workflow_id
      ) i
      join workflows w on w.user_id = ${userId} and w.id = i.workflow_id
      order by i.count desc, i.at desc limit ${maximumMarkers}`),
  ])
  const [{ count: stuckRuns, sinceMs, workflowName } = noStuckRuns] = stuck.rows
  const [{ hasWorkflow, newestRunId, liveByInstance, knownFromMs } = nothing] = kept.rows
  return {
    versions: versions.rows,
    newestRunId,
    liveByInstance,
    stuck: { count: stuckRuns, since: isoOf(sinceMs), workflowName },
    incidents: incidents.rows.map(({ latestMs, ...row }) =>
      Object.assign(row, { latestAt: new Date(latestMs).toISOString() }),
    ),
    isEmpty: !hasWorkflow && newestRunId === null,
    knownFrom: knownFromMs === null ? null : new Date(knownFromMs),
  }
}
