import { and, eq, sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { executions } from '../db/schema/executions.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows } from '../db/schema/workflows.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Execution, ExecutionSummary } from './contract.ts'
import { hasError, isStuck } from '../runs/meaning.ts'
import {
  newerThan,
  newestFirst,
  oldestFirst,
  olderThan,
  type RunPosition,
  runCursor,
  timeOf,
} from '../runs/order.ts'
import { costsOfRun, type ExecutionUsage, toExecutionUsage } from '../runs/usage.ts'
import { type ExecutionSearch, matching } from './list-filter.ts'

/** Columns of an execution summary. */
export const summaryColumns = (now: Date) => ({
  id: executions.id,
  n8nExecutionId: executions.n8nExecutionId,
  workflowId: executions.workflowId,
  workflowVersion: executions.workflowVersion,
  workflowVersionSource: executions.workflowVersionSource,
  deploymentId: executions.deploymentId,
  instanceId: executions.instanceId,
  status: executions.status,
  mode: executions.mode,
  kind: executions.kind,
  retryOf: executions.retryOf,
  retryOfId: executions.retryOfId,
  retriedById: executions.retriedById,
  waited: executions.waited,
  activeMs: executions.activeMs,
  startedAt: executions.startedAt,
  finishedAt: executions.finishedAt,
  errorMessage: executions.errorMessage,
  errorNode: executions.errorNode,
  recordedAt: executions.recordedAt,
  stuck: isStuck(now),
})

type Columns = ReturnType<typeof summaryColumns>
type Row = Pick<typeof executions.$inferSelect, Exclude<keyof Columns, 'stuck'>> & { stuck: boolean }

/** With the current names of the workflow and the instance; null if deleted. */
export interface NamedExecution extends ExecutionSummary {
  workflowName: string | null
  instanceName: string | null
}

/**
 * A user's executions. Every method takes the owner first and sees no one else's rows. The timestamp in an ID is
 * the partition key of its row, so lookups by ID or cursor read one partition.
 */
export class ExecutionRepository {
  readonly #db: Reader
  readonly #now: () => Date

  constructor(db: Reader, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  async find(userId: string, id: string): Promise<Execution | null> {
    const [row] = await this.#db
      .select({ ...summaryColumns(this.#now()), data: executions.data, ...usageColumns(userId) })
      .from(executions)
      .where(and(eq(executions.userId, userId), eq(executions.id, id), eq(executions.recordedAt, timeOf(id))))
    return row ? { ...toSummary(row), data: row.data, usage: usageOfRun(row) } : null
  }

  /** Newest first. */
  async list(
    userId: string,
    search: ExecutionSearch,
    { limit, after }: Page<RunPosition>,
  ): Promise<Slice<ExecutionSummary>> {
    const rows = await this.#db
      .select(summaryColumns(this.#now()))
      .from(executions)
      .where(
        and(matching(userId, search, this.#now()), after === null ? undefined : olderThan(userId, after)),
      )
      .orderBy(...newestFirst)
      .limit(limit + 1)
    return slice(rows.map(toSummary), limit, runCursor)
  }

  /** Like `list`, with names. */
  async listNamed(
    userId: string,
    search: ExecutionSearch,
    { limit, after }: Page<RunPosition>,
  ): Promise<Slice<NamedExecution>> {
    const rows = await this.#db
      .select({
        run: summaryColumns(this.#now()),
        workflowName: workflows.name,
        instanceName: instances.name,
      })
      .from(executions)
      .leftJoin(workflows, and(eq(workflows.userId, userId), eq(workflows.id, executions.workflowId)))
      .leftJoin(instances, and(eq(instances.userId, userId), eq(instances.id, executions.instanceId)))
      .where(
        and(matching(userId, search, this.#now()), after === null ? undefined : olderThan(userId, after)),
      )
      .orderBy(...newestFirst)
      .limit(limit + 1)
    const named = rows.map(({ run, ...names }) => Object.assign(toSummary(run), names))
    return slice(named, limit, runCursor)
  }

  /** Counts executions of a list that are newer than `id`, up to `cap`. */
  async countNewer(userId: string, search: ExecutionSearch, id: string, cap: number): Promise<number> {
    const newer = this.#db
      .select({ one: sql`1`.as('one') })
      .from(executions)
      .where(and(matching(userId, search, this.#now()), newerThan(userId, { id, happenedAtMs: null })))
      .limit(cap)
      .as('newer')
    return this.#db.$count(newer)
  }

  /** The IDs before and after `id` in a list; null at the ends. `id` need not be in the list. */
  async neighbours(
    userId: string,
    search: ExecutionSearch,
    id: string,
  ): Promise<{ newer: string | null; older: string | null }> {
    const from = () => this.#db.select({ id: executions.id }).from(executions)
    const here = { id, happenedAtMs: null }
    const [[newer], [older]] = await this.#db.batch([
      from()
        .where(and(matching(userId, search, this.#now()), newerThan(userId, here)))
        .orderBy(...oldestFirst)
        .limit(1),
      from()
        .where(and(matching(userId, search, this.#now()), olderThan(userId, here)))
        .orderBy(...newestFirst)
        .limit(1),
    ])
    return { newer: newer?.id ?? null, older: older?.id ?? null }
  }
}

export const usageColumns = (userId: string) => ({
  usage: executions.usage,
  usageMergeKey: executions.usageMergeKey,
  dataMergeKey: executions.dataMergeKey,
  costs: costsOfRun(userId, sql`${executions.usage}`),
})

/** Null while a poll has yet to tell it. */
export const usageOfRun = ({
  usage,
  usageMergeKey,
  dataMergeKey,
  costs,
}: Pick<typeof executions.$inferSelect, 'usage' | 'usageMergeKey' | 'dataMergeKey'> & {
  costs: (number | null)[] | null
}): ExecutionUsage | null => {
  const isPending = usageMergeKey === '-' && (dataMergeKey ?? '') < '40'
  return dataMergeKey === null || isPending ? null : toExecutionUsage(usage, costs)
}

export function toSummary(row: Row): ExecutionSummary {
  const durationMs = row.startedAt && row.finishedAt && row.finishedAt.getTime() - row.startedAt.getTime()
  return {
    id: row.id,
    n8nExecutionId: row.n8nExecutionId,
    workflowId: row.workflowId,
    workflowVersion: row.workflowVersion,
    workflowVersionSource: row.workflowVersionSource,
    deploymentId: row.deploymentId,
    instanceId: row.instanceId,
    status: row.status,
    stuck: row.stuck,
    mode: row.mode,
    kind: row.kind,
    retryOf: row.retryOfId,
    n8nRetryOf: row.retryOf,
    retriedBy: row.retriedById,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    // Clock skew: the duration is unknown if the end precedes the start.
    durationMs: durationMs !== null && durationMs >= 0 ? durationMs : null,
    waited: row.waited,
    activeMs: row.waited ? row.activeMs : null,
    error:
      hasError(row.status) && row.errorMessage !== null
        ? { message: row.errorMessage, node: row.errorNode }
        : null,
    receivedAt: row.recordedAt.toISOString(),
  }
}
