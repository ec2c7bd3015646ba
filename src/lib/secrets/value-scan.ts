/** @module Reads a value in a text: quoted, bare or a YAML block. Linear over one text. */
import { charTable, maxNameChars } from './name-scan.ts'

export interface ValueSpan {
  start: number
  end: number
}

export interface Value extends ValueSpan {
  quoted: boolean
}

const maxClosingQuotes = 256
const maxReferenceChars = 512
/** Characters that end, or may end, a bare value. */
const bareStops = charTable(' \t\n\r\v\f"\'`<>\\&;,#%')
export const openingQuote = /(\\*)(["'`])|&(?:quot|apos|#34|#39|#x22|#x27);|%22|%27|\\+u0022|[“«「]/y
/** A YAML block, whose lines have the same indentation. */
const block = /[|>][+-]?\d?[ \t]*(?:\r?\n|\\r\\n|\\n)([ \t]{1,16})/y
const maxBlockLines = 1024
const closingQuotes: Record<string, string> = { '“': '”', '«': '»', '「': '」' }
const nextField = /^&(?:amp;)?[\w.[\]%-]{1,40}=/
const nextPair = /^[;&,]?\s*(?:amp;)?["']?[\w.[\] %-]{1,40}["']?\s?[=:]/

export class ValueScan {
  readonly #text: string
  /** Next index of each delimiter found so far; the text's length when there is none. */
  #nexts: Map<string, number> | undefined
  /** The last bare value. A value that starts within it has the same end. */
  readonly #bare = { start: -1, end: -1, mode: 0 }

  constructor(text: string) {
    this.#text = text
  }

  /** Next index of `part` from `from`, or the text's length. */
  nextOf(part: string, from: number): number {
    const nexts = (this.#nexts ??= new Map<string, number>())
    const known = nexts.get(part)
    if (known !== undefined && known >= from) return known
    const found = this.#text.indexOf(part, from)
    const next = found < 0 ? this.#text.length : found
    nexts.set(part, next)
    return next
  }

  /** The lines of a YAML block. @param start index of its `|` or `>` */
  blockAt(start: number): Value | null {
    const text = this.#text
    block.lastIndex = start
    const [opening = '', indent = ''] = block.exec(text) ?? []
    if (opening === '') return null
    const lineBreak = opening.endsWith(`\n${indent}`) ? '\n' : '\\n'
    let end = start + opening.length
    for (let lines = 0; lines < maxBlockLines; lines += 1) {
      const next = this.nextOf(lineBreak, end)
      end = next
      if (next === text.length || !text.startsWith(indent, next + lineBreak.length)) break
      end = next + lineBreak.length
    }
    return { start: start + opening.length, end, quoted: true }
  }

  valueAt(start: number, isUrl: boolean, encoded: boolean, maxChars = Infinity): Value | null {
    openingQuote.lastIndex = start
    const quote = openingQuote.exec(this.#text)
    const value = quote
      ? this.#quotedAt(start, quote, maxChars)
      : this.bareAt(start, isUrl, encoded, maxChars)
    return value && value.end - value.start <= maxChars ? value : null
  }

  #quotedAt(at: number, opening: RegExpExecArray, maxChars: number): Value | null {
    const text = this.#text
    const start = at + opening[0].length
    const [whole, slashes, quote] = opening
    if (quote === undefined) {
      const end = this.nextOf(closingQuotes[whole] ?? whole, start)
      return { start, end: end === text.length ? this.#plainEnd(start) : end, quoted: true }
    }
    const depth = slashes?.length ?? 0
    let end = this.nextOf(quote, start)
    for (let tries = 0; end >= 0 && end < text.length && tries < maxClosingQuotes; tries += 1) {
      if (end - start > maxChars) return null
      let before = 0
      while (end - before > start && text.charCodeAt(end - 1 - before) === 92) before += 1
      if (before < depth || before % (2 * (depth + 1)) === depth)
        return { start, end: end - before, quoted: true }
      end = text.indexOf(quote, end + 1)
    }
    return { start, end: this.#plainEnd(start), quoted: true }
  }

  /** End of a quoted value with a truncated closing quote. */
  #plainEnd(start: number): number {
    return this.nextOf('\n', start)
  }

  bareAt(start: number, isUrl: boolean, encoded: boolean, maxChars = Infinity): Value | null {
    const text = this.#text
    if (text[start] === '{' && text[start + 1] !== '{') {
      const reference = text.slice(start, start + maxReferenceChars)
      const close = reference.indexOf('}')
      if (close > 0 && !/["':\n]/.test(reference.slice(0, close)))
        return { start, end: start + close + 1, quoted: false }
    }
    const mode = (isUrl ? 1 : 0) + (encoded ? 2 : 0)
    const bare = this.#bare
    if (bare.mode !== mode || start < bare.start || start >= bare.end) {
      bare.end = this.#bareEnd(start, isUrl, encoded)
      bare.start = start
      bare.mode = mode
    }
    let { end } = bare
    if (end - start > maxChars) return null
    const least = Math.max(start, end - maxNameChars)
    while (end > least && /[,.)}\];:!?]/.test(text[end - 1] ?? '')) end -= 1
    return end > start ? { start, end, quoted: false } : null
  }

  #bareEnd(start: number, isUrl: boolean, encoded: boolean): number {
    const text = this.#text
    let end = start
    for (; end < text.length; end += 1) {
      const code = text.charCodeAt(end)
      if (code < 128 ? bareStops[code] === 0 : code !== 160 && code !== 0x3000) continue
      const char = text[end] ?? ''
      if (char === '\\') {
        if (/[nrtu"'`\\]/.test(text[end + 1] ?? '')) break
      } else if (char === '&') {
        if (isUrl || this.#endsPair(end)) break
      } else if (char === ';' || char === ',') {
        if (this.#endsPair(end)) break
      } else if (char === '#') {
        if (isUrl) break
      } else if (char === '%') {
        if (encoded && /^%(?:26|22|23|20|2C|0A)/i.test(text.slice(end, end + 3))) break
      } else break
    }
    return end
  }

  #endsPair(at: number): boolean {
    const rest = this.#text.slice(at, at + 48)
    return /^.(?:[\s"'`)}\]]|$)/.test(rest) || (rest.startsWith('&') ? nextField : nextPair).test(rest)
  }
}
