/**
 * @module Retention of executions: run data for the workflow's retention days, everything else for the installation's
 * retention months. Each run executes a bounded number of statements; the next run continues. Locked rows are skipped, so
 * a delivery waits for at most one statement.
 */
import { dayMs } from '../lib/time.ts'
import { openStatuses, statusList } from '../runs/meaning.ts'
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from '../db/client.ts'
import { emptyDelivery, withMergeKey } from './record/merge.ts'

export interface TrimOptions {
  /** Default for workflows without their own setting, and for deleted ones. */
  retentionDays: number
  /** Rows per statement. */
  chunkRows?: number
  maxStatements?: number
  /** 0 to 1: where among the workflows a run starts, so that none is always skipped. */
  random?: () => number
}

const workflowsAtOnce = 500
const zeroId = '00000000-0000-0000-0000-000000000000'

/** Removes expired `data` from stored executions. @returns the number of trimmed rows */
export async function trimExecutionData(
  db: Db,
  now: Date,
  { retentionDays, chunkRows = 1000, maxStatements = 10, random = Math.random }: TrimOptions,
): Promise<number> {
  let trimmed = 0
  let after = await someWorkflow(db, now, random())
  let hasWrapped = after === zeroId
  for (let statements = 1; statements < maxStatements; statements += 1) {
    const { rows } = await db.execute<{ trimmed: number; workflows: number; last: string | null }>(
      trim(after, now, retentionDays, chunkRows),
    )
    const [row] = rows
    if (!row) break
    trimmed += row.trimmed
    if (row.trimmed >= chunkRows) continue
    if (row.workflows === workflowsAtOnce && row.last !== null) after = row.last
    else if (hasWrapped) break
    else {
      hasWrapped = true
      after = zeroId
    }
  }
  return trimmed
}

/** An ID lower bound for workflows created after a random time. */
async function someWorkflow(db: Db, now: Date, fraction: number): Promise<string> {
  const { rows } = await db.read.execute<{ id: string }>(sql`select id from workflows order by id limit 1`)
  const first = rows[0]?.id
  if (first === undefined) return zeroId
  const firstMs = Number.parseInt(first.slice(0, 8) + first.slice(9, 13), 16)
  const ms = Math.trunc(firstMs + fraction * Math.max(0, now.getTime() - firstMs))
  const digits = ms.toString(16).padStart(12, '0')
  return fraction === 0 ? zeroId : `${digits.slice(0, 8)}-${digits.slice(8)}${zeroId.slice(13)}`
}

/** Skips through the index from workflow to workflow, without reading rows that have no data. */
const trim = (after: string, now: Date, retentionDays: number, chunkRows: number) => sql`
  with recursive holding as (
    (select workflow_id from executions where data is not null and workflow_id > ${after}::uuid
      order by workflow_id limit 1)
    union all
    select (select e.workflow_id from executions e where e.data is not null and e.workflow_id > h.workflow_id
      order by e.workflow_id limit 1)
    from holding h where h.workflow_id is not null
  ), selected as (
    select workflow_id from holding where workflow_id is not null limit ${workflowsAtOnce}
  ), expired as (
    select e.id, e.recorded_at
    from selected c
    left join workflows w on w.id = c.workflow_id
    cross join lateral (
      select id, recorded_at from executions
      where workflow_id = c.workflow_id and data is not null
        and recorded_at < ${now.toISOString()}::timestamptz
          - make_interval(days => coalesce(w.data_retention_days, ${retentionDays}::integer))
      order by recorded_at limit ${chunkRows} for update skip locked
    ) e
    limit ${chunkRows}
  ), trimmed as (
    update executions e set data = null, previous_data = null from expired x
    where e.id = x.id and e.recorded_at = x.recorded_at
    returning 1
  )
  select (select count(*) from trimmed)::integer as trimmed, (select count(*) from selected)::integer as workflows,
    (select workflow_id from selected order by workflow_id desc limit 1) as last`

export interface DropOptions {
  /** At least 1. */
  retentionMonths: number
  maxKeys?: number
  maxStatements?: number
}

