/**
 * @module The spans of n8n's runs (2.19 and later), and the execution that they describe. A `workflow.execute` span ends
 * with each part of a run: a run that waits has one part before and one after each wait, in the same trace. A
 * `node.execute` span names only its parent, and may be exported before it. Spans of other programs are ignored.
 */
import { isFailed, isFinal } from '../../runs/meaning.ts'
import {
  isAiNode,
  isWaitNode,
  nodeRunActivity,
  nodeRunLimits,
  type NodeRun,
  type RunSummary,
} from '../record/node-runs.ts'
import { type IncomingExecution, noMessage } from '../record/merge.ts'
import { toRunData } from '../record/run-data.ts'
import { readPayload, reportText } from '../reports/payload.ts'
import type { Attributes, Span } from './wire.ts'

/** One part of a run. Times in milliseconds since 1970. */
export interface PartSpan {
  executionId: unknown
  workflowId: unknown
  workflowVersionId: unknown
  status: unknown
  mode: unknown
  retryOf: unknown
  startMs: number
  endMs: number
  error: { message: string; name: string | null } | null
}

export interface NodeSpan {
  spanId: string
  name: string
  type: string
  startMs: number
  endMs: number
  /** Among the nodes that started in the same millisecond: n8n exports them in the order of their end. */
  order: number
  items: number
  status: 'success' | 'error' | 'canceled'
  message: string | null
}

/** What one request contains of one part of a run. */
export interface PartSpans {
  /** Trace and span ID of the part. */
  partKey: string
  /** Trace and execution ID, which all parts of a run share; null until the part has ended. */
  runKey: string | null
  part: PartSpan | null
  nodes: NodeSpan[]
}

/** n8n exports at most 512 spans per request, a collector some thousands. */
const maxSpans = 10_000
const messageLimit = 2000
const keyPattern = /^[0-9a-f]{32}:[0-9a-f]{16}$/
const executionIdPattern = /^[A-Za-z0-9_-]{1,64}$/

/** Groups n8n's spans by the part of a run, without repetitions. @returns also the number of unusable spans */
export function partsOf(spans: Span[]): { parts: PartSpans[]; rejected: number } {
  const parts = new Map<string, PartSpans>()
  const seen = new Set<string>()
  const orders = new Map<string, number>()
  let rejected = 0
  for (const span of spans) {
    const isPart = span.name === 'workflow.execute' && span.attributes.has('n8n.execution.id')
    const isNode = span.name === 'node.execute' && span.attributes.has('n8n.node.name')
    if (!isPart && !isNode) continue
    const ownKey = `${span.traceId}:${span.spanId}`
    const partKey = isPart ? ownKey : `${span.traceId}:${span.parentSpanId}`
    if (seen.size >= maxSpans || !keyPattern.test(ownKey) || !keyPattern.test(partKey) || !hasTimes(span)) {
      rejected += 1
      continue
    }
    if (seen.has(ownKey)) continue
    seen.add(ownKey)
    const entry = parts.get(partKey) ?? { partKey, runKey: null, part: null, nodes: [] }
    parts.set(partKey, entry)
    if (isNode) {
      const simultaneous = `${partKey}:${Math.round(span.startMs)}`
      const order = orders.get(simultaneous) ?? 0
      orders.set(simultaneous, order + 1)
      entry.nodes.push(nodeOf(span, order))
      continue
    }
    entry.part = partOf(span)
    const { executionId } = entry.part
    const isKey = typeof executionId === 'string' && executionIdPattern.test(executionId)
    if (isKey) entry.runKey = `${span.traceId}:${executionId}`
    else {
      rejected += 1
      parts.delete(partKey)
    }
  }
  return { parts: [...parts.values()], rejected }
}

const hasTimes = ({ startMs, endMs }: Span): boolean => startMs > 0 && endMs >= startMs

function partOf({ attributes, events, startMs, endMs }: Span): PartSpan {
  const exception = events.findLast(({ name }) => name === 'exception')?.attributes
  return {
    executionId: attributes.get('n8n.execution.id'),
    workflowId: attributes.get('n8n.workflow.id'),
    workflowVersionId: attributes.get('n8n.workflow.version_id'),
    status: attributes.get('n8n.execution.status'),
    mode: attributes.get('n8n.execution.mode'),
    retryOf: attributes.get('n8n.execution.retry_of'),
    startMs: Math.round(startMs),
    endMs: Math.round(endMs),
    error: exception
      ? { message: messageOf(exception, messageLimit), name: errorName(exception, attributes) }
      : null,
  }
}

const messageOf = (exception: Attributes, limit: number): string =>
  reportText(exception.get('exception.message'), limit) ?? ''

/** OpenTelemetry prefers an error's code, such as `ECONNREFUSED`, over its name. */
function errorName(exception: Attributes, attributes: Attributes): string | null {
  const type = exception.get('exception.type')
  const name =
    typeof type === 'string' && /[a-z]/.test(type) ? type : attributes.get('n8n.execution.error_type')
  return typeof name === 'string' ? name.slice(0, 100) : null
}

