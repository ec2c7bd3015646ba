/** @module Reads the recorded executions of an instance, so that a poll skips requests and writes that it does not need. */
import { hourMs } from '../../lib/time.ts'
import { finalStatuses, openStatuses, statusList } from '../../runs/meaning.ts'
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import type { ExecutionStatus } from '../../db/schema/executions.ts'

export interface KnownExecution {
  status: ExecutionStatus
  startedAtMs: number | null
  /** A poll recorded the end, so a list entry cannot change it. */
  settled: boolean
}

export interface OpenExecution {
  n8nExecutionId: string
  n8nWorkflowId: string
  recordedAtMs: number
}

/** n8n prunes executions older than this by default. */
export const n8nRetentionMs = 336 * hourMs

export class KnownExecutions {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /** Recorded executions of all epochs, by n8n execution ID. */
  async find(instanceId: string, n8nExecutionIds: string[]): Promise<Map<string, KnownExecution[]>> {
    if (n8nExecutionIds.length === 0) return new Map()
    const { rows } = await this.#db.read.execute<{
      n8n_execution_id: string
      status: ExecutionStatus
      started_at_ms: number | null
      settled: boolean
    }>(sql`
      select n8n_execution_id, status, (extract(epoch from started_at) * 1000)::float8 as started_at_ms, stamp collate "C" >= '40' as settled
      from execution_keys
      where instance_id = ${instanceId} and n8n_execution_id in (
        select value from jsonb_array_elements_text(${JSON.stringify(n8nExecutionIds)}::jsonb))`)
    const known = new Map<string, KnownExecution[]>()
    for (const { n8n_execution_id, status, started_at_ms, settled } of rows) {
      const earlier = known.get(n8n_execution_id) ?? []
      known.set(n8n_execution_id, [...earlier, { status, startedAtMs: started_at_ms, settled }])
    }
    return known
  }

  /**
   * Open executions of existing deployments that were first recorded before `recordedBefore`. Excludes IDs that n8n
   * rejects, and earlier epochs.
   */
  async open(
    instanceId: string,
    recordedBefore: Date,
    except: Iterable<string>,
    limit: number,
  ): Promise<OpenExecution[]> {
    const { rows } = await this.#db.read.execute<{
      n8n_execution_id: string
      n8n_workflow_id: string
      recorded_at_ms: number
    }>(sql`
      select k.n8n_execution_id, d.n8n_workflow_id, (extract(epoch from k.recorded_at) * 1000)::float8 as recorded_at_ms
      from execution_keys k
      join instances i on i.id = k.instance_id and i.epoch = k.epoch
      join executions e on e.id = k.id and e.recorded_at = k.recorded_at
      join deployments d on d.id = e.deployment_id and d.instance_id = k.instance_id and d.n8n_workflow_id is not null
      where k.instance_id = ${instanceId} and not k.is_refused and k.status in ${statusList(openStatuses)}
        and k.recorded_at < ${recordedBefore.toISOString()}::timestamptz
        and k.n8n_execution_id not in (
          select value from jsonb_array_elements_text(${JSON.stringify([...except])}::jsonb))
      -- Random order: executions that n8n does not return must not block the others.
      order by random()
      limit ${limit}`)
    return rows.map((row) => ({
      n8nExecutionId: row.n8n_execution_id,
      n8nWorkflowId: row.n8n_workflow_id,
      recordedAtMs: row.recorded_at_ms,
    }))
  }

  /**
   * Ended executions without data, without the usage of their AI nodes, or of the last hour without the values that their
   * owner stores: failures first, because the data contains the cause, then the newest.
   */
  async withoutData(instanceId: string, limit: number): Promise<string[]> {
    const [since, recently] = [n8nRetentionMs, hourMs].map((ms) =>
      new Date(this.#now().getTime() - ms).toISOString(),
    )
    const { rows } = await this.#db.read.execute<{ n8n_execution_id: string }>(sql`
      with ended as materialized (
        select e.id, e.n8n_execution_id, e.deployment_id, e.status, e.recorded_at
        from executions e
        where e.instance_id = ${instanceId} and e.data_stamp is null
          and e.recorded_at >= ${since}::timestamptz and e.status in ${statusList(finalStatuses)}
        union all
        select e.id, e.n8n_execution_id, e.deployment_id, e.status, e.recorded_at
        from executions e
        where e.instance_id = ${instanceId} and e.usage_stamp = '-' and e.data_stamp collate "C" < '40'
          and e.recorded_at >= ${since}::timestamptz and e.status in ${statusList(finalStatuses)}
        union
        select e.id, e.n8n_execution_id, e.deployment_id, e.status, e.recorded_at
        from value_storage s
        join executions e on e.workflow_id = s.workflow_id and e.user_id = s.user_id
        where s.workflow_id in (select workflow_id from deployments where instance_id = ${instanceId})
          and e.instance_id = ${instanceId} and e.data is not null and e.data_stamp collate "C" < '40'
          and e.recorded_at >= greatest(s.since, ${recently}::timestamptz) and e.status in ${statusList(finalStatuses)}
          and not exists (select from execution_values v where v.id = e.id)
      )
      select e.n8n_execution_id
      from ended e
      join deployments d on d.id = e.deployment_id and d.instance_id = ${instanceId} and d.n8n_workflow_id is not null
      -- One key by its index for each execution: without statistics of new rows, a join is planned that reads all pairs.
      cross join lateral (
        select from execution_keys k
        where k.instance_id = ${instanceId} and k.n8n_execution_id = e.n8n_execution_id
          and k.epoch = (select epoch from instances where id = ${instanceId}) and k.id = e.id
        limit 1
      ) current_key
      order by e.status = 'success', e.recorded_at desc
      limit ${limit}`)
    return rows.map(({ n8n_execution_id }) => n8n_execution_id)
  }

  /** Marks executions whose data is too large or not in n8n, so that polls skip them. A later report can still add data. */
  async markWithoutData(
    instanceId: string,
    executions: { n8nExecutionId: string; isTooLarge: boolean }[],
  ): Promise<void> {
    if (executions.length === 0) return
    // A locked row is receiving data from another statement.
    await this.#db.execute(sql`
      with asked as (
        select e.id, e.recorded_at, asked."isTooLarge" as is_too_large
        from jsonb_to_recordset(${JSON.stringify(executions)}::jsonb)
          as asked ("n8nExecutionId" text, "isTooLarge" boolean)
        join instances i on i.id = ${instanceId}
        join execution_keys k on k.instance_id = i.id and k.n8n_execution_id = asked."n8nExecutionId" and k.epoch = i.epoch
        join executions e on e.id = k.id and e.recorded_at = k.recorded_at
        where e.data_stamp is null or e.usage_stamp = '-'
          or e.data_stamp collate "C" < '40' and exists (select from value_storage s where s.workflow_id = e.workflow_id)
        for update of e skip locked
      )
      update executions e set data_stamp = case when e.data_stamp is null then '-'
          when e.data_stamp collate "C" between '0' and '40' and e.usage_stamp is distinct from '-' then '40'
          else e.data_stamp end,
        data = case when e.data_stamp is null and asked.is_too_large then '{"truncated": true}'::jsonb else e.data end,
        usage_stamp = case when e.usage_stamp = '-' then '.' else e.usage_stamp end
      from asked where e.id = asked.id and e.recorded_at = asked.recorded_at`)
  }

  /** Marks an ID that n8n rejects, so polls skip it. Only a custom sender can have invented the ID. */
  async markRefused(instanceId: string, n8nExecutionId: string): Promise<void> {
    await this.#db.execute(sql`
      update execution_keys k set is_refused = true from instances i
      where i.id = ${instanceId} and k.instance_id = i.id and k.epoch = i.epoch and k.n8n_execution_id = ${n8nExecutionId}`)
  }
}
