/**
 * @module Rollups of executions. Ingest appends its changes to `execution_changes`, and a later rollup moves them into the
 * rollup tables. Read the views `…_now`: they add up both and omit dropped months.
 *
 * Every row carries the month (UTC) in which its executions were recorded, so that it can be deleted with their partition.
 * A deployment ID of zeros is the total of all of a user's deployments. No foreign keys: see `executions`.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { users } from './users.ts'
import { executionStatuses, type NodeUsage, runKinds } from './executions.ts'

const recordedMonth = () => date('recorded_month').notNull()

/** The owner of a run. All but the version is fixed when the execution is first recorded. */
const origin = () => ({
  userId: uuid('user_id').notNull(),
  deploymentId: uuid('deployment_id').notNull(),
  workflowId: uuid('workflow_id').notNull(),
  instanceId: uuid('instance_id').notNull(),
  recordedMonth: recordedMonth(),
})

/** UTC, starting at `at`. Ten minutes: only for the user's totals. */
const period = () => ({
  grain: text('grain', { enum: ['10min', 'hour', 'day'] }).notNull(),
  at: instant('at').notNull(),
})

const kind = () => text('kind', { enum: runKinds }).notNull().default('production')

const count = (name: string) => integer(name).notNull().default(0)

/**
 * A histogram in one number, so that `+` and `sum` add up histograms. Its digits to the base 10^12 are the counts of the
 * buckets of `duration_bucket`, bucket 0 last. `duration_percentiles` reads it.
 */
const histogram = (name: string) => numeric(name).notNull().default('0')

/**
 * Append-only. A transition is two rows: the previous state of the execution with sign -1, and the new state with +1. To
 * keep writes cheap, the views and the rollup interpret them.
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
    /** Without waiting; null when unknown. */
    durationMs: bigint('duration_ms', { mode: 'number' }),
    errorFingerprint: text('error_fingerprint'),
    /** Written by `executions/record/node-counts.ts`; null when the change does not affect the node data. */
    nodeNames: text('node_names').array(),
    nodeCounts: integer('node_counts').array(),
    /** Null when the change does not affect the usage. */
    usage: jsonb('usage').$type<NodeUsage[]>(),
  },
  (t) => [primaryKey({ name: 'execution_changes_pkey', columns: [t.userId, t.id] })],
)

/** Runs by status and duration. The user's totals have deployment ID zero and version 0. */
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
 * Days only: `at` is the day of the node's first run. An unknown type is empty. The user's totals by type have deployment
 * ID zero, version 0 and no name.
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
    /** Runs of the node; several per execution in a loop. */
    runs: bigint('runs', { mode: 'number' }).notNull().default(0),
    executions: count('executions'),
    /** Executions in which it failed. */
    failures: count('failures'),
    items: bigint('items', { mode: 'number' }).notNull().default(0),
    totalMs: bigint('total_ms', { mode: 'number' }).notNull().default(0),
    /** Durations of its runs; a loop counts as its mean. */
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

const tokens = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)

/**
 * Tokens by model, of runs of all kinds, because providers charge for all of them. An unknown model is empty. Costs are
 * computed when they are read, from the prices at that time.
 */
export const usageStats = pgTable(
  'usage_stats',
  {
    ...origin(),
    workflowVersion: integer('workflow_version').notNull(),
    ...period(),
    model: text('model').notNull(),
    /** Executions that used the model. */
    executions: count('executions'),
    /** Requests to the model. */
    calls: tokens('calls'),
    input: tokens('input'),
    /** Of the input: read from and written to the provider's cache. */
    cached: tokens('cached'),
    written: tokens('written'),
    output: tokens('output'),
    /** Of input and output: estimated by n8n. */
    estimated: tokens('estimated'),
  },
  (t) => [
    primaryKey({
      name: 'usage_stats_pkey',
      columns: [
        t.userId,
        t.grain,
        t.at,
        t.workflowId,
        t.deploymentId,
        t.workflowVersion,
        t.model,
        t.recordedMonth,
      ],
    }),
    index('usage_stats_month_idx').using('brin', t.recordedMonth),
  ],
)

/** The error of a fingerprint, the same in every month in which it occurs. */
export const errorGroups = pgTable(
  'error_groups',
  {
    userId: uuid('user_id').notNull(),
    fingerprint: text('fingerprint').notNull(),
    recordedMonth: recordedMonth(),
    node: text('node'),
    errorClass: text('error_class'),
    httpStatus: integer('http_status'),
    /** With placeholders for the parts that differ from run to run. */
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

/** A user's own prices in US dollars per million tokens. They take precedence over `default_model_prices`. */
export const modelPrices = pgTable(
  'model_prices',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** A model name, or a prefix followed by `*`. */
    model: text('model').notNull(),
    input: doublePrecision('input').notNull(),
    output: doublePrecision('output').notNull(),
    /** Tokens read from and written to the provider's cache. Null: the price of the input. */
    cached: doublePrecision('cached'),
    written: doublePrecision('written'),
  },
  (t) => [primaryKey({ name: 'model_prices_pkey', columns: [t.userId, t.model] })],
)

/** One row: the oldest month that counts. Older rollups are deleted in batches. */
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
