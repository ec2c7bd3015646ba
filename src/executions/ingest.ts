/**
 * @module Records deliveries by the function `record_executions`, which is one statement: the key's upsert takes the lock
 * and merges, the execution's row follows from what it returns, and the difference that this makes is appended to the
 * ledger of the rollups. Any number of senders, in any order and as often as they like, end at the same rows and count
 * once.
 */
import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Db } from '../db/client.ts'
import { databaseError, retrying } from '../db/errors.ts'
import type { ExecutionStatus } from '../db/schema/executions.ts'
import { fingerprintOf } from './error-fingerprint.ts'
import {
  type DeliverySource,
  type IncomingExecution,
  merge,
  type StampedExecution,
  stamped,
} from './merge.ts'

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
    const chars = execution.data?.json.length ?? 0
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

/** @param nodeLists what the items of a statement name by number: the same nodes run again and again */
async function toItem(execution: StampedExecution, nodeLists: Map<string, number>) {
  const failure = execution.error && (await fingerprintOf(execution.error))
  const nodes = execution.data?.nodes
  if (nodes && !nodeLists.has(nodes.names)) nodeLists.set(nodes.names, nodeLists.size + 1)
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
    data: execution.data?.json ?? null,
    data_stamp: execution.dataStamp,
    node_list: nodes ? nodeLists.get(nodes.names) : null,
    node_counts: nodes?.counts ?? null,
  }
}

async function record(db: Db, instanceId: string, executions: StampedExecution[]) {
  const nodeLists = new Map<string, number>()
  const items = await Promise.all(executions.map((execution) => toItem(execution, nodeLists)))
  const [itemsJson, nodeListsJson] = [items, [...nodeLists.keys()]].map((each) => JSON.stringify(each))
  const run = () =>
    retrying(() =>
      db.execute<Row>(
        sql`select n8n_execution_id, id, ${epochMs('recorded_at')}, status, ${epochMs('started_at')},
          ${epochMs('finished_at')}, previous_status, ${epochMs('previous_started_at')},
          ${epochMs('previous_finished_at')}, user_id, deployment_id, workflow_version
        from record_executions(${instanceId}, ${itemsJson}, ${nodeListsJson})`,
      ),
    )
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

const epochMs = (column: string) =>
  sql`(date_part('epoch', ${sql.identifier(column)}) * 1000)::float8 as ${sql.identifier(`${column}_ms`)}`

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
