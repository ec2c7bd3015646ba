/** @module The statements of the search. Each part has an index or reads rows of one user only, and returns few rows. */
import { type SQL, sql } from 'drizzle-orm'
import * as uuid from 'uuid'
import type { Reader } from '../db/client.ts'
import { likePattern, nameHolds, promptHolds, textHolds, workflowHolds } from '../db/search.ts'

export type FoundRow = {
  kind: 'workflow' | 'node' | 'prompt' | 'error' | 'credential' | 'execution' | 'deployment' | 'instance'
  /** The resource's ID; a node type, or an error's fingerprint. */
  id: string
  /** The name, the error message, the node type, or `#` and the execution's number in n8n. */
  name: string
  /** The credential type, the execution's workflow or instance, the instance's URL, the node that failed. */
  note: string | null
  /** The version of a workflow, a prompt or a deployment; the number of workflows that use a node type. */
  number: number | null
  /** A workflow's node name that matches. */
  node: string | null
  /** A workflow's node type that matches. */
  type: string | null
  /** The part of a description or a prompt around a match. */
  excerpt: string | null
  /** The name, ID or execution number equals the query. */
  exact: boolean
}

/** Rows of each kind, plus one if there are more. */
export const maxPerKind = 20
export const maxNodeTypes = 6
const excerptChars = 160

export interface Sought {
  query: string
  /** The words of the query, as `wordsOf` returns them. */
  words: readonly string[]
  /** Node and credential types whose display name holds the query. */
  nodeTypes: readonly string[]
  credentialTypes: readonly string[]
  /** Only the execution with this number in n8n: the query begins with `#`. */
  onlyNumber: boolean
}

const texts = (values: readonly string[]): SQL => sql`${JSON.stringify(values)}::jsonb`
const listOf = (values: readonly string[]): SQL =>
  sql`array(select jsonb_array_elements_text(${texts(values)}))`

/** The part of `source` around the first occurrence of `word`, in one line; null without one. */
const excerptOf = (source: SQL, word: string): SQL => sql`
  case when strpos(lower(${source}), ${word}) > 0 then regexp_replace(
    substr(${source}, greatest(strpos(lower(${source}), ${word}) - 40, 1), ${excerptChars}), '\\s+', ' ', 'g') end`

