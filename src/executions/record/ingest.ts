/**
 * @module Records deliveries with the SQL function `record_executions`, in one statement: it locks and merges the key,
 * updates the execution from the merged key, and appends the difference to the ledger for the rollups. Concurrent,
 * repeated and reordered deliveries always result in the same rows and counts.
 */
import { isoOf } from '../../lib/time.ts'
import { metrics } from '../../telemetry/metrics.ts'
import { type FailedRun } from '../../credentials/health.ts'
import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { auditEventOfUser } from '../../db/audit.ts'
import { type Db, idempotent } from '../../db/client.ts'
import { databaseError } from '../../db/errors.ts'
import type { ExecutionStatus } from '../../db/schema/executions.ts'
import { fingerprintOf } from './error-fingerprint.ts'
import {
  type DeliverySource,
  type IncomingExecution,
  type MergeableExecution,
  withMergeKey,
} from './merge.ts'
import type { StoredValues } from '../values/capture.ts'
import type { RunToStore } from '../values/repository.ts'
import { withVersionsOfRetried } from './retried-version.ts'
import { type Run, toRuns } from './run-fit.ts'

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
  /** The owner, deployment and version that the delivery was matched to. */
  userId: string
  deploymentId: string
  workflowVersion: number
  /** This call detected that n8n's execution IDs started over. */
  hasNewEpoch: boolean
  /** This call inserted the row. */
  created: boolean
  current: ExecutionState
  /** The state before this call; null if it inserted the row. */
  previous: ExecutionState | null
}

/** The values of deliveries, for workflows whose owner stores them. */
export interface DeliveredValues {
  /** @param index in `executions` @returns null without run data */
  at(index: number, maxBytes: number): StoredValues | null
  /** Must not throw. */
  store(runs: RunToStore[]): Promise<void>
}

/**
 * Safe to repeat. Owner, workflow and deployment come from the instance's deployment of the n8n workflow; the version
 * comes from its history.
 * @returns results in the order of `executions`; undefined for executions that match no deployment
 */
export async function ingest(
  db: Db,
  instanceId: string,
  executions: IncomingExecution[],
  source: DeliverySource,
  values?: DeliveredValues,
): Promise<(RecordedExecution | undefined)[]> {
  const byId = new Map<string, MergeableExecution[]>()
  const known = await withVersionsOfRetried(db, instanceId, executions)
  const deliveries = await Promise.all(known.map((execution) => withMergeKey(execution, source)))
  for (const delivery of deliveries) {
    const same = byId.get(delivery.n8nExecutionId)
    if (same) same.push(delivery)
    else byId.set(delivery.n8nExecutionId, [delivery])
  }
  const recorded = new Map<MergeableExecution, RecordedExecution>()
  let isRetryPending = false
  let resetFor: string | undefined
  // One n8n ID can have several runs: record the first run of every ID, then the second runs.
  let runs = [...byId.values()].map(toRuns)
  while (runs.length > 0) {
    for (const chunk of chunks(runs.flatMap(([run]) => run ?? []))) {
      const answer = await record(
        db,
        instanceId,
        chunk.map(({ merged }) => merged),
        values !== undefined,
      )
      if (values && answer.storage.size > 0) {
        await values.store(
          chunk.flatMap(({ merged, deliveries: of }) => {
            const run = answer.recorded.get(merged.n8nExecutionId)
            const storage = answer.storage.get(merged.n8nExecutionId)
            const delivery = of.find(({ dataMergeKey }) => dataMergeKey === merged.dataMergeKey)
            if (!run || !storage || !delivery || merged.dataMergeKey === null) return []
            const stored = values.at(deliveries.indexOf(delivery), storage.maxBytes)
            const { id: executionId, userId, recordedAtMs } = run
            const { workflowId } = storage
            const { dataMergeKey: mergeKey } = merged
            return stored ? [{ executionId, userId, workflowId, recordedAtMs, mergeKey, values: stored }] : []
          }),
        )
      }
      for (const { merged, deliveries: of } of chunk) {
        const execution = answer.recorded.get(merged.n8nExecutionId)
        if (execution) for (const delivery of of) recorded.set(delivery, execution)
      }
      isRetryPending ||= answer.isRetryPending
      const [first] = answer.recorded.values()
      if (first?.hasNewEpoch) resetFor = first.userId
    }
    runs = runs.map((rest) => rest.slice(1)).filter((rest) => rest.length > 0)
  }
  if (resetFor !== undefined) await auditEventOfUser(db, resetFor, 'instance.reset-detected', instanceId)
  if (isRetryPending) await settleRetries(db, instanceId)
  countExecutions(source, deliveries, recorded)
  return deliveries.map((delivery) => recorded.get(delivery))
}

