/** @module The layout of `public/data/nodes/search.json`. `npm run node-facts` writes it and `search.ts` reads it. */

export interface SearchRow {
  type: string
  name: string
  /** Further words for what the node does. */
  words?: string
  trigger?: 1
  hidden?: 1
  /** Place among the most usual nodes. */
  rank?: number
  /** Resource → operations. A trigger's events, and the operations of a node without resources, are at ''. */
  does: Record<string, string[]>
}

export interface SearchFile {
  /** Words that stand for one another, a group a text. */
  synonyms: string[]
  types: SearchRow[]
}
