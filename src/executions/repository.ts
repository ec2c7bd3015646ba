import { and, asc, desc, eq, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { executions } from '../db/schema/executions.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Execution, ExecutionSummary } from './contract.ts'
import { failingStatuses } from './merge.ts'
import { type ExecutionSearch, matching, newerThan, olderThan, timeOf } from './search.ts'

/** What a summary is made of. */
export const summaryColumns = {
  id: executions.id,
  n8nExecutionId: executions.n8nExecutionId,
  workflowId: executions.workflowId,
  workflowVersion: executions.workflowVersion,
  deploymentId: executions.deploymentId,
  instanceId: executions.instanceId,
  status: executions.status,
  mode: executions.mode,
  startedAt: executions.startedAt,
  finishedAt: executions.finishedAt,
  errorMessage: executions.errorMessage,
  errorNode: executions.errorNode,
  recordedAt: executions.recordedAt,
}

type Row = Pick<typeof executions.$inferSelect, keyof typeof summaryColumns>

/**
 * A user's executions. Every method takes the owner first and sees no one else's rows. An id's own time is its row's
 * partition key, so ids and cursors lead straight to their partitions.
 */
export class ExecutionRepository {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async find(userId: string, id: string): Promise<Execution | null> {
    const [row] = await this.#db
      .select({ ...summaryColumns, data: executions.data })
      .from(executions)
      .where(and(eq(executions.userId, userId), eq(executions.id, id), eq(executions.recordedAt, timeOf(id))))
    return row ? { ...toSummary(row), data: row.data } : null
  }

  /** By when they were first heard of, newest first. */
  async list(userId: string, search: ExecutionSearch, page: Page): Promise<Slice<ExecutionSummary>> {
    const rows = await this.#db
      .select(summaryColumns)
      .from(executions)
      .where(and(matching(userId, search), page.after === null ? undefined : olderThan(page.after)))
      .orderBy(desc(executions.recordedAt), desc(executions.id))
      .limit(page.limit + 1)
    return slice(rows.map(toSummary), page.limit)
  }

  /** How many of a list were first heard of after `id`, counted up to `cap`. */
  async countNewer(userId: string, search: ExecutionSearch, id: string, cap: number): Promise<number> {
    const newer = this.#db
      .select({ one: sql`1`.as('one') })
      .from(executions)
      .where(and(matching(userId, search), newerThan(id)))
      .limit(cap)
      .as('newer')
    return this.#db.$count(newer)
  }

  /** The ids before and after `id` in a list; null at its ends. `id` itself need not be in it. */
  async neighbours(
    userId: string,
    search: ExecutionSearch,
    id: string,
  ): Promise<{ newer: string | null; older: string | null }> {
    const from = () => this.#db.select({ id: executions.id }).from(executions)
    const [[newer], [older]] = await this.#db.batch([
      from()
        .where(and(matching(userId, search), newerThan(id)))
        .orderBy(asc(executions.recordedAt), asc(executions.id))
        .limit(1),
      from()
        .where(and(matching(userId, search), olderThan(id)))
        .orderBy(desc(executions.recordedAt), desc(executions.id))
        .limit(1),
    ])
    return { newer: newer?.id ?? null, older: older?.id ?? null }
  }
}

export function toSummary(row: Row): ExecutionSummary {
  const durationMs = row.startedAt && row.finishedAt && row.finishedAt.getTime() - row.startedAt.getTime()
  const failed = failingStatuses.includes(row.status)
  return {
    id: row.id,
    n8nExecutionId: row.n8nExecutionId,
    workflowId: row.workflowId,
    workflowVersion: row.workflowVersion,
    deploymentId: row.deploymentId,
    instanceId: row.instanceId,
    status: row.status,
    mode: row.mode,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    // Clocks of two machines: what ended before it began took an unknown time.
    durationMs: durationMs !== null && durationMs >= 0 ? durationMs : null,
    error: failed && row.errorMessage !== null ? { message: row.errorMessage, node: row.errorNode } : null,
    receivedAt: row.recordedAt.toISOString(),
  }
}
