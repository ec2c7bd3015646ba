/** @module Positions the nodes of a graph as in n8n, or in layers if those positions are unusable. Pure. */
import { layer } from './layers.ts'
import type { GraphNode, GraphNote, Point, WorkflowGraph } from './model.ts'
import { type Box, labelHeight, sizeOf } from './sizes.ts'

export interface GraphLayout {
  width: number
  height: number
  /** By node index. */
  nodes: Box[]
  /** By note index. */
  notes: Box[]
  /** Whether most positions come from n8n. */
  fromN8n: boolean
}

/** Relative to n8n's pixels. */
const scale = 0.6
/** The maximum width of an empty band. */
const maxGap = { x: 240, y: 170 }
const margin = { left: 36, right: 36, top: 36, bottom: 52 }
/** The share of overlapping nodes from which positions are unusable. */
const maxOverlapping = 0.3

export function layOut(graph: WorkflowGraph): GraphLayout {
  const { nodes } = graph
  const placed = nodes.filter((node) => node.position !== null)
  const boxes = placed.map((node) => boxOf(node, node.position ?? { x: 0, y: 0 }))
  const fromN8n = placed.length > 0 && overlapping(boxes) <= Math.max(1, placed.length * maxOverlapping)
  if (!fromN8n) return assemble(graph, layer(graph, nodes), [])
  const notes = graph.notes.flatMap((note, index) =>
    note.position ? [{ index, box: noteBox(note, note.position) }] : [],
  )
  const closed = closeGaps([...boxes, ...notes.map(({ box }) => box)])
  const result: Box[] = []
  for (const [at, node] of placed.entries()) result[node.index] = closed[at] ?? boxOf(node, { x: 0, y: 0 })
  pushApart(placed.map(({ index }) => result[index] as Box))
  const left = nodes.filter((node) => node.position === null)
  if (left.length > 0) {
    const below = Math.max(...closed.map((box) => box.y + box.height)) + labelHeight + 40
    const start = Math.min(...closed.map((box) => box.x))
    for (const [index, box] of layer(graph, left).entries()) {
      if (box) result[index] = { ...box, x: box.x + start, y: box.y + below }
    }
  }
  const noteBoxes: Box[] = []
  for (const [at, { index }] of notes.entries()) noteBoxes[index] = closed[boxes.length + at] as Box
  return assemble(graph, result, noteBoxes, true)
}

function boxOf(node: GraphNode, { x, y }: Point): Box {
  return { x: x * scale, y: y * scale, ...sizeOf(node) }
}

const noteBox = ({ width, height }: GraphNote, { x, y }: Point): Box => ({
  x: x * scale,
  y: y * scale,
  width: width * scale,
  height: height * scale,
})

/** Moves everything inside the margins. Notes without a position go in a row below. */
function assemble(
  { nodes, notes }: WorkflowGraph,
  boxes: readonly (Box | undefined)[],
  noteBoxes: readonly (Box | undefined)[],
  fromN8n = false,
): GraphLayout {
  const own = nodes.map((node) => boxes[node.index] ?? boxOf(node, { x: 0, y: 0 }))
  const known = [...own, ...noteBoxes.filter((box) => box !== undefined)]
  const bottom = known.reduce((lowest, box) => Math.max(lowest, box.y + box.height), 0)
  let x = known.reduce((leftmost, box) => Math.min(leftmost, box.x), known.length > 0 ? Infinity : 0)
  const all = [
    ...own,
    ...notes.map((note, index) => {
      const box = noteBoxes[index]
      if (box) return box
      const below = { ...noteBox(note, { x: 0, y: 0 }), x, y: bottom + labelHeight + 32 }
      x += below.width + 24
      return below
    }),
  ]
  const left = all.reduce((edge, box) => Math.min(edge, box.x), Infinity)
  const top = all.reduce((edge, box) => Math.min(edge, box.y), Infinity)
  const moved = all.map((box) => ({
    x: Math.round(box.x - left + margin.left),
    y: Math.round(box.y - top + margin.top),
    width: Math.round(box.width),
    height: Math.round(box.height),
  }))
  return {
    width: moved.reduce((edge, box) => Math.max(edge, box.x + box.width), 0) + margin.right,
    height: moved.reduce((edge, box) => Math.max(edge, box.y + box.height), 0) + margin.bottom,
    nodes: moved.slice(0, own.length),
    notes: moved.slice(own.length),
    fromN8n,
  }
}

export const overlap = (a: Box, b: Box, gap = 0): boolean =>
  a.x < b.x + b.width + gap &&
  b.x < a.x + a.width + gap &&
  a.y < b.y + b.height + gap &&
  b.y < a.y + a.height + gap

/** Counts the boxes that overlap another one, with a sweep from left to right. */
function overlapping(boxes: readonly Box[]): number {
  const sorted = boxes.toSorted((a, b) => a.x - b.x)
  const hit = new Set<Box>()
  for (const [index, box] of sorted.entries()) {
    for (let next = index + 1; next < sorted.length; next += 1) {
      const other = sorted[next] as Box
      if (other.x >= box.x + box.width) break
      if (overlap(box, other)) hit.add(box).add(other)
    }
  }
  return hit.size
}

/** Moves overlapping boxes down until none overlap. */
function pushApart(boxes: Box[]): void {
  /** Sorted by bottom edge, so that a box never meets one that it has already passed. */
  const done: Box[] = []
  for (const box of boxes.toSorted((a, b) => a.y - b.y || a.x - b.x)) {
    for (const other of done) {
      if (overlap(box, other, 6)) box.y = bottomOf(other) + labelHeight
    }
    const place = done.findLastIndex((other) => bottomOf(other) <= bottomOf(box))
    done.splice(place + 1, 0, box)
  }
}

const bottomOf = (box: Box): number => box.y + box.height

/** Narrows the empty bands in both directions. */
function closeGaps(boxes: readonly Box[]): Box[] {
  const toX = narrowed(
    boxes.map(({ x, width }) => [x, x + width]),
    maxGap.x,
  )
  const toY = narrowed(
    boxes.map(({ y, height }) => [y, y + height + labelHeight]),
    maxGap.y,
  )
  return boxes.map((box) => ({ ...box, x: toX(box.x), y: toY(box.y) }))
}

function narrowed(spans: [number, number][], limit: number): (at: number) => number {
  const cuts: { from: number; by: number }[] = []
  let end = Number.NEGATIVE_INFINITY
  let by = 0
  for (const [start, stop] of spans.toSorted((a, b) => a[0] - b[0])) {
    if (start - end > limit && Number.isFinite(end)) {
      by += start - end - limit
      cuts.push({ from: start, by })
    }
    end = Math.max(end, stop)
  }
  return (at) => at - (cuts.findLast(({ from }) => from <= at)?.by ?? 0)
}
