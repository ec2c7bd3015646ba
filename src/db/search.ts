/** @module Indexed text search conditions. The SQL functions are in `drizzle/functions/search_*.sql`. */
import { toStorable } from '../lib/storable-text.ts'
import { type SQL, sql } from 'drizzle-orm'

const maxSearchChars = 200

/** Prepares the text of a search box for the conditions below. Empty when there is nothing to search for. */
export const toSearchText = (text: string): string => toStorable(text).trim().slice(0, maxSearchChars)

/** For `like` and `ilike`: matches texts that contain `text`. */
export const likePattern = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`

/**
 * A `text` without letters and digits matches nothing. Checks for the normal form first: most texts already are in it,
 * and normalizing takes a hundred times as long as the check.
 * @param words the result of `search_words(source)`
 */
const holds = (words: SQL, source: SQL, text: string): SQL => sql`(${words} @@ search_query(${text})
  and (search_stretches(${text}) = '{}' or ${source} like all (search_stretches(${text}))
    or search_normal(${source}) like all (search_stretches(${text}))))`

/** The names of a workflow's nodes, as the JSON text of a list. The index holds the first 10,000 characters. */
export const nodeNamesIn = (data: SQL): SQL =>
  sql`left(jsonb_path_query_array(${data}, '$.nodes[*].name')::text, 10000)`

/**
 * Workflows that contain every word of `text` in their name, node types, node names, description or prompt.
 * @param of the alias of `workflows` in the statement
 */
export const workflowHolds = (text: string, of: SQL): SQL =>
  holds(
    sql`${of}.search`,
    sql`concat_ws(' ', ${of}.name, array_to_string(${of}.node_types, ' '), ${of}.description, ${of}.prompt,
      ${nodeNamesIn(sql`${of}.workflow_data`)})`,
    text,
  )

/** Rows whose `column`, a name or a message, contains every word of `text`, including as part of a longer word. */
export const textHolds = (text: string, column: SQL): SQL =>
  holds(sql`search_words(${column}, true)`, column, text)

/**
 * Versions whose prompt contains every word of `text` at the beginning of a word.
 * @param of the alias of `workflow_versions` in the statement
 */
export const promptHolds = (text: string, of: SQL): SQL =>
  holds(sql`${of}.prompt_words`, sql`${of}.prompt`, text)

/**
 * Like `textHolds`, for names without an index: searching for the words is far cheaper than splitting every name. A
 * `text` without letters and digits matches every name.
 */
export const nameHolds = (text: string, column: SQL): SQL => {
  const sought = sql`array(select '%' || part || '%' from search_parts(${text}, 1000),
    unnest(string_to_array(words || ' ' || letters, ' ')) part where part <> '')`
  return sql`(lower(${column}) like all (${sought}) or search_normal(${column}) like all (${sought}))`
}
