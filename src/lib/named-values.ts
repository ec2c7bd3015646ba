/**
 * @module Values beside names: `password=…`, `"token": "…"`, `Authorization: …`, `<secret>…</secret>`, in JSON, escaped
 * JSON, form bodies, URLs, YAML, code and headers. Looks a bounded number of characters back from a delimiter.
 */
import { beforeQuotes, charTable, maxNameChars, nameStart } from './name-scan.ts'
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

const maxPairChars = 200
const maxClosingQuotes = 256
const maxReferenceChars = 512
/** Where a bare value ends, or may end. */
const bareStops = charTable(' \t\n\r\v\f"\'`<>\\&;,#%')
const openingQuote = /(\\*)(["'`])|&quot;|&#34;|%22|\\+u0022/y
const spaces = /[ \t]{0,16}/y
const scheme = /^(?:Bearer|Basic|Token|Digest|ApiKey|Key|Bot|OAuth|[A-Z][\w-]{1,30})(?:[ +]|%20)+/i
const cookiePairs =
  /[^\s=;,"'<>]{1,128}=[^\s;"'<>\\]{0,4096}(?:;[ +]{0,3}[^\s=;,"'<>\\]{1,128}(?:=[^\s;"'<>\\]{0,4096}| [0-9A-Z][^;"'<>\\\n]{0,40})?){0,100}/y
const fillers = /^(?:provided|supplied|given|used|received|value|is|was|header|named|found|sent)$/i
const leadingWord =
  /^(?:api|access|secret|private|auth|client|account|shared|signing|encryption|master|service)$/i
/** The value of `name` in `{ name, value }`, quoted or bare. */
const pairName = /[ \t]{0,16}(?:\\*["'`]([^"'`\\\n]{2,64})\\*["'`]|([\w.$-]{2,64}))/y
const nextPair = /^[;&,]?\s*(?:amp;)?["']?[\w.[\] %-]{1,40}["']?\s?[=:]/

export class NamedValues {
  readonly #text: string
  /** `{ name: 'X-Api-Key', value: '…' }`: what a `value` that follows soon is. */
  #pair: { kind: NameKind; until: number } | null = null
  /** Values up to here were judged. */
  #judged = 0
  /** The next place of a delimiter, as far as known; the text's length when there is none. */
  readonly #next = new Map<string, number>()
  /** The bare value that was read last: another one that starts within it ends with it. */
  readonly #bare = { start: -1, end: -1, mode: 0 }

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
    const isTight = !isSpace(text, delimiter - 1) && !isSpace(text, valueStart)
    const isUrl = (encoded || (char === '=' && isQuerySign(name.before))) && isTight
    if (kind === 'parameter' && !isUrl) return null
    const start = this.#skipSpaces(valueStart)
    if (kind === 'header' && char !== '=') {
      const header = this.#header(name.text, start)
      if (header !== undefined) return header
    }
    if (this.#isExpression(start)) return null
    const value = this.#valueAt(start, isUrl, encoded)
    if (value === null) return null
    const isEnv =
      char === '=' && isTight && (/^[A-Z][A-Z0-9_]+$/.test(name.text) || this.#isSetting(name, value))
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
    const name = mayNameSecret(this.#text, close) ? this.#nameBefore(close) : null
    if (name === null || name.quoted || !/[<:]/.test(name.before)) return null
    const kind = secretNameKind(name.text)
    if (kind === null || kind === 'parameter') return null
    const end = this.#nextOf('<', close + 1)
    if (end === this.#text.length || end - close > 8192) return null
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
    const name = mayNameSecret(this.#text, comma) ? this.#nameBefore(comma) : null
    if (name === null || !name.quoted || secretNameKind(name.text) !== 'header') return null
    const value = this.#valueAt(this.#skipSpaces(comma + 1), false, false)
    return value?.quoted ? this.#judge('header', value, 'quoted') : null
  }

  #kindOf(name: Name, delimiter: number, valueStart: number): NameKind | null {
    const plain = name.text.toLowerCase()
    if (plain === 'value' && this.#pair !== null && delimiter < this.#pair.until) return this.#pair.kind
    if (plain === 'name' || plain === 'key' || plain === 'header' || plain === 'field') {
      pairName.lastIndex = valueStart
      const value = pairName.exec(this.#text)
      const kind = value && secretNameKind(value[1] ?? value[2] ?? '')
      if (kind && kind !== 'parameter') this.#pair = { kind, until: pairName.lastIndex + maxPairChars }
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
    const text = this.#text
    const { end: nameEnd, quoted } = beforeQuotes(text, delimiter)
    let start = nameStart(text, nameEnd)
    if (start === nameEnd) return null
    let found = text.slice(start, nameEnd)
    const escape = text[start - 1]
    if (escape === '%' && /^[0-9A-Fa-f]{2}/.test(found)) found = found.slice(2)
    else if (escape === '\\') found = found.replace(/^(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt])/, '')
    if (escape !== ' ') return { text: found, before: escape ?? '', quoted }
    if (found.length < 9 && fillers.test(found)) {
      const end = /["'`]/.test(text[start - 2] ?? '') ? start - 2 : start - 1
      const earlier = nameStart(text, end)
      if (earlier === end) return { text: found, before: escape, quoted }
      found = text.slice(earlier, end)
      start = earlier
    }
    if (/^[A-Za-z]+$/.test(found) && text[start - 1] === ' ') {
      const word = text.slice(nameStart(text, start - 1), start - 1)
      if (leadingWord.test(word)) found = `${word} ${found}`
    }
    return { text: found, before: text[start - 1] ?? '', quoted }
  }

  /** The next place of `part` from `from` on, or the text's length. */
  #nextOf(part: string, from: number): number {
    const known = this.#next.get(part)
    if (known !== undefined && known >= from) return known
    const found = this.#text.indexOf(part, from)
    const next = found < 0 ? this.#text.length : found
    this.#next.set(part, next)
    return next
  }

  /** Whether a placeholder with spaces, such as `{{ $json.token }}`, is the value at `start`. */
  #isExpression(start: number): boolean {
    const text = this.#text
    return '={$#<[(*.…'.includes(text[start] ?? '=') && isPlaceholder(text.slice(start, start + 64))
  }

  /** `password=letmein` on a line of its own or in a form body, as opposed to an argument in code. */
  #isSetting(name: Name, value: Value): boolean {
    if (!/^[\n&;]?$/.test(name.before)) return false
    return value.end === this.#text.length || /[\s&]/.test(this.#text[value.end] ?? '')
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
    if (this.#isExpression(valueStart)) return null
    const value = this.#bareAt(valueStart, false, false)
    if (value === null) return null
    if (first === '' && isWord(text, value)) return undefined
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
      const end = this.#nextOf(whole, start)
      return { start, end: end === text.length ? this.#plainEnd(start) : end, quoted: true }
    }
    const depth = slashes?.length ?? 0
    let end = this.#nextOf(quote, start)
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

  /** The end of a quoted value whose closing quote was cut off. */
  #plainEnd(start: number): number {
    return this.#nextOf('\n', start)
  }

  #bareAt(start: number, isUrl: boolean, encoded: boolean, maxChars = Infinity): Value | null {
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
    return /^.(?:[\s"'`)}\]]|$)/.test(rest) || nextPair.test(rest)
  }
}

const isQuerySign = (char: string): boolean => char === '?' || char === '&' || char === ';' || char === '#'

const isSpace = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code === 32 || (code >= 9 && code <= 13) || code === 160
}

/** A few letters: no token. */
const isWord = (text: string, { start, end }: ValueSpan): boolean =>
  end - start < 20 && /^[A-Za-z_]+$/.test(text.slice(start, end))
