/** @module Indexed text search conditions. The functions are in the migration `search_words`. */
import { type SQL, sql } from 'drizzle-orm'

/**
 * Where `text` has no letter and no digit, nothing holds it. Most texts are in the normal form as they are, and making it
 * takes a hundred times as long as looking.
 * @param words what `search_words` made of `source`
 */
const holds = (words: SQL, source: SQL, text: string): SQL => sql`(${words} @@ search_query(${text})
  and (search_stretches(${text}) = '{}' or ${source} like all (search_stretches(${text}))
    or search_normal(${source}) like all (search_stretches(${text}))))`

/**
 * Workflows that hold every word of `text` in name, node types, description or prompt.
 * @param of `workflows`, by the name that the statement gives it
 */
export const workflowHolds = (text: string, of: SQL): SQL =>
  holds(
    sql`${of}.search`,
    sql`concat_ws(' ', ${of}.name, array_to_string(${of}.node_types, ' '), ${of}.description, ${of}.prompt)`,
    text,
  )

/** Rows whose text in `column`, a name or a message, holds every word of `text`, anywhere in a word. */
export const textHolds = (text: string, column: SQL): SQL =>
  holds(sql`search_words(${column}, true)`, column, text)

/**
 * As `textHolds`, for names that no index has: to look for the words is far cheaper than to make those of each name. Where
 * `text` has no letter and no digit, every name holds it.
 */
export const nameHolds = (text: string, column: SQL): SQL => {
  const sought = sql`array(select '%' || part || '%' from search_parts(${text}, 1000),
    unnest(string_to_array(words || ' ' || letters, ' ')) part where part <> '')`
  return sql`(lower(${column}) like all (${sought}) or search_normal(${column}) like all (${sought}))`
}
