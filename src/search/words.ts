/** @module Words of searched texts: the same form for texts that read alike, and the closest word to a misspelled one. */

/** One form for texts that differ only in case, accents and compatibility forms, as the SQL function `search_normal`. */
export const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]+/g, '')
    .normalize('NFKC')
    .toLowerCase()

export const wordsOf = (text: string): string[] => fold(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/** How many edits make a word of this length another one: none below 4 characters, else 1, from 8 on 2. */
const maxEdits = (word: string): number => (word.length < 4 ? 0 : word.length < 8 ? 1 : 2)

/**
 * The word of `vocabulary` that is closest to `word`. Returns `word` if a word contains it, or if none is close. Numbers
 * are not corrected.
 */
export function closestWord(word: string, vocabulary: readonly string[]): string {
  const most = maxEdits(word)
  if (most === 0 || /\p{N}/u.test(word) || vocabulary.some((each) => each.includes(word))) return word
  let best = { word, edits: most + 1 }
  for (const each of vocabulary) {
    if (Math.abs(each.length - word.length) > most) continue
    const edits = editsBetween(word, each, best.edits)
    if (edits < best.edits) best = { word: each, edits }
  }
  return best.word
}

/**
 * Insertions, deletions, substitutions and swaps of neighbors (optimal string alignment).
 * @returns `limit` for any distance from there on
 */
function editsBetween(a: string, b: string, limit: number): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + Number(!isSame),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : limit,
      )
    }
    if (Math.min(...next) >= limit) return limit
    ;[beforeLast, last] = [last, next]
  }
  return Math.min(last[b.length] ?? limit, limit)
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
