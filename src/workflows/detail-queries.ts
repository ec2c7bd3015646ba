/** @module Queries for the workflow pages: deployments, runs by version, version content and credential states. */
import {
  countedKinds,
  decisiveStatuses,
  failedList,
  failingNode,
  isOneOfKinds,
  intervalOf,
  type PercentageInterval,
  percentageOf,
  statusList,
} from '../runs/meaning.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { sql } from 'drizzle-orm'
import { partsOf } from '../runs/period.ts'
import { groupSums, runsIn } from '../runs/sources.ts'
import type { Reader } from '../db/client.ts'
import type { DeploymentStatus, SlotBinding } from '../db/schema/deployments.ts'
import { isoOf, last24Hours } from '../lib/time.ts'

export type DeployedPlace = {
  id: string
  instanceId: string
  instanceName: string
  /** URL of n8n. */
  baseUrl: string
  n8nWorkflowId: string | null
  version: number
  status: DeploymentStatus
  bindings: SlotBinding[]
}

/** Instances where the workflow is deployed or tracked, newest first. */
export async function readPlaces(db: Reader, userId: string, workflowId: string): Promise<DeployedPlace[]> {
  const { rows } = await db.execute<DeployedPlace>(sql`
    select d.id, d.instance_id as "instanceId", i.name as "instanceName", i.base_url as "baseUrl",
      d.n8n_workflow_id as "n8nWorkflowId", d.version, d.status, d.bindings
    from deployments d join instances i on i.user_id = d.user_id and i.id = d.instance_id
    where d.user_id = ${userId} and d.workflow_id = ${workflowId} and d.status <> 'undeployed'
    order by d.id desc`)
  return rows
}

export type DayRuns = {
  /** Runs that succeeded or failed. */
  finished: number
  failed: number
}

/** Runs of the workflow in the last 24 h, of all versions on all instances. */
export async function readDay(db: Reader, userId: string, workflowId: string, now: Date): Promise<DayRuns> {
  const range = last24Hours(now)
  const { rows } = await db.execute<DayRuns>(sql`
    with runs as (${runsIn(userId, { workflowId }, partsOf(range))}),
    sums as (select ${groupSums} from runs)
    select coalesce(failed, 0)::float8 as failed, coalesce(succeeded + failed, 0)::float8 as finished from sums`)
  return rows[0] ?? { finished: 0, failed: 0 }
}

export type FailingNode = {
  node: string
  /** Of the workflow's latest finished runs, those that failed at the node. */
  failed: number
  runs: number
}

/** Nodes that are failing now (see `failingNode`), worst first. */
export async function readFailingNodes(
  db: Reader,
  userId: string,
  workflowId: string,
): Promise<FailingNode[]> {
  const { latestRuns, share, minRuns, minFailed } = failingNode
  const { rows } = await db.execute<FailingNode>(sql`
    with latest as materialized (
      select status, error_node from executions
      where user_id = ${userId} and workflow_id = ${workflowId} and status in ${statusList(decisiveStatuses)}
        and ${isOneOfKinds(countedKinds())}
      order by coalesce(started_at, finished_at, recorded_at) desc, id desc limit ${latestRuns}
    ),
    nodes as (
      select error_node as node, count(*)::integer as failed, (select count(*)::integer from latest) as runs
      from latest where status in ${failedList} and error_node is not null group by error_node
    )
    select * from nodes
    where runs >= ${minRuns}::integer and failed >= ${minFailed}::integer and failed >= runs * ${share}::float8
    order by failed desc, node`)
  return rows
}

export interface VersionRate {
  runs: number
  failed: number
  /** Percentage of succeeded and failed runs that succeeded; null if there are none. */
  successRate: number | null
  successRateInterval: PercentageInterval | null
}

/** Runs in the period by version number. */
export async function readVersionRates(
  db: Reader,
  userId: string,
  workflowId: string,
  range: { from: Date; to: Date },
): Promise<Map<number, VersionRate>> {
  const { rows } = await db.execute<{ version: number; runs: number; failed: number; succeeded: number }>(sql`
    with runs as (${runsIn(userId, { workflowId }, partsOf(range))}),
    sums as (select workflow_version as version, ${groupSums} from runs group by workflow_version)
    select version, runs::float8, failed::float8, succeeded::float8 from sums where runs > 0`)
  return new Map(
    rows.map(({ version, runs, failed, succeeded }) => [
      version,
      {
        runs,
        failed,
        successRate: percentageOf(succeeded, succeeded + failed),
        successRateInterval: intervalOf(succeeded, succeeded + failed),
      },
    ]),
  )
}

/** Neon limits a response to 10 MB. */
const maxContentBytes = 5 * 1024 * 1024

/** The n8n JSON of the newest versions before `before`, newest first, up to `maxContentBytes`. */
export async function readContents(
  db: Reader,
  userId: string,
  workflowId: string,
  { before = null, limit }: { before?: number | null; limit: number },
): Promise<Map<number, JsonObject>> {
  const { rows } = await db.execute<{ version: number; data: JsonObject }>(sql`
    select version, data from (
      select version, workflow_data as data,
        sum(octet_length(workflow_data::text)) over (order by version desc) as size_bytes
      from workflow_versions
      where user_id = ${userId} and workflow_id = ${workflowId}
        and (${before}::integer is null or version < ${before}::integer)
      order by version desc limit ${limit}::integer
    ) sized
    where size_bytes <= ${maxContentBytes}::bigint order by version desc`)
  return new Map(rows.map(({ version, data }) => [version, data]))
}

export type CredentialState = {
  id: string
  type: string
  name: string
  status: 'untested' | 'valid' | 'invalid'
  /** ISO 8601 */
  checkedAt: string | null
  /** Why the service rejected it. */
  error: string | null
}

/** The user's credentials of the required types, valid ones first. */
export async function readCredentialStates(
  db: Reader,
  userId: string,
  workflowId: string,
): Promise<CredentialState[]> {
  const { rows } = await db.execute<Omit<CredentialState, 'checkedAt'> & { checkedMs: number | null }>(sql`
    select c.id, c.n8n_credential_type as type, c.name, c.status, c.validation_error as error,
      extract(epoch from c.last_validated_at)::float8 * 1000 as "checkedMs"
    from credentials c
    where c.user_id = ${userId} and c.n8n_credential_type = any(
      select unnest(w.required_credential_types) from workflows w
      where w.user_id = ${userId} and w.id = ${workflowId}
    )
    order by array_position(array['valid', 'untested', 'invalid'], c.status), c.id desc`)
  return rows.map(({ checkedMs, ...row }) => Object.assign(row, { checkedAt: isoOf(checkedMs) }))
}
