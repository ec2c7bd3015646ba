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
 * `pending`: requested, not started. `deploying`: a step is in progress or waits to be resumed. `tracking`: the workflow
 * existed in n8n and is only tracked. `failed`: stopped at `step` with `error`; can be retried or undeployed.
 * `undeployed`: removed from n8n.
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

/** A credential in Flowkeep, or one that already exists in n8n. */
export type CredentialChoice = { credentialId: string } | { n8nCredentialId: string }

/** The credential of one slot: a node, by name, and a credential type. */
export type SlotBinding = { node: string; type: string } & CredentialChoice

/** Name → the value that replaced `$vars` of this name; null if it had none. */
export type SentVariables = Record<string, string | null>

export interface DeploymentIntent {
  action: 'deploy' | 'activate' | 'deactivate' | 'undeploy'
  /** For `deploy`: the workflow version to bring live. */
  version?: number
  /** For `deploy`: the version that ran before, if one did. */
  from?: number
  /** For `deploy`: leave the workflow unpublished. */
  unpublished?: boolean
  /** n8n credentials that were replaced. They are deleted once the workflow no longer uses them. */
  replacedCredentialIds?: string[]
  /** It waits for its next attempt because n8n was unavailable. */
  backsOff?: true
}

/** The workflow settings that a deploy changes. Null where n8n had none. */
export interface SettingsBefore {
  errorWorkflow: string | null
  saveDataSuccessExecution: string | null
  saveDataErrorExecution: string | null
}

/** Which workflow version runs on which instance. */
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
    /** The credential of each slot. */
    bindings: jsonb('bindings').$type<SlotBinding[]>().notNull().default([]),
    /** Flowkeep created the workflow in n8n, and undeploying removes it. False if it existed before. */
    managed: boolean('managed').notNull().default(false),
    reportSuccess: boolean('report_success').notNull().default(false),
    /** The requested change; null when no operation is in progress. */
    intent: jsonb('intent').$type<DeploymentIntent>(),
    /** The server that works on the intent, and until when. Another server can take over an expired lease. */
    leaseOwner: uuid('lease_owner'),
    leaseUntil: instant('lease_until'),
    attempts: integer('attempts').notNull().default(0),
    /**
     * When to check for what n8n received too late for the run that sent it. Null if each run since the last check ended in
     * one attempt.
     */
    cleanUpAt: instant('clean_up_at'),
    /** SHA-256 of the canonical form that was sent to n8n, hex. Any other form in n8n is drift. */
    deployedHash: text('deployed_hash'),
    n8nVersionId: text('n8n_version_id'),
    /** Settings that the workflow had in n8n before a deploy changed them. */
    settingsBefore: jsonb('settings_before').$type<SettingsBefore>(),
    /** False if the workflow has its own error handling in n8n. Flowkeep then learns about failures only by polling. */
    reportsErrors: boolean('reports_errors').notNull().default(true),
    /** n8n IDs of the workflows on the instance that the deployed version calls. */
    calls: text('calls').array().notNull().default([]),
    /** The endpoints of its triggers, as last read from n8n. Null until then; the version's endpoints apply. */
    endpoints: text('endpoints').array(),
    /** The variables that the deployed version reads, with the values that were sent; null if undefined. Null until sent. */
    variables: jsonb('variables').$type<SentVariables>(),
    liveSince: instant('live_since'),
    /** Time of the last drift check. Null if the deployed content has changed since. */
    driftCheckedAt: instant('drift_checked_at'),
    /** When the current drift was first detected. */
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
    index('deployments_user_id_status_idx').on(t.userId, t.status, t.id, t.instanceId),
    index('deployments_drifted_idx').on(t.userId, t.id).where(sql`${t.driftedSince} is not null`),
    uniqueIndex('deployments_live_key')
      .on(t.instanceId, t.workflowId)
      .where(sql`${t.status} not in ('tracking', 'undeployed')`),
    index('deployments_drift_idx')
      .on(t.driftCheckedAt.asc().nullsFirst())
      .where(sql`${t.status} in ('tracking', 'active', 'inactive') and ${t.intent} is null`),
    index('deployments_clean_up_at_idx').on(t.cleanUpAt).where(sql`${t.cleanUpAt} is not null`),
    index('deployments_lease_until_idx').on(t.leaseUntil).where(sql`${t.intent} is not null`),
    check(
      'deployments_status_check',
      sql`${t.status} in ('pending', 'deploying', 'tracking', 'active', 'inactive', 'failed', 'undeployed')`,
    ),
  ],
)

/** The history: which version went live when. */
export const deploymentVersions = pgTable(
  'deployment_versions',
  {
    deploymentId: uuid('deployment_id').notNull(),
    sequence: integer('sequence').notNull(),
    userId: uuid('user_id').notNull(),
    version: integer('version').notNull(),
    /** The bindings of the version; null if not recorded. */
    bindings: jsonb('bindings').$type<SlotBinding[]>(),
    /** n8n's version ID, which its executions contain. Null if n8n has none or was not queried. */
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
    index('deployment_versions_user_id_created_at_idx').on(t.userId, t.createdAt),
  ],
)

/** The copies of credentials in n8n: their instance, their n8n ID and what was last sent. */
export const remoteCredentials = pgTable(
  'remote_credentials',
  {
    instanceId: uuid('instance_id').notNull(),
    credentialId: uuid('credential_id').notNull(),
    userId: uuid('user_id').notNull(),
    /** Chosen by Flowkeep, at most 16 characters, so that a retry finds the copy if the response was lost. */
    n8nCredentialId: text('n8n_credential_id').notNull(),
    /** Keyed digest of type, name and data as sent. Null until n8n has confirmed them. */
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
