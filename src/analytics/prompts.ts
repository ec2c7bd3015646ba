import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { type BoundedRange, partsOf, periodOf } from '../runs/period.ts'
import {
  type ModelStats,
  type modelSorts,
  type PromptStats,
  promptExcerptChars,
  type promptSorts,
} from './contract.ts'
import {
  type Filter,
  type GroupSums,
  groupColumns,
  groupOrders,
  groupSums,
  topGroups,
  runsIn,
  usageIn,
} from '../runs/sources.ts'
import { pricedUsage, toUsageSums, usageColumnsOf, usageSumColumns, type UsageRow } from '../runs/usage.ts'
import { ratesOf } from './summary.ts'

type Sort = (typeof promptSorts)[number]

interface PromptRow extends GroupSums, UsageRow {
  workflow_id: string
  workflow_version: number
  name: string
  prompt: string
  model: string | null
  created_ms: number
}

interface ModelRow extends GroupSums, UsageRow {
  model: string
  workflows: number
  versions: number
}

/** Workflow versions that have a prompt. Deleting a workflow deletes its prompts. */
export async function promptStats(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { limit, sort }: { limit: number; sort: Sort },
): Promise<PromptStats> {
  const key = sql`workflow_id, workflow_version`
  const order = sort === 'newest' ? sql`created_at desc` : groupOrders[sort]
  const parts = partsOf(range)
  const { rows } = await db.execute<PromptRow>(sql`
    with runs as (${runsIn(userId, filter, parts)}),
    ${pricedUsage(userId, usageIn(userId, filter, parts))},
    used as (
      select workflow_id as used_workflow, workflow_version as used_version, ${usageSumColumns}
      from priced group by workflow_id, workflow_version
    ),
    sums as (select ${key}, ${groupSums} from runs group by ${key}),
    ${topGroups({
      sums: sql`
        select sums.*, u.*, v.created_at from sums
        left join used u on (u.used_workflow, u.used_version) = (sums.workflow_id, sums.workflow_version)
        join workflow_versions v on v.user_id = ${userId} and v.workflow_id = sums.workflow_id
          and v.version = sums.workflow_version and v.prompt is not null
        where runs > 0`,
      rankings: [{ order: sql`${order}, ${key} desc`, byDuration: sort === 'p95', limit }],
      key,
    })}
    select p.workflow_id, p.workflow_version, w.name, left(v.prompt, ${promptExcerptChars}) as prompt, v.model,
      extract(epoch from p.created_at)::float8 * 1000 as created_ms, ${groupColumns}, ${usageColumnsOf}
    from top_groups p
    join workflow_versions v on v.workflow_id = p.workflow_id and v.version = p.workflow_version
    join workflows w on w.user_id = ${userId} and w.id = p.workflow_id
    order by ${sort === 'newest' ? sql`p.created_at desc` : order}, p.workflow_id, p.workflow_version desc`)
  return {
    period: periodOf(range),
    total: rows[0]?.of_all ?? 0,
    items: rows.map(toPromptItem),
  }
}

const toPromptItem = (row: PromptRow) => ({
  workflowId: row.workflow_id,
  name: row.name,
  version: row.workflow_version,
  prompt: row.prompt,
  model: row.model,
  createdAt: new Date(row.created_ms).toISOString(),
  ...ratesOf(row),
  usage: toUsageSums(row),
})

export async function modelStats(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { limit, sort }: { limit: number; sort: (typeof modelSorts)[number] },
): Promise<ModelStats> {
  const order = sql`${groupOrders[sort]}, model desc`
  const parts = partsOf(range)
  // An empty text means no model.
  const { rows } = await db.execute<ModelRow>(sql`
    with runs as (${runsIn(userId, filter, parts)}),
    ${pricedUsage(userId, usageIn(userId, filter, parts))},
    used as (
      select workflow_id as used_workflow, workflow_version as used_version, ${usageSumColumns}
      from priced group by workflow_id, workflow_version
    ),
    by_version as (
      select workflow_id, workflow_version, ${groupSums}, sum(durations) as durations
      from runs group by workflow_id, workflow_version
    ),
    sums as (
      select coalesce(v.model, '') as model, count(distinct r.workflow_id) as workflows, count(*) as versions,
        sum(runs) as runs, sum(failed) as failed, sum(succeeded) as succeeded, sum(durations) as durations,
        ${usageSumColumns}
      from by_version r
      left join used u on (u.used_workflow, u.used_version) = (r.workflow_id, r.workflow_version)
      left join workflow_versions v on v.user_id = ${userId} and v.workflow_id = r.workflow_id
        and v.version = r.workflow_version
      where runs > 0
      group by coalesce(v.model, '')
    ),
    ${topGroups({
      sums: sql`select * from sums`,
      rankings: [{ order, byDuration: sort === 'p95', limit }],
    })}
    select model, workflows::float8, versions::float8, ${groupColumns}, ${usageColumnsOf} from top_groups
    order by ${order}`)
  return {
    period: periodOf(range),
    total: rows[0]?.of_all ?? 0,
    items: rows.map(toModelItem),
  }
}

const toModelItem = (row: ModelRow) => ({
  model: row.model || null,
  workflows: row.workflows,
  versions: row.versions,
  ...ratesOf(row),
  usage: toUsageSums(row),
})
