/** @module Column selections of workflow queries, page size limits, and conversion of rows to API objects. */
import { or, type SQL, sql } from 'drizzle-orm'
import { type VersionAuthor, workflows, workflowVersions } from '../db/schema/workflows.ts'
import type { Slice } from '../http/page.ts'
import { nameLimit, type Workflow } from './contract.ts'
import type { EditOperation } from './edits/operations.ts'
import { sentencesOf } from './edits/sentences.ts'

const described = {
  name: workflows.name,
  description: workflows.description,
  prompt: workflows.prompt,
  model: workflows.model,
  tags: workflows.tags,
}

export const summaryColumns = {
  id: workflows.id,
  ...described,
  version: workflows.version,
  nodeCount: workflows.nodeCount,
  nodeTypes: workflows.nodeTypes,
  requiredCredentialTypes: workflows.requiredCredentialTypes,
  triggerTypes: workflows.triggerTypes,
  webhookPaths: workflows.webhookPaths,
  contentHash: workflows.contentHash,
  dataRetentionDays: workflows.dataRetentionDays,
  requireReplay: workflows.requireReplay,
  createdAt: workflows.createdAt,
  updatedAt: workflows.updatedAt,
}

export const columns = { ...summaryColumns, warnings: workflows.warnings, workflow: workflows.data }

/** The texts and tags of a version. */
export const versionedText = {
  name: workflowVersions.name,
  description: workflowVersions.description,
  prompt: workflowVersions.prompt,
  model: workflowVersions.model,
  tags: workflowVersions.tags,
}

export const versionSummaryColumns = {
  version: workflowVersions.version,
  parent: workflowVersions.parent,
  ...versionedText,
  nodeCount: workflowVersions.nodeCount,
  nodeTypes: workflowVersions.nodeTypes,
  requiredCredentialTypes: workflowVersions.requiredCredentialTypes,
  triggerTypes: workflowVersions.triggerTypes,
  webhookPaths: workflowVersions.webhookPaths,
  contentHash: workflowVersions.contentHash,
  createdAt: workflowVersions.createdAt,
  author: workflowVersions.author,
  edits: workflowVersions.edits,
}

export const versionColumns = {
  ...versionSummaryColumns,
  workflow: workflowVersions.data,
  operations: workflowVersions.operations,
}

export const toSummary = <T extends { createdAt: Date; updatedAt: Date }>(row: T) => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

export const toWorkflow = (
  row: Omit<Workflow, 'createdAt' | 'updatedAt' | 'warnings'> &
    Pick<typeof workflows.$inferSelect, 'createdAt' | 'updatedAt' | 'warnings'>,
): Workflow => toSummary(row)

export const toVersion = <T extends { createdAt: Date }>(row: T) => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
})

export interface VersionOrigin {
  parent: SQL
  author?: VersionAuthor | undefined
  operations?: readonly EditOperation[] | undefined
}

/** Selects a workflow row as a version, in the column order of the table. */
export const versionOf = ({ parent, author = 'user', operations }: VersionOrigin) => ({
  workflowId: workflows.id,
  version: workflows.version,
  userId: workflows.userId,
  parent: parent.as('parent'),
  ...described,
  nodeCount: workflows.nodeCount,
  nodeTypes: workflows.nodeTypes,
  requiredCredentialTypes: workflows.requiredCredentialTypes,
  triggerTypes: workflows.triggerTypes,
  webhookPaths: workflows.webhookPaths,
  endpoints: workflows.endpoints,
  data: workflows.data,
  contentHash: workflows.contentHash,
  createdAt: workflows.updatedAt,
  author: sql<VersionAuthor>`${author}::text`.as('author'),
  operations: sql`${operations ? JSON.stringify(operations) : null}::jsonb`.as('operations'),
  edits: sql`${operations ? sql.param(sentencesOf(operations), workflows.tags) : null}::text[]`.as('edits'),
})

/** Neon limits a response to 10 MB, and nested JSON can double the size. */
const maxPageBytes = 4 * 1024 * 1024

/** Size of the large columns in a list. */
export const sizeBytes = (of: typeof workflows | typeof workflowVersions) =>
  sql<number>`octet_length(concat(${of.prompt}, ${of.description}, ${of.tags}::text, ${of.nodeTypes}::text,
    ${of.requiredCredentialTypes}::text, ${of.triggerTypes}::text, ${of.webhookPaths}::text))`.as(
    'size_bytes',
  )

/** Keys from the CTE `matching (key, size_bytes)` that fit into a page; always includes the first row. */
export const fittingKeys = sql`(select key from (
  select key, sum(size_bytes) over (order by key desc) - size_bytes as bytes_before from matching
) measured where bytes_before < ${maxPageBytes})`

export const matchedCount = sql<number>`(select count(*)::integer from matching)`

/** @param rows the rows that fit, out of up to `limit + 1` matches */
export function pageOf<Row, Item>(
  rows: { row: Row; matched: number }[],
  limit: number,
  toItem: (row: Row) => Item,
  toCursor: (row: Row) => string,
): Slice<Item> {
  const taken = rows.slice(0, limit)
  const last = taken.at(-1)
  const more = last !== undefined && last.matched > taken.length
  return { items: taken.map(({ row }) => toItem(row)), nextCursor: more ? toCursor(last.row) : null }
}

/** Columns to write; omitted columns do not change. */
export type Values = Partial<Omit<typeof workflows.$inferInsert, 'id' | 'userId' | 'version'>>

export const versionedFields = ['name', 'description', 'prompt', 'model', 'tags', 'contentHash'] as const

/** Undefined if there is nothing to compare. */
export function anyDiffers(
  values: Values,
  fields: readonly ((typeof versionedFields)[number] | 'dataRetentionDays' | 'requireReplay')[],
): SQL | undefined {
  const given = fields.filter((field) => values[field] !== undefined)
  return or(
    ...given.map(
      (field) => sql`${workflows[field]} is distinct from ${sql.param(values[field], workflows[field])}`,
    ),
  )
}

/** Truncates a name to the limit; undefined if it is blank. */
export const shortened = (name: string): string | undefined =>
  Array.from(name.trim()).slice(0, nameLimit).join('').trim() || undefined
