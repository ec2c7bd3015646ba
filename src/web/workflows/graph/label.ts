/** @module Wraps labels in the graph by the character widths of the Inter font. */

/** Widths as fractions of the font size. */
const widths: [RegExp, number][] = [
  [/[ijl.,:;'|!]/, 0.28],
  [/[frtI()[\]{}\-\s/\\"]/, 0.38],
  [/[mwMW@%]/, 0.88],
  [/[A-Z0-9_#&+=<>~?$]/, 0.66],
  [/[\u0021-\u024f\u0370-\u05ff]/, 0.58],
]

const widthOfChar = (char: string): number => widths.find(([chars]) => chars.test(char))?.[1] ?? 1

/** The approximate width in pixels of a text in the font size `sizePx`. */
export const textWidth = (text: string, sizePx: number): number =>
  Array.from(text).reduce((sum, char) => sum + widthOfChar(char), 0) * sizePx

/**
 * Wraps text into at most `maxLines` lines of at most `maxPx`. Breaks between words, and inside a word that is too long
 * for a line. Cut text ends in `…`.
 */
export function wrapLabel(text: string, maxPx: number, maxLines: number, sizePx = 12): string[] {
  // A label never shows more, and measuring takes time.
  const words = text
    .slice(0, 600)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .toWellFormed()
    .trim()
    .split(' ')
  const lines: string[] = []
  let line = ''
  while (words.length > 0 && lines.length < maxLines) {
    const word = words[0] ?? ''
    const joined = line === '' ? word : `${line} ${word}`
    if (textWidth(joined, sizePx) <= maxPx) {
      line = joined
      words.shift()
      if (words.length === 0) lines.push(line)
    } else if (line !== '') {
      lines.push(line)
      line = ''
    } else {
      const [head, rest] = broken(word, maxPx, sizePx)
      lines.push(head)
      if (rest === '') words.shift()
      else words[0] = rest
    }
  }
  const last = lines.at(-1)
  if (words.length > 0 && last !== undefined) lines[lines.length - 1] = shortened(last, maxPx, sizePx)
  return lines
}

/** Splits a word at its last break point that fits. Cuts a word without break points. */
function broken(word: string, maxPx: number, sizePx: number): [head: string, rest: string] {
  const head = fitting(word, maxPx, sizePx)
  const breakAt = Math.max(
    ...[...head.matchAll(breakPoints)].map(({ index, 0: text }) => index + text.length),
    0,
  )
  return breakAt > 2 ? [head.slice(0, breakAt), word.slice(breakAt)] : [shortened(head, maxPx, sizePx), '']
}

/** After punctuation, before a capital letter, and between the characters of scripts without spaces. */
const breakPoints = /[_\-./:]|[a-z](?=[A-Z])|[\u2e80-\u9fff\uac00-\ud7a3](?=.)/g

/** The longest prefix that fits, at least one character. */
function fitting(word: string, maxPx: number, sizePx: number): string {
  let head = ''
  let width = 0
  for (const char of Array.from(word)) {
    width += widthOfChar(char) * sizePx
    if (width > maxPx && head !== '') break
    head += char
  }
  return head
}

function shortened(line: string, maxPx: number, sizePx: number): string {
  if (line.endsWith('…')) return line
  const chars = Array.from(line)
  while (chars.length > 1 && textWidth(`${chars.join('')}…`, sizePx) > maxPx) chars.pop()
  return `${chars.join('').trimEnd()}…`
}
