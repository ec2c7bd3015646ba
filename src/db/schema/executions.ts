import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
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

const happenedFirst = (t: Record<'startedAt' | 'finishedAt' | 'recordedAt', PgColumn>) =>
  sql`coalesce(${t.startedAt}, ${t.finishedAt}, ${t.recordedAt}) desc`

/**
 * What a run counts as. `manual`: started in the editor, evaluations included. `sub`: called by another workflow.
 * `error`: of an error workflow. `superseded`: a later retry has decided the outcome in its place.
 */
export const runKinds = ['production', 'manual', 'sub', 'error', 'superseded'] as const
export type RunKind = (typeof runKinds)[number]

export const workflowVersionSources = ['n8n', 'time'] as const
export type WorkflowVersionSource = (typeof workflowVersionSources)[number]

/**
 * Partitioned by month on `recorded_at`, which is the id's own UUIDv7 time. No foreign keys: the owner, workflow and
 * deployment come from the instance's rows in the inserting statement, and history outlives them.
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
    /** `n8n`: by the version id that n8n gives. `time`: by what was live when the run started. */
    workflowVersionSource: text('workflow_version_source', { enum: workflowVersionSources })
      .notNull()
      .default('time'),
    n8nWorkflowVersionId: text('n8n_workflow_version_id'),
    deploymentId: uuid('deployment_id').notNull(),
    n8nExecutionId: text('n8n_execution_id').notNull(),
    status: text('status', { enum: executionStatuses }).notNull(),
    mode: text('mode'),
    kind: text('kind', { enum: runKinds }).notNull().default('production'),
    /** n8n's id of the execution that this one retries, and the ids here of that one and of the latest retry. */
    retryOf: text('retry_of'),
    retryOfId: uuid('retry_of_id'),
    retriedById: uuid('retried_by_id'),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** The time between start and end includes waiting, for a webhook or until a time. */
    waited: boolean('waited').notNull().default(false),
    /** Time in which nodes ran, without waiting; of the data, and kept when the data is trimmed. */
    activeMs: bigint('active_ms', { mode: 'number' }),
    errorMessage: text('error_message'),
    errorNode: text('error_node'),
    /** Stamp of the delivery that the error came from, and of the one that the data came from. */
    errorMergeKey: text('error_stamp'),
    /** Null without an error, and of errors recorded before there were fingerprints. */
    errorFingerprint: text('error_fingerprint'),
    /** What the service that the node called has answered. */
    errorHttpStatus: integer('error_http_status'),
    data: jsonb('data'),
    /** Stays when the data is trimmed; `-`, which sorts before any stamp, when n8n was asked for it and has none. */
    dataMergeKey: text('data_stamp'),
    updatedAt: updatedAt(),
    /** What the latest delivery that changed the row has replaced; `previousData` only when it was replaced. */
    previousErrorFingerprint: text('previous_error_fingerprint'),
    previousData: jsonb('previous_data'),
    previousDataMergeKey: text('previous_data_stamp'),
    previousWorkflowVersion: integer('previous_workflow_version'),
    previousKind: text('previous_kind', { enum: runKinds }),
    previousDurationMs: bigint('previous_duration_ms', { mode: 'number' }),
  },
  (t) => [
    primaryKey({ name: 'executions_pkey', columns: [t.id, t.recordedAt] }),
    // Lists are ordered by when a run happened, then by id; analytics counts by the same time.
    index('executions_user_idx').on(t.userId, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_workflow_idx').on(t.workflowId, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_status_idx').on(t.userId, t.status, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_failed_idx')
      .on(t.userId, happenedFirst(t), t.id.desc().nullsFirst())
      .where(sql`${t.status} in ('error', 'crashed')`),
    // What the next poll is to fetch, and what the retention of data is to trim: both empty themselves.
    index('executions_dataless_idx').on(t.instanceId, t.recordedAt).where(sql`${t.dataMergeKey} is null`),
    index('executions_data_idx').on(t.workflowId, t.recordedAt).where(sql`${t.data} is not null`),
    index('executions_error_idx')
      .on(t.userId, t.errorFingerprint, happenedFirst(t), t.id.desc().nullsFirst())
      .where(sql`${t.errorFingerprint} is not null`),
    // Only of runs that have an error.
    index('executions_error_words_idx')
      .using('gin', sql`search_words(${t.errorMessage}, true)`)
      .where(sql`${t.errorMessage} is not null`),
    // Runs of versions that the history does not know yet.
    index('executions_unattributed_idx')
      .on(t.deploymentId, t.n8nWorkflowVersionId)
      .where(sql`${t.workflowVersionSource} = 'time' and ${t.n8nWorkflowVersionId} is not null`),
  ],
)

