/**
 * @module Finds secrets in text and takes them out: tokens of known forms, values beside names that say they are
 * secret, credentials in URLs and headers, and PEM blocks. One pass; time grows linearly with the text.
 */
import { JsonWebTokens } from './json-web-tokens.ts'
import { NamedValues } from './named-values.ts'
import { PemBlocks } from './pem-blocks.ts'
import { isPlaceholder } from './secret-names.ts'
import { type TokenForm, tokenForms } from './token-forms.ts'
import { Userinfo } from './userinfo.ts'

export const redacted = '[redacted]'

export interface Secret {
  start: number
  end: number
  /** With its article, such as `a GitHub token`. */
  kind: string
}

const alphanumeric = 1
const trigger = 2
const classes = new Uint8Array(128)
for (let code = 48; code < 123; code += 1) {
  if (/[A-Za-z0-9]/.test(String.fromCharCode(code))) classes[code] = alphanumeric
}
for (const char of '=:>-%\\~,') classes[char.charCodeAt(0)] = trigger

/** By the first two characters of a prefix. */
const formsByStart: (TokenForm[] | undefined)[] = Array.from({ length: 128 * 128 })
for (const form of tokenForms) {
  const keys = form.prefixes.map((prefix) => prefix.charCodeAt(0) * 128 + prefix.charCodeAt(1))
  for (const key of new Set(keys)) formsByStart[key] = [...(formsByStart[key] ?? []), form]
}

const [equals, colon, greater, dash, percent, backslash, tilde] = [61, 58, 62, 45, 37, 92, 126]
const delimiters = /(?:!==?|===?|=>|:=|=|:)/y
const encodedDelimiter = /%(?:25){0,2}3[AaDd]/y
const encodedSlashes = /%(?:25){0,2}3[Aa]%(?:25){0,2}2[Ff]%(?:25){0,2}2[Ff]/y
const curlUser = /(?:-u|--user|--proxy-user)[ =]?(?:\\*["'])?([^\s"'\\:]{1,256}:[^\s"'\\]{1,256})/y
const azureSecret = /[\w~.-]{30,}/y
const longBase64 = /[A-Za-z0-9+/\\]+=*/y

/** The secrets in `text`, in order, without overlaps. Placeholders and expressions are none. */
export function findSecrets(text: string): Secret[] {
  return new Scan(text).run()
}

