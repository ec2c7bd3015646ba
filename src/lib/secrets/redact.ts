/**
 * @module Finds and redacts secrets in text: known token formats, values with names that mark them as secret,
 * credentials in URLs and headers, PEM blocks, and base64 encodings of these. One pass in linear time.
 */
import { CommandLine } from './command-line.ts'
import { base64End, decodedRun, gluedTokens } from './encoded-secrets.ts'
import { JsonWebTokens } from './json-web-tokens.ts'
import { NamedValues } from './named-values.ts'
import { PemBlocks } from './pem-blocks.ts'
import { isRandom } from './random-text.ts'
import {
  at as atSign,
  ampersand,
  backslash,
  colon,
  comma,
  dash,
  equals,
  gluedStarts,
  greater,
  isAlphanumeric,
  isGeneratedLength,
  isWideDelimiter,
  nextCue,
  percent,
  startsOf,
  tilde,
  underscore,
  wordEnd,
} from './cues.ts'
import { isPlaceholder } from './values.ts'
import { isNamedBefore, valueAfterWord } from './spoken-values.ts'
import { cutTokenEnd, isDistinctive, maxTokenChars, telegramToken, tokenRun } from './token-parts.ts'
import type { TokenForm } from './token-forms.ts'
import { passwordBefore, Userinfo } from './userinfo.ts'

export const redacted = '[redacted]'

export interface Secret {
  start: number
  end: number
  /** With its article, such as `a GitHub token`. */
  kind: string
}

/** Shorter texts contain no secrets. */
const minChars = 8
/** Maximum levels of nested base64. */
const maxDepth = 2

const delimiters = /(?:!==?|===?|=>|:=|=|:)/y
const encodedDelimiter = /%(?:25){0,2}3[AaDd]/y
const entityDelimiter = /&(?:amp;)?#(?:x3[dDaA]|61|58);/y
const encodedSlashes = /%(?:25){0,2}3[Aa]%(?:25){0,2}2[Ff]%(?:25){0,2}2[Ff]/y
const azureSecret = /[\w~.-]{30,}/y
const longBase64 = /[A-Za-z0-9+/\\]+=*/y

/** The secrets in `text`, in order and without overlaps. Ignores placeholders and expressions. */
export function findSecrets(text: string, depth = 0): Secret[] {
  const at = text.length < minChars ? text.length : nextCue(text, 0)
  return at === text.length ? [] : new Scan(text, depth).run(at)
}

/** Replaces each secret in `text` by `[redacted]`. */
export function redact(text: string): string {
  const secrets = findSecrets(text)
  if (secrets.length === 0) return text
  let result = ''
  let at = 0
  for (const { start, end } of secrets) {
    result += text.slice(at, start) + redacted
    at = end
  }
  return result + text.slice(at)
}

class Scan {
  readonly #text: string
  readonly #depth: number
  readonly #found: Secret[] = []
  // Created on first use, because most texts with a cue need only one of them.
  #pemBlocks: PemBlocks | undefined
  #jsonWebTokens: JsonWebTokens | undefined
  #urls: Userinfo | undefined
  #namedValues: NamedValues | undefined
  #commandLine: CommandLine | undefined
  /** End of the last rejected match of each form. Matches that start before it are not read again. */
  #rejected: Map<TokenForm, number> | undefined
  /** Runs before this index have been checked. */
  #runEnd = 0

  constructor(text: string, depth: number) {
    this.#text = text
    this.#depth = depth
  }

  get #pem(): PemBlocks {
    return (this.#pemBlocks ??= new PemBlocks(this.#text))
  }

  get #named(): NamedValues {
    return (this.#namedValues ??= new NamedValues(this.#text))
  }

  /** @param from index of the first cue */
  run(from: number): Secret[] {
    const text = this.#text
    const { length } = text
    for (let at = from; at < length; at = nextCue(text, at)) {
      const code = text.charCodeAt(at)
      at = isAlphanumeric(code) ? this.#wordAt(at) : this.#triggered(at, code)
    }
    return this.#found
  }

  /** Adds a secret. Extends a value that contains a longer secret, such as a PEM block. */
  #add(start: number, end: number, kind: string): number {
    const inner = start < end ? Math.max(this.#pem.endOf(start), end) : end
    const last = this.#found.at(-1)
    if (last && start <= last.end) {
      last.start = Math.min(last.start, start)
      last.end = Math.max(last.end, inner)
    } else this.#found.push({ start, end: inner, kind })
    return inner
  }

