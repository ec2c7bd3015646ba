import { and, desc, eq, gte, lt, lte, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { executions } from '../db/schema/executions.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Execution, ExecutionFilter, ExecutionSummary } from './contract.ts'
import { failingStatuses } from './merge.ts'

const columns = {
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

type Row = Pick<typeof executions.$inferSelect, keyof typeof columns>

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
      .select({ ...columns, data: executions.data })
      .from(executions)
      .where(and(eq(executions.userId, userId), eq(executions.id, id), eq(executions.recordedAt, timeOf(id))))
    return row ? { ...toSummary(row), data: row.data } : null
  }

  /** By when they were first heard of, newest first. */
  async list(userId: string, filter: ExecutionFilter, page: Page): Promise<Slice<ExecutionSummary>> {
    const { workflowId, deploymentId, instanceId, status, startedAfter, startedBefore } = filter
    const rows = await this.#db
      .select(columns)
      .from(executions)
      .where(
        and(
          eq(executions.userId, userId),
          page.after === null ? undefined : olderThan(page.after),
          workflowId === undefined ? undefined : eq(executions.workflowId, workflowId),
          deploymentId === undefined ? undefined : eq(executions.deploymentId, deploymentId),
          instanceId === undefined ? undefined : eq(executions.instanceId, instanceId),
          status === undefined ? undefined : eq(executions.status, status),
          startedAfter === undefined ? undefined : gte(executions.startedAt, startedAfter),
          startedBefore === undefined ? undefined : lt(executions.startedAt, startedBefore),
        ),
      )
      .orderBy(desc(executions.recordedAt), desc(executions.id))
      .limit(page.limit + 1)
    return slice(rows.map(toSummary), page.limit)
  }
}

/** The first 48 bits of a UUIDv7 (RFC 9562 §5.7). */
const timeOf = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))

/** The row comparison walks the index; the plain one beside it is what partitions are pruned by. */
const olderThan = (id: string) =>
  and(
    lte(executions.recordedAt, timeOf(id)),
    sql`(${executions.recordedAt}, ${executions.id}) < (${timeOf(id).toISOString()}::timestamptz, ${id}::uuid)`,
  )

function toSummary(row: Row): ExecutionSummary {
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
