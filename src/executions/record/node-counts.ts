/**
 * @module Computes what a run's data adds to the node statistics, for the ledger. The data may come from a custom sender:
 * entries that are not nodes are skipped, invalid numbers are ignored. Pure; the SQL function `run_nodes` computes the same
 * for stored data, so that the exact amounts can be subtracted again.
 */
import { dayMs } from '../../lib/time.ts'
import { isObject } from '../../lib/json-object.ts'

/** Postgres array literals, which are cheaper to parse than JSON. */
export interface NodeCounts {
  /** `text[]`: the type, a line feed and the name of each node. */
  names: string
  /**
   * `integer[]`, five values per node: day of the first run in days since 2000-01-01 (UTC), null when unknown; runs; 1 if
   * it failed; returned items; total milliseconds of all runs, or null.
   */
  counts: string
}

const maxNodes = 500
const maxNameChars = 256
const maxRuns = 1_000_000
const maxItems = 1_000_000_000
/** 24 days. */
const maxMs = 2_147_483_647
const firstDayMs = Date.UTC(2000, 0, 1)

/** Null when the data contains no nodes. @param data parsed JSON of `executions.data` */
export function nodeCountsOf(data: unknown): NodeCounts | null {
  const listed = isObject(data) ? data['nodes'] : undefined
  if (!Array.isArray(listed)) return null
  let names = ''
  let counts = ''
  for (const node of listed.slice(0, maxNodes)) {
    if (!isNode(node)) continue
    const type = typeof node.type === 'string' ? shorten(node.type).replaceAll('\n', ' ') : ''
    names += `,"${escaped(`${type}\n${shorten(node.name)}`)}"`
    const runs = Math.max(count(node.runs, maxRuns) ?? 1, 1)
    const failures = isObject(node.error) ? 1 : 0
    const items = count(node.items, maxItems) ?? 0
    counts += `,${dayOf(node.startedAt)},${runs},${failures},${items},${count(node.durationMs, maxMs)}`
  }
  return names === '' ? null : { names: `{${names.slice(1)}}`, counts: `{${counts.slice(1)}}` }
}

interface ListedNode {
  name: string
  type?: unknown
  startedAt?: unknown
  runs?: unknown
  error?: unknown
  items?: unknown
  durationMs?: unknown
}

function isNode(node: unknown): node is ListedNode {
  return isObject(node) && typeof node['name'] === 'string'
}

/** Cache: most nodes of a run start on the same day. */
let latestDate = ''
let latestDay: number | null = null

function dayOf(startedAt: unknown): number | null {
  if (typeof startedAt !== 'string' || startedAt[10] !== 'T' || !startedAt.endsWith('Z')) return null
  const date = startedAt.slice(0, 10)
  if (date !== latestDate) {
    const parts = /^(20\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.exec(date)
    latestDate = date
    latestDay =
      parts && (Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) - firstDayMs) / dayMs
  }
  return latestDay
}

const count = (value: unknown, largest: number): number | null =>
  typeof value === 'number' ? Math.min(Math.max(Math.trunc(value), 0), largest) : null

/** Counts characters like Postgres: code points. */
const shorten = (text: string): string =>
  text.length <= maxNameChars ? text : Array.from(text).slice(0, maxNameChars).join('')

const escaped = (text: string): string => (/["\\]/.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text)
