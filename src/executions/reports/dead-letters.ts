/**
 * @module Authenticated reports that cannot be used yet. They are stored for 30 days, up to 1,000 reports and 10 MB per
 * instance; the oldest are dropped first. A repeated report increments a counter.
 */
import { dayMs } from '../../lib/time.ts'
import { sha256Hex } from '../../lib/encoding.ts'
import { metrics } from '../../telemetry/metrics.ts'
import { and, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues, auditEvent } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import { deployments } from '../../db/schema/deployments.ts'
import { deadLetters } from '../../db/schema/instances.ts'
import { type Page, type Slice, slice } from '../../http/page.ts'
import type { DeadLetter, DeadLetterFilter, DeadLetterWithBody, ReplayAnswer } from '../contract.ts'
import { recordIncidents } from './incidents.ts'
import { ingest } from '../record/ingest.ts'
import { readPayload } from './payload.ts'

const maxDeadLetters = 1000
const maxInstanceBytes = 10 * 1024 * 1024
const retentionMs = 30 * dayMs
export const deadLetterLimitBytes = 256 * 1024
const replayChunkBytes = 4 * 1024 * 1024

export interface NewDeadLetter {
  code: string
  n8nExecutionId: string | null
  n8nWorkflowId: string | null
  /** JSON text, at most 256 KB. */
  body: string
  receivedAt: Date
}

const columns = {
  id: deadLetters.id,
  instanceId: deadLetters.instanceId,
  code: deadLetters.code,
  n8nExecutionId: deadLetters.n8nExecutionId,
  n8nWorkflowId: deadLetters.n8nWorkflowId,
  sizeBytes: deadLetters.sizeBytes,
  deliveries: deadLetters.deliveries,
  createdAt: deadLetters.createdAt,
}

type StoredDeadLetter = Pick<
  typeof deadLetters.$inferSelect,
  'id' | 'instanceId' | 'code' | 'body' | 'createdAt'
>

