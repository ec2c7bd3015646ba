/** @module Draws the lines between the nodes of a graph. Pure. */
import type { GraphLayout } from './layout.ts'
import type { GraphEdge, GraphNode, Point, WorkflowGraph } from './model.ts'
import { type Box, labelHeight, portStep } from './sizes.ts'

export interface DrawnEdge {
  edge: GraphEdge
  path: string
  /** The tip of the arrow. Null for a line that ends in a diamond. */
  arrow: Point | null
}

export interface Port extends Point {
  label: string
}

const arrowLength = 7
/** The distance between a backward line and the nodes that it goes around. */
const clearance = 22
const laneStep = 9
const lanes = 6
const corner = 10

/** The start points of the lines from main outputs. */
export const outputPorts = ({ outputs }: GraphNode, box: Box): Port[] =>
  outputs.map((label, index) => ({
    label,
    x: box.x + box.width,
    y: box.y + box.height / 2 + (index - (outputs.length - 1) / 2) * portStep,
  }))

const inputPort = ({ inputs }: GraphNode, box: Box, index: number): Point => ({
  x: box.x,
  y: box.y + box.height / 2 + (Math.min(index, inputs - 1) - (inputs - 1) / 2) * portStep,
})

/** The diamonds for sub-nodes, each labeled with their kind. */
export const lowerPorts = ({ ports, shape }: GraphNode, box: Box): Port[] =>
  ports.map((label, index) => ({
    label,
    // Move them onto the edge of the circle.
    x: Math.round(box.x + (box.width * (index + 1)) / (ports.length + 1)),
    y: box.y + box.height - (shape === 'sub' && ports.length > 1 ? 4 : 0),
  }))

export interface DrawnEdges {
  lines: DrawnEdge[]
  /** The size of the graph with all its lines. */
  width: number
  height: number
}

export function drawEdges({ nodes, edges }: WorkflowGraph, layout: GraphLayout): DrawnEdges {
  let { width, height } = layout
  let back = 0
  const lines = edges.flatMap((edge): DrawnEdge[] => {
    const [from, to] = [nodes[edge.from], nodes[edge.to]]
    const [start, end] = [layout.nodes[edge.from], layout.nodes[edge.to]]
    if (!from || !to || !start || !end) return []
    if (edge.type !== 'main') return [{ edge, path: attachment(edge, to, start, end), arrow: null }]
    const out = outputPorts(from, start)[edge.output] ?? middleRight(start)
    const tip = inputPort(to, end, edge.input)
    const stop = { x: tip.x - arrowLength, y: tip.y }
    if (edge.from !== edge.to && stop.x - out.x >= 8) return [{ edge, path: curve(out, stop), arrow: tip }]
    const lane = back % lanes
    back += 1
    const floor = lowestBetween(layout.nodes, start, end) + labelHeight + clearance + lane * laneStep
    const right = out.x + clearance + lane * 3
    height = Math.max(height, floor + clearance)
    width = Math.max(width, right + clearance)
    return [{ edge, path: around(out, stop, right, stop.x - clearance + 8 - lane * 3, floor), arrow: tip }]
  })
  return { lines, width: Math.ceil(width), height: Math.ceil(height) }
}

const middleRight = (box: Box): Point => ({ x: box.x + box.width, y: box.y + box.height / 2 })

function curve(from: Point, to: Point): string {
  const bend = Math.max(12, (to.x - from.x) / 2)
  return `M${n(from.x)} ${n(from.y)}C${n(from.x + bend)} ${n(from.y)} ${n(to.x - bend)} ${n(to.y)} ${n(to.x)} ${n(to.y)}`
}

/** A path that leaves to the right, passes below both nodes, and enters from the left. */
function around(from: Point, to: Point, right: number, left: number, floor: number): string {
  const r = Math.min(corner, Math.max(2, (floor - Math.max(from.y, to.y)) / 2))
  return [
    `M${n(from.x)} ${n(from.y)}H${n(right - r)}`,
    `Q${n(right)} ${n(from.y)} ${n(right)} ${n(from.y + r)}V${n(floor - r)}`,
    `Q${n(right)} ${n(floor)} ${n(right - r)} ${n(floor)}H${n(left + r)}`,
    `Q${n(left)} ${n(floor)} ${n(left)} ${n(floor - r)}V${n(to.y + r)}`,
    `Q${n(left)} ${n(to.y)} ${n(left + r)} ${n(to.y)}H${n(to.x)}`,
  ].join('')
}

/** The lowest edge of the nodes between two nodes at about the same height. */
function lowestBetween(boxes: readonly Box[], a: Box, b: Box): number {
  const left = Math.min(a.x, b.x)
  const right = Math.max(a.x + a.width, b.x + b.width)
  const top = Math.min(a.y, b.y)
  const bottom = Math.max(a.y + a.height, b.y + b.height)
  return boxes
    .filter(
      (box) => box.x < right && box.x + box.width > left && box.y < bottom + labelHeight && box.y >= top,
    )
    .reduce((lowest, box) => Math.max(lowest, box.y + box.height), bottom)
}

/** A path from the top of a sub-node to a diamond of its root node. */
function attachment(edge: GraphEdge, to: GraphNode, start: Box, end: Box): string {
  const ports = lowerPorts(to, end)
  const port = ports.find(({ label }) => label === edge.type) ?? {
    x: end.x + end.width / 2,
    y: end.y + end.height,
  }
  const [x, y] = [start.x + start.width / 2, start.y]
  const [px, py] = [port.x, port.y + 5]
  const bend = Math.max(18, Math.abs(y - py) / 2)
  return `M${n(x)} ${n(y)}C${n(x)} ${n(y - bend)} ${n(px)} ${n(py + bend)} ${n(px)} ${n(py)}`
}

/** Rounds to a tenth of a pixel. */
const n = (value: number): string => String(Math.round(value * 10) / 10)
