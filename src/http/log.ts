/** @module Structured logs, one JSON object a line. Callers name safe fields; the sink redacts all the same. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Record<string, string | number | boolean | null | undefined>

export interface Log {
  (level: LogLevel, event: string, fields?: LogFields): void
}

const order: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 }
const maxFieldChars = 2048
const secretNames = /pass|secret|token|api.?key|auth|cookie|dsn|credential.?data/i
const secretValues =
  /Bearer\s+[\w.~+/-]+=*|\b(?:whsec_|whk_|fkr_|sk-|AKIA|gh[pousr]_|xox[a-z]-)[\w-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|-----BEGIN[^-]+-----|:\/\/[^\s/@]+@/g

export function redact(text: string): string {
  const capped = text.length > maxFieldChars ? `${text.slice(0, maxFieldChars)}…` : text
  return capped.replace(secretValues, '[redacted]')
}

export function createLog(
  minimum: LogLevel,
  write: (line: string, level: LogLevel) => void,
  now: () => Date,
): Log {
  return (level, event, fields = {}) => {
    if (order[level] < order[minimum]) return
    const line: Record<string, unknown> = { time: now().toISOString(), level, event }
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue
      if (secretNames.test(name)) line[name] = '[redacted]'
      else line[name] = typeof value === 'string' ? redact(value) : value
    }
    write(JSON.stringify(line), level)
  }
}
