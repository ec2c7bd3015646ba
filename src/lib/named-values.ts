/**
 * @module Values beside names: `password=…`, `"token": "…"`, `Authorization: …`, `<secret>…</secret>`, in JSON, escaped
 * JSON, form bodies, URLs, YAML, code and headers. Looks a bounded number of characters back from a delimiter.
 */
import {
  isPlaceholder,
  isSecretValue,
  mayNameSecret,
  type NameKind,
  type Place,
  secretNameKind,
} from './secret-names.ts'

export interface ValueSpan {
  start: number
  end: number
}

interface Name {
  text: string
  /** The character before it; empty at the start of the text. */
  before: string
  quoted: boolean
}

interface Value extends ValueSpan {
  quoted: boolean
}

const maxNameChars = 64
const maxPairChars = 200
const nameAtEnd = /[\w.$-]{1,64}$/
const quotesAtEnd = /(?:\\*["'`]|&quot;|&#34;|%22|\\+u0022)?\]?[ \t]{0,8}$/
const openingQuote = /(\\*)(["'`])|&quot;|&#34;|%22|\\+u0022/y
const spaces = /[ \t]{0,16}/y
const scheme = /^(?:Bearer|Basic|Token|Digest|ApiKey|Key|Bot|OAuth|[A-Z][\w-]{1,30})(?:[ +]|%20)+/i
const cookiePairs =
  /[^\s=;,"'<>]{1,128}=[^\s;"'<>\\]{0,4096}(?:;[ +]{0,3}[^\s=;,"'<>\\]{1,128}(?:=[^\s;"'<>\\]{0,4096}| [0-9A-Z][^;"'<>\\\n]{0,40})?){0,100}/y
const fillers = /^(?:provided|supplied|given|used|received|value|is|was|header|named|found|sent)$/i
const leadingWords =
  /(?:api|access|secret|private|auth|client|account|shared|signing|encryption|master|service)[ _-]$/i
const nextPair = /^[;&,]?\s*(?:amp;)?["']?[\w.[\] %-]{1,40}["']?\s?[=:]/

export class NamedValues {
  readonly #text: string
  /** `{ name: 'X-Api-Key', value: '…' }`: what a `value` that follows soon is. */
  #pair: { kind: NameKind; until: number } | null = null
  /** Values up to here were judged. */
  #judged = 0

  constructor(text: string) {
    this.#text = text
  }

  /**
   * @param delimiter index of `=`, `:` or the like. @param valueStart after it
   * @param encoded the delimiter is percent-encoded, so the text around it is too
   */
  at(delimiter: number, valueStart: number, encoded = false): ValueSpan | null {
    if (valueStart < this.#judged || !mayNameSecret(this.#text, delimiter)) return null
    const name = this.#nameBefore(delimiter)
    if (name === null) return null
    const kind = this.#kindOf(name, delimiter, valueStart)
    if (kind === null) return null
    const text = this.#text
    const char = text[delimiter]
    const isTight = !/\s/.test(text[delimiter - 1] ?? '') && !/[\s]/.test(text[valueStart] ?? '')
    const start = this.#skipSpaces(valueStart)
    const isUrl = (char === '=' || encoded) && isTight && (encoded || /[?&;#]/.test(name.before))
    if (kind === 'header' && char !== '=') {
      const header = this.#header(name.text, start)
      if (header !== undefined) return header
    }
    if (kind === 'parameter' && !isUrl) return null
    const isPlain = !/^(?:\\*["'`]|&|%|\\)/.test(text.slice(start, start + 8))
    if (isPlain && isPlaceholder(text.slice(start, start + 64))) return null
    const value = this.#valueAt(start, isUrl, encoded)
    if (value === null) return null
    const isEnv = char === '=' && isTight && /^[A-Z][A-Z0-9_]+$/.test(name.text)
    const place: Place = isUrl
      ? 'url'
      : value.quoted || isEnv
        ? 'quoted'
        : isTight || name.quoted || char === '='
          ? 'bare'
          : 'prose'
    return this.#judge(kind, value, place)
  }

  /** `<password>…</password>`. @param close index of the `>` */
  inElement(close: number): ValueSpan | null {
    const name = this.#nameBefore(close)
    if (name === null || name.quoted || !/[<:]/.test(name.before)) return null
    const kind = secretNameKind(name.text)
    if (kind === null || kind === 'parameter') return null
    const end = this.#text.indexOf('<', close + 1)
    if (end < 0 || end - close > 8192) return null
    return this.#judge(kind, { start: close + 1, end, quoted: true }, 'quoted')
  }

  /** `--password …`. @param start of the dashes */
  afterFlag(start: number): ValueSpan | null {
    const flag = /^--?([A-Za-z][\w-]{1,40})[ \t]{1,4}(?![-|&])/.exec(this.#text.slice(start, start + 50))
    const kind = flag?.[1] === undefined ? null : secretNameKind(flag[1])
    if (!flag || kind === null || kind === 'parameter') return null
    const value = this.#valueAt(start + flag[0].length, false, false)
    return value && this.#judge(kind, value, value.quoted ? 'quoted' : 'bare')
  }

  /** `["Authorization", "…"]`. @param comma between the two */
  inList(comma: number): ValueSpan | null {
    const name = this.#nameBefore(comma)
    if (name === null || !name.quoted || secretNameKind(name.text) !== 'header') return null
    const value = this.#valueAt(this.#skipSpaces(comma + 1), false, false)
    return value?.quoted ? this.#judge('header', value, 'quoted') : null
  }

  #kindOf(name: Name, delimiter: number, valueStart: number): NameKind | null {
    const plain = name.text.toLowerCase()
    if (plain === 'value' && this.#pair !== null && delimiter < this.#pair.until) return this.#pair.kind
    if (plain === 'name' || plain === 'key' || plain === 'header' || plain === 'field') {
      const value = this.#valueAt(this.#skipSpaces(valueStart), false, false, 80)
      const kind = value && secretNameKind(this.#text.slice(value.start, value.end))
      if (value && kind && kind !== 'parameter') this.#pair = { kind, until: value.end + maxPairChars }
      if (plain !== 'key') return null
    }
    return secretNameKind(name.text)
  }

  #judge(kind: NameKind, value: Value, place: Place): ValueSpan | null {
    const text = this.#text.slice(value.start, value.end)
    const said = kind === 'header' ? text.replace(scheme, '') : text
    if (isSecretValue(kind, said === '' ? text : said, place)) {
      this.#judged = value.end
      return { start: value.start, end: value.end }
    }
    // A long value is read once, whatever names stand in it.
    if (value.end - value.start > 1024) this.#judged = value.end
    return null
  }

  #nameBefore(delimiter: number): Name | null {
    const from = Math.max(0, delimiter - maxNameChars - 24)
    let head = this.#text.slice(from, delimiter)
    const quotes = quotesAtEnd.exec(head)?.[0] ?? ''
    head = head.slice(0, head.length - quotes.length)
    if (head.endsWith('?')) head = head.slice(0, -1)
    let found = nameAtEnd.exec(head)?.[0]
    if (found === undefined) return null
    let start = head.length - found.length
    const quoted = /["'`;2]/.test(quotes)
    const escape = head[start - 1]
    if (escape === '%' && /^[0-9A-Fa-f]{2}/.test(found)) found = found.slice(2)
    else if (escape === '\\') found = found.replace(/^(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt])/, '')
    if (fillers.test(found)) {
      const earlier = /([\w.$-]{1,64})["'`]? $/.exec(head.slice(0, start))
      if (!earlier?.[1]) return { text: found, before: head[start - 1] ?? '', quoted }
      found = earlier[1]
      start = earlier.index
    }
    const words = leadingWords.exec(head.slice(0, start))
    const text = words && /^[A-Za-z]+$/.test(found) ? words[0] + found : found
    return { text, before: head[start - 1] ?? '', quoted }
  }

  #skipSpaces(at: number): number {
    spaces.lastIndex = at
    return spaces.test(this.#text) ? spaces.lastIndex : at
  }

  /** Undefined when the value of the header is read as any other. */
  #header(name: string, start: number): ValueSpan | null | undefined {
    const text = this.#text
    openingQuote.lastIndex = start
    if (openingQuote.test(text)) return undefined
    if (/cookie$/i.test(name)) {
      cookiePairs.lastIndex = start
      if (!cookiePairs.test(text)) return null
      const end = cookiePairs.lastIndex
      const pairs = text.slice(start, Math.min(end, start + 500))
      return isPlaceholder(pairs.slice(pairs.indexOf('=') + 1)) ? null : { start, end }
    }
    const first = scheme.exec(text.slice(start, start + 40))?.[0] ?? ''
    const valueStart = start + first.length
    if (isPlaceholder(text.slice(valueStart, valueStart + 64))) return null
    const value = this.#bareAt(valueStart, false, false)
    if (value === null) return null
    const said = text.slice(value.start, value.end)
    const judged = isSecretValue('header', said, first === '' ? 'bare' : 'prose')
    return judged ? { start, end: value.end } : undefined
  }

  #valueAt(start: number, isUrl: boolean, encoded: boolean, maxChars = Infinity): Value | null {
    openingQuote.lastIndex = start
    const quote = openingQuote.exec(this.#text)
    const value = quote
      ? this.#quotedAt(start, quote, maxChars)
      : this.#bareAt(start, isUrl, encoded, maxChars)
    return value && value.end - value.start <= maxChars ? value : null
  }

  #quotedAt(at: number, opening: RegExpExecArray, maxChars: number): Value | null {
    const text = this.#text
    const start = at + opening[0].length
    const [whole, slashes, quote] = opening
    if (quote === undefined) {
      const end = text.indexOf(whole, start)
      return { start, end: end < 0 ? this.#plainEnd(start) : end, quoted: true }
    }
    const depth = slashes?.length ?? 0
    for (let end = text.indexOf(quote, start); end >= 0; end = text.indexOf(quote, end + 1)) {
      if (end - start > maxChars) return null
      let before = 0
      while (end - before > start && text[end - 1 - before] === '\\') before += 1
      if (before < depth || before % (2 * (depth + 1)) === depth)
        return { start, end: end - before, quoted: true }
    }
    return { start, end: this.#plainEnd(start), quoted: true }
  }

  /** The end of a quoted value whose closing quote was cut off. */
  #plainEnd(start: number): number {
    const line = this.#text.indexOf('\n', start)
    return line < 0 ? this.#text.length : line
  }

  #bareAt(start: number, isUrl: boolean, encoded: boolean, maxChars = Infinity): Value | null {
    const text = this.#text
    if (text[start] === '{' && text[start + 1] !== '{') {
      const close = text.indexOf('}', start)
      if (close > 0 && close - start < 512 && !/["':\n]/.test(text.slice(start, close)))
        return { start, end: close + 1, quoted: false }
    }
    let end = start
    for (; end < text.length; end += 1) {
      const char = text[end] ?? ''
      if (end - start > maxChars) return null
      if (/[\s"'`<>]/.test(char)) break
      if (char === '\\' && /[nrtu"'`\\]/.test(text[end + 1] ?? '')) break
      if (char === '&' && (isUrl || this.#endsPair(end))) break
      if ((char === ';' || char === ',') && this.#endsPair(end)) break
      if (char === '#' && isUrl) break
      if (encoded && char === '%' && /^%(?:26|22|23|20|2C|0A)/i.test(text.slice(end, end + 3))) break
    }
    while (end > start && /[,.)}\];:!?]/.test(text[end - 1] ?? '')) end -= 1
    return end > start ? { start, end, quoted: false } : null
  }

  #endsPair(at: number): boolean {
    const rest = this.#text.slice(at, at + 48)
    return /^.(?:[\s"'`)}\]]|$)/.test(rest) || nextPair.test(rest)
  }
}