export class DeadLetterRepository {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  async store(instance: { id: string; userId: string }, newDeadLetters: NewDeadLetter[]): Promise<void> {
    const byHash = new Map<string, Record<string, unknown> & { deliveries: number }>()
    for (const deadLetter of newDeadLetters) {
      metrics.rejectedReports.add(1, deadLetter.code)
      const bytes = new TextEncoder().encode(deadLetter.body)
      const bodyHash = await sha256Hex(bytes)
      const earlier = byHash.get(bodyHash)
      if (earlier) earlier.deliveries += 1
      else {
        byHash.set(bodyHash, {
          id: uuidv7({ msecs: deadLetter.receivedAt.getTime() }),
          code: deadLetter.code,
          n8n_execution_id: deadLetter.n8nExecutionId,
          n8n_workflow_id: deadLetter.n8nWorkflowId,
          body: deadLetter.body,
          body_hash: bodyHash,
          size_bytes: bytes.length,
          deliveries: 1,
          created_at: deadLetter.receivedAt.toISOString(),
        })
      }
    }
    const expiredAt = new Date(this.#now().getTime() - retentionMs).toISOString()
    // The lock on the instance row serializes transactions, so the limits count rows stored by earlier ones.
    await this.#db.batch([
      this.#db.execute(sql`select id from instances where id = ${instance.id} for no key update`),
      this.#db.execute(sql`
        insert into dead_letters as kept
          (id, user_id, instance_id, code, n8n_workflow_id, n8n_execution_id, body, body_hash, size_bytes, deliveries, created_at)
        select id, ${instance.userId}::uuid, ${instance.id}::uuid, code, n8n_workflow_id, n8n_execution_id,
          body, body_hash, size_bytes, deliveries, created_at
        from jsonb_to_recordset(${JSON.stringify([...byHash.values()])}::jsonb) as l (
          id uuid, code text, n8n_workflow_id text, n8n_execution_id text, body text, body_hash text,
          size_bytes integer, deliveries integer, created_at timestamptz)
        on conflict (instance_id, body_hash) do update set deliveries = kept.deliveries + excluded.deliveries`),
      this.#db.execute(sql`
        delete from dead_letters where id in (
          select id from (
            select id, created_at, row_number() over newest as position, sum(size_bytes) over newest as total_bytes
            from dead_letters where instance_id = ${instance.id} window newest as (order by id desc)
          ) ranked
          where position > ${maxDeadLetters}::integer or total_bytes > ${maxInstanceBytes}::integer
            or created_at < ${expiredAt}::timestamptz)`),
    ])
  }

  async list(userId: string, filter: DeadLetterFilter, page: Page): Promise<Slice<DeadLetter>> {
    const rows = await this.#db.read
      .select(columns)
      .from(deadLetters)
      .where(
        and(
          eq(deadLetters.userId, userId),
          filter.instanceId === undefined ? undefined : eq(deadLetters.instanceId, filter.instanceId),
          page.after === null ? undefined : lt(deadLetters.id, page.after),
        ),
      )
      .orderBy(desc(deadLetters.id))
      .limit(page.limit + 1)
    return slice(rows.map(toDeadLetter), page.limit)
  }

  async find(userId: string, id: string): Promise<DeadLetterWithBody | null> {
    const [row] = await this.#db.read
      .select({ ...columns, body: deadLetters.body })
      .from(deadLetters)
      .where(owned(userId, id))
    return row ? { ...toDeadLetter(row), body: row.body } : null
  }

  async delete(userId: string, id: string): Promise<boolean> {
    const { rows } = await this.#db.execute(sql`
      with deleted as (delete from ${deadLetters} where ${owned(userId, id)} returning id, user_id, instance_id)
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select uuid_v7(), user_id, 'dead-letter.deleted', id, jsonb_build_object('instanceId', instance_id), ${actorValues()}
      from deleted returning subject_id`)
    return rows.length > 0
  }

  /** Replays one dead letter and deletes it when its execution is recorded. Null when it does not exist. */
  async replay(userId: string, id: string): Promise<ReplayAnswer | null> {
    const [deadLetter] = await this.#db.read.select().from(deadLetters).where(owned(userId, id))
    if (!deadLetter) return null
    const { instanceId } = deadLetter
    const [answer] = await this.#replay(instanceId, [deadLetter])
    const { executionId = null, replayed = false } = answer ?? {}
    await auditEvent(this.#db, userId, 'dead-letter.replayed', id, { instanceId, replayed, executionId })
    return answer ?? null
  }

  /** Replays all dead letters of an n8n workflow that now has a deployment. @returns the number recorded */
  async replayMatching(userId: string, instanceId: string, n8nWorkflowId: string): Promise<number> {
    let recorded = 0
    for (let after: string | undefined; ; ) {
      const stored: StoredDeadLetter[] = await this.#waiting(userId, instanceId, n8nWorkflowId, after)
      const last = stored.at(-1)
      if (!last) return recorded
      const answers = await this.#replay(instanceId, stored)
      recorded += answers.filter((answer) => answer.replayed).length
      after = last.id
    }
  }

  /** Call after storing dead letters: a deployment created concurrently may have looked for them too early. */
  async replayIfMatched(instance: { id: string; userId: string }, n8nWorkflowIds: string[]): Promise<void> {
    const matched = await this.#db.read
      .select({ n8nWorkflowId: deployments.n8nWorkflowId })
      .from(deployments)
      .where(and(eq(deployments.instanceId, instance.id), inArray(deployments.n8nWorkflowId, n8nWorkflowIds)))
    for (const { n8nWorkflowId } of matched) {
      if (n8nWorkflowId !== null) await this.replayMatching(instance.userId, instance.id, n8nWorkflowId)
    }
  }

  /** Deletes up to `limit` expired dead letters of all owners. */
  async purgeExpired(limit: number): Promise<number> {
    const expired = this.#db.read
      .select({ id: deadLetters.id })
      .from(deadLetters)
      .where(lt(deadLetters.createdAt, new Date(this.#now().getTime() - retentionMs)))
      .limit(limit)
    const rows = await this.#db
      .delete(deadLetters)
      .where(inArray(deadLetters.id, expired))
      .returning({ id: deadLetters.id })
    return rows.length
  }

  /** Oldest first, about 4 MB at a time. */
  async #waiting(userId: string, instanceId: string, n8nWorkflowId: string, after: string | undefined) {
    const totalBytes = sql<number>`sum(${deadLetters.sizeBytes}) over (order by ${deadLetters.id})`.as(
      'total_bytes',
    )
    const { id, code, body, createdAt } = deadLetters
    const waiting = this.#db.read
      .select({ id, instanceId: deadLetters.instanceId, code, body, createdAt, totalBytes })
      .from(deadLetters)
      .where(
        and(
          eq(deadLetters.userId, userId),
          eq(deadLetters.instanceId, instanceId),
          eq(deadLetters.n8nWorkflowId, n8nWorkflowId),
          eq(deadLetters.code, 'unknown-workflow'),
          after === undefined ? undefined : gt(deadLetters.id, after),
        ),
      )
      .as('waiting')
    return this.#db.read
      .select()
      .from(waiting)
      .where(lt(waiting.totalBytes, replayChunkBytes))
      .orderBy(waiting.id)
  }

  /** @returns results in the order of `stored`. Each report keeps the time of its first delivery. */
  async #replay(instanceId: string, stored: StoredDeadLetter[]): Promise<ReplayAnswer[]> {
    const read = stored.map((deadLetter) => readPayload(parseOrNull(deadLetter.body), deadLetter.createdAt))
    const executions = read.flatMap((payload) => (payload.ok && payload.execution ? [payload.execution] : []))
    const incidents = read.flatMap((payload) => (payload.ok && payload.incident ? [payload.incident] : []))
    const occurred = await recordIncidents(this.#db, instanceId, incidents)
    const recorded = await ingest(this.#db, instanceId, executions, 'push')
    const runs = new Map(executions.map((execution, index) => [execution, recorded[index]?.id]))
    const incidentIds = new Map(incidents.map((incident, index) => [incident, occurred[index]?.id]))
    const answers = read.map((payload): ReplayAnswer => {
      if (!payload.ok) return { replayed: false, executionId: null, code: payload.code }
      const incidentId = payload.incident && incidentIds.get(payload.incident)
      if (incidentId !== undefined) return { replayed: true, executionId: null, incidentId, code: null }
      const executionId = payload.execution && runs.get(payload.execution)
      return executionId !== undefined
        ? { replayed: true, executionId, code: null }
        : { replayed: false, executionId: null, code: 'unknown-workflow' }
    })
    const done = stored.filter((_, index) => answers[index]?.replayed)
    if (done.length > 0) {
      const ids = done.map((deadLetter) => deadLetter.id)
      await this.#db.delete(deadLetters).where(inArray(deadLetters.id, ids))
    }
    return answers
  }
}

const owned = (userId: string, id: string) => and(eq(deadLetters.userId, userId), eq(deadLetters.id, id))

function toDeadLetter(row: Pick<typeof deadLetters.$inferSelect, keyof typeof columns>): DeadLetter {
  const { id, instanceId, code, n8nExecutionId, n8nWorkflowId, sizeBytes, deliveries } = row
  const createdAt = row.createdAt.toISOString()
  return { id, instanceId, code, n8nExecutionId, n8nWorkflowId, sizeBytes, deliveries, createdAt }
}

/** A truncated body is not valid JSON. */
function parseOrNull(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
