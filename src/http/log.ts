/** @module Structured logs: one JSON object per line. Redacts every field, even fields that callers consider safe. */
import { redact, redacted } from '../lib/secrets/redact.ts'
import { traceId } from '../telemetry/trace.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Record<string, string | number | boolean | null | undefined>

export interface Log {
  (level: LogLevel, event: string, fields?: LogFields): void
}

const order: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 }
const maxFieldChars = 2048
const secretNames = /pass|secret|token|api.?key|auth|cookie|dsn|credential.?data/i
/** Longer text is cut before the last word, which may be half of a secret. The rest is neither scanned nor logged. */
const maxScannedChars = 16 * 1024
const lastWord = /\S{1,512}$/

function safeText(text: string): string {
  const scanned = text.length > maxScannedChars ? text.slice(0, maxScannedChars).replace(lastWord, '') : text
  const safe = redact(scanned)
  return safe.length > maxFieldChars ? `${safe.slice(0, maxFieldChars)}…` : safe
}

export function createLog(
  minimum: LogLevel,
  write: (line: string, level: LogLevel) => void,
  now: () => Date,
): Log {
  return (level, event, fields = {}) => {
    if (order[level] < order[minimum]) return
    const trace = traceId()
    const line: Record<string, unknown> = {
      time: now().toISOString(),
      level,
      event,
      ...(trace && { traceId: trace }),
    }
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue
      if (secretNames.test(name)) line[name] = redacted
      else line[name] = typeof value === 'string' ? safeText(value) : value
    }
    write(JSON.stringify(line), level)
  }
}
