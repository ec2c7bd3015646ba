/** @module Conditions that find texts by their words through an index. The functions are in the migration `search_words`. */
import { type SQL, sql } from 'drizzle-orm'

/** `words`: what `search_words` made of `source`. Where `text` has no letter and no digit, nothing holds it. */
const holds = (words: SQL, source: SQL, text: string): SQL => sql`(${words} @@ search_query(${text})
  and (search_stretches(${text}) = '{}' or search_normal(${source}) like all (search_stretches(${text}))))`

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
