import { type SQL, sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { type BoundedRange, partsOf, periodOf } from '../runs/period.ts'
import { type Filter, usageIn } from '../runs/sources.ts'
import { pricedUsage, toUsageSums, usageColumnsOf, usageSumColumns, type UsageRow } from '../runs/usage.ts'
import type { CostGroup, Costs } from './contract.ts'

interface Row extends UsageRow, Record<string, unknown> {
  of_all: number
  totals: UsageRow
  workflow_id: string | null
  workflow_version: number | null
  instance_id: string | null
  model: string | null
  day: string | null
  name: string | null
  executions: number | null
}

const day = sql`date_bin('1 day', at, '2000-01-01Z')`
const keys: Record<CostGroup, SQL> = {
  workflow: sql`workflow_id`,
  version: sql`workflow_id, workflow_version`,
  model: sql`model`,
  instance: sql`instance_id`,
  day,
}
const names: Partial<Record<CostGroup, SQL>> = {
  workflow: sql`workflows n on n.id = g.workflow_id and`,
  version: sql`workflows n on n.id = g.workflow_id and`,
  instance: sql`instances n on n.id = g.instance_id and`,
}

export async function costs(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { by, limit }: { by: CostGroup; limit: number },
): Promise<Costs> {
  const named = names[by]
  const order = by === 'day' ? sql`day` : sql`cost desc nulls last, input + output desc, ${keys[by]}`
  const { rows } = await db.execute<Row>(sql`
    with ${pricedUsage(userId, usageIn(userId, filter, partsOf(range)))},
    grouped as (
      select ${keys[by]}${by === 'day' ? sql` as day` : sql``}, sum(executions) as executions, ${usageSumColumns}
      from priced group by ${keys[by]} having sum(calls) > 0
    ),
    first as (
      select *, count(*) over () as of_all from grouped order by ${order} limit ${limit}
    ),
    all_groups as (select ${usageSumColumns} from priced)
    select ${by === 'day' ? sql`to_char(g.day at time zone 'UTC', 'YYYY-MM-DD') as day` : keys[by]},
      ${usageColumnsOf}, of_all::float8, ${by === 'model' ? sql`executions::float8` : sql`null as executions`},
      ${named ? sql`n.name` : sql`null as name`}, to_jsonb((select a from all_groups a)) as totals
    from first g ${named ? sql`left join ${named} n.user_id = ${userId}` : sql``}
    order by ${by === 'day' ? sql`g.day` : order}`)
  return {
    period: periodOf(range),
    by,
    currency: 'USD',
    total: rows[0]?.of_all ?? 0,
    usage: toUsageSums(rows[0]?.totals),
    items: rows.map(toItem),
  }
}

const toItem = (row: Row): Costs['items'][number] => ({
  workflowId: row.workflow_id ?? null,
  version: row.workflow_version ?? null,
  instanceId: row.instance_id ?? null,
  name: row.name,
  model: row.model || null,
  day: row.day ?? null,
  executions: row.executions,
  usage: toUsageSums(row),
})
