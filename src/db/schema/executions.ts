import { sql } from 'drizzle-orm'
import { index, integer, jsonb, type PgColumn, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
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
    deploymentId: uuid('deployment_id').notNull(),
    n8nExecutionId: text('n8n_execution_id').notNull(),
    status: text('status', { enum: executionStatuses }).notNull(),
    mode: text('mode'),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    errorMessage: text('error_message'),
    errorNode: text('error_node'),
    /** Stamp of the delivery that the error came from, and of the one that the data came from. */
    errorStamp: text('error_stamp'),
    /** Null without an error, and of errors recorded before there were fingerprints. */
    errorFingerprint: text('error_fingerprint'),
    /** What the service that the node called has answered. */
    errorHttpStatus: integer('error_http_status'),
    data: jsonb('data'),
    /** Stays when the data is trimmed; `-`, which sorts before any stamp, when n8n was asked for it and has none. */
    dataStamp: text('data_stamp'),
    updatedAt: updatedAt(),
    /** What the latest delivery that changed the row has replaced; `previousData` only when it was replaced. */
    previousErrorFingerprint: text('previous_error_fingerprint'),
    previousData: jsonb('previous_data'),
    previousDataStamp: text('previous_data_stamp'),
  },
  (t) => [
    primaryKey({ name: 'executions_pkey', columns: [t.id, t.recordedAt] }),
    // Lists are ordered by when a run happened, then by id; analytics counts by the same time.
    index('executions_user_idx').on(t.userId, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_workflow_idx').on(t.workflowId, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_status_idx').on(t.userId, t.status, happenedFirst(t), t.id.desc().nullsFirst()),
    index('executions_failed_idx')
      .on(t.userId, sql`coalesce(${t.startedAt}, ${t.finishedAt}, ${t.recordedAt})`)
      .where(sql`${t.errorFingerprint} is not null`),
    // What the next poll is to fetch, and what the retention of data is to trim: both empty themselves.
    index('executions_dataless_idx').on(t.instanceId, t.recordedAt).where(sql`${t.dataStamp} is null`),
    index('executions_data_idx').on(t.workflowId, t.recordedAt).where(sql`${t.data} is not null`),
    index('executions_error_idx')
      .on(t.userId, t.errorFingerprint, happenedFirst(t), t.id.desc().nullsFirst())
      .where(sql`${t.errorFingerprint} is not null`),
  ],
)

/** Makes an execution unique, which a partitioned table cannot, and holds the merge state under one row lock. */
export const executionKeys = pgTable(
  'execution_keys',
  {
    instanceId: uuid('instance_id').notNull(),
    n8nExecutionId: text('n8n_execution_id').notNull(),
    id: uuid('id').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    userId: uuid('user_id').notNull(),
    status: text('status', { enum: executionStatuses }).notNull(),
    /** Stamp of the delivery that `status` came from; a greater one replaces it. */
    stamp: text('stamp').notNull(),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** The state before the latest delivery; null after the first. Postgres 15 cannot return replaced values. */
    previousStatus: text('previous_status', { enum: executionStatuses }),
    previousStartedAt: instant('previous_started_at'),
    previousFinishedAt: instant('previous_finished_at'),
  },
  (t) => [
    primaryKey({ name: 'execution_keys_pkey', columns: [t.instanceId, t.n8nExecutionId] }),
    index('execution_keys_recorded_at_idx').using('brin', t.recordedAt),
    index('execution_keys_user_id_idx').on(t.userId),
    index('execution_keys_open_idx')
      .on(t.instanceId)
      .where(sql`${t.status} in ('new', 'running', 'waiting')`),
  ],
)
