import { sql } from 'drizzle-orm'
import * as uuid from 'uuid'
import type { Reader } from '../db/client.ts'
import { likePattern, textHolds, toSearchText, workflowHolds } from '../db/search.ts'

export interface SearchResult extends Record<string, unknown> {
  kind: 'workflow' | 'error' | 'credential' | 'execution' | 'deployment' | 'instance'
  id: string
  /** The name, the error message, or `#` and the execution's number in n8n. */
  name: string
  /** The credential type, the execution's workflow or instance, the deployed version, or the failed node. */
  note: string | null
  /** The name, ID or execution number equals the query. */
  exact: boolean
}

const maxPerKind = 20

/**
 * Searches the user's data by name, ID and n8n execution number, and workflows and errors by text. Exact matches come
 * first. One statement.
 */
export async function search(db: Reader, userId: string, text: string): Promise<SearchResult[]> {
  const query = toSearchText(text)
  if (query === '') return []
  const id = uuid.validate(query) ? query : uuid.NIL
  const like = likePattern(query)
  const number = query.replace(/^#/, '').replaceAll(/[\s\u202f]/g, '')
  const { rows } = await db.execute<SearchResult>(sql`
    with found as (
      (select 'workflow' as kind, id::text, name, null as note, id = ${id}::uuid or lower(name) = lower(${query}) as exact
        from workflows where user_id = ${userId} and (${workflowHolds(query, sql`workflows`)} or id = ${id}::uuid)
        order by exact desc, lower(name) limit ${maxPerKind})
      union all
      (select 'error', fingerprint, min(message), min(node), false
        from error_groups where user_id = ${userId} and ${textHolds(query, sql`coalesce(http_status::text || ' ', '') || message`)}
        group by fingerprint order by min(lower(message)) limit ${maxPerKind})
      union all
      (select 'credential', id::text, name, n8n_credential_type, id = ${id}::uuid or lower(name) = lower(${query}) as exact
        from credentials where user_id = ${userId} and (name ilike ${like} or id = ${id}::uuid)
        order by exact desc, lower(name) limit ${maxPerKind})
      union all
      (select 'instance', id::text, name, null, id = ${id}::uuid or lower(name) = lower(${query}) as exact
        from instances where user_id = ${userId} and (name ilike ${like} or id = ${id}::uuid)
        order by exact desc, lower(name) limit ${maxPerKind})
      union all
      (select 'deployment', d.id::text, w.name, 'version ' || d.version, true
        from deployments d join workflows w on w.id = d.workflow_id where d.user_id = ${userId} and d.id = ${id}::uuid)
      union all
      (select 'execution', e.id::text, '#' || e.n8n_execution_id, w.name, true
        from executions e left join workflows w on w.id = e.workflow_id
        where e.user_id = ${userId} and e.id = ${id}::uuid)
      union all
      (select 'execution', k.id::text, '#' || k.n8n_execution_id, i.name, true
        from instances i join execution_keys k on k.instance_id = i.id and k.n8n_execution_id = ${number}
        where i.user_id = ${userId} order by k.id desc limit ${maxPerKind})
    )
    select * from found order by exact desc, kind, lower(name) limit 60`)
  return rows
}

export const hrefOf = ({ kind, id }: Pick<SearchResult, 'kind' | 'id'>): string => `/${kind}s/${id}`
