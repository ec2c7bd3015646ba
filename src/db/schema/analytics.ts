/**
 * @module What executions add up to. Ingest appends what it changed to `execution_changes`; a fold moves that into the
 * rollups. Neither alone is the truth: the views `…_now` are, which add both and leave out months that are dropped.
 *
 * Every row carries the month (UTC) in which its executions were recorded, so that it can go with their partition.
 * A deployment id of zeros stands for all of a user's together. No foreign keys: see `executions`.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { executionStatuses, runKinds } from './executions.ts'

const recordedMonth = () => date('recorded_month').notNull()

/** Whose run it was; all but the version is fixed when the execution is first recorded. */
const origin = () => ({
  userId: uuid('user_id').notNull(),
  deploymentId: uuid('deployment_id').notNull(),
  workflowId: uuid('workflow_id').notNull(),
  instanceId: uuid('instance_id').notNull(),
  recordedMonth: recordedMonth(),
})

/** UTC; `at` is where it begins. Ten minutes: only of all of a user's runs together. */
const period = () => ({
  grain: text('grain', { enum: ['10min', 'hour', 'day'] }).notNull(),
  at: instant('at').notNull(),
})

const kind = () => text('kind', { enum: runKinds }).notNull().default('production')

const count = (name: string) => integer(name).notNull().default(0)

/**
 * A histogram in one number, so that histograms add up by `+` and `sum`: its digits to the base 10^12 say how many runs
 * each bucket holds, bucket 0 being the last. Buckets are what `duration_bucket` gives; `duration_percentiles` reads it.
 */
const histogram = (name: string) => numeric(name).notNull().default('0')

/**
 * Append-only. A transition is two rows: what the execution was, with sign -1, and what it is, with +1. As they are
 * written, so that writing is cheap: how they count is for the views and the fold to say.
 */
export const executionChanges = pgTable(
  'execution_changes',
  {
    id: bigint('id', { mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    userId: uuid('user_id').notNull(),
    deploymentId: uuid('deployment_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    workflowVersion: integer('workflow_version').notNull(),
    kind: kind(),
    recordedAt: instant('recorded_at').notNull(),
    sign: smallint('sign').notNull(),
    status: text('status', { enum: executionStatuses }).notNull(),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** Without waiting; null when it is not known. */
    durationMs: bigint('duration_ms', { mode: 'number' }),
    errorFingerprint: text('error_fingerprint'),
    /** Of the run's data, as `executions/node-counts.ts` writes them; null when this change does not concern it. */
    nodeNames: text('node_names').array(),
    nodeCounts: integer('node_counts').array(),
  },
  (t) => [primaryKey({ name: 'execution_changes_pkey', columns: [t.userId, t.id] })],
)

/** Runs by status and duration. Version 0 of the deployment of zeros: all the user's. */
export const executionStats = pgTable(
  'execution_stats',
  {
    ...origin(),
    workflowVersion: integer('workflow_version').notNull(),
    kind: kind(),
    ...period(),
    new: count('new'),
    running: count('running'),
    waiting: count('waiting'),
    success: count('success'),
    error: count('error'),
    canceled: count('canceled'),
    crashed: count('crashed'),
    unknown: count('unknown'),
    durations: histogram('durations'),
  },
  (t) => [
    primaryKey({
      name: 'execution_stats_pkey',
      columns: [
        t.userId,
        t.grain,
        t.at,
        t.workflowId,
        t.deploymentId,
        t.workflowVersion,
        t.kind,
        t.recordedMonth,
      ],
    }),
    index('execution_stats_month_idx').using('brin', t.recordedMonth),
  ],
)

/**
 * Days only: `at` is the day on which the node ran first. A type that is not known is empty. Version 0 of the deployment
 * of zeros, without a name: all the user's nodes of a type.
 */
export const nodeStats = pgTable(
  'node_stats',
  {
    ...origin(),
    workflowVersion: integer('workflow_version').notNull(),
    kind: kind(),
    nodeType: text('node_type').notNull(),
    nodeName: text('node_name').notNull(),
    at: instant('at').notNull(),
    /** Of the node: more than one an execution in a loop. */
    runs: bigint('runs', { mode: 'number' }).notNull().default(0),
    executions: count('executions'),
    /** Executions in which it failed. */
    failures: count('failures'),
    items: bigint('items', { mode: 'number' }).notNull().default(0),
    totalMs: bigint('total_ms', { mode: 'number' }).notNull().default(0),
    /** Of its runs, those of a loop at their mean. */
    durations: histogram('durations'),
  },
  (t) => [
    primaryKey({
      name: 'node_stats_pkey',
      columns: [
        t.userId,
        t.at,
        t.workflowId,
        t.deploymentId,
        t.workflowVersion,
        t.kind,
        t.nodeType,
        t.nodeName,
        t.recordedMonth,
      ],
    }),
    index('node_stats_month_idx').using('brin', t.recordedMonth),
  ],
)

/** Failed runs by the fingerprint of their error. */
export const errorStats = pgTable(
  'error_stats',
  {
    ...origin(),
    workflowVersion: integer('workflow_version').notNull(),
    kind: kind(),
    ...period(),
    fingerprint: text('fingerprint').notNull(),
    runs: count('runs'),
  },
  (t) => [
    primaryKey({
      name: 'error_stats_pkey',
      columns: [
        t.userId,
        t.grain,
        t.at,
        t.fingerprint,
        t.deploymentId,
        t.workflowVersion,
        t.kind,
        t.recordedMonth,
      ],
    }),
    index('error_stats_month_idx').using('brin', t.recordedMonth),
  ],
)

/** What a fingerprint stands for: the same in every month in which it occurs. */
export const errorGroups = pgTable(
  'error_groups',
  {
    userId: uuid('user_id').notNull(),
    fingerprint: text('fingerprint').notNull(),
    recordedMonth: recordedMonth(),
    node: text('node'),
    errorClass: text('error_class'),
    httpStatus: integer('http_status'),
    /** With placeholders for what differs from run to run. */
    message: text('message').notNull(),
  },
  (t) => [
    primaryKey({ name: 'error_groups_pkey', columns: [t.userId, t.fingerprint, t.recordedMonth] }),
    index('error_groups_month_idx').using('brin', t.recordedMonth),
    index('error_groups_words_idx')
      .using('gin', sql`search_words(coalesce(${t.httpStatus}::text || ' ', '') || ${t.message}, true)`)
      .with({ fastupdate: 'off' }),
  ],
)

/** One row: the oldest month that counts. What is older of the rollups is deleted bit by bit. */
export const executionHorizon = pgTable(
  'execution_horizon',
  {
    isOnly: boolean('is_only').primaryKey().default(true),
    month: date('month').notNull(),
    /** There may be older rows to delete. */
    isPending: boolean('is_pending').notNull().default(false),
  },
  (t) => [check('execution_horizon_only_check', sql`${t.isOnly}`)],
)
