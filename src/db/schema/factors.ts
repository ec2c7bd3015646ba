import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import type { SealedBox } from '../../crypto/secret-box.ts'
import { createdAt, id, instant } from './columns.ts'
import { users } from './users.ts'

const userId = () =>
  uuid('user_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' })

/** The authenticator app of an account (TOTP, RFC 6238). It counts once it is confirmed with a code. */
export const totpFactors = pgTable(
  'totp_factors',
  {
    id: id(),
    userId: userId(),
    secret: jsonb('secret').$type<SealedBox>().notNull(),
    keyId: text('key_id').generatedAlwaysAs(sql`(secret -> 'header' ->> 'kid')`),
    /** The latest time step whose code was used. Codes of this and earlier steps are rejected. */
    lastStep: integer('last_step').notNull().default(0),
    lastUsedAt: instant('last_used_at'),
    confirmedAt: instant('confirmed_at'),
    createdAt: createdAt(),
  },
  (t) => [
    unique('totp_factors_user_id_key').on(t.userId),
    index('totp_factors_key_id_idx').on(t.keyId, t.id),
  ],
)

/** WebAuthn credentials that can sign in without a password. */
export const passkeys = pgTable(
  'passkeys',
  {
    id: id(),
    userId: userId(),
    /** The authenticator's own ID, base64url. */
    credentialId: text('credential_id').notNull(),
    /** COSE key, base64url. */
    publicKey: text('public_key').notNull(),
    /** 0: the authenticator does not count. */
    signCount: bigint('sign_count', { mode: 'number' }).notNull(),
    transports: text('transports').array().notNull(),
    /** Synchronized between devices. */
    isSynced: boolean('is_synced').notNull(),
    name: text('name').notNull(),
    lastUsedAt: instant('last_used_at'),
    createdAt: createdAt(),
  },
  (t) => [unique('passkeys_user_id_credential_id_key').on(t.userId, t.credentialId)],
)

/** Unused recovery codes. Using one deletes it. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    userId: userId(),
    /** Keyed digest, hex. */
    hash: text('hash').notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ name: 'recovery_codes_pkey', columns: [t.userId, t.hash] })],
)

/** Signed tickets that were used, until they expire. */
export const usedTickets = pgTable(
  'used_tickets',
  {
    userId: userId(),
    ticketId: uuid('ticket_id').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'used_tickets_pkey', columns: [t.userId, t.ticketId] }),
    index('used_tickets_expires_at_idx').on(t.expiresAt),
  ],
)
