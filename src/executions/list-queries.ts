import { and, eq, sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { executions } from '../db/schema/executions.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import type { ExecutionSummary } from './contract.ts'
import { summaryColumns, toSummary } from './repository.ts'
import { newestFirst, olderThan, type RunPosition, runCursor } from '../runs/order.ts'
import { type ExecutionSearch, matching } from './search.ts'
import { slice } from '../http/page.ts'

export interface ListedRun extends ExecutionSummary {
  /** Null if deleted. */
  workflowName: string | null
  instanceName: string | null
  /** Trigger types of the version; empty when unknown. */
  triggerTypes: string[]
}

export const pageRows = 50

/** Newest first. `next` is the cursor of the next page; null on the last page. */
export async function readRuns(
  db: Reader,
  userId: string,
  search: ExecutionSearch,
  after: RunPosition | null,
  now: Date,
): Promise<{ runs: ListedRun[]; next: string | null }> {
  const rows = await db
    .select({
      run: summaryColumns(now),
      workflowName: workflows.name,
      instanceName: instances.name,
      triggerTypes: workflowVersions.triggerTypes,
    })
    .from(executions)
    .leftJoin(workflows, and(eq(workflows.userId, userId), eq(workflows.id, executions.workflowId)))
    .leftJoin(instances, and(eq(instances.userId, userId), eq(instances.id, executions.instanceId)))
    .leftJoin(
      workflowVersions,
      and(
        eq(workflowVersions.workflowId, executions.workflowId),
        eq(workflowVersions.version, executions.workflowVersion),
        eq(workflowVersions.userId, userId),
      ),
    )
    .where(and(matching(userId, search, now), after === null ? undefined : olderThan(userId, after)))
    .orderBy(...newestFirst)
    .limit(pageRows + 1)
  const runs = rows.map(({ run, workflowName, instanceName, triggerTypes }) =>
    Object.assign(toSummary(run), { workflowName, instanceName, triggerTypes: triggerTypes ?? [] }),
  )
  const { items, nextCursor } = slice(runs, pageRows, runCursor)
  return { runs: items, next: nextCursor }
}

export interface Named {
  id: string
  name: string
}

export interface FilterChoices {
  workflows: Named[]
  instances: Named[]
}

const maxChoices = 500

/** Filter choices, sorted by name. Includes the workflow of the current filter. */
export async function readChoices(
  db: Reader,
  userId: string,
  { workflowId }: Pick<ExecutionSearch, 'workflowId'>,
): Promise<FilterChoices> {
  const named = { id: workflows.id, name: workflows.name }
  const [listed, selected, servers] = await db.batch([
    db
      .select(named)
      .from(workflows)
      .where(eq(workflows.userId, userId))
      .orderBy(sql`lower(${workflows.name})`)
      .limit(maxChoices),
    db
      .select(named)
      .from(workflows)
      .where(and(eq(workflows.userId, userId), workflowId ? eq(workflows.id, workflowId) : sql`false`)),
    db
      .select({ id: instances.id, name: instances.name })
      .from(instances)
      .where(eq(instances.userId, userId))
      .orderBy(sql`lower(${instances.name})`)
      .limit(maxChoices),
  ])
  const missing = selected.filter(({ id }) => !listed.some((each) => each.id === id))
  return { workflows: [...missing, ...listed], instances: servers }
}