/** Older executions are purged. */
export function expiryOf(now: Date, retentionMonths: number): Date {
  const monthsAgo = new Date(now)
  monthsAgo.setUTCMonth(monthsAgo.getUTCMonth() - retentionMonths)
  return monthsAgo
}

/** Drops expired months with their keys and rollups. @returns the number of months dropped */
export async function dropExpiredMonths(
  db: Db,
  now: Date,
  { retentionMonths, maxKeys = 5000, maxStatements = 20 }: DropOptions,
): Promise<number> {
  const monthsAgo = expiryOf(now, retentionMonths)
  // The database rejects less than 28 days by its own clock, the length of February.
  const before = new Date(Math.min(monthsAgo.getTime(), now.getTime() - 29 * dayMs))
  let dropped = 0
  for (let statements = 0; statements < maxStatements; statements += 1) {
    const { rows } = await idempotent(db).execute<{ outcome: 'keys' | 'dropped' | 'none' | 'busy' }>(sql`
      select drop_expired_executions(${before.toISOString()}::timestamptz, ${maxKeys}::integer) as outcome`)
    const outcome = rows[0]?.outcome
    if (outcome === 'dropped') dropped += 1
    else if (outcome !== 'keys') break
  }
  return dropped
}

/**
 * Closes open executions as `unknown` when no further report can arrive: their deployment is no longer in n8n, or they
 * belong to an earlier n8n epoch.
 * @returns the number closed
 */
export async function closeAbandoned(db: Db, now: Date, limit: number): Promise<number> {
  const eventAtMs = now.getTime()
  const { mergeKey } = await withMergeKey(
    {
      ...emptyDelivery,
      n8nExecutionId: '',
      n8nWorkflowId: '',
      status: 'unknown',
      eventAtMs,
      receivedAtMs: eventAtMs,
    },
    'poll',
  )
  const { rows } = await db.execute<{ closed: number }>(sql`
    with abandoned as (
      select k.instance_id, k.n8n_execution_id, k.epoch
      from execution_keys k
      join executions e on e.id = k.id and e.recorded_at = k.recorded_at
      where k.status in ${statusList(openStatuses)} and (
        not exists (select 1 from deployments d where d.id = e.deployment_id and d.n8n_workflow_id is not null)
        or k.epoch < (select i.epoch from instances i where i.id = k.instance_id))
      order by k.n8n_execution_id collate "C"
      limit ${limit}
      for update of k skip locked
    ), keyed as (
      update execution_keys k set status = 'unknown', stamp = ${mergeKey},
        previous_status = k.status, previous_started_at = k.started_at, previous_finished_at = k.finished_at
      from abandoned a where a.instance_id = k.instance_id and a.n8n_execution_id = k.n8n_execution_id and a.epoch = k.epoch
      returning k.*
    ), written as (
      update executions e set status = 'unknown', updated_at = now(),
        previous_workflow_version = e.workflow_version, previous_kind = e.kind,
        previous_duration_ms = counted_ms(e.started_at, e.finished_at, e.waited, e.active_ms),
        previous_error_fingerprint = e.error_fingerprint, previous_data = null, previous_data_stamp = e.data_stamp
      from keyed where e.id = keyed.id and e.recorded_at = keyed.recorded_at
      returning e.*
    ), changes as (
      insert into execution_changes
        (user_id, deployment_id, workflow_id, instance_id, workflow_version, kind, recorded_at, duration_ms, sign, status,
         started_at, finished_at, error_fingerprint)
      select w.user_id, w.deployment_id, w.workflow_id, w.instance_id, w.workflow_version, w.kind, w.recorded_at,
        w.previous_duration_ms, c.*
      from written w
      join keyed k on k.id = w.id
      cross join lateral (values
        (1, w.status, w.started_at, w.finished_at, w.error_fingerprint),
        (-1, k.previous_status, k.previous_started_at, k.previous_finished_at, w.previous_error_fingerprint)
      ) c
    )
    select count(*)::integer as closed from written`)
  return rows[0]?.closed ?? 0
}
