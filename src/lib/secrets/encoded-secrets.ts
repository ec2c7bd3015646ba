/**
 * @module Finds secrets in long alphanumeric runs: in base64 or hex, or glued to other text. Each run is read once;
 * decoded text is scanned as text and may contain another encoded run.
 */
import { charTable } from './name-scan.ts'
import { hasDigit } from './random-text.ts'

const base64Chars = charTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-')
const minEncodedChars = 24
/** Only the start of longer runs, such as images, is read. */
const maxEncodedChars = 32 * 1024
const probeChars = 24
const glued =
  /(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])|AIza[\w-]{35}|eyJ[\w-]{8,160}\.eyJ[\w-]{3,}(?:\.[\w-]*)?/g
const hexRun = /^[0-9A-Fa-f]{32,}$/

/** End of the run of base64 characters that starts at `start`. */
export function base64End(text: string, start: number): number {
  let end = start
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end)
    if (code > 127 || base64Chars[code] === 0) break
  }
  return end
}

/** The decoded run; null unless it is text. */
export function decodedRun(run: string): string | null {
  if (run.length < minEncodedChars) return null
  const hex = run.startsWith('0x') ? run.slice(2) : run
  const text = hexRun.test(hex) ? fromHex(hex) : fromBase64(run)
  return text === null || !isPlainText(text) ? null : text
}

function fromBase64(run: string): string | null {
  // The first characters are enough to reject runs that do not decode to text.
  const first = decode(run.slice(0, probeChars))
  if (first === null || !isPlainText(first)) return null
  return decode(run.slice(0, maxEncodedChars))
}

function decode(run: string): string | null {
  const plain = run.replaceAll('-', '+').replaceAll('_', '/')
  try {
    return atob(plain.slice(0, plain.length - (plain.length % 4 === 1 ? 1 : 0)))
  } catch {
    return null
  }
}

function fromHex(run: string): string | null {
  let text = ''
  const end = Math.min(run.length - (run.length % 2), maxEncodedChars)
  for (let at = 0; at < end; at += 2) {
    const code = Number.parseInt(run.slice(at, at + 2), 16)
    if (code < 9 || code > 126) return null
    text += String.fromCharCode(code)
  }
  return text
}

/** Printable ASCII; bytes above 127 may be UTF-8. */
function isPlainText(text: string): boolean {
  for (let at = 0; at < Math.min(text.length, 18); at += 1) {
    const code = text.charCodeAt(at)
    const isControl = (code < 32 && (code < 9 || code > 13)) || code === 127
    if (isControl || (code > 127 && at < 6)) return false
  }
  return true
}

/** Finds tokens inside a word that have a prefix without a sign: `keyAIza…`. @param end end of the run */
export function gluedTokens(text: string, start: number, end: number): { start: number; end: number }[] {
  const run = text.slice(start, Math.min(text.length, end + 4096))
  const found: { start: number; end: number }[] = []
  glued.lastIndex = 0
  for (let match = glued.exec(run); match !== null && match.index < end - start; match = glued.exec(run)) {
    if (hasDigit(match[0])) found.push({ start: start + match.index, end: start + glued.lastIndex })
  }
  return found
}
