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

export const users = pgTable(
  'users',
  {
    id: id(),
    email: text('email').notNull(),
    name: text('name'),
    /** scrypt, or bcrypt of an earlier release, over a keyed pre-hash; `pepperId` names the key. */
    passwordHash: text('password_hash').notNull(),
    pepperId: text('pepper_id').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    /** Device tokens that were issued earlier are revoked. */
    devicesValidFrom: instant('devices_valid_from'),
    /** When the owner showed that they receive email at `email`. */
    emailVerifiedAt: instant('email_verified_at'),
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
    /** The keys that signed its newest refresh token, and its newest session token or cookie. Null for sessions that an earlier release started. */
    refreshKeyId: text('refresh_key_id'),
    accessKeyId: text('access_key_id'),
    /** What the user agent says, such as Firefox on Linux. These are null for sessions that an earlier release started. */
    device: text('device'),
    /** Of the sign-in or the last refresh. */
    clientAddress: text('client_address'),
    /** Precise to five minutes. */
    lastSeenAt: instant('last_seen_at'),
    createdAt: createdAt(),
  },
  (t) => [index('sessions_user_id_idx').on(t.userId), index('sessions_expires_at_idx').on(t.expiresAt)],
)

export const accountLinkPurposes = ['confirm-email', 'undo-email', 'reset-password'] as const

/** Single-use links to an account. Their tokens are derived from `id` with a key that is not in the database. */
export const accountLinks = pgTable(
  'account_links',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    purpose: text('purpose', { enum: accountLinkPurposes }).notNull(),
    /** Where the link was sent. Null for a link that the operator printed. */
    email: text('email'),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    check(
      'account_links_purpose_check',
      sql`${t.purpose} in ('confirm-email', 'undo-email', 'reset-password')`,
    ),
    unique('account_links_user_id_id_key').on(t.userId, t.id),
    index('account_links_expires_at_idx').on(t.expiresAt),
  ],
)

/** Email to the owner of an account that is not sent yet. */
export const accountMails = pgTable(
  'account_mails',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    kind: text('kind').notNull(),
    recipient: text('recipient').notNull(),
    /** The link that it contains. Deleted with the link. */
    linkId: uuid('link_id'),
    details: jsonb('details').$type<Record<string, unknown>>(),
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: instant('next_attempt_at').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    foreignKey({
      name: 'account_mails_link_fkey',
      columns: [t.userId, t.linkId],
      foreignColumns: [accountLinks.userId, accountLinks.id],
    }).onDelete('cascade'),
    index('account_mails_due_idx').on(t.nextAttemptAt),
    index('account_mails_user_idx').on(t.userId, t.linkId),
  ],
)

export const apiTokenKinds = ['personal', 'service'] as const

/** Access tokens (`fk_…`) for programs: the owner's rights, limited to scopes. */
export const apiTokens = pgTable(
  'api_tokens',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    kind: text('kind', { enum: apiTokenKinds }).notNull(),
    /** Belongs to a connected app, which renews it and uses it at `/mcp` only. */
    isApp: boolean('is_app').notNull().default(false),
    scopes: text('scopes').array().notNull(),
    /** The last characters of the current secret. */
    hint: text('hint').notNull(),
    requestsPerMinute: integer('requests_per_minute').notNull(),
    /** Of the current secret. Null: never. */
    expiresAt: instant('expires_at'),
    rotatedAt: instant('rotated_at'),
    createdAt: createdAt(),
  },
  (t) => [
    check('api_tokens_kind_check', sql`${t.kind} in ('personal', 'service')`),
    unique('api_tokens_user_id_id_key').on(t.userId, t.id),
    index('api_tokens_expires_at_idx').on(t.expiresAt),
  ],
)

/** The secrets of access tokens: the current one, and replaced ones that still work. */
export const apiTokenSecrets = pgTable(
  'api_token_secrets',
  {
    /** SHA-256 of the token, hex. */
    hash: text('hash').primaryKey(),
    userId: uuid('user_id').notNull(),
    tokenId: uuid('token_id').notNull(),
    /** End of a replaced secret, or of the secret of an app. Null for the current one, which ends with the token. */
    validUntil: instant('valid_until'),
    /** The scopes of a secret that has fewer than its token. */
    scopes: text('scopes').array(),
    createdAt: createdAt(),
  },
  (t) => [
    foreignKey({
      name: 'api_token_secrets_token_fkey',
      columns: [t.userId, t.tokenId],
      foreignColumns: [apiTokens.userId, apiTokens.id],
    }).onDelete('cascade'),
    index('api_token_secrets_token_idx').on(t.userId, t.tokenId),
    index('api_token_secrets_valid_until_idx').on(t.validUntil),
  ],
)

