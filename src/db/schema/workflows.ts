import { sql } from 'drizzle-orm'
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, tsvector, updatedAt } from './columns.ts'
import { users } from './users.ts'

/** Derived from the workflow JSON by n8n's own rules on every write. */
const extracted = () => ({
  nodeCount: integer('node_count').notNull(),
  nodeTypes: text('node_types').array().notNull(),
  requiredCredentialTypes: text('required_credential_types').array().notNull(),
  triggerTypes: text('trigger_types').array().notNull(),
  webhookPaths: text('webhook_paths').array().notNull(),
  /** `webhookPaths` with the n8n endpoint that serves them: `webhook/orders`, `form/signup`, `mcp/tools`. */
  endpoints: text('endpoints').array().notNull().default(sql`'{}'`),
})

const described = () => ({
  name: text('name').notNull(),
  description: text('description'),
  prompt: text('prompt'),
  model: text('model'),
  tags: text('tags').array().notNull(),
})

export interface WorkflowWarning {
  code: string
  message: string
  node?: string
}

export const workflows = pgTable(
  'workflows',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    ...described(),
    version: integer('version').notNull().default(1),
    ...extracted(),
    warnings: jsonb('warnings').$type<WorkflowWarning[]>().notNull(),
    data: jsonb('workflow_data').$type<Record<string, unknown>>().notNull(),
    /** SHA-256 of the canonical JSON, hex. */
    contentHash: text('content_hash').notNull(),
    /** How long the data of its executions is stored; null: as long as the executions themselves. */
    dataRetentionDays: integer('data_retention_days'),
    /** Whether a version is published only after a replay of recorded runs has passed. */
    requireReplay: boolean('require_replay').notNull().default(false),
    /** For `workflowHolds`. */
    search: tsvector('search')
      .notNull()
      .generatedAlwaysAs(
        sql`workflow_words(name, description, coalesce(prompt, '') || ' ' || left(jsonb_path_query_array(workflow_data, '$.nodes[*].name')::text, 10000), node_types)`,
      ),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('workflows_user_id_id_key').on(t.userId, t.id),
    index('workflows_node_types_idx').using('gin', t.nodeTypes),
    // Counts of required types, without reading the workflows.
    index('workflows_required_by_idx')
      .on(t.userId, t.requiredCredentialTypes)
      .where(sql`fits_index(${t.requiredCredentialTypes})`),
    index('workflows_many_required_idx')
      .on(t.userId)
      .where(sql`not fits_index(${t.requiredCredentialTypes})`),
    index('workflows_required_credential_types_idx').using('gin', t.requiredCredentialTypes),
    index('workflows_tags_idx').using('gin', t.tags),
    // With `fastupdate`, every search would have to scan the list of pending index entries.
    index('workflows_search_idx').using('gin', t.search).with({ fastupdate: 'off' }),
    index('workflows_user_id_content_hash_idx').on(t.userId, t.contentHash),
  ],
)

export const versionAuthors = ['user', 'n8n', 'flowkeep'] as const
export type VersionAuthor = (typeof versionAuthors)[number]

/** The immutable revisions of a workflow, with the prompt and model behind each. */
export const workflowVersions = pgTable(
  'workflow_versions',
  {
    workflowId: uuid('workflow_id').notNull(),
    version: integer('version').notNull(),
    userId: uuid('user_id').notNull(),
    /** The version that it was created from: the previous or the restored one. Null for the first. */
    parent: integer('parent'),
    ...described(),
    ...extracted(),
    data: jsonb('workflow_data').$type<Record<string, unknown>>().notNull(),
    contentHash: text('content_hash').notNull(),
    createdAt: createdAt(),
    /** `n8n`: edited in n8n and adopted. `flowkeep`: fixes were applied for a deploy. */
    author: text('author', { enum: versionAuthors }).notNull().default('user'),
    /** The edits that made it from its parent. Null: saved as a whole. */
    operations: jsonb('operations').$type<({ op: string } & Record<string, unknown>)[]>(),
    /** `operations` as sentences; at most 21. */
    edits: text('edits').array(),
    /** For `promptHolds`. Stored, because splitting a long prompt into words takes 50 ms. */
    promptWords: tsvector('prompt_words').notNull().generatedAlwaysAs(sql`search_words(prompt, false)`),
  },
  (t) => [
    primaryKey({ name: 'workflow_versions_pkey', columns: [t.workflowId, t.version] }),
    foreignKey({
      name: 'workflow_versions_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('cascade'),
    index('workflow_versions_user_id_workflow_id_idx').on(t.userId, t.workflowId),
    index('workflow_versions_prompt_words_idx').using('gin', t.promptWords).with({ fastupdate: 'off' }),
  ],
)
