/** @module Places the names of nodes and the labels of outputs so that none overlaps a node or another label. Pure. */
import { outputPorts } from './edges.ts'
import { textWidth, wrapLabel } from './label.ts'
import type { GraphLayout } from './layout.ts'
import type { GraphNode, Point, WorkflowGraph } from './model.ts'
import { type Box, nodeSize } from './sizes.ts'

export interface Label extends Point {
  /** The whole text. */
  text: string
  /** At least one line; `y` is the baseline of the first. */
  lines: string[]
  /** Whether `x` is the middle of the lines or their start. */
  align: 'middle' | 'start'
}

export interface NodeLabels {
  /** Null where there is no room. The title of the node and the list show the name. */
  name: Label | null
  outputs: Label[]
}

export const lineHeight = 15

export const isCut = ({ lines }: Pick<Label, 'lines'>): boolean => lines.some((line) => line.endsWith('…'))
const maxNamePx = 118
const minNamePx = 30
const maxOutputPx = 84
const minOutputPx = 18
/** The width of a name beside a sub-node that has sub-nodes itself. */
const maxBesidePx = 96
const minBesidePx = 56
const gap = 5
const maxLines = 3

export function placeLabels({ nodes }: WorkflowGraph, { nodes: boxes }: GraphLayout): NodeLabels[] {
  const nodesNear = indexBoxes(boxes)
  const placed = nodes.map((node): NodeLabels => {
    const box = boxOf(boxes, node)
    const outputs = outputPorts(node, box).flatMap((port, index): Label[] => {
      const x = port.x + 10
      // The first label is above its line. The others are below, because the lines bend away from them.
      const y = index > 0 ? port.y + 14 : port.y - 6
      const room = freeWidth(nodesNear, { x, y: y - 10, width: maxOutputPx, height: 12 })
      const [text = ''] = room < minOutputPx ? [] : wrapLabel(port.label, room, 1, 11)
      return text === '' || text === '…' ? [] : [{ text: port.label, lines: [text], x, y, align: 'start' }]
    })
    return { name: beside(node, box, nodesNear), outputs }
  })
  const below = nodes.filter(({ index }) => !placed[index]?.name)
  const fixed = indexBoxes([
    ...boxes,
    ...placed.flatMap(({ name, outputs }) => (name ? [name, ...outputs] : outputs)).map(extent),
  ])
  // Each entry is the box of a node whose name goes below it, with half of the width that the name would like.
  const wished = below.map((node) => {
    const box = boxOf(boxes, node)
    return { ...box, half: widest(wrapLabel(node.name, maxNamePx, 2), 12) / 2 }
  })
  const wishedNear = indexBoxes(wished)
  for (const [at, node] of below.entries()) {
    const own = wished[at]
    const labels = placed[node.index]
    if (own && labels) labels.name = under(node, own, fixed, wishedNear)
  }
  return placed
}

const boxOf = (boxes: readonly Box[], { index }: GraphNode): Box =>
  boxes[index] ?? { x: 0, y: 0, width: 0, height: 0 }

/** A name inside a root node, or beside a sub-node with sub-nodes. Null if the name goes below the node. */
function beside(node: GraphNode, box: Box, near: Near<Box>): Label | null {
  const middle = box.y + box.height / 2
  const at = (x: number, lines: string[]): Label => ({
    text: node.name,
    lines,
    x,
    align: 'start',
    y: middle + 4 - ((lines.length - 1) * lineHeight) / 2,
  })
  if (node.shape === 'root') {
    return at(box.x + nodeSize - 4, wrapLabel(node.name, box.width - nodeSize - 6, 2))
  }
  if (node.ports.length === 0) return null
  const x = box.x + box.width + 8
  const room = freeWidth(near, { x, y: middle - lineHeight, width: maxBesidePx, height: 2 * lineHeight })
  return room < minBesidePx ? null : at(x, wrapLabel(node.name, room, 2))
}

