import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { type ExecutionStatus, executions } from '../db/schema/executions.ts'
import type { Summary, SummaryFilter } from './contract.ts'

interface Row extends Record<string, unknown> {
  total: number
  by_status: { status: ExecutionStatus; count: number; percentage: number }[]
  success_rate: number | null
  durations_ms: number[] | null
}

/** What a user's executions add up to. Every method takes the owner first. */
export class AnalyticsRepository {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** An execution counts at its start; when that is unknown, at its end, else when it was first heard of. */
  async summary(userId: string, { from, to, workflowId, deploymentId }: SummaryFilter): Promise<Summary> {
    const happenedAt = sql`coalesce(${executions.startedAt}, ${executions.finishedAt}, ${executions.recordedAt})`
    const chosen: SQL | undefined = and(
      eq(executions.userId, userId),
      from && sql`${happenedAt} >= ${from.toISOString()}::timestamptz`,
      to && sql`${happenedAt} < ${to.toISOString()}::timestamptz`,
      workflowId === undefined ? undefined : eq(executions.workflowId, workflowId),
      deploymentId === undefined ? undefined : eq(executions.deploymentId, deploymentId),
    )
    const { rows } = await this.#db.execute<Row>(sql`
      with chosen as materialized (
        select status, extract(epoch from finished_at - started_at) * 1000 as duration_ms from executions where ${chosen}
      ), counts as (
        select status, count(*) as count, round(count(*) * 100.0 / sum(count(*)) over (), 2) as percentage
        from chosen group by status
      )
      select
        coalesce(sum(count), 0)::float8 as total,
        coalesce(json_agg(json_build_object('status', status, 'count', count, 'percentage', percentage)
          order by count desc, status), '[]') as by_status,
        round(coalesce(sum(count) filter (where status = 'success'), 0) * 100.0
          / sum(count) filter (where status in ('success', 'error', 'crashed')), 2)::float8 as success_rate,
        (select to_json(percentile_cont(array[0.5, 0.95, 0.99]) within group (order by duration_ms))
          from chosen where duration_ms >= 0) as durations_ms
      from counts`)
    const [row] = rows
    const [p50 = null, p95 = null, p99 = null] = row?.durations_ms?.map(Math.round) ?? []
    return {
      total: row?.total ?? 0,
      byStatus: row?.by_status ?? [],
      successRate: row?.success_rate ?? null,
      durationMs: { p50, p95, p99 },
    }
  }
}
