/**
 * @module Finds secrets in prose without a delimiter: "password is …", "API key '…' is invalid", "/token/…". Looks a
 * bounded number of characters back from a generated word, or forward from a word such as `password`.
 */
import { charTable } from './name-scan.ts'
import type { ValueSpan } from './value-scan.ts'
import { isOrdinaryWord } from './ordinary-words.ts'
import { hasDigit, isRandom } from './random-text.ts'
import { secretNameKind } from './names.ts'
import { isPasswordWord, isPlaceholder, isSecretValue } from './values.ts'

/** Words that may precede a value, in the format of `TokenForm` prefixes. */
export const spokenPrefixes =
  'password Password PASSWORD passwd Passwd PASSWD passphrase Passphrase passcode Passcode passwort Passwort kennwort Kennwort token Token secret Secret key Key KEY identified IDENTIFIED credentials Credentials'.split(
    ' ',
  )

const copula =
  '(?:is|was|are|equals|being|lautet|ist|war|est|es|era|is set to|was set to|set to|is now|changed to|reset to|now|to|of|value)'
const spoken = new RegExp(
  String.raw`(pass(?:word|wd|phrase|code|wort)s?|kennwort|token|secret|key|identified by(?: password)?)([*)\]"'\x60]{0,3})(?:[ \t]{1,4}(${copula}[ \t]*:?[ \t]{1,4})?|[ \t]{0,4}(?:->|=>|→|—|–)[ \t]{0,4})(\\*["'\x60“«])?`,
  'iy',
)
const pairs = /credentials?[ \t]*:?[ \t]{1,4}([\w.@-]{2,64})[ \t]?[:/][ \t]?([^\s"'`<>,;]{4,128})/iy
const bareValue = /[^\s"'`<>,;\\“”«»]{1,256}/y
const before = /(?:\b(?:with|using|and|by|use|mit|und|avec|con)(?: the)?|\blogin[ \t]\S{1,64}|\/)[ \t]{0,4}$/i
const possessive = /^[a-z]+['’](?:s|t|re|ll|d|m|ve)?$/i

/** The value after the word at `start`, or null. */
export function valueAfterWord(text: string, start: number): ValueSpan | null {
  spoken.lastIndex = start
  const match = spoken.exec(text)
  if (match === null) return pairAt(text, start)
  const [, word = '', close = '', filler, quote] = match
  const valueStart = spoken.lastIndex
  const isPassword = /^(?:pass|kenn|ident)/i.test(word)
  const isSaid = filler !== undefined || /(?:->|=>|→|—|–)/.test(match[0]) || /^ident/i.test(word)
  if (quote !== undefined) return quotedAfter(text, valueStart, quote, isPassword, isSaid || close === '')
  bareValue.lastIndex = valueStart
  const value = bareValue.exec(text)?.[0].replace(/[.,;:!?)\]}*]+$/, '') ?? ''
  const span = { start: valueStart, end: valueStart + value.length }
  if (value.length < 4 || possessive.test(value) || isPlaceholder(value) || isOrdinaryWord(value)) return null
  if (!isPassword) return isSaid && isRandom(value) && !isUrl(value) ? span : null
  if (/^[A-Za-z]+$/.test(value)) {
    const isTold = isSaid || before.test(text.slice(Math.max(0, start - 72), start))
    return isTold && isPasswordWord(value) && endsPhrase(text, span.end) ? span : null
  }
  if (/^\d+[- ]?(?:char|digit|bit|day|minute|hour|letter|time)/i.test(value) || isUrl(value)) return null
  if (!isSaid && !(hasDigit(value) && /[A-Za-z]/.test(value)) && !/[!@#$%^&*?]/.test(value)) return null
  return isSecretValue('password', value, 'bare') ? span : null
}

function quotedAfter(
  text: string,
  start: number,
  quote: string,
  isPassword: boolean,
  isTold: boolean,
): ValueSpan | null {
  const closing = quote === '“' ? '”' : quote === '«' ? '»' : quote
  const end = text.slice(start, start + 256).indexOf(closing)
  if (end < 4 || !isTold) return null
  const value = text.slice(start, start + end)
  const isSecret = isPassword ? isSecretValue('password', value, 'quoted') : isRandom(value, 10)
  return isSecret && !isPlaceholder(value) && !/\s/.test(isPassword ? '' : value)
    ? { start, end: start + end }
    : null
}

/** `Credentials: user / password`. */
function pairAt(text: string, start: number): ValueSpan | null {
  pairs.lastIndex = start
  const match = pairs.exec(text)
  const value = match?.[2]?.replace(/[.,;:!?)\]}]+$/, '') ?? ''
  if (!match || value.length < 4 || isOrdinaryWord(value) || isOrdinaryWord(match[1] ?? '')) return null
  if (isPlaceholder(value) || value.startsWith('//')) return null
  const end = start + match[0].length - (match[2]?.length ?? 0)
  return { start: end, end: end + value.length }
}

