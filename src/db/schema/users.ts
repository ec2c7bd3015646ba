import { sql } from 'drizzle-orm'
import {
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, instant, updatedAt } from './columns.ts'

export const users = pgTable(
  'users',
  {
    id: id(),
    email: text('email').notNull(),
    name: text('name'),
    /** bcrypt over a keyed pre-hash; `pepperId` names the key. */
    passwordHash: text('password_hash').notNull(),
    pepperId: text('pepper_id').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    /** Set when the owner deletes the account. Blocks sign-in; the purge removes the row later. */
    deletedAt: instant('deleted_at'),
  },
  (t) => [
    uniqueIndex('users_email_key').on(sql`lower(${t.email})`).where(sql`${t.deletedAt} is null`),
    index('users_deleted_at_idx').on(t.deletedAt).where(sql`${t.deletedAt} is not null`),
  ],
)

/** A refresh-token family. Its token is derived from `id` and `generation` with a key that is not in the database. */
export const sessions = pgTable(
  'sessions',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    generation: integer('generation').notNull().default(1),
    rotatedAt: instant('rotated_at').notNull().defaultNow(),
    expiresAt: instant('expires_at').notNull(),
    revokedAt: instant('revoked_at'),
    /** The keys that signed its newest refresh token, and its newest access token or cookie. Null for sessions that an earlier release started. */
    refreshKeyId: text('refresh_key_id'),
    accessKeyId: text('access_key_id'),
    createdAt: createdAt(),
  },
  (t) => [index('sessions_user_id_idx').on(t.userId), index('sessions_expires_at_idx').on(t.expiresAt)],
)

/** Failed sign-ins by bucket. A bucket is a keyed digest, so that no email or IP address is stored. */
export const loginThrottles = pgTable(
  'login_throttles',
  {
    bucket: text('bucket').primaryKey(),
    failures: integer('failures').notNull(),
    lastFailedAt: instant('last_failed_at').notNull(),
    blockedUntil: instant('blocked_until'),
  },
  (t) => [index('login_throttles_last_failed_at_idx').on(t.lastFailedAt)],
)

/** The resource that each keyed create request created. A retry of the request returns that resource. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    key: text('key').notNull(),
    route: text('route').notNull(),
    bodyHash: text('body_hash').notNull(),
    resourceId: uuid('resource_id').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ name: 'idempotency_keys_pkey', columns: [t.userId, t.key, t.route] }),
    index('idempotency_keys_created_at_idx').on(t.createdAt),
  ],
)

export const auditEvents = pgTable(
  'audit_events',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** `<entity>.<verb>`, such as `credential.created`. */
    action: text('action').notNull(),
    subjectId: uuid('subject_id'),
    details: jsonb('details').$type<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  (t) => [index('audit_events_user_id_id_idx').on(t.userId, t.id.desc().nullsFirst())],
)

/** A known text sealed with each key, so that a wrong key is detected before it seals anything. */
export const keyChecks = pgTable('key_checks', {
  keyId: text('key_id').primaryKey(),
  sealed: jsonb('sealed').notNull(),
  createdAt: createdAt(),
})

/**
 * Accounts that are not served here: `leaving` and `arriving` while `flowkeep users move` copies them, `moved` after
 * that. Survives the account's row, so it has no foreign key.
 */
export const userRoutes = pgTable(
  'user_routes',
  {
    userId: uuid('user_id').primaryKey(),
    state: text('state', { enum: ['leaving', 'arriving', 'moved'] }).notNull(),
    email: text('email').notNull(),
    /** URL of the server that has the account, or gets it. Null for an `arriving` one, and while a move is aborted. */
    url: text('url'),
    /** Instances of a moved account, whose reports still arrive here. */
    instanceIds: uuid('instance_ids').array().notNull().default(sql`'{}'::uuid[]`),
    startedAt: instant('started_at').notNull().defaultNow(),
    movedAt: instant('moved_at'),
  },
  (t) => [
    check('user_routes_state_check', sql`${t.state} in ('leaving', 'arriving', 'moved')`),
    index('user_routes_email_idx').on(sql`lower(${t.email})`),
    index('user_routes_instance_ids_idx').using('gin', t.instanceIds),
  ],
)
