/** @module Finds node types by their name and by what they do. */
import { readNodeFile } from '#data-files'
import { sharedLoad } from '../../lib/shared-load.ts'
import type { SearchFile, SearchRow } from './search-file.ts'

export interface FoundNodeType {
  type: string
  displayName: string
  trigger: boolean
  /** The operations that match, best first. */
  match: { resource?: string; operation?: string }[]
}

const stems = new Map<string, string>()

/** Words that ask for a trigger; they describe no node. */
const triggerWords = new Set(
  ['when', 'whenever', 'trigger', 'listen', 'watch', 'receive', 'arrive', 'incoming', 'new'].map((word) =>
    stem(word),
  ),
)
const stopWords = new Set(
  'a an the to from in into on at of for with my our your and or via by using use is are be it its as this that i want how do does all some any'.split(
    ' ',
  ),
)
const weights = { name: 3, word: 1.4, resource: 1.1, operation: 1.1 }
/** Of a synonym, and of the beginning of a word. */
const [synonymFactor, prefixFactor] = [0.6, 0.7]
/** Share of the query's words, by weight, that a node must match. */
const requiredShare = 0.45
const mostMatches = 3

function stem(word: string): string {
  let known = stems.get(word)
  if (known === undefined) {
    known = word
      .replace(/ies$/, 'y')
      .replace(/(?<=[a-z]{3})(?:ing|ed)$/, '')
      .replace(/(?<=[^s])s$/, '')
      .replace(/(?<=[a-z]{3})e$/, '')
    if (stems.size < 20_000) stems.set(word, known)
  }
  return known
}

/** `createOrUpdate` → createorupdate, create, or, update */
function wordsOf(text: string): string[] {
  const words = text.split(/[^\p{L}\d]+/u).filter(Boolean)
  return words.flatMap((word) => {
    const parts = word.split(/(?<=[a-z\d])(?=[A-Z])/)
    return (parts.length > 1 ? [word, ...parts] : [word]).map((each) => stem(each.toLowerCase()))
  })
}

interface Entry {
  row: SearchRow
  text: string
  name: readonly string[]
  words: readonly string[]
  actions: {
    resource: string
    operation: string
    ofResource: string[]
    ofOperation: string[]
  }[]
}

export class NodeSearch {
  readonly #entries: Entry[]
  /** Word → number of types with it. */
  readonly #counts = new Map<string, number>()
  readonly #synonyms = new Map<string, Set<string>>()