/** Use of each access token. A table of its own, because it changes while an account is read-only. */
export const apiTokenUses = pgTable(
  'api_token_uses',
  {
    tokenId: uuid('token_id').primaryKey(),
    userId: uuid('user_id').notNull(),
    /** Precise to a minute. */
    lastUsedAt: instant('last_used_at'),
    /** Minutes since 1970, and the requests counted in that minute. */
    minute: integer('minute').notNull().default(0),
    requests: integer('requests').notNull().default(0),
  },
  (t) => [
    foreignKey({
      name: 'api_token_uses_token_fkey',
      columns: [t.userId, t.tokenId],
      foreignColumns: [apiTokens.userId, apiTokens.id],
    }).onDelete('cascade'),
    index('api_token_uses_token_idx').on(t.userId, t.tokenId),
  ],
)

/** Failed password checks by bucket. A bucket is a keyed digest, so that no email or IP address is stored. */
export const loginThrottles = pgTable(
  'login_throttles',
  {
    bucket: text('bucket').primaryKey(),
    failures: integer('failures').notNull(),
    lastFailedAt: instant('last_failed_at').notNull(),
    /** Of a network: when all of its checks are available again. */
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
    /** The access token that made the change, which may be revoked since. Null for a session, and for Flowkeep itself. */
    tokenId: uuid('token_id'),
    tokenName: text('token_name'),
    /** See `ActorKind`. Null for events of earlier releases, which also lack what follows. */
    actor: text('actor'),
    /** The approval that allowed the change. */
    approvalId: uuid('approval_id'),
    sessionId: uuid('session_id'),
    /** Also in the response header and in the log. */
    requestId: uuid('request_id'),
    clientAddress: text('client_address'),
    /** At most 256 characters. */
    userAgent: text('user_agent'),
    createdAt: createdAt(),
    /** Its position in the trail of the account, from 1. Set with `salt` and `hash` by the trigger `chain_audit_event`. */
    seq: integer('seq'),
    salt: uuid('salt'),
    /** SHA-256 of the event and of the hash before it, hex: `audit_hash`. */
    hash: text('hash'),
  },
  (t) => [
    index('audit_events_user_id_id_idx').on(t.userId, t.id.desc().nullsFirst()),
    uniqueIndex('audit_events_user_id_seq_key').on(t.userId, t.seq),
    index('audit_events_unchained_idx').on(t.userId).where(sql`${t.hash} is null`),
  ],
)

/** The last event of each trail. Survives the account, as the two tables after it do, so they have no foreign keys. */
export const auditHeads = pgTable('audit_heads', {
  userId: uuid('user_id').primaryKey(),
  seq: integer('seq').notNull().default(0),
  hash: text('hash').notNull().default(''),
  /** The last event that retention removed. */
  droppedSeq: integer('dropped_seq').notNull().default(0),
  droppedHash: text('dropped_hash').notNull().default(''),
  /** The last anchor. */
  signedSeq: integer('signed_seq').notNull().default(0),
  signedAt: instant('signed_at'),
})

/** Hashes of a trail, signed by the scheduled job with a key that is not in the database. */
export const auditAnchors = pgTable(
  'audit_anchors',
  {
    userId: uuid('user_id').notNull(),
    seq: integer('seq').notNull(),
    hash: text('hash').notNull(),
    signedAt: instant('signed_at').notNull(),
    /** HMAC-SHA-256, hex. */
    signature: text('signature').notNull(),
  },
  (t) => [primaryKey({ name: 'audit_anchors_pkey', columns: [t.userId, t.seq] })],
)

/** The trails of deleted accounts, without personal data. */
export const erasedAuditEvents = pgTable(
  'erased_audit_events',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    seq: integer('seq').notNull(),
    action: text('action').notNull(),
    subjectId: uuid('subject_id'),
    actor: text('actor'),
    tokenId: uuid('token_id'),
    approvalId: uuid('approval_id'),
    sessionId: uuid('session_id'),
    requestId: uuid('request_id'),
    createdAt: instant('created_at').notNull(),
    /** Of the erased part: `audit_digest`. */
    digest: text('digest').notNull(),
    hash: text('hash').notNull(),
    erasedAt: instant('erased_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('erased_audit_events_user_id_seq_key').on(t.userId, t.seq),
    index('erased_audit_events_erased_at_idx').on(t.erasedAt),
  ],
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