function under(
  node: GraphNode,
  own: Box & { half: number },
  fixed: Near<Box>,
  wishedNear: Near<Box & { half: number }>,
): Label | null {
  const middle = own.x + own.width / 2
  const foot = own.y + own.height
  // Below the diamond of a sub-node.
  const top = foot + (node.ports.length > 0 ? 10 : gap)
  const reach = { x: middle - maxNamePx, width: 2 * maxNamePx, y: foot - 60, height: 120 }
  const neighbors = wishedNear(reach)
  let best: { lines: string[]; shown: number } | null = null
  for (let count = 1; count <= maxLines; count += 1) {
    const strip = { ...reach, y: top, height: count * lineHeight }
    let half = maxNamePx / 2
    for (const box of fixed(strip)) {
      half = Math.min(half, (box.x > middle ? box.x - middle : middle - (box.x + box.width)) - gap)
    }
    for (const other of neighbors) {
      if (other === own || Math.abs(other.y + other.height - foot) >= maxLines * lineHeight + 8) continue
      const distance = Math.abs(other.x + other.width / 2 - middle) - gap
      // Neighbors share the space between them, unless one needs less than half of it.
      half = Math.min(half, Math.max(distance / 2, distance - other.half))
    }
    if (half * 2 < minNamePx) break
    const lines = named(node, half * 2, count)
    const hasRest = isCut({ lines })
    const shown = hasRest ? lines.join('').length : Number.POSITIVE_INFINITY
    if (shown > (best?.shown ?? 0)) best = { lines, shown }
    // A third line is for narrow names only.
    if (!hasRest || (count === 2 && half * 2 > 80)) break
  }
  return best && { text: node.name, lines: best.lines, x: middle, y: top + 12, align: 'middle' }
}

/** Marks a disabled node in its last line, if there is more than one. */
const named = ({ name, disabled }: GraphNode, widthPx: number, count: number): string[] =>
  disabled && count > 1
    ? [...wrapLabel(name, widthPx, count - 1), ...wrapLabel('(disabled)', widthPx, 1)]
    : wrapLabel(name, widthPx, count)

const widest = (lines: readonly string[], sizePx: number): number =>
  lines.reduce((width, line) => Math.max(width, textWidth(line, sizePx)), 0)

/** The area of a label. */
export function extent({ lines, x, y, align }: Label): Box {
  const width = widest(lines, 12)
  return {
    x: align === 'start' ? x : x - width / 2,
    y: y - 11,
    width,
    height: (lines.length - 1) * lineHeight + 14,
  }
}

/** The width of `area` from its left edge to the next box. */
const freeWidth = (near: Near<Box>, area: Box): number =>
  Math.min(
    area.width,
    ...[...near(area)].flatMap((box) => (box.x + box.width > area.x ? [box.x - area.x - gap] : [])),
  )

/** The boxes that overlap an area. */
type Near<T> = (area: Box) => Set<T>

const cellPx = 160

/** A grid, so that a look-up takes the same time in a large graph. */
function indexBoxes<T extends Box>(boxes: readonly T[]): Near<T> {
  const cells = new Map<string, T[]>()
  for (const box of boxes) {
    for (const key of cellsOf(box)) {
      const cell = cells.get(key)
      if (cell) cell.push(box)
      else cells.set(key, [box])
    }
  }
  return (area) =>
    new Set(
      cellsOf(area)
        .flatMap((key) => cells.get(key) ?? [])
        .filter(
          (box) =>
            box.x < area.x + area.width &&
            area.x < box.x + box.width &&
            box.y < area.y + area.height &&
            area.y < box.y + box.height,
        ),
    )
}

function cellsOf({ x, y, width, height }: Box): string[] {
  const keys: string[] = []
  for (let column = Math.floor(x / cellPx); column * cellPx <= x + width; column += 1) {
    for (let row = Math.floor(y / cellPx); row * cellPx <= y + height; row += 1) {
      keys.push(`${column} ${row}`)
    }
  }
  return keys
}
