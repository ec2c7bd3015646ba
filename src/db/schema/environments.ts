import { sql } from 'drizzle-orm'
import { boolean, check, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, updatedAt } from './columns.ts'
import { users } from './users.ts'

/** Name → value, for `$vars` in workflows. No secrets. */
export type Variables = Record<string, string>

/** The credential that fills slots of a type on the instances of an environment, or on one instance. */
export interface ChosenCredential {
  type: string
  /** Only slots that would otherwise use this credential. */
  insteadOf?: string | undefined
  credentialId: string
}

/** Named groups of instances, such as staging and production. */
export const environments = pgTable(
  'environments',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** Changes on its instances require a scope of their own. */
    isProduction: boolean('is_production').notNull().default(false),
    variables: jsonb('variables').$type<Variables>().notNull().default({}),
    credentials: jsonb('credentials').$type<ChosenCredential[]>().notNull().default([]),
    version: integer('version').notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('environments_user_id_id_key').on(t.userId, t.id),
    unique('environments_name_key').on(t.userId, t.name),
    check('environments_production_check', sql`${t.name} <> 'production' or ${t.isProduction}`),
  ],
)
