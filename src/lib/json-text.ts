/** @module JSON as text, looked at before it becomes values. Linear, and without memory to speak of. */

/**
 * Check before parsing: `[[],[],…` takes thirty times its size in memory. Ordinary bodies of 4 MB have some 70,000, and
 * a workflow may not have so many values.
 */
export const MAX_CONTAINERS = 250_000

export interface JsonMeasure {
  values: number
  /** Arrays and objects: each takes some 50 bytes, empty or not. */
  containers: number
  /** Containers within containers. */
  depth: number
}

/** Of well-formed JSON; what it would take to parse other text does not matter. */
export function measureJson(text: string): JsonMeasure {
  let [values, containers, depth, deepest] = [1, 0, 0, 0]
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at)
        break
      case comma:
        values += 1
        break
      case closeBracket:
      case closeBrace:
        depth -= 1
        break
      case openBracket:
      case openBrace: {
        containers += 1
        depth += 1
        deepest = Math.max(deepest, depth)
        const next = text.charCodeAt(afterSpace(text, at + 1))
        if (next !== closeBracket && next !== closeBrace) values += 1
      }
    }
  }
  return { values, containers, depth: deepest }
}

const quote = 0x22
const comma = 0x2c
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Where the closing quote of the string that opens at `start` stands; the end of the text when there is none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === backslash) first -= 1
  return (at - first) % 2 === 1
}

function afterSpace(text: string, start: number): number {
  let at = start
  for (let code = text.charCodeAt(at); code === 0x20 || (code >= 0x09 && code <= 0x0d); ) {
    at += 1
    code = text.charCodeAt(at)
  }
  return at
}

/** `source`: the digits as they were written. */
export interface WrittenNumber {
  source: string
  /** Where `source` begins in the text. */
  start: number
  pointer: string
}

/** Text that cannot hold a number which JavaScript would change. */
const mayBeInexact = /[\d.]{16}|\d[eE][-+]?\d/
const numberToken = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y

/** Numbers of well-formed JSON that become another value, or none, when JavaScript reads them; in order. */
export function inexactNumbers(text: string, limit = Infinity): WrittenNumber[] {
  if (!mayBeInexact.test(text)) return []
  const found: WrittenNumber[] = []
  // An array's index, or where an object's key was written.
  const path: (number | { start: number; end: number })[] = []
  let isKey = false
  for (let at = 0; at < text.length && found.length < limit; at += 1) {
    const code = text.charCodeAt(at)
    const top = path.at(-1)
    if (code === quote) {
      const end = endOfString(text, at)
      if (isKey && typeof top === 'object') Object.assign(top, { start: at, end: end + 1 })
      isKey = false
      at = end
    } else if (code === openBracket) path.push(0)
    else if (code === openBrace) {
      path.push({ start: 0, end: 0 })
      isKey = true
    } else if (code === closeBracket || code === closeBrace) {
      path.pop()
      isKey = false
    } else if (code === comma) {
      if (typeof top === 'number') path[path.length - 1] = top + 1
      else isKey = true
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      numberToken.lastIndex = at
      const source = numberToken.exec(text)?.[0] ?? text.charAt(at)
      if (isInexact(source)) found.push({ source, start: at, pointer: pointerOf(text, path) })
      at += source.length - 1
    }
  }
  return found
}

function pointerOf(text: string, path: readonly (number | { start: number; end: number })[]): string {
  const keys = path.map((step) =>
    typeof step === 'number' ? String(step) : (JSON.parse(text.slice(step.start, step.end)) as string),
  )
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Whether the shortest text of the number that JavaScript reads is another decimal number. */
export function isInexact(source: string): boolean {
  return source.length > 15 || /[eE]/.test(source)
    ? decimal(source) !== decimal(String(Number(source)))
    : false
}

/** One text for equal decimal numbers: their digits without zeros at the ends, and the power of ten of the last one. */
function decimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? []
  if (whole === '') return text
  const digits = whole + fraction
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end -= 1
  let start = 0
  while (start < end && digits.charCodeAt(start) === 0x30) start += 1
  if (start === end) return '0'
  return `${sign}${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}

/** The text with numbers beyond JavaScript's (1e400) as strings: parsed as numbers they are Infinity, which is not JSON. */
export function quoteOverflow(text: string): string {
  const overflowing = inexactNumbers(text).filter(({ source }) => !Number.isFinite(Number(source)))
  if (overflowing.length === 0) return text
  const parts: string[] = []
  let from = 0
  for (const { source, start } of overflowing) {
    parts.push(text.slice(from, start), `"${source}"`)
    from = start + source.length
  }
  return parts.join('') + text.slice(from)
}

export interface JsonSpan {
  start: number
  /** After the closing bracket; null when it never comes. */
  end: number | null
}

/** Where an object, or an array of objects, may stand in other text. Ends with the first that is not closed. */
export function* jsonSpans(text: string): Generator<JsonSpan> {
  const opening = /\{\s*["}]|\[\s*\{/g
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const end = endOfContainer(text, match.index)
    yield { start: match.index, end }
    if (end === null) return
    opening.lastIndex = end
  }
}

function endOfContainer(text: string, start: number): number | null {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === openBracket || code === openBrace) depth += 1
    else if (code === closeBracket || code === closeBrace) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return null
}

const jsonToken =
  /\s*(?:"[^"\\\n]*(?:\\[^][^"\\\n]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]|$)/y

/**
 * Where text stops being JSON and what to do about it: ` at line 2, column 13: remove the trailing comma`. For text
 * that `JSON.parse` refused.
 * @param from where the JSON begins in `text`
 */
export function describeJsonFault(text: string, from = 0, to = text.length): string {
  const position = faultPosition(text, from, to)
  if (position === null || position >= text.slice(0, to).trimEnd().length) return ': it ends too early'
  const before = text.slice(0, position)
  const line = before.split('\n').length
  const column = position - before.lastIndexOf('\n')
  const hint = hintAt(text, position)
  return ` at line ${line}, column ${column}${hint === undefined ? '' : `: ${hint}`}`
}

function hintAt(text: string, position: number): string | undefined {
  const sign = text.charAt(position)
  if (sign === '}' || sign === ']') {
    return /,\s*$/.test(text.slice(Math.max(0, position - 200), position))
      ? 'remove the trailing comma'
      : undefined
  }
  if (sign === '/') return 'remove the comment'
  if (/[\u2018-\u201f\u00ab\u00bb]/.test(sign)) return 'replace the typographic quotes with straight ones'
  return sign === "'" ? 'use double quotes' : undefined
}

/** What is no word of JSON, or stands where another one is due: the engine does not always tell. */
function faultPosition(text: string, from: number, to: number): number | null {
  try {
    JSON.parse(text.slice(from, to))
  } catch (error) {
    const told = /position (\d+)/.exec((error as Error).message)?.[1]
    if (told !== undefined) return from + Number(told)
  }
  let before = ''
  for (let at = from; at < to; at = jsonToken.lastIndex) {
    jsonToken.lastIndex = at
    const [matched] = jsonToken.exec(text) ?? []
    if (matched === undefined) return at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0)
    const sign = matched.trim()
    if (before === ',' && (sign === ']' || sign === '}')) return jsonToken.lastIndex - 1
    before = sign
    if (sign === '') return null
  }
  return null
}
