import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  type PgColumn,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { instant, updatedAt } from './columns.ts'
import { instances } from './instances.ts'

export const executionStatuses = [
  'new',
  'running',
  'waiting',
  'success',
  'error',
  'canceled',
  'crashed',
  'unknown',
] as const
export type ExecutionStatus = (typeof executionStatuses)[number]

/** What one node used with one model. Zeros and nulls are omitted. */
export interface NodeUsage {
  /** Absent: the nodes beyond the limit. */
  node?: string
  provider?: string
  model?: string
  /** Requests to the model. */
  calls: number
  /** All tokens of the input, with those below. */
  input: number
  output: number
  /** Read from the provider's cache. */
  cached?: number
  /** Written to the provider's cache. */
  written?: number
  /** Tokens of input and output that n8n estimated. */
  estimated?: number
}

const happenedFirst = (t: Record<'startedAt' | 'finishedAt' | 'recordedAt', PgColumn>) =>
  sql`coalesce(${t.startedAt}, ${t.finishedAt}, ${t.recordedAt}) desc`

/**
 * The kind of a run. `manual`: started in the editor, or an evaluation. `sub`: called by another workflow. `error`: run
 * of an error workflow. `superseded`: a later retry decided the outcome.
 */
export const runKinds = ['production', 'manual', 'sub', 'error', 'superseded'] as const
export type RunKind = (typeof runKinds)[number]

export const workflowVersionSources = ['n8n', 'time'] as const
export type WorkflowVersionSource = (typeof workflowVersionSources)[number]

/**
 * Partitioned by month on `recorded_at`, the time in the UUIDv7 of the ID. No foreign keys: the inserting statement reads
 * the owner, workflow and deployment from the instance's rows, and executions outlive them.
 */
