/** @module Inspects JSON text before it is parsed, in linear time and constant memory. */
import { pointerOf } from './json-object.ts'

/**
 * Limit to check before parsing, because `[[],[],…` takes thirty times its size in memory. Typical 4 MB bodies contain
 * about 70,000, and a workflow's limit is lower.
 */
export const MAX_CONTAINERS = 250_000

export interface JsonMeasure {
  values: number
  /** Number of arrays and objects. Each takes about 50 bytes, even when empty. */
  containers: number
  /** Nesting depth of arrays and objects. */
  depth: number
}

/** Expects well-formed JSON. The result for other text is undefined. */
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

/** Index of the quote that closes the string at `start`; the text's length when there is none. */
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

/** `source`: the digits as written. */
export interface WrittenNumber {
  source: string
  /** Index of `source` in the text. */
  start: number
  pointer: string
}

/** Matches every text with a number that JavaScript could change. Numbers follow a bracket, a sign or a space. */
const mayBeInexact = /(?:^|[[,:\s])-?(?:[\d.]{16}|\d[\d.]*[eE][-+]?\d)/
/** Matches every text with a number beyond 1.8e308. */
const mayOverflow = /(?:^|[[,:\s])-?(?:[\d.]{200}|\d[\d.]*[eE]\+?\d{3})/
const unstorableEscape = /\\u(?:0000|[dD][89a-fA-F])/

/**
 * Whether a value of JSON without lone surrogates may contain U+0000, a lone surrogate or Infinity. False for nearly all
 * texts, whose values then need no walk.
 */
export const mayBeUnstorable = (text: string): boolean =>
  unstorableEscape.test(text) || mayOverflow.test(text)

const numberToken = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y

/** The numbers in well-formed JSON that JavaScript would change or overflow, in order. */
export function inexactNumbers(text: string, limit = Infinity): WrittenNumber[] {
  if (!mayBeInexact.test(text)) return []
  const found: WrittenNumber[] = []
  // An array index, or the position of an object key.
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
      if (isInexact(source)) found.push({ source, start: at, pointer: pointerIn(text, path) })
      at += source.length - 1
    }
  }
  return found
}

function pointerIn(text: string, path: readonly (number | { start: number; end: number })[]): string {
  const keys = path.map((step) =>
    typeof step === 'number' ? String(step) : (JSON.parse(text.slice(step.start, step.end)) as string),
  )
  return pointerOf(keys)
}

/** Whether JavaScript's shortest representation of the number is a different decimal. */
export function isInexact(source: string): boolean {
  return source.length > 15 || /[eE]/.test(source)
    ? decimal(source) !== decimal(String(Number(source)))
    : false
}

/** Canonical text of a decimal number: its digits without leading or trailing zeros, and its exponent. */
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

/** Quotes numbers that overflow (1e400), because they parse as Infinity, which is not JSON. */
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
  /** Index after the closing bracket; null when it is missing. */
  end: number | null
}

/** Spans of possible objects, or arrays of objects, in other text. Stops at the first unclosed one. */
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
 * Where `JSON.parse` failed and how to fix it: ` at line 2, column 13: remove the trailing comma`.
 * @param from start of the JSON in `text`
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

/** Index of the first invalid or misplaced token, because JavaScript engines do not always report it. */
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
