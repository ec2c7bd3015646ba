/** @module Decides whether a named value is a secret, a placeholder, code or prose. Pure. */
import { isOrdinaryWord } from './ordinary-words.ts'
import { hasDigit, isRandom } from './random-text.ts'
import type { NameKind } from './names.ts'

/**
 * Where a value was found. The looser the place, the stronger the evidence a value needs. `phrase`: bare or prose, at
 * the end of its phrase.
 */
export type Place = 'url' | 'quoted' | 'phrase' | 'bare' | 'prose'

const expressionStart =
  /^(?:=?\{\{|=|\$\{|\$\(|\$[A-Za-z_]|#\{|<|%[A-Z_]{2,40}%$|\{[A-Za-z_$][\w.$]{0,60}\}$|\[redacted|\[your|\(your|\*{3}|…|\.\.\.)/i
const vocabulary =
  /^(?:your|my|the|insert|replace|replaceme|placeholder|example|changeme|change|enter|dummy|sample|todo|here|goes|put|xxx+|yyy+|some|paste|add|with|actual|real|own|set|test|me|this|and|in|from|of|a|for|as|or|is|to|use|value|key|keys|api|token|secret|password|access|client|id|auth|bot|app|openai|google|github|user|name|new|bearer|account|service|personal|private|string|fake|demo|credential|credentials|goeshere|keyhere|tokenhere|env|var|hidden|secure|redacted|masked|config|live|prod|sk|proj|pat|ant)$/i
const certain =
  /your|insert|replace|placeholder|example|changeme|change.?me|enter|dummy|sample|todo|here|put|xxx|yyy|paste|redacted|masked|env|hidden|some|my/i

/** Placeholders for secrets: an expression, `YOUR_API_KEY`, `<token>`, `xxxxxxxx`. */
export function isPlaceholder(value: string): boolean {
  if (value === '' || (expressionStart.test(value) && !(value.startsWith('{') && isRandom(value))))
    return true
  const start = value.slice(0, 256)
  if (start.includes('{{') || start.includes('${') || /^[xX*._\-•0#]+$/.test(start)) return true
  if (/<[A-Za-z][\w -]{1,60}>/.test(start)) return true
  if (/^(?:[a-z]{1,6}[-_]+)*[xX*•.]{6,}$/.test(start)) return true
  if (start.length > 80 || !certain.test(start)) return false
  if (/^your[A-Za-z]+$/i.test(start)) return true
  const words = start.split(/[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])/).filter((word) => word !== '')
  return words.every((word) => vocabulary.test(word) || /^\d{1,3}$/.test(word) || /^x+$/i.test(word))
}

/** Code such as `items[0].json.token` or `getToken()`. A password with dots contains digits. */
function isCode(value: string): boolean {
  const start = value.slice(0, 200)
  if (/^[A-Za-z_$][\w$]*\(/.test(start) || /^(?:new|await|typeof|return|function|async)$/.test(start))
    return true
  if (!/^[A-Za-z_$][\w$]*(?:\?\.|\.|\[|::)/.test(start)) return false
  const parts = start.replaceAll(/\[(?:\d+|["'][\w -]*["']?)\]?|[()!?;,]/g, '').split(/[.:]+/)
  return parts.every((part) => /^[A-Za-z_$]*\d{0,2}$/.test(part) || part === '')
}

const prose =
  /\b(?:must|required|invalid|is|are|be|the|your|has|have|been|cannot|reset|not|at|least|enter|please|should|does|was|will|for|with|of|to|expired|missing|here|and|or|an)\b/i
const identifierEnd =
  /(?:token|key|password|auth|authn|id|name|field|header|type|credential|credentials|api|param|url|env|secretname|value|error|code|input|count|limit|hash)$/i

const minChars: Record<NameKind, number> = {
  header: 6,
  password: 4,
  pass: 4,
  token: 6,
  random: 16,
  parameter: 12,
}

/** Whether `value`, named by a name of `kind`, is a secret. */
// oxlint-disable-next-line complexity -- one list of exceptions, each with its own condition
export function isSecretValue(kind: NameKind, value: string, place: Place): boolean {
  if (value.length < minChars[kind]) return false
  const isLoose = place !== 'quoted' && place !== 'url'
  const isPassword = kind === 'password' || kind === 'pass'
  if (isLoose && value.length < 20 && /^[A-Za-z_$]+$/.test(value))
    return kind === 'password' && place === 'phrase' && isPasswordWord(value)
  if (isPlaceholder(value)) return false
  const first = value.slice(0, 1000)
  if (isOrdinaryWord(first) || /^[\d.,:%+-]{1,5}$/.test(first)) return false
  if (/^(?:https?|file|ftp):\/\//i.test(first) || first.startsWith('//')) return false
  if (kind === 'parameter')
    return place === 'url' && (isRandom(first, 12) || (first.length >= 24 && hasDigit(first)))
  if (/\s/.test(first)) {
    if (place !== 'quoted' || kind === 'random') return false
    if (kind === 'token') return /^[\w.-]{1,64}=[^\s;]{8,}/.test(first) && !prose.test(first)
    return !prose.test(first) && !/\n|\s\s/.test(first)
  }
  if (kind === 'random') return isRandom(first, 16)
  if (place === 'url') return true
  if (place !== 'quoted' && isCode(first)) return false
  const isWord = /^[A-Za-z_$]+$/.test(first) || /^[a-z]+(?:[-_ ][a-z]+)*$/i.test(first)
  if (place === 'quoted')
    return !isWord || (isPassword || first.length >= 10 ? !identifierEnd.test(first) : false)
  if (isWord) return isPassword ? false : first.length >= 20 && isRandom(first)
  if (kind === 'pass') return hasDigit(first) && /[^\d.,:/-]/.test(first) && first.length >= 6
  if (place === 'prose' && kind !== 'password')
    return isRandom(first) || (hasDigit(first) && first.length >= 8)
  return hasDigit(first) || /[^\w.$-]/.test(first) || isRandom(first)
}

/** Letters that form neither a word of prose nor an identifier. */
export const isPasswordWord = (word: string): boolean =>
  /^(?:[A-Z]?[a-z]+|[A-Z]+)$/.test(word) &&
  !isOrdinaryWord(word) &&
  !identifierEnd.test(word) &&
  !isPlaceholder(word)