/** The lag counts once per execution, for the delivery that first reports its end. */
function countExecutions(
  source: DeliverySource,
  deliveries: MergeableExecution[],
  recorded: Map<MergeableExecution, RecordedExecution>,
): void {
  const seen = new Set<RecordedExecution>()
  for (const delivery of deliveries) {
    const run = recorded.get(delivery)
    if (run && seen.has(run)) continue
    metrics.executions.add(1, source, run ? (run.created ? 'created' : 'known') : 'unmatched')
    if (!run) continue
    seen.add(run)
    const finishedAtMs = run.current.finishedAtMs
    if (finishedAtMs === null || (run.previous && run.previous.finishedAtMs !== null)) continue
    metrics.ingestLag.observe(Math.max(0, delivery.receivedAtMs - finishedAtMs) / 1000, source)
  }
}

/** Counts each retry chain once; see the SQL function. */
async function settleRetries(db: Db, instanceId: string): Promise<void> {
  await idempotent(db).execute(sql`select settle_retries(${instanceId}::uuid)`)
}

/** Settles retries left by a server that stopped after recording them. @returns the number of instances */
export async function settlePendingRetries(db: Db, limit: number): Promise<number> {
  const { rows } = await db.read.execute<{ instance_id: string }>(
    sql`select distinct instance_id from execution_keys where is_retry_pending limit ${limit}`,
  )
  for (const { instance_id } of rows) await settleRetries(db, instance_id)
  return rows.length
}

function* chunks(runs: Run[]): Generator<Run[]> {
  let chunk: Run[] = []
  let sizeChars = 0
  for (const run of runs) {
    const chars = run.merged.data?.json.length ?? 0
    if (chunk.length === chunkRows || (chunk.length > 0 && sizeChars + chars > chunkChars)) {
      yield chunk
      chunk = []
      sizeChars = 0
    }
    chunk.push(run)
    sizeChars += chars
  }
  if (chunk.length > 0) yield chunk
}

/** @param nodeLists node lists of the statement, which items reference by number because most runs share one */
async function toItem(execution: MergeableExecution, nodeLists: Map<string, number>) {
  const failure = execution.error && (await fingerprintOf(execution.error))
  const nodes = execution.data?.nodes
  if (nodes && !nodeLists.has(nodes.names)) nodeLists.set(nodes.names, nodeLists.size + 1)
  return {
    id: uuidv7({ msecs: execution.receivedAtMs }),
    recorded_at: isoOf(execution.receivedAtMs),
    n8n_execution_id: execution.n8nExecutionId,
    n8n_workflow_id: execution.n8nWorkflowId,
    status: execution.status,
    stamp: execution.mergeKey,
    mode: execution.mode,
    is_polled: execution.isStartPolled,
    n8n_version_id: execution.n8nVersionId,
    retry_of: execution.retryOf,
    waited: execution.waited,
    active_ms: execution.data?.activity?.activeMs ?? null,
    started_at: isoOf(execution.startedAtMs),
    finished_at: isoOf(execution.finishedAtMs),
    error_at: isoOf(execution.errorAtMs),
    error_message: execution.error?.message ?? null,
    error_node: execution.error?.node ?? null,
    error_class: execution.error?.errorClass ?? null,
    error_http_status: execution.error?.httpStatus ?? null,
    error_fingerprint: failure?.fingerprint ?? null,
    error_pattern: failure?.message ?? null,
    error_stamp: execution.errorMergeKey,
    error_evidence: execution.errorEvidence,
    data: execution.data?.json ?? null,
    data_stamp: execution.dataMergeKey,
    usage: execution.usage,
    usage_stamp: execution.usageMergeKey,
    node_list: nodes ? nodeLists.get(nodes.names) : null,
    node_counts: nodes?.counts ?? null,
  }
}

