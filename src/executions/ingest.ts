/**
 * @module Records deliveries in one statement: the key's upsert takes the lock and merges, the execution's row follows
 * from what it returns, and the difference that this makes is appended to the ledger of the rollups. Any number of
 * senders, in any order and as often as they like, end at the same rows and count once.
 */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Db } from '../db/client.ts'
import { databaseError, retrying } from '../db/errors.ts'
import type { ExecutionStatus } from '../db/schema/executions.ts'
import { fingerprintOf } from './error-fingerprint.ts'
import { changesWithData, changesWithoutData, groups } from './ledger.ts'
import {
  type DeliverySource,
  type IncomingExecution,
  merge,
  type StampedExecution,
  stamped,
} from './merge.ts'
import { nodeCountsOf } from './node-counts.ts'

const chunkRows = 500
const chunkChars = 4 * 1024 * 1024

export interface ExecutionState {
  status: ExecutionStatus
  startedAtMs: number | null
  finishedAtMs: number | null
}

export interface RecordedExecution {
  id: string
  recordedAtMs: number
  /** What the delivery was matched to. */
  userId: string
  deploymentId: string
  workflowVersion: number
  /** This call made the row. */
  created: boolean
  current: ExecutionState
  /** Before this call; null when it made the row. */
  previous: ExecutionState | null
}

/**
 * Safe to repeat. Owner, workflow, version and deployment come from the instance's deployment of the n8n workflow.
 * @returns by n8n's execution id; those that no deployment matches are absent
 */
export async function ingest(
  db: Db,
  instanceId: string,
  executions: IncomingExecution[],
  source: DeliverySource,
): Promise<Map<string, RecordedExecution>> {
  const folded = new Map<string, StampedExecution>()
  for (const execution of await Promise.all(executions.map((execution) => stamped(execution, source)))) {
    const earlier = folded.get(execution.n8nExecutionId)
    folded.set(execution.n8nExecutionId, earlier ? merge(earlier, execution) : execution)
  }
  const recorded = new Map<string, RecordedExecution>()
  for (const chunk of chunks([...folded.values()])) {
    for (const [n8nExecutionId, execution] of await record(db, instanceId, chunk)) {
      recorded.set(n8nExecutionId, execution)
    }
  }
  return recorded
}

function* chunks(executions: StampedExecution[]): Generator<StampedExecution[]> {
  let chunk: StampedExecution[] = []
  let sizeChars = 0
  for (const execution of executions) {
    const chars = execution.dataJson?.length ?? 0
    if (chunk.length === chunkRows || (chunk.length > 0 && sizeChars + chars > chunkChars)) {
      yield chunk
      chunk = []
      sizeChars = 0
    }
    chunk.push(execution)
    sizeChars += chars
  }
  if (chunk.length > 0) yield chunk
}

async function toItem(execution: StampedExecution) {
  const failure = execution.error && (await fingerprintOf(execution.error))
  const nodes = nodeCountsOf(execution.dataJson)
  return {
    id: uuidv7({ msecs: execution.receivedAtMs }),
    recorded_at: isoOf(execution.receivedAtMs),
    n8n_execution_id: execution.n8nExecutionId,
    n8n_workflow_id: execution.n8nWorkflowId,
    status: execution.status,
    stamp: execution.stamp,
    mode: execution.mode,
    started_at: isoOf(execution.startedAtMs),
    finished_at: isoOf(execution.finishedAtMs),
    error_message: execution.error?.message ?? null,
    error_node: execution.error?.node ?? null,
    error_class: execution.error?.errorClass ?? null,
    error_http_status: execution.error?.httpStatus ?? null,
    error_fingerprint: failure?.fingerprint ?? null,
    error_pattern: failure?.message ?? null,
    error_stamp: execution.errorStamp,
    data: execution.dataJson,
    data_stamp: execution.dataStamp,
    node_names: nodes?.names ?? null,
    node_counts: nodes?.counts ?? null,
  }
}

async function record(db: Db, instanceId: string, executions: StampedExecution[]) {
  const items = await Promise.all(executions.map(toItem))
  const itemsJson = JSON.stringify(items)
  // Most deliveries bring neither data nor an error: what they do not need is not planned for them either.
  const changes = items.some((item) => item.data !== null) ? changesWithData : changesWithoutData
  const ledger = items.some((item) => item.error_fingerprint !== null) ? sql`${changes}, ${groups}` : changes
  const run = () => retrying(() => db.execute<Row>(upsert(instanceId, itemsJson, ledger)))
  const { rows } = await run().catch(async (error: unknown) => {
    if (databaseError(error).kind !== 'no-partition') throw error
    for (const month of new Set(items.map((item) => `${item.recorded_at?.slice(0, 7)}-01T00:00:00Z`))) {
      await db.execute(sql`select ensure_execution_partitions(${month}::timestamptz, 0)`)
    }
    return run()
  })
  // A repeated try finds the row that the lost one made: only the id tells who made it.
  const proposed = new Map(items.map((item) => [item.n8n_execution_id, item.id]))
  return new Map(
    rows.map((row) => [row.n8n_execution_id, toRecorded(row, proposed.get(row.n8n_execution_id) === row.id)]),
  )
}

/**
 * The upsert of `executions` must not be an update: a racing first delivery may have committed after this statement's
 * snapshot was taken, and only `on conflict` sees such a row. What the key holds is settled there under its lock; what
 * only the row holds is merged against the row itself, whose lock nobody takes without the key's. What either held
 * before comes back in its `previous_…` columns: a select here would read the snapshot.
 *
 * No row but those of the keys, and of error groups after them, is waited for.
 */
