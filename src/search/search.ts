/** @module Searches everything of a user and the dashboard's pages, and corrects misspelled words. */
import type { Reader } from '../db/client.ts'
import { toSearchText } from '../db/search.ts'
import { loadCatalogue } from '../n8n/catalogue/catalogue.ts'
import { type FoundRow, maxNodeTypes, maxPerKind, readFound, readNames } from './queries.ts'
import { closestWord, fold, rankOf, toVocabulary, wordsOf } from './words.ts'

/** A page of the dashboard. */
export interface FoundPage {
  label: string
  href: string
  /** Other words that find the page. */
  keywords: string
}

export interface Hit extends Omit<FoundRow, 'kind'> {
  kind: FoundRow['kind'] | 'page'
  href: string
  /** From `rankOf`: lower is better. */
  rank: number
}

export type HitKind = Hit['kind']

export interface SearchGroup {
  kind: HitKind
  /** Best first. */
  hits: Hit[]
  /** There are more. */
  isCut: boolean
}

export interface SearchResult {
  /** The query that was searched: corrected if the given one has no results and another does. */
  query: string
  isCorrected: boolean
  /** Groups with hits, the group with the best hit first. */
  groups: SearchGroup[]
}

/** In this order if the best hits are equally good. */
const kinds: readonly HitKind[] = [
  'page',
  'execution',
  'workflow',
  'node',
  'credential',
  'deployment',
  'instance',
  'error',
  'prompt',
]
const maxTypes = 100

/** The query as it is searched; empty if it holds no letter and no digit. */
export function toQuery(text: string): string {
  const query = toSearchText(text)
  return /[\p{L}\p{N}]/u.test(query) ? query : ''
}

/**
 * Searches names, node types and node names, prompts of all versions, error messages, IDs and the numbers of executions.
 * `#403` means the execution only. Without any hit, it searches for the closest known words.
 */
export async function search(
  db: Reader,
  userId: string,
  text: string,
  pages: readonly FoundPage[] = [],
): Promise<SearchResult> {
  const query = toQuery(text)
  if (query === '') return { query, isCorrected: false, groups: [] }
  const groups = await find(db, userId, query, pages)
  const corrected = groups.length === 0 && !isNumber(query) ? await correct(db, userId, query, pages) : query
  if (corrected === query) return { query, isCorrected: false, groups }
  return { query: corrected, isCorrected: true, groups: await find(db, userId, corrected, pages) }
}

const isNumber = (query: string): boolean => /^#[\d\s\u202f]+$/.test(query)

async function find(db: Reader, userId: string, query: string, pages: readonly FoundPage[]) {
  const words = wordsOf(query)
  const catalogue = await loadCatalogue()
  const named = (types: { type: string; displayName: string }[]) =>
    types
      .filter(({ displayName }) => holdsAll(displayName, words))
      .slice(0, maxTypes)
      .map(({ type }) => type)
  const onlyNumber = isNumber(query)
  const rows = await readFound(db, userId, {
    query,
    words,
    onlyNumber,
    nodeTypes: named(catalogue.searchNodeTypes()),
    credentialTypes: named(catalogue.searchCredentialTypes()),
  })
  const prompts = new Set(rows.filter(({ kind }) => kind === 'prompt').map(({ id }) => id))
  const hits: Hit[] = rows
    // A workflow found by its prompt only is listed with the prompts.
    .filter((row) => row.kind !== 'workflow' || isFoundBesidesPrompt(row, words) || !prompts.has(row.id))
    .map((row) => {
      const labelOf = (type: string) => catalogue.nodeType(type)?.displayName ?? type
      const credentialType = row.kind === 'credential' ? catalogue.credentialType(row.note ?? '') : undefined
      const name = row.kind === 'node' ? labelOf(row.name) : row.name
      return Object.assign(row, {
        name,
        note: credentialType?.displayName ?? row.note,
        type: row.type && labelOf(row.type),
        href: hrefOf(row),
        rank: row.exact ? 0 : rankOf(name, query),
      })
    })
  if (!onlyNumber)
    hits.push(...pages.filter((page) => isPageFound(page, words)).map((page) => pageHit(page, query)))
  return kinds
    .map((kind) => {
      const max = kind === 'node' ? maxNodeTypes : maxPerKind
      return {
        kind,
        hits: hits
          .filter((hit) => hit.kind === kind)
          .toSorted((a, b) => a.rank - b.rank)
          .slice(0, max),
        isCut: rows.filter((row) => row.kind === kind).length > max,
      }
    })
    .filter((group) => group.hits.length > 0)
    .toSorted((a, b) => (a.hits[0]?.rank ?? 0) - (b.hits[0]?.rank ?? 0))
}

const holdsAll = (text: string, words: readonly string[]): boolean => {
  const folded = fold(text)
  return words.every((word) => folded.includes(word))
}

const isFoundBesidesPrompt = (row: FoundRow, words: readonly string[]): boolean =>
  row.exact || row.node !== null || row.type !== null || row.excerpt !== null || holdsAll(row.name, words)

/** Each word begins a word of the label or the keywords. */
function isPageFound({ label, keywords }: FoundPage, words: readonly string[]): boolean {
  const own = wordsOf(`${label} ${keywords}`)
  return words.length > 0 && words.every((word) => own.some((each) => each.startsWith(word)))
}

const pageHit = ({ label, href }: FoundPage, query: string): Hit => ({
  kind: 'page',
  id: href,
  name: label,
  note: null,
  number: null,
  node: null,
  type: null,
  excerpt: null,
  exact: false,
  href,
  rank: rankOf(label, query),
})

async function correct(
  db: Reader,
  userId: string,
  query: string,
  pages: readonly FoundPage[],
): Promise<string> {
  const words = wordsOf(query)
  const [names, catalogue] = await Promise.all([readNames(db, userId), loadCatalogue()])
  const labels = names.map((name) => `${name} ${catalogue.nodeType(name)?.displayName ?? ''}`)
  const pageTexts = pages.map(({ label, keywords }) => `${label} ${keywords}`)
  const vocabulary = toVocabulary([...labels, ...pageTexts])
  const corrected = words.map((word) => closestWord(word, vocabulary))
  return corrected.some((word, index) => word !== words[index]) ? corrected.join(' ') : query
}

/** Where a row leads to. */
function hrefOf({ kind, id, number }: Pick<FoundRow, 'kind' | 'id' | 'number'>): string {
  if (kind === 'prompt') return `/workflows/${id}/versions/${number}`
  if (kind === 'node') return `/workflows?${new URLSearchParams({ node: id })}`
  return `/${kind}s/${id}`
}