/** Makes an execution unique, which a partitioned table cannot, and holds the merge state under one row lock. */
export const executionKeys = pgTable(
  'execution_keys',
  {
    instanceId: uuid('instance_id').notNull(),
    n8nExecutionId: text('n8n_execution_id').notNull(),
    /** Of the instance: n8n's ids are unique within one. */
    epoch: integer('epoch').notNull().default(1),
    id: uuid('id').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    userId: uuid('user_id').notNull(),
    /** Null for runs recorded before it was stored whose deployment no longer names a workflow. */
    n8nWorkflowId: text('n8n_workflow_id'),
    status: text('status', { enum: executionStatuses }).notNull(),
    /** Stamp of the delivery that `status` came from; a greater one replaces it. */
    mergeKey: text('stamp').notNull(),
    startedAt: instant('started_at'),
    /** `startedAt` comes from n8n's own record, which never changes: a report does not replace it. */
    isStartPolled: boolean('is_start_polled').notNull().default(false),
    finishedAt: instant('finished_at'),
    /** Stamp of the delivery that the error came from, and hashes of the error's message, node, class and mode. */
    errorEvidence: text('error_evidence'),
    n8nVersionId: text('n8n_version_id'),
    retryOf: text('retry_of'),
    /** It is part of a chain of retries that has changed and is yet to be settled. */
    isRetryPending: boolean('is_retry_pending').notNull().default(false),
    /** n8n refuses the id, so that it is not asked for it again. */
    isRefused: boolean('is_refused').notNull().default(false),
    /** The state before the latest delivery; null after the first. Postgres 15 cannot return replaced values. */
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
    // The instance as text: only this index matches, regardless of the planner's statistics.
    index('execution_keys_retry_of_idx')
      .on(t.retryOf, sql`(${t.instanceId}::text)`)
      .where(sql`${t.retryOf} is not null`),
    index('execution_keys_retry_pending_idx').on(t.instanceId).where(sql`${t.isRetryPending}`),
  ],
)

/**
 * Failures that have no execution: a trigger that could not start, a run that n8n gave no id. No foreign keys, like
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
    /** `trigger`: it could not start. `run`: it failed without an id. */
    source: text('source', { enum: ['trigger', 'run'] }).notNull(),
    mode: text('mode'),
    message: text('message').notNull(),
    node: text('node'),
    errorClass: text('error_class'),
    httpStatus: integer('http_status'),
    /** As of a run's error, with `messagePattern` as its message. */
    fingerprint: text('fingerprint').notNull(),
    messagePattern: text('message_pattern').notNull(),
    occurredAt: instant('occurred_at').notNull(),
    /** SHA-256 of the report and of the ten minutes in which it came, hex: a repeated delivery is counted. */
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

/** One row: existing executions with a lower id are yet to be corrected. None: all of them are. */
export const executionBackfill = pgTable(
  'execution_backfill',
  { isOnly: boolean('is_only').primaryKey().default(true), beforeId: uuid('before_id').notNull() },
  (t) => [check('execution_backfill_only_check', sql`${t.isOnly}`)],
)
