/**
 * @module Lays out a run's nodes over time: one row per node, sub-nodes nested under the node that uses them, and
 * nodes that did not run with the reason. Pure. Positions are shares of the run, from 0 to 1.
 */
import type { ExecutionStatus } from '../../../db/schema/executions.ts'
import type { NodeRun } from '../../../executions/record/node-runs.ts'
import { isFailed, isOpen } from '../../../runs/meaning.ts'
import { dayMs, hourMs } from '../../../lib/time.ts'
import type { WorkflowGraph } from '../../../executions/diagnosis/run-graph.ts'
import { failedNode } from '../../../executions/diagnosis/run-nodes.ts'
import { skippedNodes } from '../../../executions/diagnosis/skip-reasons.ts'

export type RowState = 'ok' | 'fail' | 'continued' | 'run' | 'wait' | 'idle' | 'skipped'

export interface TimelineRow {
  name: string
  /** The row represents the whole run, not a node. */
  isRun: boolean
  type: string | null
  /** 1 for a sub-node, 2 for a sub-node of a sub-node. */
  depth: number
  state: RowState
  bar: { x: number; width: number } | null
  /** Other rows are nested under it. */
  isParent: boolean
  durationMs: number | null
  runs: number
  items: number
  /** Why the node did not run; null if it ran or may have run. */
  reason: string | null
}

export interface Timeline {
  rows: TimelineRow[]
  /** Milliseconds from the start of the run. */
  ticks: { x: number; ms: number }[]
  totalMs: number
  ran: number
  /** Nodes of the version, or nodes that ran if the version is unknown. */
  nodeCount: number
  omitted: number
}

export interface TimelineInput {
  run: {
    status: ExecutionStatus
    startedAt: string | null
    finishedAt: string | null
    error: { message: string; node: string | null } | null
  }
  nodes: readonly NodeRun[]
  omitted: number
  graph: WorkflowGraph
  now: Date
}

export function layOut(input: TimelineInput): Timeline {
  const { run, nodes, graph, now } = input
  const starts = [run.startedAt, ...nodes.map(({ startedAt }) => startedAt)].flatMap(toMs)
  const startMs = starts.length > 0 ? Math.min(...starts) : now.getTime()
  const ends = [
    ...toMs(run.finishedAt),
    ...nodes.flatMap(({ startedAt, durationMs }) => toMs(startedAt).map((at) => at + (durationMs ?? 0))),
    ...(isOpen(run.status) ? [now.getTime()] : []),
  ]
  const totalMs = Math.max(1, Math.max(startMs, ...ends) - startMs)
  const failedAt = failedNode(run, nodes)
  const ranRows = nodes.map((node) => toRow(node, { startMs, totalMs, failedAt, graph }))
  const isReportedOnly = failedAt !== null && !nodes.some(({ name }) => name === failedAt)
  const known = [...nest(ranRows, graph), ...(isReportedOnly ? [rowOfReported(failedAt, graph)] : [])]
  const rows = [
    ...(nodes.length === 0 ? [...runRows(run, totalMs), ...unknownRows(input, known)] : known),
    ...(nodes.length > 0 && input.omitted === 0
      ? skippedNodes(graph, nodes, failedAt, isOpen(run.status)).map(rowOfSkipped)
      : []),
  ]
  return {
    rows,
    ticks: ticksOf(totalMs),
    totalMs,
    ran: nodes.length + input.omitted,
    nodeCount: Math.max(graph.nodes.length, nodes.length + input.omitted),
    omitted: input.omitted,
  }
}

const toMs = (iso: string | null): number[] => (iso === null ? [] : [Date.parse(iso)])

interface Frame {
  startMs: number
  totalMs: number
  failedAt: string | null
  graph: WorkflowGraph
}

function toRow(node: NodeRun, { startMs, totalMs, failedAt, graph }: Frame): TimelineRow {
  const [at] = toMs(node.startedAt)
  const x = at === undefined ? 0 : Math.min(1, Math.max(0, (at - startMs) / totalMs))
  return {
    isRun: false,
    name: node.name,
    type: node.type ?? graph.byName.get(node.name)?.type ?? null,
    depth: 0,
    state: stateOf(node, failedAt),
    bar: at === undefined ? null : { x, width: Math.min(1 - x, (node.durationMs ?? 0) / totalMs) },
    isParent: false,
    durationMs: node.durationMs,
    runs: node.runs,
    items: node.items,
    reason: null,
  }
}

