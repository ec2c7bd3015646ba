/**
 * @module The text of answers for models. Constants, IDs and numbers are plain text. Everything that a user, a service or n8n
 * wrote goes into a fenced block as data, with secrets redacted. No other module in `mcp/` builds text from such values.
 */
import { AppError } from '../errors.ts'
import { redact, redacted } from '../lib/secrets/redact.ts'

/** A value that cannot carry an instruction: no spaces, no line breaks. */
const plainValue = /^[\w.@/#:+%,=-]{0,200}$/

/** Control characters, and format and tag characters that hide text from people. Emoji joiners stay. */
const invisible = /(?![\n\t])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e0fff}]/gu

export const maxDataChars = 12_000

export const isPlain = (text: string): boolean => plainValue.test(text)

/**
 * Our own words.
 * @throws {Error} for a value that could be more than an ID, a number or a name of ours
 */
export function plain(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | boolean | null)[]
): string {
  return String.raw(
    { raw: strings },
    ...values.map((value) => {
      const text = String(value)
      if (!isPlain(text)) throw new Error('This value must be fenced')
      return text
    }),
  )
}

/** A name or value as part of a line. Quoted if spaces at its ends or control characters would be lost. */
export function inline(value: unknown, maxChars = 200): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  const short = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text
  return /\p{Cc}|^\s|\s$| {2}/u.test(short) ? JSON.stringify(short) : short
}

/**
 * The lines between marks with a number that their author cannot know. Longer data is cut.
 * @param more what to ask for to see the rest
 */
export function fenced(lines: string | readonly string[], more = '', maxChars = maxDataChars): string {
  const all = typeof lines === 'string' ? lines : lines.join('\n')
  if (all === '') return ''
  const clean = redact(all.replaceAll(invisible, '')).replaceAll(
    /<(\/?)untrusted-data/gi,
    '‹$1untrusted-data',
  )
  const isCut = clean.length > maxChars
  const shown = isCut ? clean.slice(0, clean.lastIndexOf('\n', maxChars) + 1 || maxChars) : clean
  const mark = crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36) ?? ''
  const block = `<untrusted-data ${mark}>\n${shown.trimEnd()}\n</untrusted-data ${mark}>`
  return isCut ? `${block}\nThe data is truncated. ${more}`.trimEnd() : block
}

/** A line with names; none without names. */
export const named = (label: string, names: readonly string[]): string[] =>
  names.length > 0 ? [`${label}: ${names.map((name) => inline(name)).join(', ')}`] : []

/** @throws {AppError} `invalid` if a model sends back the placeholder of a secret, which would replace the secret */
export function refusePlaceholder(text: string, what: string, advice: string): void {
  if (text.includes(redacted))
    throw new AppError('invalid', `${what} contains ${redacted}, which replaces a secret. ${advice}`)
}

/** Joins parts that are not empty. */
export const answer = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('\n')