/** `text` with `[redacted]` in the place of each secret. */
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
  readonly #found: Secret[] = []
  readonly #pem: PemBlocks
  readonly #jwt: JsonWebTokens
  readonly #userinfo: Userinfo
  readonly #named: NamedValues
  /** The end of the last match that was no secret: what starts within it is none either, and is not read again. */
  readonly #rejected = new Map<TokenForm, number>()
  #isCurl: boolean | undefined

  constructor(text: string) {
    this.#text = text
    this.#pem = new PemBlocks(text)
    this.#jwt = new JsonWebTokens(text)
    this.#userinfo = new Userinfo(text)
    this.#named = new NamedValues(text)
  }

  run(): Secret[] {
    const text = this.#text
    const { length } = text
    let at = 0
    while (at < length) {
      const code = text.charCodeAt(at)
      const kind = code < 128 ? classes[code] : 0
      if (kind === alphanumeric) {
        const end = this.#tokenAt(at)
        if (end > at) at = end
        else {
          at += 1
          for (; at < length; at += 1) {
            const next = text.charCodeAt(at)
            if (next > 127 || classes[next] !== alphanumeric) break
          }
        }
      } else at = kind === trigger ? this.#triggered(at, code) : at + 1
    }
    return this.#found
  }

  /** Adds a secret; a value that holds a longer one, such as a PEM block, ends with it. */
  #add(start: number, end: number, kind: string): number {
    const inner = start < end ? Math.max(this.#pem.endOf(start), end) : end
    const last = this.#found.at(-1)
    if (last && start <= last.end) {
      last.start = Math.min(last.start, start)
      last.end = Math.max(last.end, inner)
    } else this.#found.push({ start, end: inner, kind })
    return inner
  }

  /** The end of a token that starts a word at `start`, or -1. */
  #tokenAt(start: number): number {
    const text = this.#text
    const second = text.charCodeAt(start + 1)
    const forms = second < 128 ? formsByStart[text.charCodeAt(start) * 128 + second] : undefined
    if (forms !== undefined) {
      for (const form of forms) {
        const end = this.#formAt(form, start)
        if (end > 0) return end
      }
    }
    if (second === 121) {
      const end = this.#jwt.endOf(start)
      if (end > 0) return this.#add(start, end, 'a JSON web token')
    }
    return -1
  }

  #formAt(form: TokenForm, start: number): number {
    const { kind, prefixes, pattern, before, accepts } = form
    const text = this.#text
    if (start < (this.#rejected.get(form) ?? 0)) return -1
    if (!prefixes.some((prefix) => text.startsWith(prefix, start))) return -1
    pattern.lastIndex = start
    const match = pattern.exec(text)
    if (!match) return -1
    const rest = match[1] ?? ''
    if (isPlaceholder(rest) || (accepts && !accepts(rest))) {
      this.#rejected.set(form, pattern.lastIndex)
      return -1
    }
    const earlier = before?.exec(text.slice(Math.max(0, start - 48), start))
    if (before && !earlier) return -1
    let end = pattern.lastIndex
    while (text[end - 1] === '.') end -= 1
    return this.#add(start - (earlier?.[0].length ?? 0), end, kind)
  }

  /** What stands at punctuation. @returns where to go on */
  #triggered(at: number, code: number): number {
    if (code === colon || code === equals) return this.#atDelimiter(at, code)
    if (code === backslash) return this.#atEscape(at)
    if (code === dash) return this.#atDash(at)
    if (code === percent) return this.#atPercent(at)
    if (code === greater) return this.#take(this.#named.inElement(at), at + 1)
    if (code === tilde) return this.#atTilde(at)
    return this.#atComma(at)
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
      const end = this.#userinfo.endOf(at + 3)
      return end < 0 ? at + 3 : this.#add(at + 3, end, 'a password in a URL')
    }
    if (code === colon && text.startsWith('AA', at + 1)) {
      const end = this.#telegramAt(at)
      if (end > 0) return end
    }
    delimiters.lastIndex = at
    const valueStart = delimiters.test(text) ? delimiters.lastIndex : at + 1
    return this.#take(this.#named.at(at, valueStart), valueStart)
  }

  #telegramAt(at: number): number {
    const id = /\d{6,12}$/.exec(this.#text.slice(Math.max(0, at - 12), at))
    const rest = /^[\w-]{30,}/.exec(this.#text.slice(at + 1, at + 300))
    return id && rest ? this.#add(at - id[0].length, at + 1 + rest[0].length, 'a Telegram bot token') : -1
  }

  #atEscape(at: number): number {
    const text = this.#text
    const next = text[at + 1] ?? ''
    if (next === 'u' || next === 'x') {
      const escape = /^\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})/.exec(text.slice(at, at + 6))?.[0]
      if (escape === undefined) return at + 1
      const end = at + escape.length
      const isDelimiter = /(?:3d|3a)$/i.test(escape)
      return isDelimiter ? this.#take(this.#named.at(at, end), end) : end
    }
    if (!/[nrtbfv]/.test(next)) return at + 1
    const end = this.#tokenAt(at + 1)
    return end > 0 ? end : at + 2
  }

  #atDash(at: number): number {
    const text = this.#text
    if (text.charCodeAt(at + 1) === dash) {
      const end = this.#pem.endOf(at)
      if (end > 0) return this.#add(at, end, 'a private key')
    }
    if (text[at + 1] === 'u' || text.startsWith('--user', at) || text.startsWith('--proxy-user', at)) {
      this.#isCurl ??= text.includes('curl')
      curlUser.lastIndex = at
      const match = this.#isCurl ? curlUser.exec(text) : null
      const password = match?.[1]?.slice(match[1].indexOf(':') + 1) ?? ''
      if (match?.[1] !== undefined && !isPlaceholder(password) && !/^pass(?:word)?$/i.test(password)) {
        const end = curlUser.lastIndex
        return this.#add(end - match[1].length, end, 'a password')
      }
    }
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
      const end = this.#userinfo.encodedEndOf(start)
      return end < 0 ? start : this.#add(start, end, 'a password in a URL')
    }
    encodedDelimiter.lastIndex = at
    if (encodedDelimiter.test(text)) {
      const valueStart = encodedDelimiter.lastIndex
      return this.#take(this.#named.at(at, valueStart, true), valueStart)
    }
    return /^%(?:25){0,2}[0-9A-Fa-f]{2}/.test(text.slice(at, at + 7)) ? at + 3 : at + 1
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
