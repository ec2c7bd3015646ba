import { sql } from 'drizzle-orm'
import { check, index, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, instant } from './columns.ts'
import { users } from './users.ts'

export const approvalStatuses = ['pending', 'approved', 'denied', 'used', 'expired'] as const

/** Changes that an access token may make only once, and only after a person has approved them. */
export const approvals = pgTable(
  'approvals',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The access token that asked, which may be revoked since. */
    tokenId: uuid('token_id').notNull(),
    tokenName: text('token_name').notNull(),
    /** The program that sent the request, as it names itself. */
    agent: text('agent'),
    kind: text('kind').notNull(),
    /** The workflow, credential, instance or deployment. */
    subjectId: uuid('subject_id').notNull(),
    summary: text('summary').notNull(),
    /** What the request asks for, without secrets. */
    request: jsonb('request').$type<Record<string, unknown>>().notNull(),
    /** What the person sees. */
    details: jsonb('details').$type<Record<string, unknown>>().notNull(),
    /** The scopes that the request borrows. */
    scopes: text('scopes').array().notNull(),
    /** Keyed digest of kind, subject and request. */
    requestHash: text('request_hash').notNull(),
    /** Keyed digest of the request and of the state that it changes. */
    hash: text('hash').notNull(),
    planHash: text('plan_hash'),
    status: text('status', { enum: approvalStatuses }).notNull(),
    createdAt: createdAt(),
    /** Of the current status: until when it can be decided, used, or is refused again. */
    expiresAt: instant('expires_at').notNull(),
    decidedAt: instant('decided_at'),
    /** The session that approved or denied it. */
    sessionId: uuid('session_id'),
    usedAt: instant('used_at'),
  },
  (t) => [
    check('approvals_status_check', sql`${t.status} in ('pending', 'approved', 'denied', 'used', 'expired')`),
    // The same request has at most one open approval.
    uniqueIndex('approvals_open_key')
      .on(t.userId, t.tokenId, t.hash)
      .where(sql`${t.status} in ('pending', 'approved')`),
    index('approvals_user_id_id_idx').on(t.userId, t.id.desc().nullsFirst()),
    index('approvals_created_at_idx').on(t.createdAt),
  ],
)
