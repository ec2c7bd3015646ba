/** @module The history of live versions with their n8n version IDs, which attributes runs to versions. */
import { type SQL, sql } from 'drizzle-orm'
import { type Db, idempotent } from '../db/client.ts'
import type { N8nWorkflow } from '../n8n/api/shapes.ts'

/** The version ID on n8n's executions of the published version; null on 1.x, whose executions have none. */
export const liveVersionOf = ({ activeVersionId, versionId }: N8nWorkflow): string | null =>
  activeVersionId ?? versionId

/** Whether the workflow has unpublished changes. */
export const isDraft = ({ activeVersionId, versionId }: N8nWorkflow): boolean =>
  activeVersionId !== null && versionId !== activeVersionId

/**
 * A statement that appends the live version to the history, unless it equals the latest entry.
 * @param live a select of `id, user_id, version, bindings, n8n_version_id` of deployments whose rows are locked
 * @param at ISO 8601
 */
export const appendVersion = (live: SQL, at: string): SQL => sql`
  insert into deployment_versions (deployment_id, sequence, user_id, version, bindings, n8n_version_id, created_at)
  select live.id, coalesce(latest.sequence, 0) + 1, live.user_id, live.version, live.bindings, live.n8n_version_id,
    ${at}::timestamptz
  from (${live}) live left join lateral (
    select h.sequence, h.version, h.bindings, h.n8n_version_id from deployment_versions h
    where h.user_id = live.user_id and h.deployment_id = live.id order by h.sequence desc limit 1
  ) latest on true
  where (latest.version, latest.bindings) is distinct from (live.version, live.bindings)
    or latest.n8n_version_id <> live.n8n_version_id
  returning deployment_id, version`

const chunkRows = 1000

/** Assigns the runs of `n8nVersionId` to its version in the history. */
export async function attributeRuns(db: Db, deploymentId: string, n8nVersionId: string): Promise<void> {
  while (isMore(await idempotent(db).execute(attributeSome(deploymentId, n8nVersionId))));
}

/** Assigns the first runs, and none when n8n has no version IDs. `isMore` tells whether there may be others. */
export const attributeSome = (deploymentId: string, n8nVersionId: string | null): SQL =>
  sql`select attribute_executions(${deploymentId}::uuid, ${n8nVersionId}, ${chunkRows}::integer) as moved`

export const isMore = ({ rows: [row] }: { rows: Record<string, unknown>[] }): boolean =>
  row?.moved === chunkRows
