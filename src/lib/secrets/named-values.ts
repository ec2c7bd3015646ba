/**
 * @module Finds values with names: `password=…`, `"token": "…"`, `Authorization: …`, `<secret>…</secret>`, in JSON,
 * escaped JSON, form bodies, URLs, YAML, code and headers. Looks back a bounded number of characters from a delimiter.
 */
import { beforeQuotes, nameStart } from './name-scan.ts'
import { hasDigit, isRandom } from './random-text.ts'
import { mayNameSecret, type NameKind, secretNameKind } from './names.ts'
import { isPasswordWord, isPlaceholder, isSecretValue, type Place } from './values.ts'
import { endsPhrase } from './spoken-values.ts'
import { openingQuote, type Value, ValueScan, type ValueSpan } from './value-scan.ts'

interface Name {
  text: string
  /** The preceding character; empty at the start of the text. */
  before: string
  quoted: boolean
}

const maxPairChars = 200
/** Spaces, and asterisks of bold Markdown. */
const spaces = /[ \t*]{0,16}/y
const valueBefore = /value\\*["']?\s?[:=]\s?\\*["']([^"'\\]{6,256})\\*["']\s?,\s*\\*["']?\w{3,6}\\*["']?\s?$/
const headerList = /\[\s{0,8}(\\*["'])([^\]]{4,8192}?)\1\s{0,8}\]/y
/** Authorization schemes whose parameters have their own format. */
const signedScheme =
  /^(?:Digest|OAuth|Hawk|Signature|MAC|[A-Z0-9]{2,8}-(?:HMAC|RSA|ECDSA)[\w-]{1,16}|SharedAccessSignature)[ +]+\w+=/
const formPart =
  /\\*"(?:;[^\r\n\\]{0,128})?(\r?\n|(?:\\{1,4}r)?\\{1,4}n)(?:Content-[^\r\n\\]{1,128}\1){0,2}\1/y
const scheme = /^(?:Bearer|Basic|Token|Digest|ApiKey|Key|Bot|OAuth|[A-Z][\w-]{1,30})(?:[ +]|%20)+/i
const cookiePairs =
  /[^\s=;,"'<>]{1,128}=[^\s;"'<>\\]{0,4096}(?:;[ +]{0,3}[^\s=;,"'<>\\]{1,128}(?:=[^\s;"'<>\\]{0,4096}| [0-9A-Z][^;"'<>\\\n]{0,40})?){0,100}/y
const fillers = /^(?:provided|supplied|given|used|received|value|is|was|header|named|found|sent)$/i
const leadingWord =
  /^(?:api|access|secret|private|auth|client|account|shared|signing|encryption|master|service)$/i
/** The value of `name` in `{ name, value }`, quoted or bare. */
const pairName = /[ \t]{0,16}(?:\\*["'`]([^"'`\\\n]{2,64})\\*["'`]|([\w.$-]{2,64}))/y

export class NamedValues {
  readonly #text: string
  readonly #values: ValueScan
  /** `{ name: 'X-Api-Key', value: '…' }`: kind of the `value` that follows shortly. */
  #pair: { kind: NameKind; until: number } | null = null
  /** The value of a form part or pair, which was read together with its name. */
  #besideName: ValueSpan | null = null
  /** Values before this index have been checked. */
  #judged = 0

  constructor(text: string) {
    this.#text = text
    this.#values = new ValueScan(text)
  }

  /**
   * @param delimiter index of `=`, `:` or similar. @param valueStart index after it
   * @param encoded the delimiter and the text around it are percent-encoded
   */
  // oxlint-disable-next-line complexity -- one pass over the forms of a named value
  at(delimiter: number, valueStart: number, encoded = false): ValueSpan | null {
    if (valueStart < this.#judged || !mayNameSecret(this.#text, delimiter)) return null
    const name = this.#nameBefore(delimiter)
    if (name === null) return null
    this.#besideName = null
    const kind = this.#kindOf(name, delimiter, valueStart)
    if (this.#besideName !== null) return this.#besideName
    if (kind === null) return null
    const text = this.#text
    const char = text[delimiter]
    const isTight = !isSpace(text, delimiter - 1) && !isSpace(text, valueStart)
    const isUrl = (encoded || (char === '=' && this.#isQuery(name, delimiter))) && isTight
    if (kind === 'parameter' && !isUrl) return null
    const start = this.#skipSpaces(valueStart)
    if (kind === 'header' && char !== '=') {
      const header = this.#header(name.text, start)
      if (header !== undefined) return header
    }
    if ((!isTight && text[start] === '(') || text.slice(valueStart, start).includes('***')) return null
    const isBraced = name.before === ';' && text[start] === '{' && /^pwd$/i.test(name.text)
    if (!isBraced && this.#isExpression(start)) return null
    const lines = text[start] === '|' || text[start] === '>' ? this.#values.blockAt(start) : null
    const value = lines ?? this.#values.valueAt(isBraced ? start + 1 : start, isUrl, encoded)
    if (
      value === null ||
      (/pwd$/i.test(name.text) && /^(?:[/~]|[A-Za-z]:\\)/.test(text.slice(start, start + 3)))
    )
      return null
    const isEnv =
      char === '=' && isTight && (/^[A-Z][A-Z0-9_]+$/.test(name.text) || this.#isSetting(name, value))
    const place: Place = isUrl
      ? 'url'
      : value.quoted || isEnv
        ? 'quoted'
        : char === '=' && kind !== 'password'
          ? 'bare'
          : this.#loosePlace(kind, name, isTight, value)
    return lines ? this.#judgeLines(kind, lines) : this.#judge(kind, value, place)
  }

  #isQuery({ text: name, before }: Name, delimiter: number): boolean {
    if (before !== ';') return before === '?' || before === '&' || before === '#'
    const start = delimiter - name.length
    return /&(?:amp|#38|#x26);$/.test(this.#text.slice(Math.max(0, start - 8), start))
  }

  #loosePlace(kind: NameKind, name: Name, isTight: boolean, value: Value): Place {
    const isWord = kind === 'password' && /^[A-Za-z]{4,20}$/.test(this.#text.slice(value.start, value.end))
    if (isWord && endsPhrase(this.#text, value.end)) return 'phrase'
    return isTight || name.quoted ? 'bare' : 'prose'
  }

  /** Judges the first line; the following lines belong to it. */
  #judgeLines(kind: NameKind, lines: Value): ValueSpan | null {
    const [first = ''] = this.#text
      .slice(lines.start, Math.min(lines.end, lines.start + 512))
      .split(/\r?\n|\\n/, 1)
    if (!isSecretValue(kind, first.trim(), 'quoted')) return null
    this.#judged = lines.end
    return { start: lines.start, end: lines.end }
  }

  /** `<password>…</password>`. @param close index of the `>` */
  inElement(close: number): ValueSpan | null {
    const name = mayNameSecret(this.#text, close) ? this.#nameBefore(close) : null
    if (name === null || name.quoted || !/[<:;]/.test(name.before)) return null
    const kind = secretNameKind(name.text)
    if (kind === null || kind === 'parameter') return null
    const isEscaped = this.#text[close] === '&'
    if (name.before === ';' && !isEscaped) return null
    const start = close + (isEscaped ? 4 : 1)
    const end = this.#values.nextOf(isEscaped ? '&lt;' : '<', start)
    if (end === this.#text.length || end - start > 8192) return null
    return this.#judge(kind, { start, end, quoted: true }, 'quoted')
  }

  /** `--password …`. @param start index of the dashes */
  afterFlag(start: number): ValueSpan | null {
    const flag = /^--?([A-Za-z][\w-]{1,40})[ \t]{1,4}(?![-|&])/.exec(this.#text.slice(start, start + 50))
    const kind = flag?.[1] === undefined ? null : secretNameKind(flag[1])
    if (!flag || kind === null || kind === 'parameter') return null
    const value = this.#values.valueAt(start + flag[0].length, false, false)
    return value && this.#judge(kind, value, value.quoted ? 'quoted' : 'phrase')
  }

  /** `["Authorization", "…"]`. @param comma index of the comma between them */
  inList(comma: number): ValueSpan | null {
    const name = mayNameSecret(this.#text, comma) ? this.#nameBefore(comma) : null
    if (name === null || !name.quoted) return null
    const kind = secretNameKind(name.text)
    if (kind === null || kind === 'parameter') return null
    const value = this.#values.valueAt(this.#skipSpaces(comma + 1), false, false)
    if (!value?.quoted) return null
    if (kind === 'header') return this.#judge('header', value, 'quoted')
    // A list of names, such as ["password", "email"], is more likely than a pair.
    const text = this.#text.slice(value.start, value.end)
    const isDefined = /^[A-Z][A-Z0-9_]+$/.test(name.text) && isPasswordWord(text)
    const isPair = hasDigit(text) && (kind === 'password' ? /[^\d]/.test(text) : isRandom(text))
    return isDefined || isPair ? this.#judge(kind, value, 'quoted') : null
  }

  #kindOf(name: Name, delimiter: number, valueStart: number): NameKind | null {
    const plain = name.text.toLowerCase()
    if (plain === 'value' && this.#pair !== null && delimiter < this.#pair.until) return this.#pair.kind
    if (plain === 'name' || plain === 'key' || plain === 'header' || plain === 'field') {
      pairName.lastIndex = valueStart
      const value = pairName.exec(this.#text)
      const kind = value && secretNameKind(value[1] ?? value[2] ?? '')
      if (kind && kind !== 'parameter') this.#pair = { kind, until: pairName.lastIndex + maxPairChars }
      else if (kind === null) this.#pair = null
      if (kind && kind !== 'parameter') this.#besideName = this.#partOf(kind, delimiter) ?? null
      if (plain !== 'key') return null
    }
    return secretNameKind(name.text)
  }

  /** The body of a form part, or a value that precedes its name: `{ "value": "…", "name": "X-Api-Key" }`. */
  #partOf(kind: NameKind, delimiter: number): ValueSpan | null {
    const text = this.#text
    formPart.lastIndex = pairName.lastIndex - 1
    if (formPart.test(text)) {
      const start = formPart.lastIndex
      const end = Math.min(
        this.#values.nextOf('\r', start),
        this.#values.nextOf('\n', start),
        this.#values.nextOf('\\', start),
      )
      return end > start ? { start, end } : null
    }
    const before = text.slice(Math.max(0, delimiter - maxPairChars), delimiter)
    const match = valueBefore.exec(before)
    if (match?.[1] === undefined || match.index === undefined || !isSecretValue(kind, match[1], 'quoted'))
      return null
    const start = delimiter - before.length + match.index + match[0].indexOf(match[1], 8)
    return { start, end: start + match[1].length }
  }

  #judge(kind: NameKind, value: Value, place: Place): ValueSpan | null {
    const text = this.#text.slice(value.start, value.end)
    const said = kind === 'header' ? text.replace(scheme, '') : text
    if (isSecretValue(kind, said === '' ? text : said, place)) {
      this.#judged = value.end
      return { start: value.start, end: value.end }
    }
    // Long values are read only once, regardless of the names they contain.
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

  /** Whether the value at `start` is a placeholder with spaces, such as `{{ $json.token }}`. */
  #isExpression(start: number): boolean {
    const text = this.#text
    return '={$#<[(*.…'.includes(text[start] ?? '=') && isPlaceholder(text.slice(start, start + 64))
  }

  /** `password=letmein` on its own line or in a form body, rather than an argument in code. */
  #isSetting(name: Name, value: Value): boolean {
    if (!/^[\s&;,|({[]?$/.test(name.before)) return false
    const text = this.#text.slice(value.start, value.end)
    const isForm = /^[\n&;]?$/.test(name.before)
    if (!isForm && !isPasswordWord(text)) return false
    return value.end === this.#text.length || /[\s&,;)}\]|"'<\\]/.test(this.#text[value.end] ?? '')
  }

  #skipSpaces(at: number): number {
    spaces.lastIndex = at
    return spaces.test(this.#text) ? spaces.lastIndex : at
  }

  /** Undefined when the header's value needs no special handling. */
  #header(name: string, start: number): ValueSpan | null | undefined {
    const text = this.#text
    openingQuote.lastIndex = start
    if (openingQuote.test(text)) return undefined
    headerList.lastIndex = start
    const items = text[start] === '[' ? headerList.exec(text) : null
    if (items) {
      const [whole, quote = '', inner = ''] = items
      const itemsStart = start + whole.indexOf(quote) + quote.length
      return { start: itemsStart, end: itemsStart + inner.length }
    }
    if (signedScheme.test(text.slice(start, start + 80))) return null
    if (/cookies?$/i.test(name)) {
      cookiePairs.lastIndex = start
      if (!cookiePairs.test(text)) return isRandom(text.slice(start, start + 20), 16) ? undefined : null
      const end = cookiePairs.lastIndex
      const pairs = text.slice(start, Math.min(end, start + 500))
      return isPlaceholder(pairs.slice(pairs.indexOf('=') + 1)) ? null : { start, end }
    }
    const first = scheme.exec(text.slice(start, start + 40))?.[0] ?? ''
    const valueStart = start + first.length
    if (this.#isExpression(valueStart)) return null
    const value = this.#values.bareAt(valueStart, false, false)
    if (value === null) return null
    if (first === '' && isWord(text, value)) return undefined
    const said = text.slice(value.start, value.end)
    const judged = isSecretValue('header', said, first === '' ? 'bare' : 'prose')
    return judged ? { start, end: value.end } : undefined
  }
}

const isSpace = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code === 32 || (code >= 9 && code <= 13) || code === 160
}

/** A few letters, too short for a token. */
const isWord = (text: string, { start, end }: ValueSpan): boolean =>
  end - start < 20 && /^[A-Za-z_]+$/.test(text.slice(start, end))
