/**
 * @module Failures without an execution, such as a trigger that could not start or a run without an n8n ID: rows of
 * `incidents`. They are counted separately from runs. A report repeated within ten minutes belongs to the same row.
 */
import { and, desc, eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { sha256Hex } from '../../lib/encoding.ts'
import { type Db, idempotent, type Reader } from '../../db/client.ts'
import { incidents } from '../../db/schema/executions.ts'
import { type Page, type Slice, slice } from '../../http/page.ts'
import type { Incident, IncidentFilter } from '../contract.ts'
import { fingerprintOf } from '../record/error-fingerprint.ts'
import type { ExecutionError } from '../record/merge.ts'
import { timeOf } from '../../runs/order.ts'

export interface IncomingIncident {
  n8nWorkflowId: string
  /** `trigger`: the trigger could not start. `run`: the run failed without an n8n ID. */
  source: 'trigger' | 'run'
  mode: string | null
  error: ExecutionError
  occurredAtMs: number
}

export interface RecordedIncident {
  id: string
  /** True if this call inserted the row. */
  created: boolean
}

const repetitionMs = 10 * 60 * 1000

async function toRow({ n8nWorkflowId, source, mode, error, occurredAtMs }: IncomingIncident) {
  const failure = await fingerprintOf(error)
  const slot = Math.floor(occurredAtMs / repetitionMs)
  return {
    id: uuidv7({ msecs: occurredAtMs }),
    n8n_workflow_id: n8nWorkflowId,
    source,
    mode,
    message: error.message,
    node: error.node,
    error_class: error.errorClass,
    http_status: error.httpStatus,
    fingerprint: failure.fingerprint,
    message_pattern: failure.message,
    occurred_at: new Date(occurredAtMs).toISOString(),
    delivery_hash: await sha256Hex(JSON.stringify([n8nWorkflowId, source, mode, error, slot])),
    deliveries: 1,
  }
}

/**
 * Safe to repeat. Owner, workflow and deployment come from the instance's deployment of the n8n workflow.
 * @returns results in the order of `found`; undefined for failures that match no deployment
 */
export async function recordIncidents(
  db: Db,
  instanceId: string,
  found: IncomingIncident[],
): Promise<(RecordedIncident | undefined)[]> {
  if (found.length === 0) return []
  const rows = await Promise.all(found.map(toRow))
  const byHash = new Map<string, (typeof rows)[number]>()
  for (const row of rows) {
    const same = byHash.get(row.delivery_hash)
    if (same) same.deliveries += 1
    else byHash.set(row.delivery_hash, { ...row })
  }
  const recorded = await idempotent(db).execute<{ id: string; delivery_hash: string }>(sql`
      insert into incidents as kept (id, user_id, instance_id, workflow_id, workflow_version, deployment_id,
        n8n_workflow_id, source, mode, message, node, error_class, http_status, fingerprint, message_pattern, occurred_at,
        delivery_hash, deliveries)
      select i.id, d.user_id, d.instance_id, d.workflow_id, coalesce(h.version, d.version), d.id, i.n8n_workflow_id,
        i.source, i.mode, i.message, i.node, i.error_class, i.http_status, i.fingerprint, i.message_pattern, i.occurred_at,
        i.delivery_hash, i.deliveries
      from jsonb_to_recordset(${JSON.stringify([...byHash.values()])}::jsonb) as i (
        id uuid, n8n_workflow_id text, source text, mode text, message text, node text, error_class text,
        http_status integer, fingerprint text, message_pattern text, occurred_at timestamptz, delivery_hash text,
        deliveries integer)
      join deployments d on d.instance_id = ${instanceId}::uuid and d.n8n_workflow_id = i.n8n_workflow_id
      left join lateral (
        select version from deployment_versions
        where deployment_id = d.id and (created_at <= i.occurred_at or sequence = 1)
        order by sequence desc limit 1
      ) h on true
      order by i.delivery_hash collate "C"
      on conflict on constraint incidents_delivery_key do update set deliveries = kept.deliveries + excluded.deliveries
      returning id, delivery_hash`)
  const ids = new Map(recorded.rows.map(({ id, delivery_hash }) => [delivery_hash, id]))
  return rows.map(({ delivery_hash }) => {
    const id = ids.get(delivery_hash)
    return id === undefined ? undefined : { id, created: byHash.get(delivery_hash)?.id === id }
  })
}

/** A user's failures without an execution. Every method takes the owner first and sees no one else's rows. */
export class IncidentRepository {
  readonly #db: Reader

  constructor(db: Reader) {
    this.#db = db
  }

  /** Newest first: the timestamp in the ID is the time of occurrence. */
  async list(userId: string, filter: IncidentFilter, { limit, after }: Page): Promise<Slice<Incident>> {
    const { workflowId, instanceId, deploymentId, errorFingerprint } = filter
    const rows = await this.#db
      .select()
      .from(incidents)
      .where(
        and(
          eq(incidents.userId, userId),
          workflowId === undefined ? undefined : eq(incidents.workflowId, workflowId),
          instanceId === undefined ? undefined : eq(incidents.instanceId, instanceId),
          deploymentId === undefined ? undefined : eq(incidents.deploymentId, deploymentId),
          errorFingerprint === undefined ? undefined : eq(incidents.fingerprint, errorFingerprint),
          after === null
            ? undefined
            : sql`(${incidents.occurredAt}, ${incidents.id}) < (${timeOf(after).toISOString()}::timestamptz, ${after}::uuid)`,
        ),
      )
      .orderBy(desc(incidents.occurredAt), desc(incidents.id))
      .limit(limit + 1)
    return slice(rows.map(toIncident), limit)
  }
}

export function toIncident(row: typeof incidents.$inferSelect): Incident {
  const { id, workflowId, workflowVersion, deploymentId, instanceId, source, mode, deliveries } = row
  return {
    id,
    workflowId,
    workflowVersion,
    deploymentId,
    instanceId,
    source,
    mode,
    error: { message: row.message, node: row.node },
    errorFingerprint: row.fingerprint,
    occurredAt: row.occurredAt.toISOString(),
    deliveries,
  }
}

/** Deletes up to `limit` rows older than `before`. @returns the number deleted */
export async function deleteExpiredIncidents(db: Db, before: Date, limit: number): Promise<number> {
  const { rows } = await db.execute<{ deleted: number }>(sql`
    with gone as (
      delete from incidents where id in (
        select id from incidents where occurred_at < ${before.toISOString()}::timestamptz limit ${limit})
      returning 1
    )
    select count(*)::integer as deleted from gone`)
  return rows[0]?.deleted ?? 0
}
