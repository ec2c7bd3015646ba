import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

export const setErrorStates = ['resolved', 'ignored'] as const

/**
 * What the user has decided about an error group; a group without a row is open. Whether a resolved one has come back is not
 * stored: a failure after `changed_at` says it, so that recording runs never writes here.
 */
export const errorGroupStates = pgTable(
  'error_group_states',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    fingerprint: text('fingerprint').notNull(),
    state: text('state', { enum: setErrorStates }).notNull(),
    /** The version that fixes it: failures of earlier versions of this workflow do not reopen the group. */
    fixedWorkflowId: uuid('fixed_workflow_id'),
    fixedVersion: integer('fixed_version'),
    changedAt: instant('changed_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'error_group_states_pkey', columns: [t.userId, t.fingerprint] }),
    // The migration narrows it to the column of the workflow.
    foreignKey({
      name: 'error_group_states_workflow_fkey',
      columns: [t.userId, t.fixedWorkflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('set null'),
    index('error_group_states_workflow_idx')
      .on(t.userId, t.fixedWorkflowId)
      .where(sql`${t.fixedWorkflowId} is not null`),
    check('error_group_states_state_check', sql`${t.state} in ('resolved', 'ignored')`),
  ],
)
