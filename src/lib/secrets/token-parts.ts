/** @module Finds truncated tokens, and tokens that are recognized by an inner part. Pure. */
import { charTable } from './name-scan.ts'
import { hasDigit } from './random-text.ts'
import { isPlaceholder } from './values.ts'
import type { ValueSpan } from './value-scan.ts'

export const maxTokenChars = 512
const tokenChars = charTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+=')
const isTokenChar = (code: number): boolean => code < 128 && tokenChars[code] === 1
const cutToken = /[\w.~+/=-]{0,512}(?=$|…|\.\.\.$|["'`)\]}]{1,3}$)/y
const distinctive =
  /^(?=.{4})(?!key-|test_|live_|link-|public-|access-|secret_|hooks|maker|discord|ptb|canary|jdbc)[\w.-]*(?:[-_.]|AgEI)$|^(?:hf_|r8_|SG\.|AIza|AKIA|ASIA|fk_)$/

/** Whether a few characters after `prefix` identify the token. */
export const isDistinctive = (prefix: string): boolean => distinctive.test(prefix)

/** End of a truncated token that is too short for its form, or -1. @param start index after its prefix */
export function cutTokenEnd(text: string, start: number): number {
  cutToken.lastIndex = start
  const rest = cutToken.exec(text)?.[0] ?? ''
  const isCut = rest.length >= 3 && hasDigit(rest) && /[A-Za-z]/.test(rest) && !isPlaceholder(rest)
  return isCut ? start + rest.length : -1
}

/** `1234567890:AA…`. @param colon index of the colon */
export function telegramToken(text: string, colon: number): ValueSpan | null {
  const id = /\d{6,12}$/.exec(text.slice(Math.max(0, colon - 12), colon))
  const rest = /^[\w-]{30,}/.exec(text.slice(colon + 1, colon + 300))
  return id && rest ? { start: colon - id[0].length, end: colon + 1 + rest[0].length } : null
}

/** The run of token characters around a word, at most 512. */
export function tokenRun(text: string, word: number, wordEnd: number): ValueSpan {
  let start = word
  while (start > 0 && word - start < maxTokenChars && isTokenChar(text.charCodeAt(start - 1))) start -= 1
  let end = wordEnd
  while (end < text.length && end - start < maxTokenChars && isTokenChar(text.charCodeAt(end))) end += 1
  return { start, end }
}
