/** @module Finds positions where a secret may start. Checks each character once and does not allocate memory. */
import { mayNameSecret } from './names.ts'
import { spokenPrefixes } from './spoken-values.ts'
import { type TokenForm, tokenForms } from './token-forms.ts'

const alphanumeric = 1
const trigger = 2
const classes = new Uint8Array(128)
for (let code = 48; code < 123; code += 1) {
  if (/[A-Za-z0-9]/.test(String.fromCharCode(code))) classes[code] = alphanumeric
}
for (const char of '=:>-_%\\~,&@') classes[char.charCodeAt(0)] = trigger

export const [equals, colon, greater, dash, percent, backslash] = [61, 58, 62, 45, 37, 92] as const
export const [tilde, comma, underscore, ampersand, at] = [126, 44, 95, 38, 64] as const
const [slash, capitalA, capitalQ, hash] = [47, 65, 81, 35] as const
/** `：`, `＝` and the copula in "密码是 …". */
const wideColon = 0xff1a
const wideEquals = 0xff1d
const wideIs = 0x662f
export const isWideDelimiter = (code: number): boolean =>
  code === wideColon || code === wideEquals || code === wideIs

/** Words of at least this length may be generated. */
const minGeneratedChars = 16
const maxUserinfoChars = 64

interface Start {
  prefix: string
  /** Null for words such as `password`, which may precede a secret in prose. */
  form: TokenForm | null
}

/** Indexed by a hash of a prefix's first three characters. */
const startSlots = 1 << 14
const startsAt = new Map<number, Start[]>()
const starts = new Uint8Array(startSlots)
const slotOf = (first: number, second: number, third: number): number =>
  (first * 1259 + second * 181 + third) & (startSlots - 1)

function addStart(start: Start, third: number): void {
  const slot = slotOf(start.prefix.charCodeAt(0), start.prefix.charCodeAt(1), third)
  starts[slot] = 1
  const known = startsAt.get(slot)
  if (known) known.push(start)
  else startsAt.set(slot, [start])
}
const jsonWebToken = { prefix: 'eyJ', form: null }
addStart(jsonWebToken, 74)
for (const start of [
  ...tokenForms.flatMap((form) => form.prefixes.map((prefix) => ({ prefix, form }))),
  ...spokenPrefixes.map((prefix) => ({ prefix, form: null })),
]) {
  const third = start.prefix.charCodeAt(2)
  if (third === third) addStart(start, third)
  else for (let code = 32; code < 128; code += 1) addStart(start, code)
}

/** Prefixes by the two characters before their first sign. Finds tokens glued to a word, as in `tokenghp_…`. */
const gluedAt = new Map<number, { prefix: string; form: TokenForm; signAt: number }[]>()
const word =
  /^(?:key|test|live|secret|link|public|access|pat|api|mob|sdk|bedrock|sk-test|sk-live|fio|pa|us)[-_]/
for (const form of tokenForms) {
  for (const prefix of form.prefixes) {
    const signAt = prefix.search(/[-_]/)
    if (signAt < 2 || prefix.length < 4 || word.test(prefix) || /[^\w.-]/.test(prefix)) continue
    const key = prefix.charCodeAt(signAt - 2) * 128 + prefix.charCodeAt(signAt - 1)
    gluedAt.set(key, [...(gluedAt.get(key) ?? []), { prefix, form, signAt }])
  }
}
const gluedKeys = new Uint8Array(128 * 128)
for (const key of gluedAt.keys()) gluedKeys[key] = 1

/** Tokens that may start inside a word, before the sign at `sign`. */
export function gluedStarts(text: string, sign: number): { form: TokenForm; start: number }[] {
  const key = text.charCodeAt(sign - 2) * 128 + text.charCodeAt(sign - 1)
  return (gluedAt.get(key) ?? []).flatMap(({ prefix, form, signAt }) => {
    const start = sign - signAt
    return start > 0 && isAlphanumeric(text.charCodeAt(start - 1)) && text.startsWith(prefix, start)
      ? [{ form, start }]
      : []
  })
}

export const isAlphanumeric = (code: number): boolean => code < 128 && classes[code] === alphanumeric

export function wordEnd(text: string, from: number): number {
  let end = from
  while (end < text.length && isAlphanumeric(text.charCodeAt(end))) end += 1
  return end
}

/** The starts whose prefix is at `start`. */
export function startsOf(text: string, start: number): readonly Start[] {
  const slot = slotOf(text.charCodeAt(start), text.charCodeAt(start + 1), text.charCodeAt(start + 2))
  return (startsAt.get(slot) ?? []).filter(({ prefix }) => text.startsWith(prefix, start))
}

