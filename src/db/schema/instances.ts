import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { SealedBox } from '../../crypto/secret-box.ts'
import { createdAt, id, instant, updatedAt } from './columns.ts'
import { type ChosenCredential, environments, type Variables } from './environments.ts'
import { users } from './users.ts'

/** `limited`: reachable, but the key lacks scopes or the version lacks endpoints. `refused`: n8n rejects the key. */
export const instanceStatuses = ['untested', 'ok', 'limited', 'unreachable', 'refused'] as const

export interface PollCursor {
  /** The cursor from n8n. */
  cursor: string
  /** The latest start on the first page. Becomes `polled_through` after the last page. */
  newestStartMs: number | null
}

/** Result of the last connection test: the generation of n8n's API, and the limitations of this version and key. */
export interface InstanceCapabilities {
  generation: 'current' | 'legacy'
  /** Limitations, as sentences for the owner. */
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
    /** Origin and path prefix, normalized, without a trailing slash. */
    baseUrl: text('base_url').notNull(),
    /** `baseUrl`, unique so that a server is added only once. Null for duplicates from before this rule. */
    serverKey: text('server_key'),
    /** Sealed, bound to the origin of `baseUrl`. */
    apiKey: jsonb('api_key').$type<SealedBox>().notNull(),
    keyId: text('key_id').notNull().generatedAlwaysAs(sql`(api_key -> 'header' ->> 'kid')`),
    /** Name of its environment. A trigger creates the environment `production`. */
    environment: text('environment'),
    /** Override those of the environment. */
    variables: jsonb('variables').$type<Variables>().notNull().default({}),
    credentials: jsonb('credentials').$type<ChosenCredential[]>().notNull().default([]),
    version: integer('version').notNull().default(1),
    /** Result of the last connection test. */
    status: text('status', { enum: instanceStatuses }).notNull().default('untested'),
    statusDetail: text('status_detail'),
    testedAt: instant('tested_at'),
    /** A range, as precise as n8n's public API reveals it. */
    n8nVersion: text('n8n_version'),
    /** Null until a test has reached n8n's API. */
    capabilities: jsonb('capabilities').$type<InstanceCapabilities>(),
    /** The workflow in n8n that reports errors to Flowkeep, and its credential. */
    reporterWorkflowId: text('reporter_workflow_id'),
    reporterCredentialId: text('reporter_credential_id'),
    reporterTokenId: uuid('reporter_token_id'),
    /** The token that n8n sends traces with. Null unless Flowkeep is set up as n8n's OpenTelemetry collector. */
    otelTokenId: uuid('otel_token_id'),
    /** n8n's earlier OpenTelemetry settings without the values of headers, to be restored. */
    otelPrevious: jsonb('otel_previous').$type<Record<string, unknown>>(),
    /** Lease of the process that sets up the reporter or OpenTelemetry. The value identifies the process. */
    reporterLeaseUntil: instant('reporter_lease_until'),
    /** Time of the next poll. A poll in progress holds the lease. */
    nextPollAt: instant('next_poll_at').notNull().defaultNow(),
    pollLeaseUntil: instant('poll_lease_until'),
    pollFailures: integer('poll_failures').notNull().default(0),
    lastPolledAt: instant('last_polled_at'),
    /** By n8n's clock: every execution that started earlier is recorded, or still open and polled by its ID. */
    polledThrough: instant('polled_through'),
    /** Where the next poll continues in n8n's list if this one did not reach `polled_through`. */
    pollCursor: jsonb('poll_cursor').$type<PollCursor>(),
    /** Number of the n8n database. In a new or restored database, execution IDs start over. */
    epoch: integer('epoch').notNull().default(1),
    /** When the current epoch was detected; null in the first epoch. */
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
    foreignKey({
      name: 'instances_environment_fkey',
      columns: [t.userId, t.environment],
      foreignColumns: [environments.userId, environments.name],
    }).onUpdate('cascade'),
    index('instances_environment_idx').on(t.userId, t.environment),
    unique('instances_user_id_id_key').on(t.userId, t.id),
    unique('instances_name_key').on(t.userId, t.name),
    unique('instances_server_key').on(t.userId, t.serverKey),
    index('instances_key_id_idx').on(t.keyId, t.id),
  ],
)

/** Whether the row of `instances` in the statement is in a production environment. Not for tables with an alias. */
export const isProduction = sql<boolean>`exists (
  select from environments e
  where e.user_id = instances.user_id and e.name = instances.environment and e.is_production)`

/** Tokens with which n8n authenticates its reports. Only the SHA-256 is stored. */
export const webhookTokens = pgTable(
  'webhook_tokens',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    instanceId: uuid('instance_id').notNull(),
    label: text('label').notNull(),
    hash: text('hash').notNull(),
    /** Null until the token is rotated. */
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

/** Authenticated reports that cannot be used yet. Stored until a deployment matches them, within limits. */
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
    /** SHA-256 of `body`, hex. A repeated delivery only increments `deliveries`. */
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
