/**
 * @module Finds secrets in text and takes them out: tokens of known forms, values beside names that say they are
 * secret, credentials in URLs and headers, and PEM blocks. One pass; time grows linearly with the text.
 */
import { JsonWebTokens } from './json-web-tokens.ts'
import { NamedValues } from './named-values.ts'
import { PemBlocks } from './pem-blocks.ts'
import { isPlaceholder, mayNameSecret } from './secret-names.ts'
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
const formsByStart: ({ prefix: string; form: TokenForm }[] | undefined)[] = Array.from({ length: 128 * 128 })
/** 1 where a form, or a JSON web token, may start. */
const starts = new Uint8Array(128 * 128)
starts['e'.charCodeAt(0) * 128 + 'y'.charCodeAt(0)] = 1
for (const form of tokenForms) {
  for (const prefix of form.prefixes) {
    const key = prefix.charCodeAt(0) * 128 + prefix.charCodeAt(1)
    starts[key] = 1
    formsByStart[key] = [...(formsByStart[key] ?? []), { prefix, form }]
  }
}

/** No shorter text holds a secret. */
const minChars = 8

const [equals, colon, greater, dash, percent, backslash, tilde, comma] = [61, 58, 62, 45, 37, 92, 126, 44]
const [slash, capitalA, smallU] = [47, 65, 117]
const delimiters = /(?:!==?|===?|=>|:=|=|:)/y
const encodedDelimiter = /%(?:25){0,2}3[AaDd]/y
const encodedSlashes = /%(?:25){0,2}3[Aa]%(?:25){0,2}2[Ff]%(?:25){0,2}2[Ff]/y
const curlUser = /(?:-u|--user|--proxy-user)[ =]?(?:\\*["'])?([^\s"'\\:]{1,256}:[^\s"'\\]{1,256})/y
const azureSecret = /[\w~.-]{30,}/y
const longBase64 = /[A-Za-z0-9+/\\]+=*/y

/** The secrets in `text`, in order, without overlaps. Placeholders and expressions are none. */
export function findSecrets(text: string): Secret[] {
  const at = text.length < minChars ? text.length : nextCue(text, 0)
  return at === text.length ? [] : new Scan(text).run(at)
}

/**
 * The next place at or after `from`, which is no place within a word, where a secret may start or have its delimiter.
 * Allocates nothing: most texts have no such place.
 */
function nextCue(text: string, from: number): number {
  const { length } = text
  for (let at = from; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (code > 127) continue
    const kind = classes[code]
    if (kind === alphanumeric) {
      const second = text.charCodeAt(at + 1)
      if (second < 128 && starts[code * 128 + second] === 1 && startsToken(text, at, code, second)) return at
      for (at += 1; at < length; at += 1) {
        const next = text.charCodeAt(at)
        if (next > 127 || classes[next] !== alphanumeric) break
      }
      at -= 1
    } else if (kind === trigger && isCue(text, at, code)) return at
  }
  return length
}

function startsToken(text: string, at: number, code: number, second: number): boolean {
  if (second === 121 && text.charCodeAt(at + 2) === 74) return true
  const forms = formsByStart[code * 128 + second]
  if (forms === undefined) return false
  for (const { prefix } of forms) if (text.startsWith(prefix, at)) return true
  return false
}

/** Whether more than a look at its neighbours is needed to know what stands at punctuation. */
function isCue(text: string, at: number, code: number): boolean {
  const next = text.charCodeAt(at + 1)
  if (code === colon) return next === slash || next === capitalA || mayNameSecret(text, at)
  if (code === equals || code === greater) return mayNameSecret(text, at)
  if (code === dash) return next === dash || next === smallU
  if (code !== comma) return true
  const previous = text.charCodeAt(at - 1)
  return previous === 52 || ((previous === 34 || previous === 39) && mayNameSecret(text, at))
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

function wordEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && classes[text.charCodeAt(at)] === alphanumeric) at += 1
  return at
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

  /** @param from the first cue */
  run(from: number): Secret[] {
    const text = this.#text
    const { length } = text
    for (let at = from; at < length; at = nextCue(text, at)) {
      const code = text.charCodeAt(at)
      if (classes[code] !== alphanumeric) at = this.#triggered(at, code)
      else {
        const end = this.#tokenAt(at)
        at = end > at ? end : wordEnd(text, at)
      }
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
      for (const { prefix, form } of forms) {
        const end = text.startsWith(prefix, start) ? this.#formAt(form, start) : -1
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
    const { kind, pattern, before, accepts } = form
    const text = this.#text
    if (start < (this.#rejected.get(form) ?? 0)) return -1
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
