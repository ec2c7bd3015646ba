/** @module Run data as it may be stored: what jsonb can hold, without stacks and credentials in headers, within 256 KB. */
import { type NodeCounts, nodeCountsOf } from './node-counts.ts'
import type { Activity } from './node-runs.ts'

export const dataLimitBytes = 256 * 1024
const encoder = new TextEncoder()
/** Beyond these jsonb prints a number with hundreds of digits. */
const largestNumber = 1e21
const smallestNumber = 1e-21
const secretHeaders =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-n8n-api-key|x-auth-token|resumetoken|resumeurl)$/i

export interface RunData {
  /** Text that jsonb can hold. */
  json: string
  /** What it adds to the statistics of nodes. */
  nodes: NodeCounts | null
  /** Null when n8n's run data did not come with it. */
  activity: Activity | null
}

/**
 * `data`, or `{ truncated: true, sizeBytes }` when it is too large; null without any.
 * `data` is no deeper than the body may be, so recursion is safe.
 */
export function toRunData(data: unknown, activity: Activity | null = null): RunData | null {
  if (data === undefined || data === null) return null
  const cleaned = cleanJson(data)
  const json = JSON.stringify(cleaned)
  const sizeBytes = encoder.encode(json).length
  return sizeBytes <= dataLimitBytes
    ? { json, nodes: nodeCountsOf(cleaned), activity }
    : { json: JSON.stringify({ truncated: true, sizeBytes }), nodes: null, activity }
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
