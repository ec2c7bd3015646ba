import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, instant } from './columns.ts'
import type { SlotBinding } from './deployments.ts'
import { instances } from './instances.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

/** `failed`: a node failed. `error`: the workflow did not run. */
export const testRunStatuses = ['running', 'passed', 'failed', 'error'] as const
export type TestRunStatus = (typeof testRunStatuses)[number]

/** What to do with nodes that change data outside the workflow. */
export const writeTreatments = ['pin', 'disable', 'run'] as const
export type WriteTreatment = (typeof writeTreatments)[number]

export interface TestRequest {
  /** Items that the trigger outputs. Removed once the test has finished. */
  items?: Record<string, unknown>[]
  /** The execution that it replays. Its values are read when they are needed, and not stored here. */
  executionId?: string
  /** Of a replay of several runs: how many tests it has. */
  replayRuns?: number
  writes: WriteTreatment
  bindings: SlotBinding[]
}

/**
 * Tests of workflows on an instance. A row exists before anything is created in n8n, and lists what must still be removed
 * there: the workflow named after the ID, and copies of the bound credentials.
 */
export const testRuns = pgTable(
  'test_runs',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** Null once the workflow is deleted: its scratch copy must still be removed. */
    workflowId: uuid('workflow_id'),
    instanceId: uuid('instance_id').notNull(),
    version: integer('version').notNull(),
    /** The tests that replay recorded runs together, one after another. Null for a single test. */
    replayId: uuid('replay_id'),
    status: text('status', { enum: testRunStatuses }).notNull(),
    /** The step in progress, or the step that failed. */
    step: text('step'),
    error: text('error'),
    /** Name of the trigger that the input stands for. */
    trigger: text('trigger').notNull(),
    request: jsonb('request').$type<TestRequest>().notNull(),
    n8nWorkflowId: text('n8n_workflow_id'),
    /** Saved before the scratch copy is called, so that it is called at most once. */
    calledAt: instant('called_at'),
    /** `TestNode[]`: until the test finishes, how each node is treated. */
    nodes: jsonb('nodes').$type<unknown[]>(),
    durationMs: integer('duration_ms'),
    /** The server that works on it, and until when. Another server can take over an expired lease. */
    leaseOwner: uuid('lease_owner'),
    leaseUntil: instant('lease_until'),
    attempts: integer('attempts').notNull().default(0),
    createdAt: createdAt(),
    finishedAt: instant('finished_at'),
    /** When everything was removed from n8n. */
    removedAt: instant('removed_at'),
  },
  (t) => [
    foreignKey({
      name: 'test_runs_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('set null'),
    foreignKey({
      name: 'test_runs_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    index('test_runs_user_id_workflow_id_idx').on(t.userId, t.workflowId, t.id),
    index('test_runs_user_id_instance_id_idx').on(t.userId, t.instanceId),
    index('test_runs_replay_idx').on(t.userId, t.replayId, t.id).where(sql`${t.replayId} is not null`),
    index('test_runs_lease_until_idx').on(t.leaseUntil).where(sql`${t.removedAt} is null`),
    index('test_runs_created_at_idx').on(t.createdAt),
    check('test_runs_status_check', sql`${t.status} in ('running', 'passed', 'failed', 'error')`),
  ],
)
