import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
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
import { createdAt, id, instant, updatedAt } from './columns.ts'
import { credentials } from './credentials.ts'
import { instances } from './instances.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

/**
 * `pending`: asked for, not begun. `deploying`: a step is under way or to be resumed. `tracking`: it was there already
 * and is only watched. `failed`: stopped at `step` for `error`, can be retried or undone. `undeployed`: removed from n8n.
 */
export const deploymentStatuses = [
  'pending',
  'deploying',
  'tracking',
  'active',
  'inactive',
  'failed',
  'undeployed',
] as const
export type DeploymentStatus = (typeof deploymentStatuses)[number]

/** A credential of the user's, or one that is in n8n already. */
export type CredentialChoice = { credentialId: string } | { n8nCredentialId: string }

/** What fills one slot: a node, by name, and a credential type. */
export type SlotBinding = { node: string; type: string } & CredentialChoice

export interface DeploymentIntent {
  action: 'deploy' | 'activate' | 'deactivate' | 'undeploy'
  /** The workflow version to bring live, with `deploy`. */
  version?: number
  /** Leave it unpublished, with `deploy`. */
  unpublished?: boolean
  /** n8n credentials that newer ones have replaced, to be deleted once the workflow no longer names them. */
  replacedCredentialIds?: string[]
  /** It waits for its next attempt, because n8n was unavailable. */
  backsOff?: true
}

/** What deploying changes in a workflow's settings; null where n8n had none. */
export interface SettingsBefore {
  errorWorkflow: string | null
  saveDataSuccessExecution: string | null
  saveDataErrorExecution: string | null
}

/** The state: which workflow version runs where. */
export const deployments = pgTable(
  'deployments',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    workflowId: uuid('workflow_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    version: integer('version').notNull(),
    n8nWorkflowId: text('n8n_workflow_id'),
    status: text('status', { enum: deploymentStatuses }).notNull(),
    step: text('step'),
    error: text('error'),
    /** Which credential fills which slot. */
    bindings: jsonb('bindings').$type<SlotBinding[]>().notNull().default([]),
    /** We made the n8n workflow: undeploying removes it. False for one that was there already. */
    managed: boolean('managed').notNull().default(false),
    reportSuccess: boolean('report_success').notNull().default(false),
    /** The requested change; null when no operation is in progress. */
    intent: jsonb('intent').$type<DeploymentIntent>(),
    /** Who works on the intent until when; a lease that has run out may be taken over. */
    leaseOwner: uuid('lease_owner'),
    leaseUntil: instant('lease_until'),
    attempts: integer('attempts').notNull().default(0),
    /** SHA-256 of the canonical form that was sent to n8n, hex: drift is a difference from it. */
    deployedHash: text('deployed_hash'),
    n8nVersionId: text('n8n_version_id'),
    /** Settings of the n8n workflow that are not from here, as they were before a deploy changed them. */
    settingsBefore: jsonb('settings_before').$type<SettingsBefore>(),
    /** False: n8n calls the owner's own error handling, so failures come by polling only. */
    reportsErrors: boolean('reports_errors').notNull().default(true),
    /** n8n's ids of the workflows on the instance that what was deployed calls. */
    calls: text('calls').array().notNull().default([]),
    /** Where n8n serves its triggers, as it was last seen; null until then: where the version says. */
    endpoints: text('endpoints').array(),
    liveSince: instant('live_since'),
    /** When n8n was last compared with what was deployed; null since what was deployed has changed. */
    driftCheckedAt: instant('drift_checked_at'),
    /** When a difference was first seen that is still there. */
    driftedSince: instant('drifted_since'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('deployments_user_id_id_key').on(t.userId, t.id),
    unique('deployments_n8n_workflow_key').on(t.instanceId, t.n8nWorkflowId),
    foreignKey({
      name: 'deployments_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'deployments_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    index('deployments_user_id_workflow_id_idx').on(t.userId, t.workflowId),
    index('deployments_user_id_instance_id_idx').on(t.userId, t.instanceId),
    uniqueIndex('deployments_live_key')
      .on(t.instanceId, t.workflowId)
      .where(sql`${t.status} not in ('tracking', 'undeployed')`),
    index('deployments_drift_idx')
      .on(t.driftCheckedAt.asc().nullsFirst())
      .where(sql`${t.status} in ('tracking', 'active', 'inactive') and ${t.intent} is null`),
    index('deployments_lease_until_idx').on(t.leaseUntil).where(sql`${t.intent} is not null`),
    check(
      'deployments_status_check',
      sql`${t.status} in ('pending', 'deploying', 'tracking', 'active', 'inactive', 'failed', 'undeployed')`,
    ),
  ],
)

/** The history: which version was live from when. */
export const deploymentVersions = pgTable(
  'deployment_versions',
  {
    deploymentId: uuid('deployment_id').notNull(),
    sequence: integer('sequence').notNull(),
    userId: uuid('user_id').notNull(),
    version: integer('version').notNull(),
    /** What filled its slots; null where that was not recorded. */
    bindings: jsonb('bindings').$type<SlotBinding[]>(),
    /** n8n's own id of what went live, which its executions carry; null where n8n has none or was not asked. */
    n8nVersionId: text('n8n_version_id'),
    /** When the version went live in n8n. */
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ name: 'deployment_versions_pkey', columns: [t.deploymentId, t.sequence] }),
    foreignKey({
      name: 'deployment_versions_deployment_fkey',
      columns: [t.userId, t.deploymentId],
      foreignColumns: [deployments.userId, deployments.id],
    }).onDelete('cascade'),
    index('deployment_versions_user_id_deployment_id_idx').on(t.userId, t.deploymentId),
  ],
)

/** Which of a user's credentials exist in which n8n, under which id, and what was last sent there. */
export const remoteCredentials = pgTable(
  'remote_credentials',
  {
    instanceId: uuid('instance_id').notNull(),
    credentialId: uuid('credential_id').notNull(),
    userId: uuid('user_id').notNull(),
    /** Our own choice, at most 16 characters, so that a retry finds what an unanswered request made. */
    n8nCredentialId: text('n8n_credential_id').notNull(),
    /** Keyed digest of type, name and data as sent; null until n8n has confirmed them. */
    fingerprint: text('fingerprint'),
    pushedAt: instant('pushed_at'),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ name: 'remote_credentials_pkey', columns: [t.instanceId, t.credentialId] }),
    unique('remote_credentials_n8n_key').on(t.instanceId, t.n8nCredentialId),
    foreignKey({
      name: 'remote_credentials_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'remote_credentials_credential_fkey',
      columns: [t.userId, t.credentialId],
      foreignColumns: [credentials.userId, credentials.id],
    }).onDelete('cascade'),
    index('remote_credentials_user_id_credential_id_idx').on(t.userId, t.credentialId),
  ],
)
