import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { SealedBox } from '../../crypto/secret-box.ts'
import { createdAt, id, instant, updatedAt } from './columns.ts'
import { users } from './users.ts'

export const credentials = pgTable(
  'credentials',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    service: text('service').notNull(),
    type: text('n8n_credential_type').notNull(),
    name: text('name').notNull(),
    data: jsonb('credential_data').$type<SealedBox>().notNull(),
    /** The key that wraps `data`. Indexed for the key rotation. */
    keyId: text('key_id').notNull().generatedAlwaysAs(sql`(credential_data -> 'header' ->> 'kid')`),
    /** Names of the fields in `data`, for display. Never contains values. */
    fields: text('field_names').array().notNull(),
    known: boolean('known').notNull(),
    status: text('status', { enum: ['untested', 'valid', 'invalid'] })
      .notNull()
      .default('untested'),
    lastValidatedAt: instant('last_validated_at'),
    validationError: text('validation_error'),
    version: integer('version').notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('credentials_user_id_id_key').on(t.userId, t.id),
    unique('credentials_name_key').on(t.userId, t.type, t.name),
    index('credentials_user_id_service_idx').on(t.userId, t.service),
    index('credentials_key_id_idx').on(t.keyId, t.id),
    check('credentials_status_check', sql`${t.status} in ('untested', 'valid', 'invalid')`),
  ],
)