function nodeOf({ spanId, attributes, events, isError, startMs, endMs }: Span, order: number): NodeSpan {
  const exception = events.findLast(({ name }) => name === 'exception')?.attributes
  const items = attributes.get('n8n.node.items.output')
  const wasCanceled = attributes.has('n8n.node.termination_reason')
  return {
    spanId,
    name: reportText(attributes.get('n8n.node.name'), nodeRunLimits.nameChars) ?? '',
    type: reportText(attributes.get('n8n.node.type'), nodeRunLimits.nameChars) ?? '',
    startMs: Math.round(startMs),
    endMs: Math.round(endMs),
    order,
    items: typeof items === 'number' && items >= 0 ? Math.trunc(items) : 0,
    status: wasCanceled ? 'canceled' : isError ? 'error' : 'success',
    message: exception ? messageOf(exception, messageLimit) : null,
  }
}

/**
 * The execution that all known parts of a run describe. The more spans are known, the greater its merge key.
 * @param known at least one part that has ended; a part may occur several times
 * @returns null when n8n's values are invalid
 */
export function executionOf(known: PartSpans[], receivedAt: Date): IncomingExecution | null {
  const byKey = new Map<string, { part: PartSpan | null; nodes: Map<string, NodeSpan> }>()
  for (const { partKey, part, nodes } of known) {
    const entry = byKey.get(partKey) ?? { part: null, nodes: new Map<string, NodeSpan>() }
    byKey.set(partKey, entry)
    entry.part ??= part
    for (const node of nodes) entry.nodes.set(node.spanId, node)
  }
  const parts = [...byKey.values()]
    .flatMap(({ part, nodes }) => (part ? [{ part, nodes: [...nodes.values()].toSorted(byTime) }] : []))
    .toSorted((a, b) => a.part.startMs - b.part.startMs || a.part.endMs - b.part.endMs)
  const first = parts[0]?.part
  const last = parts.at(-1)?.part
  if (!first || !last) return null
  const nodes = parts.flatMap((each, index) => withoutPaused(each.nodes, parts[index + 1]?.nodes))
  const { status, retryOf } = last
  const version = parts.map(({ part }) => part.workflowVersionId).find((id) => id !== undefined && id !== '')
  const payload = readPayload(
    {
      executionId: last.executionId,
      workflowId: last.workflowId,
      status,
      mode: last.mode,
      startedAt: first.startMs,
      finishedAt: last.endMs,
      workflowVersionId: version,
      retryOf,
      error: isFailure(status) ? { ...last.error, node: failedNode(nodes, last.error?.message) } : null,
    },
    receivedAt,
  )
  if (!payload.ok || !payload.execution) return null
  const { execution } = payload
  const eventAtMs = last.endMs
  if (!isFinal(execution.status)) return { ...execution, eventAtMs, finishedAtMs: null }
  const summary = nodes.length > 0 ? summaryOf(nodes) : undefined
  const activity = nodeRunActivity(
    nodes.map(({ startMs, endMs, type }) => ({ startMs, endMs, isWait: isWaitNode(type) })),
  )
  const waited = activity.waited || parts.length > 1
  const usage = nodes.some(({ type }) => isAiNode(type)) ? 'pending' : null
  const data = toRunData(summary, { ...activity, waited }, usage)
  // n8n names no version for a retry, which runs the version of the retried run.
  const ranRetriedVersion = version === undefined && execution.retryOf !== null
  return {
    ...execution,
    eventAtMs,
    data,
    knownSpans: nodes.length + parts.length,
    ...(ranRetriedVersion && { ranRetriedVersion }),
  }
}

const byTime = (a: NodeSpan, b: NodeSpan): number =>
  a.startMs - b.startMs || a.order - b.order || a.endMs - b.endMs

/** A Wait node that paused the run runs again when the run resumes. n8n's own data counts it once. */
function withoutPaused(nodes: NodeSpan[], next: NodeSpan[] | undefined): NodeSpan[] {
  const paused = nodes.at(-1)
  return paused && next?.[0]?.name === paused.name ? nodes.slice(0, -1) : nodes
}

const isFailure = (status: unknown): boolean => typeof status === 'string' && isFailed(status)

/** The node whose error ended the run; undefined when several nodes report the same one. */
function failedNode(nodes: NodeSpan[], message: string | undefined): string | undefined {
  const failed = nodes.filter(({ status }) => status === 'error')
  const same = failed.filter((node) => node.message === (message ?? null))
  const names = new Set((same.length > 0 ? same : failed).map(({ name }) => name))
  return names.size === 1 ? [...names][0] : undefined
}

function summaryOf(spans: NodeSpan[]): RunSummary {
  const byName = new Map<string, NodeSpan[]>()
  for (const span of spans) {
    const same = byName.get(span.name)
    if (same) same.push(span)
    else byName.set(span.name, [span])
  }
  const nodes = [...byName].slice(0, nodeRunLimits.nodes).map(([name, runs]) => toNodeRun(name, runs))
  const omittedNodes = byName.size - nodes.length
  return omittedNodes > 0 ? { nodes, omittedNodes } : { nodes }
}

function toNodeRun(name: string, runs: NodeSpan[]): NodeRun {
  const failed = runs.findLast(({ status }) => status === 'error')
  const message = failed?.message?.slice(0, nodeRunLimits.messageChars).toWellFormed()
  return {
    name,
    type: runs[0]?.type || null,
    status: runs.at(-1)?.status ?? null,
    startedAt: new Date(runs[0]?.startMs ?? 0).toISOString(),
    durationMs: runs.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0),
    items: runs.reduce((sum, { items }) => sum + items, 0),
    runs: runs.length,
    error: failed ? { message: message || noMessage, httpStatus: null } : null,
  }
}
