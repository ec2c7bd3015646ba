/** @module Run data as it may be stored: what jsonb can hold, without stacks and credentials in headers, within 256 KB. */

export const dataLimitBytes = 256 * 1024
/** Beyond these jsonb prints a number with hundreds of digits. */
const largestNumber = 1e21
const smallestNumber = 1e-21
const secretHeaders =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-n8n-api-key|x-auth-token|resumetoken|resumeurl)$/i

/**
 * JSON text of `data`, or of `{ truncated: true, sizeBytes }` when it is too large; null without any.
 * `data` is no deeper than the body may be, so recursion is safe.
 */
export function runDataJson(data: unknown): string | null {
  if (data === undefined || data === null) return null
  const text = JSON.stringify(cleanJson(data))
  const sizeBytes = new TextEncoder().encode(text).length
  return sizeBytes <= dataLimitBytes ? text : JSON.stringify({ truncated: true, sizeBytes })
}

/** What Postgres text can hold: no U+0000, no lone surrogate. */
export const cleanText = (text: string): string => text.replaceAll('\0', '').toWellFormed()

/** What jsonb can hold of it, without stacks and without credentials in headers. */
export function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value === 'number') {
    const size = Math.abs(value)
    return size > largestNumber || (size !== 0 && size < smallestNumber) ? String(value) : value
  }
  if (Array.isArray(value)) return value.map(cleanJson)
  if (typeof value !== 'object' || value === null) return value
  const isError = 'message' in value && 'stack' in value
  const entries = Object.entries(value)
    .filter(([name]) => !(isError && name === 'stack'))
    .map(([name, member]) => [
      cleanText(name),
      secretHeaders.test(name) && member !== null ? '[redacted]' : cleanJson(member),
    ])
  return Object.fromEntries(entries)
}
