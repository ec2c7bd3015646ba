import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { SealedBox } from '../../crypto/secret-box.ts'
import { id, instant } from './columns.ts'
import { workflows } from './workflows.ts'

/** The workflows whose owner stores the values of runs. Deleting a row deletes the values. */
export const valueStorage = pgTable(
  'value_storage',
  {
    workflowId: uuid('workflow_id').primaryKey(),
    userId: uuid('user_id').notNull(),
    retentionDays: integer('retention_days').notNull(),
    /** Of the JSON of one run, before it is sealed. */
    maxBytes: integer('max_bytes').notNull(),
    /** Runs that were recorded earlier have no values. */
    since: instant('since').notNull(),
  },
  (t) => [
    unique('value_storage_user_id_workflow_id_key').on(t.userId, t.workflowId),
    foreignKey({
      name: 'value_storage_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('cascade'),
    check('value_storage_retention_days_check', sql`${t.retentionDays} between 1 and 30`),
  ],
)

/** What the nodes of a run received and returned, with secrets redacted. No foreign key to the partitioned executions. */
export const executionValues = pgTable(
  'execution_values',
  {
    /** Of the execution. */
    id: id(),
    userId: uuid('user_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    /** Of the execution. */
    recordedAt: instant('recorded_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    sealed: jsonb('sealed').$type<SealedBox>().notNull(),
    keyId: text('key_id').generatedAlwaysAs(sql`(sealed -> 'header' ->> 'kid')`),
    /** Merge key of the delivery that the values came from. A delivery with a greater key replaces them. */
    mergeKey: text('stamp').notNull(),
  },
  (t) => [
    foreignKey({
      name: 'execution_values_storage_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [valueStorage.userId, valueStorage.workflowId],
    }).onDelete('cascade'),
    index('execution_values_workflow_idx').on(t.userId, t.workflowId, t.recordedAt, t.id),
    index('execution_values_key_id_idx').on(t.keyId, t.id),
    index('execution_values_expires_at_idx').on(t.expiresAt),
  ],
)