const upsert = (instanceId: string, itemsJson: string, ledger: SQL) => sql`
  with item as (
    select * from jsonb_to_recordset(${itemsJson}::jsonb) as item (
      id uuid, recorded_at timestamptz, n8n_execution_id text, n8n_workflow_id text, status text, stamp text,
      mode text, started_at timestamptz, finished_at timestamptz,
      error_message text, error_node text, error_class text, error_http_status integer, error_fingerprint text,
      error_pattern text, error_stamp text, data text, data_stamp text, node_names text, node_counts text)
  ), matched as (
    select item.*, d.user_id, d.workflow_id, d.version, d.id as deployment_id
    from item
    left join deployments d on d.instance_id = ${instanceId} and d.n8n_workflow_id = item.n8n_workflow_id
  ), keyed as (
    insert into execution_keys as k
      (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at, finished_at)
    select ${instanceId}::uuid, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at, finished_at
    from matched
    where user_id is not null
    order by n8n_execution_id collate "C"
    on conflict (instance_id, n8n_execution_id) do update set
      previous_status = k.status,
      previous_started_at = k.started_at,
      previous_finished_at = k.finished_at,
      status = case when excluded.stamp collate "C" > k.stamp collate "C" then excluded.status else k.status end,
      stamp = greatest(excluded.stamp collate "C", k.stamp collate "C"),
      started_at = least(excluded.started_at, k.started_at),
      finished_at = greatest(excluded.finished_at, k.finished_at)
    returning *
  ), written as (
    insert into executions as e
      (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id, n8n_execution_id,
       status, mode, started_at, finished_at, error_message, error_node, error_http_status, error_fingerprint,
       error_stamp, data, data_stamp)
    select k.id, k.recorded_at, m.user_id, k.instance_id, m.workflow_id, m.version, m.deployment_id,
      k.n8n_execution_id, k.status, m.mode, k.started_at, k.finished_at,
      m.error_message, m.error_node, m.error_http_status, m.error_fingerprint, m.error_stamp, m.data::jsonb,
      m.data_stamp
    from keyed k
    join matched m on m.n8n_execution_id = k.n8n_execution_id
    on conflict (id, recorded_at) do update set
      status = excluded.status,
      mode = greatest(excluded.mode collate "C", e.mode collate "C"),
      started_at = excluded.started_at,
      finished_at = excluded.finished_at,
      error_message = case when ${newer('error_stamp')} then excluded.error_message else e.error_message end,
      error_node = case when ${newer('error_stamp')} then excluded.error_node else e.error_node end,
      error_http_status =
        case when ${newer('error_stamp')} then excluded.error_http_status else e.error_http_status end,
      error_fingerprint =
        case when ${newer('error_stamp')} then excluded.error_fingerprint else e.error_fingerprint end,
      error_stamp = greatest(excluded.error_stamp collate "C", e.error_stamp collate "C"),
      data = case when ${replacesData} then excluded.data else e.data end,
      data_stamp = greatest(excluded.data_stamp collate "C", e.data_stamp collate "C"),
      previous_error_fingerprint = e.error_fingerprint,
      previous_data = case when ${replacesData} then e.data end,
      previous_data_stamp = e.data_stamp,
      updated_at = now()
    where (e.status, e.started_at, e.finished_at) is distinct from
        (excluded.status, excluded.started_at, excluded.finished_at)
      or (excluded.mode is not null and (e.mode is null or excluded.mode collate "C" > e.mode collate "C"))
      or ${newer('error_stamp')} or ${newer('data_stamp')}
    returning *
  ), ${ledger}
  select k.n8n_execution_id, k.id, ${epochMs('recorded_at')} as recorded_at_ms,
    k.status, ${epochMs('started_at')} as started_at_ms, ${epochMs('finished_at')} as finished_at_ms,
    k.previous_status, ${epochMs('previous_started_at')} as previous_started_at_ms,
    ${epochMs('previous_finished_at')} as previous_finished_at_ms,
    m.user_id, m.deployment_id, m.version as workflow_version
  from keyed k
  join matched m on m.n8n_execution_id = k.n8n_execution_id`

type StampColumn = 'error_stamp' | 'data_stamp'
const newer = (column: StampColumn) => {
  const name = sql.identifier(column)
  return sql`(excluded.${name} is not null and (e.${name} is null or excluded.${name} collate "C" > e.${name} collate "C"))`
}

/** Data that was trimmed stays gone: what it has added to the rollups could not be taken back. */
const replacesData = sql`(${newer('data_stamp')}
  and not (e.data is null and e.data_stamp is not null and e.data_stamp <> '-'))`

const epochMs = (column: string) => sql`(extract(epoch from k.${sql.identifier(column)}) * 1000)::float8`

interface Row extends Record<string, unknown> {
  n8n_execution_id: string
  id: string
  recorded_at_ms: number
  status: ExecutionStatus
  started_at_ms: number | null
  finished_at_ms: number | null
  previous_status: ExecutionStatus | null
  previous_started_at_ms: number | null
  previous_finished_at_ms: number | null
  user_id: string
  deployment_id: string
  workflow_version: number
}

function toRecorded(row: Row, created: boolean): RecordedExecution {
  return {
    id: row.id,
    recordedAtMs: row.recorded_at_ms,
    userId: row.user_id,
    deploymentId: row.deployment_id,
    workflowVersion: row.workflow_version,
    created,
    current: { status: row.status, startedAtMs: row.started_at_ms, finishedAtMs: row.finished_at_ms },
    previous: row.previous_status && {
      status: row.previous_status,
      startedAtMs: row.previous_started_at_ms,
      finishedAtMs: row.previous_finished_at_ms,
    },
  }
}

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
