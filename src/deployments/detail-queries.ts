/** @module Queries of the deployment page. */
import { isoOf } from '../lib/time.ts'
import { sql } from 'drizzle-orm'
import { type DeploymentListState, deploymentState, recentSums } from '../runs/deployment-state.ts'
import { partsOf } from '../runs/period.ts'
import { runsIn } from '../runs/sources.ts'
import type { Reader } from '../db/client.ts'
import type { Instance } from '../instances/contract.ts'
import { msOf } from './list-queries.ts'

export type Surroundings = {
  workflowName: string
  /** The workflow's current version. */
  newestVersion: number
  instanceName: string
  instanceUrl: string
  state: DeploymentListState
  instanceStatus: Instance['status']
  pollFailures: number
  polledThrough: string | null
  /** ISO; when the drift was first detected. */
  driftedSince: string | null
  /** Running executions, capped at 100. */
  running: number
}

export type HistoryEntry = {
  sequence: number
  version: number
  /** ISO */
  liveFrom: string
  liveUntil: string | null
  /** The first 200 characters; null for a manual edit or a deleted version. */
  prompt: string | null
  model: string | null
}

export type VersionRuns = {
  version: number
  runs: number
  succeeded: number
  failed: number
}

export type BoundCredential = {
  id: string
  name: string
  status: 'untested' | 'valid' | 'invalid'
}

export interface DeploymentDetail {
  surroundings: Surroundings
  /** Newest first, at most `historyLimit + 1`. */
  history: HistoryEntry[]
  /** Version → its retained runs on this instance. */
  runs: Map<number, VersionRuns>
  /** Credential ID → the credential, for bindings whose credential still exists. */
  credentials: Map<string, BoundCredential>
}

export const historyLimit = 50
const runningCap = 100

/** Null when there is no such deployment. */
export async function readDetail(
  db: Reader,
  userId: string,
  id: string,
  now: Date,
): Promise<DeploymentDetail | null> {
  const counted = runsIn(userId, { deploymentId: id }, partsOf({ from: null, to: null }))
  const [around, history, runs, bound] = await db.batch([
    db.execute<
      Omit<Surroundings, 'polledThrough' | 'driftedSince'> & {
        polledThrough: number | null
        driftedSince: number | null
      }
    >(sql`
      with ${recentSums(userId, { deploymentId: id }, now)}
      select w.name as "workflowName", w.version as "newestVersion", ${deploymentState} as state, i.name as "instanceName",
        i.base_url as "instanceUrl", i.status as "instanceStatus", i.poll_failures as "pollFailures",
        ${msOf(sql`i.polled_through`)} as "polledThrough", ${msOf(sql`d.drifted_since`)} as "driftedSince",
        (select count(*)::integer from (
          select from executions e where e.user_id = d.user_id and e.status = 'running' and e.deployment_id = d.id
          limit ${runningCap}
        ) capped) as running
      from deployments d
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      join instances i on i.user_id = d.user_id and i.id = d.instance_id
      left join sums s on s.deployment_id = d.id and s.workflow_version = d.version
      where d.user_id = ${userId} and d.id = ${id}`),
    db.execute<
      Omit<HistoryEntry, 'liveFrom' | 'liveUntil'> & { liveFrom: number; liveUntil: number | null }
    >(sql`
      select h.sequence, h.version, ${msOf(sql`h.created_at`)} as "liveFrom",
        ${msOf(sql`lead(h.created_at) over (order by h.sequence)`)} as "liveUntil", left(v.prompt, 200) as prompt, v.model
      from deployment_versions h
      join deployments d on d.user_id = h.user_id and d.id = h.deployment_id
      left join workflow_versions v on v.workflow_id = d.workflow_id and v.version = h.version
      where h.user_id = ${userId} and h.deployment_id = ${id}
      order by h.sequence desc limit ${historyLimit + 1}`),
    db.execute<VersionRuns>(sql`
      with runs as (${counted})
      select workflow_version as version, sum(success)::integer as succeeded, sum(error + crashed)::integer as failed,
        sum("new" + running + waiting + success + error + canceled + crashed + "unknown")::integer as runs
      from runs group by workflow_version`),
    db.execute<BoundCredential>(sql`
      select c.id, c.name, c.status from deployments d
      join credentials c on c.user_id = d.user_id
        and d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', c.id::text))
      where d.user_id = ${userId} and d.id = ${id}`),
  ])
  const surroundings = around.rows[0]
  if (!surroundings) return null
  return {
    surroundings: {
      ...surroundings,
      polledThrough: isoOf(surroundings.polledThrough),
      driftedSince: isoOf(surroundings.driftedSince),
    },
    history: history.rows.map((row) =>
      Object.assign({}, row, { liveFrom: isoOf(row.liveFrom) ?? '', liveUntil: isoOf(row.liveUntil) }),
    ),
    runs: new Map(runs.rows.map((row) => [row.version, row])),
    credentials: new Map(bound.rows.map((row) => [row.id, row])),
  }
}