/** Whether the word may be generated: it is long, or starts a UUID. */
export const isGeneratedLength = (text: string, start: number, end: number): boolean =>
  end - start >= minGeneratedChars ||
  (end - start === 8 && text.charCodeAt(end) === dash && text.charCodeAt(end + 5) === dash)

/** The next index from `from` at which a secret or its delimiter may start. `from` must not be inside a word. */
export function nextCue(text: string, from: number): number {
  const { length } = text
  for (let place = from; place < length; place += 1) {
    const code = text.charCodeAt(place)
    if (code > 127) {
      if (isWideDelimiter(code) && mayNameSecret(text, place)) return place
      continue
    }
    const kind = classes[code]
    if (kind === alphanumeric) {
      const start = place
      let second = 0
      let third = 0
      if (start + 2 < length) {
        second = text.charCodeAt(start + 1)
        third = text.charCodeAt(start + 2)
      }
      if (starts[(code * 1259 + second * 181 + third) & (startSlots - 1)] === 1 && hasStart(text, start))
        return start
      for (place += 1; place < length; place += 1) {
        const next = text.charCodeAt(place)
        if (next > 127 || classes[next] !== alphanumeric) break
      }
      const size = place - start
      if (size >= 8 && isGeneratedLength(text, start, place)) return start
      place -= 1
    } else if (kind === trigger) {
      if (code === backslash) {
        const next = text.charCodeAt(place + 1)
        // The letter of an escape such as `\n` does not belong to the next word.
        if (isEscapeLetter(next) && !hasStart(text, place + 1)) place += 1
        else if (next === 117 || next === 120 || isEscapeLetter(next)) return place
      } else if (isCue(text, place, code)) return place
    }
  }
  return length
}

/** n, r, t, b, f or v. */
const isEscapeLetter = (code: number): boolean =>
  code === 110 || code === 114 || code === 116 || code === 98 || code === 102 || code === 118

function hasStart(text: string, start: number): boolean {
  const slot = slotOf(text.charCodeAt(start), text.charCodeAt(start + 1), text.charCodeAt(start + 2))
  const found = startsAt.get(slot)
  if (found === undefined) return false
  for (const { prefix } of found) if (text.startsWith(prefix, start)) return true
  return false
}

/** Whether punctuation needs more than a check of its neighbors. */
function isCue(text: string, place: number, code: number): boolean {
  const next = text.charCodeAt(place + 1)
  if (code === colon) {
    if (next === slash && text.charCodeAt(place + 2) === slash) return mayHaveUserinfo(text, place + 3)
    return next === capitalA || mayNameSecret(text, place)
  }
  if (code === equals || code === greater) return mayNameSecret(text, place)
  if (code === dash || code === underscore) {
    const previous = text.charCodeAt(place - 1)
    if (isAlphanumeric(previous)) {
      const earlier = text.charCodeAt(place - 2)
      return earlier < 128 && gluedKeys[earlier * 128 + previous] === 1
    }
    return code === dash && (next === dash || isFlag(next))
  }
  if (code === at) return isAlphanumeric(next) && mayEndUserinfo(text, place)
  if (code === ampersand) return next === hash || text.startsWith('gt;', place + 1)
  if (code === tilde) return text.charCodeAt(place - 1) === capitalQ
  if (code !== comma) return true
  const previous = text.charCodeAt(place - 1)
  return previous === 52 || ((previous === 34 || previous === 39) && mayNameSecret(text, place))
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57
const isFlag = (code: number): boolean => isAlphanumeric(code) && !isDigit(code)

/** Whether the authority at `start` contains an `@`, or a colon that does not precede a port. */
function mayHaveUserinfo(text: string, start: number): boolean {
  for (let place = start; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === at) return true
    if (code === colon) {
      const port = place + 1
      for (place += 1; place - port < 6 && isDigit(text.charCodeAt(place)); ) place += 1
      const end = text.charCodeAt(place)
      const isPort = place > port && place - port < 6
      return !isPort || !(place >= text.length || end === slash || end <= 32 || end === 34 || end === 39)
    }
    if (
      code === slash ||
      code <= 32 ||
      code === 34 ||
      code === 39 ||
      code === 60 ||
      code === 63 ||
      code === hash
    )
      return false
  }
  return false
}

/** Whether the word before the `@` contains a colon or slash. */
function mayEndUserinfo(text: string, place: number): boolean {
  const least = Math.max(0, place - maxUserinfoChars)
  for (let before = place - 1; before >= least; before -= 1) {
    const code = text.charCodeAt(before)
    if (code === colon || code === slash) return true
    if (code <= 32 || code === 34 || code === 39 || code === 44 || code === 60) return false
  }
  return false
}