  #wordAt(start: number): number {
    const text = this.#text
    const tokenEnd = this.#tokenAt(start)
    if (tokenEnd > start) return tokenEnd
    const end = wordEnd(text, start)
    const runEnd = start >= this.#runEnd && isGeneratedLength(text, start, end) ? this.#runAt(start, end) : -1
    return runEnd > start ? runEnd : end
  }

  /** End of the token or spoken value that starts a word at `start`, or -1. */
  #tokenAt(start: number): number {
    const text = this.#text
    for (const { prefix, form } of startsOf(text, start)) {
      const end = form === null ? this.#spokenAt(start, prefix) : this.#formAt(form, start)
      if (end > 0) return end
      const cutEnd = form === null ? -1 : this.#cutAt(form, start, prefix)
      if (cutEnd > 0) return cutEnd
    }
    return -1
  }

  #spokenAt(start: number, prefix: string): number {
    if (prefix === 'eyJ') {
      const end = (this.#jsonWebTokens ??= new JsonWebTokens(this.#text)).endOf(start)
      return end > 0 ? this.#add(start, end, 'a JSON web token') : -1
    }
    return this.#take(valueAfterWord(this.#text, start), -1)
  }

  #formAt(form: TokenForm, start: number): number {
    const { kind, pattern, before, accepts } = form
    const text = this.#text
    if (start < (this.#rejected?.get(form) ?? 0)) return -1
    pattern.lastIndex = start
    const match = pattern.exec(text)
    if (!match) return -1
    const rest = match[1] ?? ''
    if (isPlaceholder(rest) || (accepts && !accepts(rest))) {
      ;(this.#rejected ??= new Map()).set(form, pattern.lastIndex)
      return -1
    }
    const earlier = before?.exec(text.slice(Math.max(0, start - 48), start))
    if (before && !earlier) return -1
    let end = pattern.lastIndex
    while (text[end - 1] === '.') end -= 1
    return this.#add(start - (earlier?.[0].length ?? 0), end, kind)
  }

  /** A truncated token at the end of the text, too short for its form. */
  #cutAt({ kind, before }: TokenForm, start: number, prefix: string): number {
    const text = this.#text
    if (before || text.length - start > maxTokenChars || !isDistinctive(prefix)) return -1
    const end = cutTokenEnd(text, start + prefix.length)
    return end > 0 ? this.#add(start, end, kind) : -1
  }

  /** A long word and its suffix, which may contain an encoded secret, or be secret by the preceding words. */
  #runAt(word: number, end: number): number {
    const text = this.#text
    const encodedEnd = base64End(text, word)
    const decoded = this.#depth < maxDepth ? decodedRun(text.slice(word, encodedEnd)) : null
    if (decoded !== null && this.#holdsSecret(decoded, word)) {
      let last = encodedEnd
      while (text[last] === '=') last += 1
      return this.#add(word, last, 'an encoded secret')
    }
    for (const { start, end: tokenEnd } of gluedTokens(text, word, end))
      this.#add(start, tokenEnd, 'a secret')
    const last = this.#found.at(-1)
    if (last && last.end > word) return last.end
    const { start, end: runEnd } = tokenRun(text, word, end)
    this.#runEnd = Math.max(runEnd, encodedEnd)
    const run = text.slice(start, runEnd).replace(/[.=-]+$/, '')
    if (!isRandom(run, 16) || !isNamedBefore(text, start, run.length) || isPlaceholder(run)) return -1
    return this.#add(start, start + run.length, 'a secret')
  }

  #holdsSecret(decoded: string, start: number): boolean {
    if (findSecrets(decoded, this.#depth + 1).length > 0) return true
    const before = this.#text.slice(Math.max(0, start - 20), start)
    return /auth\\*["']?\s?[:=]\s?\\*["']?$/i.test(before) && /^[^\s:]{1,128}:\S{3,}$/.test(decoded)
  }

  /** Handles punctuation. @returns the index to continue from */
  #triggered(at: number, code: number): number {
    if (code === colon || code === equals || isWideDelimiter(code)) return this.#atDelimiter(at, code)
    if (code === backslash) return this.#atEscape(at)
    if (code === dash || code === underscore) return this.#atDash(at, code)
    if (code === percent) return this.#atPercent(at)
    if (code === greater) return this.#take(this.#named.inElement(at), at + 1)
    if (code === tilde) return this.#atTilde(at)
    if (code === ampersand) return this.#atEntity(at)
    if (code === atSign) return this.#atUser(at)
    return code === comma ? this.#atComma(at) : at + 1
  }

  #take(span: { start: number; end: number } | null, otherwise: number): number {
    if (span === null) return otherwise
    const isBearer = /^bearer\b/i.test(this.#text.slice(span.start, span.start + 7))
    const end = this.#add(span.start, span.end, isBearer ? 'a bearer token' : 'a secret')
    return Math.max(end, otherwise)
  }

  #atDelimiter(at: number, code: number): number {
    const text = this.#text
    if (code === colon && text.startsWith('://', at)) {
      const end = (this.#urls ??= new Userinfo(text)).endOf(at + 3)
      return end < 0 ? at + 3 : this.#add(at + 3, end, 'a password in a URL')
    }
    const telegram = code === colon && text.startsWith('AA', at + 1) ? telegramToken(text, at) : null
    if (telegram !== null) return this.#add(telegram.start, telegram.end, 'a Telegram bot token')
    delimiters.lastIndex = at
    const valueStart = delimiters.test(text) ? delimiters.lastIndex : at + 1
    return this.#take(this.#named.at(at, valueStart), valueStart)
  }

  #atEscape(at: number): number {
    const text = this.#text
    const escape = /^\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})/.exec(text.slice(at, at + 6))?.[0]
    if (escape !== undefined) {
      const end = at + escape.length
      const isDelimiter = /(?:3d|3a)$/i.test(escape)
      return isDelimiter ? this.#take(this.#named.at(at, end), end) : end
    }
    const end = this.#tokenAt(at + 1)
    if (end > 0) return end
    return /[nrtbfv]/.test(text[at + 1] ?? '') ? at + 2 : at + 1
  }

  #atDash(at: number, code: number): number {
    const text = this.#text
    if (isAlphanumeric(text.charCodeAt(at - 1))) {
      for (const { form, start } of gluedStarts(text, at)) {
        const end = this.#formAt(form, start)
        if (end > 0) return end
      }
    }
    if (code !== dash) return at + 1
    if (text.startsWith('-----', at)) {
      const end = Math.max(this.#pem.endOf(at), this.#pem.endAfterLabel(at))
      if (end > 0) return this.#add(at, end, 'a private key')
      const start = this.#pem.startBefore(at, this.#found.at(-1)?.end ?? 0)
      if (start >= 0) return this.#add(start, at, 'a private key')
    } else if (text.startsWith('---- ', at)) {
      const end = this.#pem.endOf(at)
      if (end > 0) return this.#add(at, end, 'a private key')
    }
    const password = (this.#commandLine ??= new CommandLine(text)).passwordAt(at)
    if (password !== null) return this.#add(password.start, password.end, 'a password')
    if (text.charCodeAt(at + 1) === dash) {
      const span = this.#named.afterFlag(at)
      if (span) return this.#take(span, at + 1)
    }
    return at + 1
  }

  #atPercent(at: number): number {
    const text = this.#text
    encodedSlashes.lastIndex = at
    if (encodedSlashes.test(text)) {
      const start = encodedSlashes.lastIndex
      const end = (this.#urls ??= new Userinfo(text)).encodedEndOf(start)
      return end < 0 ? start : this.#add(start, end, 'a password in a URL')
    }
    encodedDelimiter.lastIndex = at
    if (encodedDelimiter.test(text)) {
      const valueStart = encodedDelimiter.lastIndex
      return this.#take(this.#named.at(at, valueStart, true), valueStart)
    }
    return /^%(?:25){0,2}[0-9A-Fa-f]{2}/.test(text.slice(at, at + 7)) ? at + 3 : at + 1
  }

  /** An equals sign or colon as an HTML entity, or the end of an escaped tag. */
  #atEntity(at: number): number {
    const text = this.#text
    if (text.startsWith('&gt;', at)) return this.#take(this.#named.inElement(at), at + 4)
    entityDelimiter.lastIndex = at
    const valueStart = entityDelimiter.test(text) ? entityDelimiter.lastIndex : -1
    return valueStart < 0 ? at + 1 : this.#take(this.#named.at(at, valueStart), valueStart)
  }

  #atUser(at: number): number {
    const last = this.#found.at(-1)
    if (last && last.end >= at) return at + 1
    const start = passwordBefore(this.#text, at)
    return start < 0 ? at + 1 : this.#add(start, at, 'a password in a URL')
  }

  /** An Azure client secret: three characters, a digit, `Q~` and 34 more. */
  #atTilde(at: number): number {
    const text = this.#text
    const start = /[\w~.-]{3}\dQ$/.test(text.slice(Math.max(0, at - 5), at)) ? at - 5 : -1
    azureSecret.lastIndex = at + 1
    if (start < 0 || !azureSecret.test(text)) return at + 1
    return this.#add(start, azureSecret.lastIndex, 'an Azure client secret')
  }

  #atComma(at: number): number {
    const text = this.#text
    if (text.startsWith(';base64', at - 7)) {
      longBase64.lastIndex = at + 1
      return longBase64.test(text) ? longBase64.lastIndex : at + 1
    }
    return /["']/.test(text[at - 1] ?? '') ? this.#take(this.#named.inList(at), at + 1) : at + 1
  }
}
