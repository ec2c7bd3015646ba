import { and, desc, eq, sql } from 'drizzle-orm'
import { type CutList, cutList } from '../lib/cut-list.ts'
import type { Reader } from '../db/client.ts'
import { executions } from '../db/schema/executions.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import { type NamedExecution, summaryColumns, toSummary } from './repository.ts'
import { newestFirst, olderThan, type RunPosition, runCursor } from '../runs/order.ts'
import { type ExecutionSearch, matching } from './list-filter.ts'
import { slice } from '../http/page.ts'

export interface ListedRun extends NamedExecution {
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
  workflows: CutList<Named>
  instances: CutList<Named>
}

/** How many options a filter lists. */
const maxChoices = 500

/** Those of the current filter, then by name. */
export async function readChoices(
  db: Reader,
  userId: string,
  { workflowId, instanceId }: Pick<ExecutionSearch, 'workflowId' | 'instanceId'>,
): Promise<FilterChoices> {
  const first = (column: typeof workflows.id | typeof instances.id, id: string | undefined) =>
    id === undefined ? [] : [desc(eq(column, id))]
  const [ofWorkflows, ofInstances] = await db.batch([
    db
      .select({ id: workflows.id, name: workflows.name })
      .from(workflows)
      .where(eq(workflows.userId, userId))
      .orderBy(...first(workflows.id, workflowId), sql`lower(${workflows.name})`, workflows.id)
      .limit(maxChoices + 1),
    db
      .select({ id: instances.id, name: instances.name })
      .from(instances)
      .where(eq(instances.userId, userId))
      .orderBy(...first(instances.id, instanceId), sql`lower(${instances.name})`, instances.id)
      .limit(maxChoices + 1),
  ])
  return { workflows: cutList(ofWorkflows, maxChoices), instances: cutList(ofInstances, maxChoices) }
}
