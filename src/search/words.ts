/** @module Words of searched texts: the same form for texts that read alike, and the closest word to a misspelled one. */
import { normalForm } from '../lib/normal-form.ts'

/** One form for texts that differ only in case, accents and compatibility forms, as the SQL function `search_normal`. */
export const fold = (text: string): string =>
  normalForm(normalForm(text, 'NFKD').replaceAll(/[\u0300-\u036f]+/g, ''), 'NFKC').toLowerCase()

export const wordsOf = (text: string): string[] => fold(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/** How many edits make a word of this length another one: none below 4 characters, else 1, from 8 on 2. */
const maxEdits = (word: string): number => (word.length < 4 ? 0 : word.length < 8 ? 1 : 2)

/** Known words, prepared for `closestWord`. */
export interface Vocabulary {
  byLength: ReadonlyMap<number, readonly { word: string; letters: number }[]>
  /** All words, separated by spaces. */
  text: string
}

/** Longer words are not corrected. */
const maxWordChars = 64

export function toVocabulary(texts: readonly string[]): Vocabulary {
  const words = new Set(texts.flatMap(wordsOf))
  const byLength = new Map<number, { word: string; letters: number }[]>()
  for (const word of words) {
    const entry = { word, letters: lettersOf(word) }
    const same = byLength.get(word.length)
    if (same) same.push(entry)
    else byLength.set(word.length, [entry])
  }
  return { byLength, text: [...words].join(' ') }
}

/** The letters of a word as a set of bits. Several letters share a bit. */
function lettersOf(word: string): number {
  let letters = 0
  for (let at = 0; at < word.length; at += 1) letters |= 1 << (word.charCodeAt(at) & 31)
  return letters
}

/** Whether more bits differ than `edits` can change: a substitution removes one letter and adds another. */
function differMore(a: number, b: number, edits: number): boolean {
  let count = 0
  for (let bits = a ^ b; bits !== 0; bits &= bits - 1) count += 1
  return count > 2 * edits
}

/**
 * The word of `vocabulary` that is closest to `word`. Returns `word` if a word contains it, or if none is close. Numbers
 * and words over 64 characters are not corrected.
 */
export function closestWord(word: string, { byLength, text }: Vocabulary): string {
  const most = maxEdits(word)
  if (most === 0 || word.length > maxWordChars || /\p{N}/u.test(word) || text.includes(word)) return word
  const compare = editsFrom(word, most)
  const letters = lettersOf(word)
  let best = { word, edits: most + 1 }
  for (let length = word.length - most; length <= word.length + most; length += 1) {
    for (const each of byLength.get(length) ?? []) {
      if (differMore(letters, each.letters, most)) continue
      const edits = compare(each.word)
      if (edits < best.edits) best = { word: each.word, edits }
    }
  }
  return best.word
}

/**
 * Counts insertions, deletions, substitutions and swaps of neighbors (optimal string alignment) from `a` to words whose
 * length differs by `most` at most. Computes only the cells within `most` of the diagonal, without allocations.
 * @returns a function that returns `most` + 1 for any greater distance
 */
function editsFrom(a: string, most: number): (b: string) => number {
  const over = most + 1
  const width = a.length + most + 1
  let beforeLast = new Uint8Array(width)
  let last = new Uint8Array(width)
  let next = new Uint8Array(width)
  return (b) => {
    for (let column = 0; column <= b.length; column += 1) last[column] = Math.min(column, over)
    for (let row = 1; row <= a.length; row += 1) {
      const from = Math.max(1, row - most)
      const to = Math.min(b.length, row + most)
      const own = a.charCodeAt(row - 1)
      next[from - 1] = from === 1 ? Math.min(row, over) : over
      let least = next[from - 1] ?? over
      for (let column = from; column <= to; column += 1) {
        const other = b.charCodeAt(column - 1)
        const above = column < row + most ? (last[column] ?? over) : over
        let edits = Math.min(above + 1, (next[column - 1] ?? over) + 1)
        edits = Math.min(edits, (last[column - 1] ?? over) + (own === other ? 0 : 1), over)
        if (row > 1 && column > 1 && own === b.charCodeAt(column - 2) && a.charCodeAt(row - 2) === other) {
          edits = Math.min(edits, (beforeLast[column - 2] ?? over) + 1)
        }
        next[column] = edits
        if (edits < least) least = edits
      }
      if (least >= over) return over
      ;[beforeLast, last, next] = [last, next, beforeLast]
    }
    return last[b.length] ?? over
  }
}

/** 0: the same. 1: begins with it. 2: a word begins with it. 3: contains it. 4: contains all its words. 5: none of these. */
export function rankOf(name: string, query: string): number {
  const [text, sought] = [fold(name), fold(query).trim()]
  if (text === sought) return 0
  if (text.startsWith(sought)) return 1
  const at = text.indexOf(sought)
  if (at > 0) return /[\p{L}\p{N}]/u.test(text[at - 1] ?? '') ? 3 : 2
  return wordsOf(query).every((word) => text.includes(word)) ? 4 : 5
}

/** The parts of `text` in order, and which of them match a word of the query. */
export function highlights(text: string, query: string): { text: string; isMatch: boolean }[] {
  const characters = Array.from(text)
  const isMatch = characters.map(() => false)
  const folded = characters.map(fold)
  const whole = folded.join('')
  /** The character that each code unit of `whole` belongs to. */
  const owners = folded.flatMap((each, index) => Array.from({ length: each.length }, () => index))
  for (const word of new Set(wordsOf(query))) {
    for (let at = whole.indexOf(word); at !== -1; at = whole.indexOf(word, at + word.length)) {
      isMatch.fill(true, owners[at], (owners[at + word.length - 1] ?? 0) + 1)
    }
  }
  const parts: { text: string; isMatch: boolean }[] = []
  for (const [index, character] of characters.entries()) {
    const last = parts.at(-1)
    if (last && last.isMatch === isMatch[index]) last.text += character
    else parts.push({ text: character, isMatch: isMatch[index] ?? false })
  }
  return parts
}