export const executions = pgTable(
  'executions',
  {
    id: uuid('id').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    userId: uuid('user_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    workflowVersion: integer('workflow_version').notNull(),
    /** How the version was determined. `n8n`: by n8n's version ID. `time`: by the version that was live at the start. */
    workflowVersionSource: text('workflow_version_source', { enum: workflowVersionSources })
      .notNull()
      .default('time'),
    n8nWorkflowVersionId: text('n8n_workflow_version_id'),
    deploymentId: uuid('deployment_id').notNull(),
    n8nExecutionId: text('n8n_execution_id').notNull(),
    status: text('status', { enum: executionStatuses }).notNull(),
    mode: text('mode'),
    kind: text('kind', { enum: runKinds }).notNull().default('production'),
    /** n8n's ID of the execution that this one retries, then our IDs of that execution and of the latest retry. */
    retryOf: text('retry_of'),
    retryOfId: uuid('retry_of_id'),
    retriedById: uuid('retried_by_id'),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** The time between start and end includes waiting for a webhook or a point in time. */
    waited: boolean('waited').notNull().default(false),
    /** Time in which nodes ran, without waiting. Computed from the data; stays when the data is trimmed. */
    activeMs: bigint('active_ms', { mode: 'number' }),
    errorMessage: text('error_message'),
    errorNode: text('error_node'),
    /** Merge key of the delivery that the error came from. */
    errorMergeKey: text('error_stamp'),
    /** Null without an error, and for errors that were recorded before fingerprints existed. */
    errorFingerprint: text('error_fingerprint'),
    /** HTTP status from the service that the node called. */
    errorHttpStatus: integer('error_http_status'),
    data: jsonb('data'),
    /** Merge key of the data; stays when the data is trimmed. `-`, which sorts before all keys: n8n has no data. */
    dataMergeKey: text('data_stamp'),
    /** Tokens by node and model, see `executions/record/usage.ts`; stay when the data is trimmed. Null: none known. */
    usage: jsonb('usage').$type<NodeUsage[]>(),
    /**
     * Merge key of the usage. `-` and `.` sort before all keys. `-`: AI nodes ran, and a poll has yet to tell their
     * tokens. `.`: n8n no longer has them.
     */
    usageMergeKey: text('usage_stamp'),
    updatedAt: updatedAt(),
    /** The values that the latest change replaced. `previousData` is set only if the data was replaced. */
    previousErrorFingerprint: text('previous_error_fingerprint'),
    previousData: jsonb('previous_data'),
    previousDataMergeKey: text('previous_data_stamp'),
    previousUsage: jsonb('previous_usage').$type<NodeUsage[]>(),
    previousUsageMergeKey: text('previous_usage_stamp'),
    previousWorkflowVersion: integer('previous_workflow_version'),
    previousKind: text('previous_kind', { enum: runKinds }),
    previousDurationMs: bigint('previous_duration_ms', { mode: 'number' }),
  },
  (t) => [
    primaryKey({ name: 'executions_pkey', columns: [t.id, t.recordedAt] }),
    // Lists sort by the time of the run, then by ID. Analytics uses the same time.
    index('executions_user_idx').on(t.userId, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_workflow_idx').on(t.workflowId, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_status_idx').on(t.userId, t.status, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_failed_idx')
      .on(t.userId, happenedFirst(t), t.id.desc().nullsFirst())
      .where(sql`${t.status} in ('error', 'crashed')`),
    // Rows whose data the next poll fetches, and rows whose data retention trims. Both indexes stay small.
    index('executions_dataless_idx').on(t.instanceId, t.recordedAt).where(sql`${t.dataMergeKey} is null`),
    index('executions_usage_pending_idx').on(t.instanceId, t.recordedAt).where(sql`${t.usageMergeKey} = '-'`),
    index('executions_data_idx').on(t.workflowId, t.recordedAt).where(sql`${t.data} is not null`),
    index('executions_error_idx')
      .on(t.userId, t.errorFingerprint, happenedFirst(t), t.id.desc().nullsFirst())
      .where(sql`${t.errorFingerprint} is not null`),
    // Only runs with an error.
    index('executions_error_words_idx')
      .using('gin', sql`search_words(${t.errorMessage}, true)`)
      .where(sql`${t.errorMessage} is not null`),
    // Runs of versions that are not in the history yet.
    index('executions_unattributed_idx')
      .on(t.deploymentId, t.n8nWorkflowVersionId)
      .where(sql`${t.workflowVersionSource} = 'time' and ${t.n8nWorkflowVersionId} is not null`),
  ],
)

/** Makes executions unique, which a partitioned table cannot, and keeps the merge state under one row lock. */
export const executionKeys = pgTable(
  'execution_keys',
  {
    instanceId: uuid('instance_id').notNull(),
    n8nExecutionId: text('n8n_execution_id').notNull(),
    /** Epoch of the instance. n8n's IDs are unique within an epoch. */
    epoch: integer('epoch').notNull().default(1),
    id: uuid('id').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    userId: uuid('user_id').notNull(),
    /** Null for runs recorded before this column existed, if their deployment no longer has a workflow ID. */
    n8nWorkflowId: text('n8n_workflow_id'),
    status: text('status', { enum: executionStatuses }).notNull(),
    /** Merge key of the delivery that `status` came from. A delivery with a greater key replaces it. */
    mergeKey: text('stamp').notNull(),
    startedAt: instant('started_at'),
    /** `startedAt` was polled from n8n, where it never changes, so reports do not replace it. */
    isStartPolled: boolean('is_start_polled').notNull().default(false),
    finishedAt: instant('finished_at'),
    /** Merge key of the delivery that the error came from, then hashes of the error's message, node, class and mode. */
    errorEvidence: text('error_evidence'),
    n8nVersionId: text('n8n_version_id'),
    retryOf: text('retry_of'),
    /** Part of a retry chain that has changed and is not settled yet. */
    isRetryPending: boolean('is_retry_pending').notNull().default(false),
    /** n8n rejects the ID, so polls skip it. */
    isRefused: boolean('is_refused').notNull().default(false),
    /** The state before the latest delivery; null after the first. Postgres 15 cannot return old values. */
    previousStatus: text('previous_status', { enum: executionStatuses }),
    previousStartedAt: instant('previous_started_at'),
    previousFinishedAt: instant('previous_finished_at'),
  },
  (t) => [
    primaryKey({ name: 'execution_keys_pkey', columns: [t.instanceId, t.n8nExecutionId, t.epoch] }),
    index('execution_keys_recorded_at_idx').using('brin', t.recordedAt),
    index('execution_keys_user_id_idx').on(t.userId),
    index('execution_keys_open_idx')
      .on(t.instanceId)
      .where(sql`${t.status} in ('new', 'running', 'waiting')`),
    // The instance as text, so that the planner can only choose this index, with any statistics.
    index('execution_keys_retry_of_idx')
      .on(t.retryOf, sql`(${t.instanceId}::text)`)
      .where(sql`${t.retryOf} is not null`),
    index('execution_keys_retry_pending_idx').on(t.instanceId).where(sql`${t.isRetryPending}`),
  ],
)

/**
 * Failures without an execution: a trigger that could not start, or a run without an n8n ID. No foreign keys: see
 * `executions`.
 */
export const incidents = pgTable(
  'incidents',
  {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    workflowVersion: integer('workflow_version').notNull(),
    deploymentId: uuid('deployment_id').notNull(),
    n8nWorkflowId: text('n8n_workflow_id').notNull(),
    /** `trigger`: the trigger could not start. `run`: a run without an ID failed. */
    source: text('source', { enum: ['trigger', 'run'] }).notNull(),
    mode: text('mode'),
    message: text('message').notNull(),
    node: text('node'),
    errorClass: text('error_class'),
    httpStatus: integer('http_status'),
    /** Computed like the fingerprint of a run's error, from `messagePattern`. */
    fingerprint: text('fingerprint').notNull(),
    messagePattern: text('message_pattern').notNull(),
    occurredAt: instant('occurred_at').notNull(),
    /** SHA-256 of the report and its ten-minute window, hex. A repeated delivery only increments `deliveries`. */
    deliveryHash: text('delivery_hash').notNull(),
    deliveries: integer('deliveries').notNull().default(1),
  },
  (t) => [
    unique('incidents_delivery_key').on(t.instanceId, t.deliveryHash),
    index('incidents_user_idx').on(t.userId, t.occurredAt.desc().nullsFirst(), t.id.desc().nullsFirst()),
    index('incidents_workflow_idx').on(
      t.workflowId,
      t.occurredAt.desc().nullsFirst(),
      t.id.desc().nullsFirst(),
    ),
    index('incidents_fingerprint_idx').on(t.userId, t.fingerprint, t.occurredAt.desc().nullsFirst()),
    index('incidents_occurred_at_idx').using('brin', t.occurredAt),
  ],
)

/** One row: the backfill of executions with a lower ID is pending. No row: the backfill is complete. */
export const executionBackfill = pgTable(
  'execution_backfill',
  { isOnly: boolean('is_only').primaryKey().default(true), beforeId: uuid('before_id').notNull() },
  (t) => [check('execution_backfill_only_check', sql`${t.isOnly}`)],
)

/**
 * Spans of n8n's runs, until all spans of their run have arrived: those of one part of a run in one request. n8n exports
 * spans in batches, and a node's span names its run only by the span of the run, which ends later.
 */
export const otelSpans = pgTable(
  'otel_spans',
  {
    userId: uuid('user_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    /** Trace and span ID of the part of the run. */
    partKey: text('part_key').notNull(),
    /** SHA-256 of `spans`, hex. A repeated request adds nothing. */
    digest: text('digest').notNull(),
    /** Trace and n8n execution ID, if the request has the span of the part. */
    runKey: text('run_key'),
    spans: jsonb('spans').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'otel_spans_pkey', columns: [t.instanceId, t.partKey, t.digest] }),
    foreignKey({
      name: 'otel_spans_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    index('otel_spans_run_key_idx').on(t.instanceId, t.runKey).where(sql`run_key is not null`),
    index('otel_spans_user_id_instance_id_idx').on(t.userId, t.instanceId),
    index('otel_spans_expires_at_idx').on(t.expiresAt),
  ],
)