const isUrl = (value: string): boolean => /^[a-z][a-z0-9+.-]{1,20}:\/\//i.test(value) || value.startsWith('/')

/** Whether the phrase ends here: `password is letmein.`, as opposed to `password is long enough`. */
export function endsPhrase(text: string, end: number): boolean {
  const rest = text.slice(end, end + 48)
  if (/^(?:$|[\s]*$|["'`”»)\]},;|<\\&]|[.!?](?:\s|$|["'`)\\<])|\s*[\n\r|])/.test(rest)) return true
  return /^\s+(?:[([{<|\-–—/]|(?:and|but|for|on|at|host|user|und|für)\b|[\w.-]{1,32}\s?[=:])/.test(rest)
}

const gapChars = charTable(' \t\r\n"\'`*|(<>-:/\\=[')
const wordChars = charTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-')
const maxGapChars = 24
const maxFillers = 3
const fillers =
  /^(?:is|was|are|of|value|provided|given|used|named|called|ist|war|lautet|est|es|set|to|equals|now|string|header|n|r|t|nbsp)$/i
const harmlessKey =
  /^(?:cache|primary|foreign|sort|public|object|row|s3|partition|issue|unique|index|registry|lookup|translation|i18n|map|group|idempotency|dedupe|file|routing|message|event|job|lock|hash|range|composite|duplicate|document|kafka|redis|project|the)$/i

/** Whether the preceding text names a generated word: "API key (…", "token -> …", ".../secret/…". */
export function isNamedBefore(text: string, start: number, length: number): boolean {
  let at = start
  for (let tries = 0; tries < maxFillers; tries += 1) {
    const gapEnd = at
    while (at > 0 && gapEnd - at < maxGapChars && isIn(gapChars, text.charCodeAt(at - 1))) at -= 1
    if (at === gapEnd || at === 0 || (text.slice(at, gapEnd).match(/\n/g)?.length ?? 0) > 1) return false
    const wordEnd = at
    while (at > 0 && wordEnd - at < 64 && isWordChar(text.charCodeAt(at - 1))) at -= 1
    const word = text.slice(at, wordEnd)
    if (word === '') return false
    if (fillers.test(word)) continue
    return isName(text, at, word, length)
  }
  return false
}

function isName(text: string, start: number, word: string, length: number): boolean {
  const earlier = /([A-Za-z0-9]{1,24})[ _-]$/.exec(text.slice(Math.max(0, start - 26), start))?.[1] ?? ''
  const kind = secretNameKind(earlier === '' ? word : `${earlier} ${word}`)
  if (kind !== null && kind !== 'parameter') return true
  return /^keys?$/i.test(word) && length >= 20 && !harmlessKey.test(earlier)
}

const isIn = (table: Uint8Array, code: number): boolean => code < 128 && table[code] === 1
const isWordChar = (code: number): boolean =>
  code < 128 ? wordChars[code] === 1 : code > 191 && !isWideSign(code)
/** Chinese and Japanese punctuation, and typographic signs. */
const isWideSign = (code: number): boolean =>
  (code >= 0x2000 && code < 0x2e80) || (code >= 0x3000 && code < 0x3040) || (code >= 0xff00 && code < 0xff21)
