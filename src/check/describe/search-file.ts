/** @module The layout of `public/data/nodes/search.json`. `npm run node-facts` writes it and `search.ts` reads it. */

export interface SearchRow {
  type: string
  name: string
  /** Additional words for what the node does. */
  words?: string
  trigger?: 1
  hidden?: 1
  /** Rank among the most common nodes. */
  rank?: number
  /** Resource → operations. A trigger's events, and the operations of a node without resources, are at ''. */
  does: Record<string, string[]>
}

export interface SearchFile {
  /** Groups of synonyms, one string per group. */
  synonyms: string[]
  types: SearchRow[]
}
