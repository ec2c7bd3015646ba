/** @module Reads the name before a delimiter, up to a maximum length. Pure. */

export const maxNameChars = 64
const maxQuoteChars = 24
const nameChars = charTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$-')

export function charTable(chars: string): Uint8Array {
  const table = new Uint8Array(128)
  for (const char of chars) table[char.charCodeAt(0)] = 1
  return table
}

/** Start of the run of name characters that ends at `end`. Names have at most 64 characters. */
export function nameStart(text: string, end: number): number {
  const least = Math.max(0, end - maxNameChars)
  let start = end
  while (start > least && isNameChar(text.charCodeAt(start - 1))) start -= 1
  return start
}

/** Includes non-ASCII letters, but not Chinese and Japanese punctuation. */
const isNameChar = (code: number): boolean =>
  code < 128
    ? nameChars[code] === 1
    : code > 191 && (code < 0x2000 || (code >= 0x3040 && code < 0xfe00) || (code >= 0x2e80 && code < 0x3000))

/** End of the name before `delimiter`, without its quote, a bracket, spaces or a question mark. */
export function beforeQuotes(text: string, delimiter: number): { end: number; quoted: boolean } {
  let end = delimiter
  while (end > 0 && delimiter - end < 8 && ' \t*\u00A0'.includes(text[end - 1] ?? '.')) end -= 1
  if (text[end - 1] === ']') end -= 1
  const last = text[end - 1]
  let quoted = true
  if (last === '"' || last === "'" || last === '`') {
    end -= 1
    while (end > 0 && delimiter - end < maxQuoteChars && text[end - 1] === '\\') end -= 1
  } else if (last !== undefined && '”»」“’'.includes(last)) end -= 1
  else if (last === ';' && text.startsWith('&quot;', end - 6)) end -= 6
  else if (last === ';' && text.startsWith('&#34;', end - 5)) end -= 5
  else if (last === '2' && text.startsWith('%22', end - 3)) end -= 3
  else if (last === '2' && text.startsWith('\\u0022', end - 6)) {
    end -= 6
    while (end > 0 && delimiter - end < maxQuoteChars && text[end - 1] === '\\') end -= 1
  } else quoted = false
  return { end: text[end - 1] === '?' ? end - 1 : end, quoted }
}