function stateOf({ name, status, error }: NodeRun, failedAt: string | null): RowState {
  if (name === failedAt) return 'fail'
  if (error !== null) return 'continued'
  if (isFailed(status)) return 'fail'
  if (status === 'running' || status === 'new') return 'run'
  if (status === 'waiting') return 'wait'
  return status === 'canceled' || status === null || status === 'unknown' ? 'idle' : 'ok'
}

const notRun = {
  isRun: false,
  depth: 0,
  bar: null,
  isParent: false,
  durationMs: null,
  runs: 0,
  items: 0,
  reason: null,
}

/** A failure that was reported without the run's data. */
const rowOfReported = (name: string, graph: WorkflowGraph): TimelineRow => ({
  ...notRun,
  name,
  type: graph.byName.get(name)?.type ?? null,
  state: 'fail',
  runs: 1,
})

const rowOfSkipped = ({
  name,
  type,
  reason,
}: Pick<TimelineRow, 'name' | 'type' | 'reason'>): TimelineRow => ({
  ...notRun,
  name,
  type,
  state: 'skipped',
  reason,
})

/** Without node data, a run in progress is one growing bar. */
function runRows({ status, startedAt }: TimelineInput['run'], totalMs: number): TimelineRow[] {
  if (startedAt === null || (status !== 'running' && status !== 'waiting')) return []
  const state = status === 'running' ? 'run' : 'wait'
  return [
    {
      ...notRun,
      isRun: true,
      name: 'This run',
      type: null,
      state,
      bar: { x: 0, width: 1 },
      durationMs: totalMs,
      runs: 1,
    },
  ]
}

/** All nodes of the version, in an unknown state except for the known rows. */
function unknownRows({ graph }: TimelineInput, known: TimelineRow[]): TimelineRow[] {
  const all = graph.nodes.map(
    ({ name, type, isDisabled }): TimelineRow =>
      known.find((row) => row.name === name) ?? {
        ...notRun,
        name,
        type,
        state: isDisabled ? 'skipped' : 'idle',
        reason: isDisabled ? 'disabled' : null,
      },
  )
  return [...known.filter(({ name }) => !graph.byName.has(name)), ...nest(all, graph)]
}

/** In execution order, each row followed by its sub-nodes. */
function nest(rows: TimelineRow[], graph: WorkflowGraph): TimelineRow[] {
  const ran = new Set(rows.map(({ name }) => name))
  const childrenOf = new Map<string, TimelineRow[]>()
  const roots: TimelineRow[] = []
  for (const row of rows) {
    const parent = graph.usedBy.get(row.name)
    const isRoot = parent === undefined || !ran.has(parent) || parent === row.name
    if (isRoot) roots.push(row)
    else if (!childrenOf.get(parent)?.push(row)) childrenOf.set(parent, [row])
  }
  const placed = new Set<string>()
  const nested: TimelineRow[] = []
  const stack = roots.toReversed().map((row) => ({ row, depth: 0 }))
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { row, depth } = next
    if (placed.has(row.name)) continue
    placed.add(row.name)
    const children = childrenOf.get(row.name) ?? []
    nested.push({ ...row, depth: Math.min(depth, 2), isParent: children.length > 0 })
    for (const child of children.toReversed()) stack.push({ row: child, depth: depth + 1 })
  }
  // Nodes that use each other in a cycle have no root.
  return [...nested, ...rows.filter(({ name }) => !placed.has(name))]
}

/** Nodes of the version that did not run, in JSON order, each with the likely reason. */
const secondMs = 1000
const minuteMs = 60 * secondMs
const steps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((ms) => ms),
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * secondMs),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * minuteMs),
  ...[1, 2, 4, 6, 12, 24, 48, 96, 168].map((hours) => hours * hourMs),
]
const maxTicks = 5

/** About five ticks at round times, from 0. */
function ticksOf(totalMs: number): Timeline['ticks'] {
  const step =
    steps.find((each) => totalMs / each < maxTicks) ?? Math.ceil(totalMs / maxTicks / dayMs) * dayMs
  const ticks = []
  for (let ms = 0; ms <= totalMs; ms += step) ticks.push({ x: ms / totalMs, ms })
  return ticks
}

/** Labels a tick in the unit of the largest one: 0 s, 10 s, 20 s. */
export function tickLabel(ms: number, totalMs: number): string {
  const largest = ticksOf(totalMs).at(-1)?.ms ?? totalMs
  if (largest < secondMs) return `${ms} ms`
  if (largest < 2 * minuteMs) return `${ms / secondMs} s`
  if (largest < 2 * hourMs) return `${ms / minuteMs} min`
  return largest < 3 * dayMs ? `${ms / hourMs} h` : `${ms / dayMs} d`
}
