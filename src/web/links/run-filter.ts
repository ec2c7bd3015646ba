/**
 * @module Filters of the runs list in the URL. Invalid filters are ignored and reported. The URL contains the complete
 * state of the list, so a run's page receives it as one parameter to find the neighboring runs.
 */
import { isUuid } from '../../lib/scalars.ts'
import { isStorable } from '../../lib/storable-text.ts'
import { executionStatuses, runKinds } from '../../db/schema/executions.ts'
import { countedKinds, failedStatuses, type IncludableKind, includableKinds } from '../../runs/meaning.ts'
import { type RunPosition, readRunCursor } from '../../runs/order.ts'
import type { ExecutionSearch } from '../../executions/list-filter.ts'
import { dayMs, hourMs } from '../../lib/time.ts'
import { localInstant, yesterday } from '../../lib/local-time.ts'
import { shownParameter } from './parameters.ts'

/** In URL order. */
export const filterNames = [
  'status',
  'mode',
  'wf',
  'wfname',
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
  (name: 'errorNode' | 'workflowName' | 'q', maxChars: number): Reader =>
  (text) =>
    text.length <= maxChars && isStorable(text) ? { [name]: text } : null

const readTime =
  (name: 'from' | 'to'): Reader =>
  (text, given) => {
    if (name === 'from' && text === 'yesterday') return yesterday(given.now, given.timeZone)
    const at = instantOf(text, given)
    return at && { [name]: at }
  }

const readers: Record<FilterName, Reader> = {
  status: readStatus,
  mode: readModes,
  kind: readKinds,
  wf: readId('workflowId'),
  wfname: readText('workflowName', 200),
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
const otherNames = new Set(['than', 'format', 'list'])

/** `24h`, `7d` */
const agoPattern = /^([1-9]\d{0,3})([hd])$/

/** `24h`, `7d` or `yesterday`. */
export const isAgo = (text: string): boolean => agoPattern.test(text) || text === 'yesterday'

/**
 * The last valid value of a repeated filter applies. A `period` such as `24h` or `yesterday` replaces `from`, and a `to`
 * that came with it; `wfname` replaces `wf`. A `to` ends a `from=yesterday` in place of midnight.
 */
export function readRunFilter(params: URLSearchParams, now: Date, timeZone: string): RunFilter {
  const given = { now, timeZone }
  const filter: RunFilter = { search: {}, query: {}, after: null, ignored: [] }
  const ignore = (name: string, value: string) => filter.ignored.push(shownParameter(name, value))
  const found = new Map<FilterName, Partial<ExecutionSearch>>()
  let period: string | undefined
  let after = ''
  for (const [name, text] of params) {
    const value = text.trim()
    if (value === '') continue
    const known = filterNames.find((each) => each === name)
    const read = known ? readers[known](value, given) : null
    if (known && read) {
      filter.query[known] = value
      found.set(known, read)
    } else if (name === 'period' && isAgo(value)) period = value
    else if (name === 'after') after = value
    else if (!otherNames.has(name)) ignore(name, value)
  }
  if (period !== undefined) {
    if (found.delete('from') && found.delete('to')) delete filter.query.to
    filter.query.from = period
    found.set('from', readers.from(period, given) ?? {})
  }
  if (found.has('wfname') && found.delete('wf')) delete filter.query.wf
  for (const name of filterNames) Object.assign(filter.search, found.get(name))
  const { from, to } = filter.search
  if (from && to && from >= to) {
    ignore('to', filter.query.to ?? '')
    delete filter.query.to
    delete filter.search.to
    Object.assign(filter.search, found.get('from'))
  }
  // Older links contain an ID.
  filter.after = isUuid(after) ? { id: after, happenedAtMs: null } : readRunCursor(after)
  if (filter.after === null && after !== '') ignore('after', after)
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

/** Whether `?include=` has known kinds only. */
export const isInclude = (text: string): boolean =>
  text.split(',').every((each) => includableKinds.some((kind) => kind === each))

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
