import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, instant } from './columns.ts'
import { type DeploymentStatus, type SlotBinding } from './deployments.ts'
import { instances } from './instances.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

/**
 * `planning`: each target is planned. `planned`: waits for its start. `running`: see the phase. `halted`: stopped with a
 * reason; can be resumed or rolled back. `completed`: every target was processed. `rolled-back`: targets have their
 * previous versions.
 */
export const releaseStatuses = [
  'planning',
  'planned',
  'running',
  'halted',
  'completed',
  'rolling-back',
  'rolled-back',
] as const
export type ReleaseStatus = (typeof releaseStatuses)[number]

/** Of a running or halted release. `observing`: the canary is deployed, and its runs are watched. */
export const releasePhases = ['canary', 'observing', 'rest'] as const
export type ReleasePhase = (typeof releasePhases)[number]

/**
 * `unchanged`: n8n already had the version. `kept`: the rollback left it alone, because someone else changed the
 * deployment after the release.
 */
export const releaseTargetStatuses = [
  'pending',
  'deploying',
  'deployed',
  'unchanged',
  'failed',
  'rolling-back',
  'rolled-back',
  'rollback-failed',
  'kept',
] as const
export type ReleaseTargetStatus = (typeof releaseTargetStatuses)[number]

export interface ReleasedWorkflow {
  workflowId: string
  version: number
}

export interface TargetProblem {
  code: string
  level: string
  message: string
  blocks: boolean
}

/** What deploying does at one target. */
export interface TargetPlan {
  action: 'create' | 'update' | 'none'
  problems: TargetProblem[]
  /** Credentials that the plan chose. Earlier bindings are reused without an entry. */
  bindings: SlotBinding[]
  /** The deployment at the time of the plan; null for none. */
  live: { deploymentId: string; version: number } | null
}

/** The deployment before the release. Null members: there was none. */
export interface TargetBefore {
  deploymentId: string | null
  version: number | null
  status: DeploymentStatus | null
  /** Deactivated on purpose. */
  unpublished: boolean
}

/** Workflow versions that go to many instances: a canary first, then the rest. */
export const releases = pgTable(
  'releases',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    status: text('status', { enum: releaseStatuses }).notNull(),
    phase: text('phase', { enum: releasePhases }).notNull().default('canary'),
    /** Starts when every target is planned and none is blocked. */
    autoStart: boolean('auto_start').notNull(),
    /** In the order of deployment. */
    workflows: jsonb('workflows').$type<ReleasedWorkflow[]>().notNull(),
    fromEnvironment: text('from_environment'),
    toEnvironment: text('to_environment'),
    /** How many instances are the canary. */
    canary: integer('canary').notNull(),
    observeSeconds: integer('observe_seconds').notNull(),
    observeMinRuns: integer('observe_min_runs').notNull(),
    /** A share from 0 to 1. */
    maxFailureRate: doublePrecision('max_failure_rate').notNull(),
    maxFailedTargets: integer('max_failed_targets').notNull(),
    concurrency: integer('concurrency').notNull(),
    /** Why it was halted or did not start. */
    reason: text('reason'),
    /** Digest of the plans of all targets, hex. Null while planning. */
    planHash: text('plan_hash'),
    /** Whose scopes the work has. Null: a session, which may do everything. */
    tokenId: uuid('token_id'),
    tokenName: text('token_name'),
    scopes: text('scopes').array(),
    /** Runs since then are counted. */
    observedFrom: instant('observed_from'),
    /** When a worker last took it up. The scheduled job takes the one that has waited longest. */
    workedAt: instant('worked_at'),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    createdAt: createdAt(),
  },
  (t) => [
    unique('releases_user_id_id_key').on(t.userId, t.id),
    index('releases_due_idx')
      .on(t.workedAt.asc().nullsFirst())
      .where(sql`${t.status} in ('planning', 'running', 'rolling-back')`),
    check(
      'releases_status_check',
      sql`${t.status} in ('planning', 'planned', 'running', 'halted', 'completed', 'rolling-back', 'rolled-back')`,
    ),
    check('releases_phase_check', sql`${t.phase} in ('canary', 'observing', 'rest')`),
  ],
)

/** One workflow on one instance. The positions of an instance follow each other, in the order of deployment. */
export const releaseTargets = pgTable(
  'release_targets',
  {
    releaseId: uuid('release_id').notNull(),
    position: integer('position').notNull(),
    userId: uuid('user_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    version: integer('version').notNull(),
    isCanary: boolean('is_canary').notNull(),
    status: text('status', { enum: releaseTargetStatuses }).notNull().default('pending'),
    /** The release works on it, so no other release may. */
    active: boolean('active').notNull(),
    /** Null until it is planned. */
    plan: jsonb('plan').$type<TargetPlan>(),
    planHash: text('plan_hash'),
    /** Saved before the deployment changes. Null: the release has not touched it. */
    before: jsonb('before').$type<TargetBefore>(),
    /** What the release left behind. Any difference is a change by someone else. */
    after: jsonb('after').$type<Record<string, unknown>>(),
    deploymentId: uuid('deployment_id'),
    error: text('error'),
    attempts: integer('attempts').notNull().default(0),
    /** The worker, and until when no other worker takes the target. Without an owner: when the next attempt is due. */
    leaseOwner: uuid('lease_owner'),
    leaseUntil: instant('lease_until'),
    finishedAt: instant('finished_at'),
  },
  (t) => [
    primaryKey({ name: 'release_targets_pkey', columns: [t.releaseId, t.position] }),
    uniqueIndex('release_targets_active_key').on(t.instanceId, t.workflowId).where(sql`${t.active}`),
    foreignKey({
      name: 'release_targets_release_fkey',
      columns: [t.userId, t.releaseId],
      foreignColumns: [releases.userId, releases.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'release_targets_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'release_targets_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    index('release_targets_release_idx').on(t.userId, t.releaseId),
    index('release_targets_workflow_idx').on(t.userId, t.workflowId),
    index('release_targets_instance_idx').on(t.userId, t.instanceId),
    check(
      'release_targets_status_check',
      sql`${t.status} in ('pending', 'deploying', 'deployed', 'unchanged', 'failed', 'rolling-back', 'rolled-back',
        'rollback-failed', 'kept')`,
    ),
  ],
)
