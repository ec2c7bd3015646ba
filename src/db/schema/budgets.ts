import { bigint, foreignKey, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

/** Requests of each user by class, in the latest minute with one. Not every class is counted here. */
export const requestCounts = pgTable(
  'request_counts',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    class: text('class').notNull(),
    /** Minutes since 1970, and the requests counted in that minute. */
    minute: integer('minute').notNull(),
    requests: integer('requests').notNull(),
  },
  (t) => [primaryKey({ name: 'request_counts_pkey', columns: [t.userId, t.class] })],
)

/** Versions of each workflow and their bytes, through the version that was counted last. */
export const workflowSizes = pgTable(
  'workflow_sizes',
  {
    workflowId: uuid('workflow_id').primaryKey(),
    userId: uuid('user_id').notNull(),
    versions: integer('versions').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    through: integer('through').notNull(),
  },
  (t) => [
    foreignKey({
      name: 'workflow_sizes_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('cascade'),
    index('workflow_sizes_user_id_idx').on(t.userId, t.bytes),
  ],
)
