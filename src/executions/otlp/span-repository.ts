/** @module Stores spans until all spans of their run have arrived. */
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from '../../db/client.ts'
import { sha256Hex } from '../../lib/encoding.ts'
import { dayMs, minuteMs } from '../../lib/time.ts'
import { isOpen } from '../../runs/meaning.ts'
import type { IncomingExecution } from '../record/merge.ts'
import type { PartSpans } from './run-spans.ts'

/** Of an ended run: time for requests that were delayed or are repeated. */
const endedMs = 15 * minuteMs
/** Of a run that has not ended: its nodes ran, or it waits. */
const openMs = 3 * dayMs
/** Per instance. Beyond it, only runs whose spans arrive in one request are complete before the next poll. */
const maxRows = 50_000

export class SpanRepository {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /**
   * Stores the spans, except those of workflows that have no deployment. Two statements: concurrent requests with spans of
   * one run each commit before they read, so that the later one finds all.
   * @returns all stored spans of the runs that `received` has spans of and whose first part has ended
   */
  async storeAndRead(instance: { id: string; userId: string }, received: PartSpans[]): Promise<PartSpans[]> {
    await this.#store(instance, received)
    const keys = JSON.stringify(received.map(({ partKey }) => partKey))
    const { rows } = await this.#db.read.execute<{
      part_key: string
      run_key: string | null
      spans: Pick<PartSpans, 'part' | 'nodes'>
    }>(sql`
      with received as (
        select key from jsonb_array_elements_text(${keys}::jsonb) r (key)
      ), runs as (
        select distinct s.run_key from received r
        join otel_spans s on s.instance_id = ${instance.id}::uuid and s.part_key = r.key and s.run_key is not null
      ), parts as (
        select distinct s.part_key from runs r
        join otel_spans s on s.instance_id = ${instance.id}::uuid and s.run_key = r.run_key
      )
      select s.part_key, s.run_key, s.spans from parts p
      join otel_spans s on s.instance_id = ${instance.id}::uuid and s.part_key = p.part_key`)
    return rows.map(({ part_key, run_key, spans }) => ({
      partKey: part_key,
      runKey: run_key,
      part: spans.part,
      nodes: spans.nodes,
    }))
  }

  async #store({ id, userId }: { id: string; userId: string }, received: PartSpans[]): Promise<void> {
    const nowMs = this.#now().getTime()
    const at = (ms: number) => new Date(nowMs + ms).toISOString()
    const rows = await Promise.all(
      received.map(async ({ partKey, runKey, part, nodes }) => {
        const spans = { part, nodes }
        const isEnded = part !== null && !isOpen(part.status as IncomingExecution['status'])
        return {
          part_key: partKey,
          run_key: runKey,
          digest: await sha256Hex(JSON.stringify(spans)),
          n8n_workflow_id: part?.workflowId ?? null,
          is_ended: isEnded,
          spans,
          expires_at: at(isEnded ? endedMs : openMs),
        }
      }),
    )
    await idempotent(this.#db).execute(sql`
      with received as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) r (
          part_key text, run_key text, digest text, n8n_workflow_id text, is_ended boolean, spans jsonb,
          expires_at timestamptz)
      ), ended as (
        update otel_spans s set expires_at = r.expires_at from received r
        where r.is_ended and s.instance_id = ${id}::uuid and s.part_key = r.part_key and s.expires_at > r.expires_at
      )
      insert into otel_spans (user_id, instance_id, part_key, run_key, digest, spans, expires_at)
      select ${userId}::uuid, ${id}::uuid, part_key, run_key, digest, spans, expires_at from received
      where (n8n_workflow_id is null or exists (
          select from deployments d where d.instance_id = ${id}::uuid and d.n8n_workflow_id = received.n8n_workflow_id))
        and (select count(*) from (
          select from otel_spans where instance_id = ${id}::uuid limit ${maxRows}::integer) s) < ${maxRows}::integer
      order by part_key collate "C", digest collate "C"
      on conflict on constraint otel_spans_pkey do nothing`)
  }
}
