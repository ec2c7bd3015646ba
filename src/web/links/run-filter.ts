/**
 * @module Filters of the runs list in the URL. Invalid filters are ignored and reported. The URL contains the complete
 * state of the list, so a run's page receives it as one parameter to find the neighboring runs.
 */
import { isUuid } from '../../lib/scalars.ts'
import { isStorable } from '../../lib/storable-text.ts'
import { executionStatuses, runKinds } from '../../db/schema/executions.ts'
import { countedKinds, failedStatuses, type IncludableKind, includableKinds } from '../../runs/meaning.ts'
import { type RunPosition, readRunCursor } from '../../runs/order.ts'
import type { ExecutionSearch } from '../../executions/search.ts'
import { dayMs, hourMs } from '../../lib/time.ts'
import { localInstant, localText } from './local-time.ts'

/** In URL order. */
export const filterNames = [
  'status',
  'mode',
  'wf',
  'v',
  'node',
  'error',
  'inst',
  'dep',
  'from',
  'to',
  'kind',
  'q',
] as const
export type FilterName = (typeof filterNames)[number]

export interface RunFilter {
  search: ExecutionSearch
  /** The active filters as URL parameters. */
  query: Partial<Record<FilterName, string>>
  /** The page starts after (older than) this position. */
  after: RunPosition | null
  /** Ignored parameters, such as `status=foo`. */
  ignored: string[]
}

interface Given {
  now: Date
  timeZone: string
}

type Reader = (text: string, given: Given) => Partial<ExecutionSearch> | null

/** `stuck`, or a comma-separated list of statuses in which `failed` means all failing statuses. */
function readStatus(text: string): Partial<ExecutionSearch> | null {
  if (text === 'stuck') return { stuck: true }
  const given = text.split(',').flatMap((word) => (word === 'failed' ? failedStatuses : [word]))
  const statuses = executionStatuses.filter((each) => given.includes(each))
  return given.every((word) => statuses.some((each) => each === word)) ? { statuses } : null
}

const readModes: Reader = (text) =>
  /^[A-Za-z_-]{1,32}(,[A-Za-z_-]{1,32}){0,19}$/.test(text) ? { mode: [...new Set(text.split(','))] } : null

const readKinds: Reader = (text) => {
  const given = text.split(',')
  const kind = runKinds.filter((each) => given.includes(each))
  return given.every((word) => kind.some((each) => each === word)) ? { kind } : null
}

const readId =
  (name: 'workflowId' | 'instanceId' | 'deploymentId'): Reader =>
  (text) =>
    isUuid(text) ? { [name]: text } : null

const readText =
  (name: 'errorNode' | 'q', maxChars: number): Reader =>
  (text) =>
    text.length <= maxChars && isStorable(text) ? { [name]: text } : null

/** Local midnight at the start of today, and of the day before. */
function yesterday({ now, timeZone }: Given): { from: Date; to: Date } | null {
  const to = localInstant(localText(now, timeZone).slice(0, 10), timeZone)
  // Noon of the day before: days have 23 to 25 hours.
  const noon = to && new Date(to.getTime() - dayMs / 2)
  const from = noon && localInstant(localText(noon, timeZone).slice(0, 10), timeZone)
  return to && from && { from, to }
}

const readTime =
  (name: 'from' | 'to'): Reader =>
  (text, given) => {
    if (name === 'from' && text === 'yesterday') return yesterday(given)
    const at = instantOf(text, given)
    return at && { [name]: at }
  }

const readers: Record<FilterName, Reader> = {
  status: readStatus,
  mode: readModes,
  kind: readKinds,
  wf: readId('workflowId'),
  v: (text) => (/^[1-9]\d{0,8}$/.test(text) ? { workflowVersion: Number(text) } : null),
  node: readText('errorNode', 256),
  error: (text) => (/^[0-9a-f]{16}$/.test(text) ? { errorFingerprint: text } : null),
  inst: readId('instanceId'),
  dep: readId('deploymentId'),
  from: readTime('from'),
  to: readTime('to'),
  q: readText('q', 200),
}

/** Parameters of the page other than filters. */
const otherNames = new Set(['after', 'than', 'format', 'list', 'period'])

/** `24h`, `7d` */
const agoPattern = /^([1-9]\d{0,3})([hd])$/

/** `24h`, `7d` or `yesterday`. */
export const isAgo = (text: string): boolean => agoPattern.test(text) || text === 'yesterday'

/** The last of repeated filters applies. A `period` such as `24h` sets `from` and `to`. */
export function readRunFilter(params: URLSearchParams, now: Date, timeZone: string): RunFilter {
  const filter: RunFilter = { search: {}, query: {}, after: null, ignored: [] }
  for (const [name, text] of params) {
    const value = text.trim()
    if (otherNames.has(name) || value === '') continue
    const known = filterNames.find((each) => each === name)
    const read = known ? readers[known](value, { now, timeZone }) : null
    if (known && read) {
      filter.query[known] = value
      Object.assign(filter.search, read)
    } else filter.ignored.push(`${name}=${value.slice(0, 40)}`)
  }
  const period = params.get('period')?.trim() ?? ''
  if (isAgo(period)) {
    if (filter.search.from) {
      delete filter.search.to
      delete filter.query.to
    }
    filter.query.from = period
    Object.assign(filter.search, readers.from(period, { now, timeZone }))
  } else if (period !== '') filter.ignored.push(`period=${period.slice(0, 40)}`)
  const { from, to } = filter.search
  if (from && to && from >= to) {
    filter.ignored.push(`to=${filter.query.to}`)
    delete filter.search.to
    delete filter.query.to
  }
  const after = params.get('after') ?? ''
  // Older links contain an ID.
  filter.after = isUuid(after) ? { id: after, happenedAtMs: null } : readRunCursor(after)
  if (filter.after === null && after !== '') filter.ignored.push(`after=${after.slice(0, 40)}`)
  return filter
}

/** A duration before now (`24h`, `7d`), an instant, or a local time: 2026-01-31 or 2026-01-31T12:00. */
function instantOf(text: string, { now, timeZone }: Given): Date | null {
  const ago = agoPattern.exec(text)
  if (ago) return new Date(now.getTime() - Number(ago[1]) * (ago[2] === 'h' ? hourMs : dayMs))
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)
  const at = isInstant ? new Date(text) : localInstant(text, timeZone)
  if (!at || Number.isNaN(at.getTime())) return null
  return at.getUTCFullYear() >= 2000 && at.getUTCFullYear() <= 2100 ? at : null
}

/** The query without `?`, in the order of `filterNames`; empty without filters. */
export function listQuery(query: RunFilter['query']): string {
  const params = new URLSearchParams()
  for (const name of filterNames) if (query[name]) params.set(name, query[name])
  return params.toString()
}

/** Parses `?include=manual,sub`. Ignores unknown kinds. */
export function readInclude(text: string | undefined): IncludableKind[] {
  const given = (text ?? '').split(',')
  return includableKinds.filter((kind) => given.includes(kind))
}

/** List filter for the runs included in a figure. */
export const countedRuns = (include: readonly IncludableKind[] = []): { kind: string } => ({
  kind: countedKinds(include).join(','),
})

/** Link to a run's page, with the list that it was opened from. */
export function runHref(id: string, list: string, node?: string): string {
  const params = new URLSearchParams()
  if (list) params.set('list', list)
  if (node !== undefined) params.set('node', node)
  const text = params.toString()
  return text ? `/executions/${id}?${text}` : `/executions/${id}`
}

export const listHref = (list: string): string => (list ? `/executions?${list}` : '/executions')
