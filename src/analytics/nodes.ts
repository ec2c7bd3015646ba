/** @module Statistics by node type and by node. Rollups of nodes are by UTC day, so periods are whole UTC days. */
import { percentageOf } from '../runs/meaning.ts'
import { type SQL, sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import {
  durationErrorBound,
  type nodeSorts,
  type NodeStats,
  type nodeTypeSorts,
  type NodeTypeStats,
} from './contract.ts'
import { type BoundedRange, periodOf, wholeDays } from '../runs/period.ts'
import { type Filter, rollupsOf, topGroups, totalsOf, within } from '../runs/sources.ts'

type Sort = (typeof nodeTypeSorts)[number] | (typeof nodeSorts)[number]

interface Row extends Record<string, unknown> {
  of_all: number
  node_type: string
  executions: number
  runs: number
  failures: number
  items: number
  total_ms: number
  p50: number | null
  p95: number | null
}

const sums = sql`sum(executions) as executions, sum(runs) as runs, sum(failures) as failures,
  sum(items) as items, sum(total_ms) as total_ms, sum(durations) as durations`
const columns = sql`of_all::float8, executions::float8, runs::float8, failures::float8, items::float8,
  total_ms::float8, p50, p95`
const orders: Record<Sort, SQL> = {
  used: sql`workflows desc, executions desc`,
  executions: sql`executions desc`,
  slowest: sql`p95 desc nulls last, executions desc`,
  failures: sql`failures desc, executions desc`,
  failureRate: sql`failures::float8 / nullif(executions, 0) desc nulls last, executions desc`,
}

export async function nodeTypeStats(
  db: Reader,
  userId: string,
  { nodeType, ...filter }: Filter,
  range: BoundedRange,
  { limit, sort }: { limit: number; sort: Sort },
): Promise<NodeTypeStats> {
  const days = wholeDays(range)
  const ofType = nodeType === undefined ? sql`` : sql`and node_type = ${nodeType}`
  const { workflowId, deploymentId, instanceId, tag } = filter
  const order = sql`${orders[sort]}, node_type`
  const { rows } = await db.execute<Row & { workflows: number }>(sql`
    with ran as (
      select node_type, ${sums} from node_stats_now
      where ${totalsOf(userId, filter)} ${within(sql`at`, days)} ${ofType}
      group by node_type having sum(executions) > 0
    ),
    used as (
      select node_type, count(*) as workflows from workflows w cross join unnest(w.node_types) as node_type
      where w.user_id = ${userId} ${ofType}
        ${workflowId === undefined ? sql`` : sql`and w.id = ${workflowId}`}
        ${tag === undefined ? sql`` : sql`and w.tags @> array[${tag}]`}
        ${
          deploymentId === undefined && instanceId === undefined
            ? sql``
            : sql`and w.id in (select workflow_id from deployments where user_id = ${userId}
                ${deploymentId === undefined ? sql`` : sql`and id = ${deploymentId}`}
                ${instanceId === undefined ? sql`` : sql`and instance_id = ${instanceId}`})`
        }
      group by node_type
    ),
    ${topGroups({
      sums: sql`select node_type, coalesce(workflows, 0) as workflows, coalesce(executions, 0) as executions,
          coalesce(runs, 0) as runs, coalesce(failures, 0) as failures, coalesce(items, 0) as items,
          coalesce(total_ms, 0) as total_ms, durations
        from ran full join used using (node_type)`,
      rankings: [{ order, byDuration: sort === 'slowest', limit }],
    })}
    select node_type, workflows::float8, ${columns} from top_groups order by ${order}`)
  return {
    period: periodOf(days),
    total: rows[0]?.of_all ?? 0,
    items: rows.map(toTypeItem),
  }
}

/** Nodes of one workflow. A node whose type changed counts as two nodes. */
export async function nodeStats(
  db: Reader,
  userId: string,
  { nodeType, ...filter }: Filter & { workflowId: string },
  range: BoundedRange,
  { limit, sort }: { limit: number; sort: (typeof nodeSorts)[number] },
): Promise<NodeStats> {
  const days = wholeDays(range)
  const ofType = nodeType === undefined ? sql`` : sql`and node_type = ${nodeType}`
  const key = sql`node_name, node_type`
  const order = sql`${orders[sort]}, ${key}`
  const { rows } = await db.execute<Row & { node_name: string }>(sql`
    with ${topGroups({
      sums: sql`select ${key}, ${sums} from node_stats_now
        where ${rollupsOf(userId, filter)} ${within(sql`at`, days)} ${ofType}
        group by ${key} having sum(executions) > 0`,
      rankings: [{ order, byDuration: sort === 'slowest', limit }],
    })}
    select ${key}, ${columns} from top_groups order by ${order}`)
  return {
    period: periodOf(days),
    total: rows[0]?.of_all ?? 0,
    items: rows.map(toNodeItem),
  }
}

const toTypeItem = (row: Row & { workflows: number }) => ({
  nodeType: row.node_type || null,
  workflows: row.workflows,
  ...nodeSumsOf(row),
})

const toNodeItem = (row: Row & { node_name: string }) => ({
  name: row.node_name,
  nodeType: row.node_type || null,
  ...nodeSumsOf(row),
})

const nodeSumsOf = ({ executions, runs, failures, items, total_ms, p50, p95 }: Row) => ({
  executions,
  runs,
  failures,
  failureRate: percentageOf(failures, executions),
  items,
  totalMs: total_ms,
  durationMs: { p50, p95, errorBound: durationErrorBound },
})
