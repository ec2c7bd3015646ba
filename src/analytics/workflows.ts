import { isoOf } from '../lib/time.ts'
import { happenedAtOfE } from '../runs/order.ts'
import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import type { WorkflowStats, workflowSorts } from './contract.ts'
import { incidentsByWorkflow } from './incident-sources.ts'
import { type BoundedRange, partsOf, periodOf } from '../runs/period.ts'
import {
  type Filter,
  type GroupSums,
  groupColumns,
  groupOrders,
  groupSums,
  type Ranking,
  topGroups,
  runsIn,
  usageIn,
} from '../runs/sources.ts'
import { pricedUsage, toUsageSums, usageColumnsOf, usageSumColumns, type UsageRow } from '../runs/usage.ts'
import { ratesOf } from './summary.ts'

type Sort = (typeof workflowSorts)[number]

export interface WorkflowRanking {
  sort: Exclude<Sort, 'cost'>
  limit: number
}

export type RankedWorkflow = Omit<WorkflowStats['items'][number], 'incidents' | 'usage' | 'lastRunAt'>

interface RankedRow extends GroupSums {
  workflow_id: string
  name: string | null
}

interface Row extends RankedRow, UsageRow {
  incidents: number
  last_run_ms: number | null
}

export async function workflowStats(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { limit, sort, minRuns }: { limit: number; sort: Sort; minRuns: number },
): Promise<WorkflowStats> {
  const parts = partsOf(range)
  const { rows } = await db.execute<Row>(sql`
    with runs as (${runsIn(userId, filter, parts)}),
    ${pricedUsage(userId, usageIn(userId, filter, parts))},
    used as (select workflow_id as used_workflow, ${usageSumColumns} from priced group by workflow_id),
    ran as (select workflow_id, ${groupSums} from runs group by workflow_id),
    failures as (${incidentsByWorkflow(userId, filter, range)}),
    sums as (
      select workflow_id, coalesce(runs, 0) as runs, coalesce(failed, 0) as failed, coalesce(succeeded, 0) as succeeded,
        coalesce(incidents, 0) as incidents, u.*
      from ran full join failures using (workflow_id)
      left join used u on u.used_workflow = workflow_id
    ),
    ${topGroups({
      sums: sql`select * from sums where runs >= ${Math.max(1, minRuns)} ${minRuns > 0 ? sql`` : sql`or incidents > 0`}`,
      rankings: [toRanking({ sort, limit })],
      key: sql`workflow_id`,
    })}
    select p.workflow_id, w.name, ${groupColumns}, incidents::float8, ${usageColumnsOf}, extract(epoch from l.at)::float8 * 1000 as last_run_ms
    from top_groups p
    left join workflows w on w.user_id = ${userId} and w.id = p.workflow_id
    left join lateral (
      select ${happenedAtOfE} as at
      from executions e
      where e.workflow_id = p.workflow_id and e.user_id = ${userId}
      order by ${happenedAtOfE} desc, e.id desc limit 1
    ) l on true
    order by place`)
  return {
    period: periodOf(range),
    total: rows[0]?.of_all ?? 0,
    items: rows.map(toItem),
  }
}

/** The first workflows of each ranking, with at least `minRuns` executions. Reads the executions once. */
export async function rankWorkflows<R extends [WorkflowRanking, ...WorkflowRanking[]]>(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { rankings, minRuns }: { rankings: R; minRuns: number },
): Promise<{ [Index in keyof R]: RankedWorkflow[] }> {
  const [first, ...others] = rankings
  const { rows } = await db.execute<RankedRow & { ranking: number }>(sql`
    with runs as (${runsIn(userId, filter, partsOf(range))}),
    ${topGroups({
      sums: sql`select * from (select workflow_id, ${groupSums} from runs group by workflow_id) sums
        where runs >= ${Math.max(1, minRuns)}`,
      rankings: [toRanking(first), ...others.map(toRanking)],
      key: sql`workflow_id`,
    })}
    select ranking, workflow_id, w.name, ${groupColumns}
    from top_groups left join workflows w on w.user_id = ${userId} and w.id = workflow_id
    order by ranking, place`)
  return rankings.map((_, index) => rows.filter(({ ranking }) => ranking === index).map(toRanked)) as {
    [Index in keyof R]: RankedWorkflow[]
  }
}

const toRanking = ({ sort, limit }: { sort: Sort; limit: number }): Ranking => ({
  order: sql`${groupOrders[sort]}, workflow_id desc`,
  byDuration: sort === 'p95',
  limit,
})

const toRanked = (row: RankedRow): RankedWorkflow => ({
  workflowId: row.workflow_id,
  name: row.name,
  ...ratesOf(row),
})

const toItem = (row: Row) => ({
  ...toRanked(row),
  incidents: row.incidents,
  usage: toUsageSums(row),
  lastRunAt: isoOf(row.last_run_ms),
})
