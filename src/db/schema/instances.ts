import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { SealedBox } from '../../crypto/secret-box.ts'
import { createdAt, id, instant, updatedAt } from './columns.ts'
import { users } from './users.ts'

/** `limited`: reachable, but the key lacks scopes or the version lacks calls. `refused`: the key is not accepted. */
export const instanceStatuses = ['untested', 'ok', 'limited', 'unreachable', 'refused'] as const

export interface PollCursor {
  /** n8n's own. */
  cursor: string
  /** The latest start that the first page told of: what `polled_through` becomes once the end is reached. */
  newestStartMs: number | null
}

/** What the last test found of the API: which kind of n8n it is, and what cannot be done with it and this key. */
export interface InstanceCapabilities {
  generation: 'current' | 'legacy'
  /** Sentences for the owner. */
  cannot: string[]
}

/** The n8n servers that a user deploys to. */
export const instances = pgTable(
  'instances',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** Origin and path prefix, normalised, without a trailing slash. */
    baseUrl: text('base_url').notNull(),
    /** `baseUrl`, so that a server is added once; null for those that were added again before that was refused. */
    serverKey: text('server_key'),
    /** Sealed, bound to the origin of `baseUrl`. */
    apiKey: jsonb('api_key').$type<SealedBox>().notNull(),
    keyId: text('key_id').notNull().generatedAlwaysAs(sql`(api_key -> 'header' ->> 'kid')`),
    version: integer('version').notNull().default(1),
    /** What the last test of the connection found. */
    status: text('status', { enum: instanceStatuses }).notNull().default('untested'),
    statusDetail: text('status_detail'),
    testedAt: instant('tested_at'),
    /** As far as n8n's public API tells: a range. */
    n8nVersion: text('n8n_version'),
    /** Null until a test got that far. */
    capabilities: jsonb('capabilities').$type<InstanceCapabilities>(),
    /** The workflow on the n8n side that reports errors here, and the credential that it signs in with. */
    reporterWorkflowId: text('reporter_workflow_id'),
    reporterCredentialId: text('reporter_credential_id'),
    reporterTokenId: uuid('reporter_token_id'),
    /** Held by the process that sets up the reporter; its value identifies the holder. */
    reporterLeaseUntil: instant('reporter_lease_until'),
    /** When it is to be polled next; a poll in progress holds the lease. */
    nextPollAt: instant('next_poll_at').notNull().defaultNow(),
    pollLeaseUntil: instant('poll_lease_until'),
    pollFailures: integer('poll_failures').notNull().default(0),
    lastPolledAt: instant('last_polled_at'),
    /** By n8n's clock: every execution that it started before this is recorded, or open and followed by its id. */
    polledThrough: instant('polled_through'),
    /** Where to continue in n8n's list when a poll could not read down to `polled_through`. */
    pollCursor: jsonb('poll_cursor').$type<PollCursor>(),
    /** Counts the databases that n8n has had: in a new one its execution ids start again. */
    epoch: integer('epoch').notNull().default(1),
    /** When the current epoch was detected; null in the first one. */
    epochStartedAt: instant('epoch_started_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index('instances_next_poll_at_idx').on(t.nextPollAt),
    check(
      'instances_status_check',
      sql`${t.status} in ('untested', 'ok', 'limited', 'unreachable', 'refused')`,
    ),
    unique('instances_user_id_id_key').on(t.userId, t.id),
    unique('instances_name_key').on(t.userId, t.name),
    unique('instances_server_key').on(t.userId, t.serverKey),
    index('instances_key_id_idx').on(t.keyId, t.id),
  ],
)

/** What n8n authenticates with when it posts a result; only the SHA-256 is kept. */
export const webhookTokens = pgTable(
  'webhook_tokens',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    label: text('label').notNull(),
    hash: text('hash').notNull(),
    /** Null: until it is rotated. */
    expiresAt: instant('expires_at'),
    createdAt: createdAt(),
  },
  (t) => [
    unique('webhook_tokens_hash_key').on(t.instanceId, t.hash),
    foreignKey({
      name: 'webhook_tokens_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    index('webhook_tokens_user_id_instance_id_idx').on(t.userId, t.instanceId),
  ],
)

/** Authentic payloads that cannot be used yet: kept until a deployment matches them, within limits. */
export const deadLetters = pgTable(
  'dead_letters',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    /** Why it could not be used; `unknown-workflow` is replayed when a deployment matches. */
    code: text('code').notNull(),
    n8nWorkflowId: text('n8n_workflow_id'),
    n8nExecutionId: text('n8n_execution_id'),
    body: text('body').notNull(),
    /** SHA-256 of `body`, hex: the same delivery again is counted, not stored again. */
    bodyHash: text('body_hash').notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    deliveries: integer('deliveries').notNull().default(1),
    createdAt: createdAt(),
  },
  (t) => [
    unique('dead_letters_body_key').on(t.instanceId, t.bodyHash),
    foreignKey({
      name: 'dead_letters_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    index('dead_letters_user_id_id_idx').on(t.userId, t.id.desc().nullsFirst()),
    index('dead_letters_workflow_idx').on(t.instanceId, t.n8nWorkflowId),
    index('dead_letters_created_at_idx').on(t.createdAt),
  ],
)