/** Searches all of the user's data. One statement. */
export async function readFound(db: Reader, userId: string, sought: Sought): Promise<FoundRow[]> {
  const { query, words, onlyNumber } = sought
  const id = uuid.validate(query) ? query : uuid.NIL
  const number = query.replace(/^#/, '').replaceAll(/[\s\u202f]/g, '')
  const longest = words.toSorted((a, b) => b.length - a.length)[0] ?? ''
  const patterns = listOf(words.map(likePattern))
  const credentialTypes = listOf(sought.credentialTypes)
  const nodeTypes = listOf(sought.nodeTypes)
  const isExact = (name: SQL, ofId: SQL) => sql`(${ofId} = ${id}::uuid or lower(${name}) = lower(${query}))`

  const runs = sql`
    (select 'execution' as kind, k.id::text as id, '#' || k.n8n_execution_id as name, i.name as note,
        null::integer as number, null as node, null as type, null as excerpt, true as exact
      from instances i join execution_keys k on k.instance_id = i.id and k.n8n_execution_id = ${number}
      where i.user_id = ${userId} order by k.id desc limit ${maxPerKind + 1})`
  if (onlyNumber) return (await db.execute<FoundRow>(runs)).rows

  const { rows } = await db.execute<FoundRow>(sql`
    ${runs}
    union all
    (select 'execution', e.id::text, '#' || e.n8n_execution_id, w.name, null, null, null, null, true
      from executions e left join workflows w on w.id = e.workflow_id
      where e.user_id = ${userId} and e.id = ${id}::uuid)
    union all
    (select 'workflow', w.id::text, w.name, null, w.version,
        case when not w.named then (select node from jsonb_array_elements_text(
          jsonb_path_query_array(w.workflow_data, '$.nodes[*].name')) names (node) where lower(node) like any (${patterns}) limit 1) end,
        case when not w.named then (select type from unnest(w.node_types) type
          where type = any (${nodeTypes}) or lower(split_part(type, '.', 2)) like any (${patterns}) limit 1) end,
        case when not w.named then ${excerptOf(sql`w.description`, longest)} end, w.exact
      from (
        select *, ${isExact(sql`name`, sql`id`)} as exact, ${nameHolds(query, sql`name`)} as named
        from workflows where user_id = ${userId}
          and (${workflowHolds(query, sql`workflows`)} or id = ${id}::uuid or node_types && ${nodeTypes})
        order by exact desc, named desc, lower(name) limit ${maxPerKind + 1}
      ) w)
    union all
    (select 'prompt', workflow_id::text, name, null, version, null, null,
        coalesce(${excerptOf(sql`prompt`, longest)}, left(prompt, ${excerptChars})), false
      from (
        select distinct on (v.workflow_id) v.workflow_id, w.name, v.version, v.prompt
        from workflow_versions v join workflows w on w.id = v.workflow_id
        where v.user_id = ${userId} and ${promptHolds(query, sql`v`)}
        order by v.workflow_id, v.version desc limit ${maxPerKind + 1}
      ) prompts)
    union all
    (select 'node', type, type, null, count(*)::integer, null, null, null, false
      from workflows, unnest(node_types) type
      where user_id = ${userId}
        and (type = any (${nodeTypes}) or lower(split_part(type, '.', 2)) like all (${patterns}) or lower(type) = lower(${query}))
      group by type order by count(*) desc, type limit ${maxNodeTypes + 1})
    union all
    (select 'error', fingerprint, min(message), min(node), min(http_status), null, null, null, false
      from error_groups
      where user_id = ${userId} and ${textHolds(query, sql`coalesce(http_status::text || ' ', '') || message`)}
      group by fingerprint order by min(lower(message)) limit ${maxPerKind + 1})
    union all
    (select 'credential', id::text, name, n8n_credential_type, null, null, null, null,
        ${isExact(sql`name`, sql`id`)} as exact
      from credentials where user_id = ${userId} and (${nameHolds(query, sql`name`)} or id = ${id}::uuid
        or n8n_credential_type = any (${credentialTypes}) or lower(n8n_credential_type) like all (${patterns}))
      order by exact desc, ${nameHolds(query, sql`name`)} desc, lower(name) limit ${maxPerKind + 1})
    union all
    (select 'instance', id::text, name, base_url, null, null, null, null, ${isExact(sql`name`, sql`id`)} as exact
      from instances where user_id = ${userId}
        and (${nameHolds(query, sql`name`)} or ${nameHolds(query, sql`base_url`)} or id = ${id}::uuid)
      order by exact desc, lower(name) limit ${maxPerKind + 1})
    union all
    (select 'deployment', d.id::text, w.name, i.name, d.version, null, null, d.n8n_workflow_id,
        d.id = ${id}::uuid or d.n8n_workflow_id = ${query} as exact
      from deployments d
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      join instances i on i.user_id = d.user_id and i.id = d.instance_id
      where d.user_id = ${userId} and (d.id = ${id}::uuid or d.n8n_workflow_id = ${query}
        or (d.status <> 'undeployed' and ${nameHolds(query, sql`(w.name || ' ' || i.name)`)}))
      order by exact desc, lower(w.name), d.id desc limit ${maxPerKind + 1})`)
  return rows
}

const maxNames = 2000

/** Names that a misspelled query may mean: of workflows, credentials, instances and the node types in use. */
export async function readNames(db: Reader, userId: string): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(sql`
    (select name from workflows where user_id = ${userId} order by id desc limit ${maxNames})
    union all (select name from credentials where user_id = ${userId} order by id desc limit ${maxNames})
    union all (select name from instances where user_id = ${userId} order by id desc limit ${maxNames})
    union all (select distinct type from workflows, unnest(node_types) type where user_id = ${userId} limit ${maxNames})`)
  return rows.map(({ name }) => name)
}
