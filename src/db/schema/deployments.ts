import { sql } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, updatedAt } from './columns.ts'
import { instances } from './instances.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

export const deploymentStatuses = ['pending', 'tracking', 'active', 'inactive', 'failed'] as const
export type DeploymentStatus = (typeof deploymentStatuses)[number]

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
    /** Credential type → credential id. */
    bindings: jsonb('bindings').$type<Record<string, string>>().notNull().default({}),
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
    check(
      'deployments_status_check',
      sql`${t.status} in ('pending', 'tracking', 'active', 'inactive', 'failed')`,
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