  constructor({ synonyms, types }: SearchFile) {
    const split = new Map<string, string[]>()
    const cached = (text: string): string[] => {
      let words = split.get(text)
      if (!words) split.set(text, (words = wordsOf(text)))
      return words
    }
    this.#entries = types.map((row) => ({
      row,
      text: `${row.type} ${row.name}`.toLowerCase(),
      name: [...wordsOf(row.name), ...wordsOf(row.type.slice(row.type.lastIndexOf('.') + 1))],
      words: cached(row.words ?? ''),
      actions: Object.entries(row.does).flatMap(([resource, operations]) =>
        (operations.length > 0 ? operations : ['']).map((operation) => ({
          resource,
          operation,
          ofResource: cached(resource),
          ofOperation: cached(operation),
        })),
      ),
    }))
    for (const { name, words, actions } of this.#entries) {
      const all = new Set([
        ...name,
        ...words,
        ...actions.flatMap(({ ofResource, ofOperation }) => ofResource.concat(ofOperation)),
      ])
      for (const word of all) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1)
    }
    for (const group of synonyms) {
      const words = group.split(' ').map(stem)
      for (const word of words)
        this.#synonyms.set(word, new Set([...(this.#synonyms.get(word) ?? []), ...words]))
    }
  }

  /** Best first. Nodes whose type or name contains the query come before others. */
  find(query: string): FoundNodeType[] {
    const text = query.trim().toLowerCase()
    const all = [...new Set(wordsOf(query))]
    const asksForTrigger = /\w{3}ed\b/i.test(query) || all.some((word) => triggerWords.has(word))
    const meaningful = all.filter(
      (word) => !stopWords.has(word) && !triggerWords.has(word) && !/^\d+$/.test(word),
    )
    const words = (meaningful.length > 0 ? meaningful : all).map((word) => this.#wanted(word))
    const isNamed = ({ text: name }: Entry) => text !== '' && name.includes(text)
    const isName = words.length === 1 && this.#entries.some(isNamed)
    const scored = this.#entries.flatMap((entry) => {
      const found = score(entry, words)
      const named = isNamed(entry)
      if (!named && (found.share < requiredShare || (isName && !found.isGeneral))) return []
      const { rank, trigger, hidden, name } = entry.row
      const boost = name.toLowerCase() === text ? 4 : named ? 2 : 0
      const usualness = rank === undefined ? 1 : 1.35 - rank / 340
      const factor = (hidden ? 0.4 : 1) * (asksForTrigger === Boolean(trigger) ? 1 : 0.75)
      return [
        {
          entry,
          actions: found.actions,
          score: found.share * found.score * usualness * factor + boost,
        },
      ]
    })
    return scored
      .toSorted((a, b) => b.score - a.score || (a.entry.row.type < b.entry.row.type ? -1 : 1))
      .map(({ entry: { row }, actions }) => ({
        type: row.type,
        displayName: row.name,
        trigger: row.trigger === 1,
        match: actions,
      }))
  }

  /** Rare words decide. */
  #wanted(word: string): Wanted {
    const alike = this.#synonyms.get(word)
    const matches = new Map<string, number>()
    for (const each of this.#counts.keys()) {
      if (each === word) matches.set(each, 1)
      else if (alike?.has(each)) matches.set(each, synonymFactor)
      else if (word.length >= 3 && each.startsWith(word)) matches.set(each, prefixFactor)
    }
    const importance = Math.log(1 + this.#entries.length / ((this.#counts.get(word) ?? 0) + 1))
    return { importance, matches, known: new Map() }
  }
}

interface Wanted {
  importance: number
  /** Word of a node → how well it matches. */
  matches: ReadonlyMap<string, number>
  /** Many operations share their words. */
  known: Map<readonly string[], number>
}

function match({ matches, known }: Wanted, among: readonly string[]): number {
  let best = known.get(among)
  if (best !== undefined) return best
  best = 0
  for (const each of among) best = Math.max(best, matches.get(each) ?? 0)
  known.set(among, best)
  return best
}

function score({ name, words: own, actions }: Entry, words: readonly Wanted[]) {
  const general = words.map((word) =>
    Math.max(weights.name * match(word, name), weights.word * match(word, own)),
  )
  const sum = (matches: readonly number[]) =>
    words.reduce((all, { importance }, index) => all + importance * (matches[index] ?? 0), 0)
  const share = (matches: readonly number[]) => sum(matches.map((each) => Math.min(each * 10, 1))) / total
  const total = sum(words.map(() => 1)) || 1
  let best = general
  const ranked: { score: number; action: Entry['actions'][number] }[] = []
  for (const action of actions) {
    const isMatch = words.some(
      (word) => match(word, action.ofResource) > 0 || match(word, action.ofOperation) > 0,
    )
    if (!isMatch) continue
    const specific = words.map((word) =>
      Math.max(
        weights.resource * match(word, action.ofResource),
        weights.operation * match(word, action.ofOperation),
      ),
    )
    const score = sum(specific)
    ranked.push({ score, action })
    const both = specific.map((each, index) => {
      const other = general[index] ?? 0
      return Math.max(each, other) + 0.3 * Math.min(each, other)
    })
    if (sum(both) > sum(best)) best = both
  }
  return {
    score: sum(best) / total,
    share: share(best),
    isGeneral: sum(general) > 0,
    actions: ranked
      .toSorted((a, b) => b.score - a.score)
      .slice(0, mostMatches)
      .map(({ action }) => toMatch(action)),
  }
}

const toMatch = ({ resource, operation }: { resource: string; operation: string }) => ({
  ...(resource && { resource }),
  ...(operation && { operation }),
})

export const loadNodeSearch = sharedLoad(
  async () => new NodeSearch(JSON.parse(await readNodeFile('search')) as SearchFile),
)