/** Subquery on a recorded run: how its workflow's owner stores values; null if not. */
const storageOfRun = sql`(
  select json_build_object('workflowId', s.workflow_id, 'maxBytes', s.max_bytes)
  from deployments d join value_storage s on s.user_id = d.user_id and s.workflow_id = d.workflow_id
  where d.user_id = r.user_id and d.id = r.deployment_id and s.since <= r.recorded_at)`

/** @param hasValues also read which runs store their values */
async function record(db: Db, instanceId: string, executions: MergeableExecution[], hasValues: boolean) {
  const nodeLists = new Map<string, number>()
  const items = await Promise.all(executions.map((execution) => toItem(execution, nodeLists)))
  const [itemsJson, nodeListsJson] = [items, [...nodeLists.keys()]].map((each) => JSON.stringify(each))
  const run = () =>
    idempotent(db).execute<Row>(
      sql`select n8n_execution_id, id, ${epochMs('recorded_at')}, status, ${epochMs('started_at')},
          ${epochMs('finished_at')}, previous_status, ${epochMs('previous_started_at')},
          ${epochMs('previous_finished_at')}, user_id, deployment_id, workflow_version,
          is_retry_pending, has_new_epoch${hasValues ? sql`, ${storageOfRun} as storage` : sql``}
        from record_executions(${instanceId}, ${itemsJson}, ${nodeListsJson}) r`,
    )
  const { rows } = await run().catch(async (error: unknown) => {
    if (databaseError(error).kind !== 'no-partition') throw error
    for (const month of new Set(items.map((item) => `${item.recorded_at?.slice(0, 7)}-01T00:00:00Z`))) {
      await idempotent(db).execute(sql`select ensure_execution_partitions(${month}::timestamptz, 0)`)
    }
    return run()
  })
  // A retried statement finds the row of the lost attempt. The ID shows that this call inserted it.
  const proposed = new Map(items.map((item) => [item.n8n_execution_id, item.id]))
  return {
    recorded: new Map(
      rows.map((row) => [
        row.n8n_execution_id,
        toRecorded(row, proposed.get(row.n8n_execution_id) === row.id),
      ]),
    ),
    storage: new Map(rows.flatMap((row) => (row.storage ? [[row.n8n_execution_id, row.storage]] : []))),
    isRetryPending: rows.some((row) => row.is_retry_pending),
  }
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
  is_retry_pending: boolean
  has_new_epoch: boolean
  storage?: { workflowId: string; maxBytes: number } | null
}

function toRecorded(row: Row, created: boolean): RecordedExecution {
  return {
    id: row.id,
    recordedAtMs: row.recorded_at_ms,
    userId: row.user_id,
    deploymentId: row.deployment_id,
    workflowVersion: row.workflow_version,
    hasNewEpoch: row.has_new_epoch,
    created,
    current: { status: row.status, startedAtMs: row.started_at_ms, finishedAtMs: row.finished_at_ms },
    previous: row.previous_status && {
      status: row.previous_status,
      startedAtMs: row.previous_started_at_ms,
      finishedAtMs: row.previous_finished_at_ms,
    },
  }
}

/** Called after the runs are recorded. Must not throw. */
export type OnFailedRuns = (runs: FailedRun[]) => void

/** The runs that ended in an error. They show whether a credential still works. */
export function failedRuns(
  executions: IncomingExecution[],
  recorded: (RecordedExecution | undefined)[],
): FailedRun[] {
  return executions.flatMap(({ error, eventAtMs }, index) => {
    const run = recorded[index]
    if (!error || run?.current.status !== 'error') return []
    const { userId, deploymentId, workflowVersion } = run
    return { userId, deploymentId, workflowVersion, ...error, failedAt: new Date(eventAtMs) }
  })
}
