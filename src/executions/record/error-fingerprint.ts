/**
 * @module Groups failures by node, error class, HTTP status and message, ignoring values that differ between runs, such as
 * IDs and times. Pure, and independent of how a failure was reported.
 */
import { sha256Hex } from '../../lib/encoding.ts'
import type { ExecutionError } from './merge.ts'

export interface ErrorFingerprint {
  /** 16 hexadecimal digits. */
  fingerprint: string
  /** The message with placeholders, at most 300 characters. */
  message: string
}

const messageMaxChars = 300

/** Order matters: later patterns do not see text that earlier ones replaced. */
const placeholders: readonly [pattern: RegExp, placeholder: string][] = [
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'`<>]+/gi, '<url>'],
  [/[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g, '<email>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>'],
  [/"[^"\n]{0,500}"|`[^`\n]{0,500}`|“[^”\n]{0,500}”|(?<!\w)'[^'\n]{0,500}'(?!\w)/g, '<text>'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, '<time>'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g, '<address>'],
  [/\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, '<hex>'],
  // IDs of services: long, with digits among the characters.
  [/\b(?=[A-Za-z_]*\d)(?=[\d_]*[A-Za-z])\w{12,}\b/g, '<id>'],
  [/(?<![A-Za-z\d])[+-]?\d+(?:[.,:]\d+)*/g, '<number>'],
]

export function messagePattern(message: string): string {
  const replaced = placeholders.reduce(
    (text, [pattern, placeholder]) => text.replaceAll(pattern, placeholder),
    message,
  )
  return replaced.replaceAll(/\s+/g, ' ').trim().slice(0, messageMaxChars).toWellFormed()
}

export async function fingerprintOf(error: ExecutionError): Promise<ErrorFingerprint> {
  const message = messagePattern(error.message)
  const text = JSON.stringify([error.node, error.errorClass, error.httpStatus, message])
  return { fingerprint: await sha256Hex(text, 8), message }
}
