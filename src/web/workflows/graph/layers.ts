/** @module Places nodes without a position: each step to the right of its predecessors, sub-nodes below their root. Pure. */
import type { GraphEdge, GraphNode, WorkflowGraph } from './model.ts'
import { type Box, labelHeight, sizeOf, subSize } from './sizes.ts'

const columnGap = 68
const rowGap = 28
const subGap = 62
/** The distance from one sub-node to the next. */
const subStep = 104
const subsPerRow = 6
const looseColumns = 8

/** The boxes of `unplaced`, by node index. */
export function layer(graph: WorkflowGraph, unplaced: readonly GraphNode[]): Box[] {
  const nodes = new Map(unplaced.map((node) => [node.index, node]))
  const between = graph.edges.filter(({ from, to }) => nodes.has(from) && nodes.has(to) && from !== to)
  const steps = between.filter(({ type }) => type === 'main')
  const owners = ownersOf(
    between.filter(({ type }) => type !== 'main'),
    nodes,
  )
  const families = familiesOf(unplaced, owners)
  const connected = new Set(steps.flatMap(({ from, to }) => [from, to]))
  const roots = unplaced.filter(({ index }) => !owners.has(index))
  const boxes: Box[] = []
  let top = 0
  for (const part of componentsOf(
    roots.filter(({ index }) => connected.has(index)),
    steps,
  )) {
    top = placePart(part, steps, families, boxes, top) + rowGap
  }
  placeLoose(
    roots.filter(({ index }) => !connected.has(index)),
    families,
    boxes,
    top,
  )
  return boxes
}

/** Sub-node → its first root node. Skips circular connections. */
function ownersOf(edges: readonly GraphEdge[], nodes: ReadonlyMap<number, GraphNode>): Map<number, number> {
  const owners = new Map<number, number>()
  for (const { from, to } of edges) {
    if (nodes.get(from)?.shape !== 'sub' || owners.has(from)) continue
    let above: number | undefined = to
    while (above !== undefined && above !== from) above = owners.get(above)
    if (above === undefined) owners.set(from, to)
  }
  return owners
}

/** A node and all its sub-nodes, in rows. */
interface Family {
  width: number
  height: number
  /** Offsets of the sub-nodes from the node's center and bottom. */
  below: { index: number; dx: number; dy: number }[]
}

function familiesOf(
  unplaced: readonly GraphNode[],
  owners: ReadonlyMap<number, number>,
): Map<number, Family> {
  const served = new Map<number, number[]>()
  for (const [sub, owner] of owners) {
    const subs = served.get(owner)
    if (subs) subs.push(sub)
    else served.set(owner, [sub])
  }
  const families = new Map<number, Family>()
  for (const node of unplaced) {
    if (owners.has(node.index)) continue
    const { width, height } = sizeOf(node)
    const below: Family['below'] = []
    let dy = subGap
    let widest = width
    for (let row = served.get(node.index) ?? []; row.length > 0; ) {
      for (let start = 0; start < row.length; start += subsPerRow) {
        const line = row.slice(start, start + subsPerRow)
        for (const [place, index] of line.entries()) {
          below.push({ index, dx: (place - (line.length - 1) / 2) * subStep, dy })
        }
        widest = Math.max(widest, line.length * subStep)
        dy += subSize + labelHeight + 24
      }
      row = row.flatMap((index) => served.get(index) ?? [])
      dy += 20
    }
    const foot = below.length > 0 ? dy : 0
    families.set(node.index, { width: widest, height: height + Math.max(labelHeight, foot), below })
  }
  return families
}

/** Groups of connected nodes, in the order of the workflow. */
function componentsOf(nodes: readonly GraphNode[], steps: readonly GraphEdge[]): GraphNode[][] {
  const group = new Map(nodes.map(({ index }) => [index, index]))
  const find = (index: number): number => {
    let root = index
    while ((group.get(root) ?? root) !== root) root = group.get(root) ?? root
    for (let at = index; at !== root; ) {
      const next = group.get(at) ?? root
      group.set(at, root)
      at = next
    }
    return root
  }
  for (const { from, to } of steps) {
    if (!group.has(from) || !group.has(to)) continue
    const [a, b] = [find(from), find(to)]
    group.set(Math.max(a, b), Math.min(a, b))
  }
  const parts = new Map<number, GraphNode[]>()
  for (const node of nodes) {
    const root = find(node.index)
    const part = parts.get(root)
    if (part) part.push(node)
    else parts.set(root, [node])
  }
  return [...parts.values()]
}

/** @returns the bottom edge */
function placePart(
  part: readonly GraphNode[],
  steps: readonly GraphEdge[],
  families: ReadonlyMap<number, Family>,
  boxes: Box[],
  top: number,
): number {
  const layers = layersOf(part, steps)
  let left = 0
  let bottom = top
  for (const nodes of layers) {
    const widest = Math.max(...nodes.map(({ index }) => families.get(index)?.width ?? 0))
    let y = top
    for (const node of nodes) {
      const family = families.get(node.index)
      placeFamily(node, family, boxes, left + widest / 2, y)
      y += (family?.height ?? 0) + rowGap
    }
    left += widest + columnGap
    bottom = Math.max(bottom, y)
  }
  return bottom
}

function placeFamily(
  node: GraphNode,
  family: Family | undefined,
  boxes: Box[],
  middle: number,
  y: number,
): void {
  const size = sizeOf(node)
  boxes[node.index] = { ...size, x: middle - size.width / 2, y }
  for (const { index, dx, dy } of family?.below ?? []) {
    boxes[index] = { x: middle + dx - subSize / 2, y: y + size.height + dy, width: subSize, height: subSize }
  }
}

/** Places unconnected nodes in rows below the others. */
function placeLoose(
  nodes: readonly GraphNode[],
  families: ReadonlyMap<number, Family>,
  boxes: Box[],
  top: number,
): void {
  let y = top
  for (let start = 0; start < nodes.length; start += looseColumns) {
    const row = nodes.slice(start, start + looseColumns)
    let left = 0
    for (const node of row) {
      const family = families.get(node.index)
      const width = family?.width ?? 0
      placeFamily(node, family, boxes, left + width / 2, y)
      left += width + columnGap
    }
    y += Math.max(...row.map(({ index }) => families.get(index)?.height ?? 0)) + rowGap
  }
}

/** Puts each step into the layer of its longest path from a start. Ignores backward connections. */
function layersOf(part: readonly GraphNode[], steps: readonly GraphEdge[]): GraphNode[][] {
  const inPart = new Map(part.map((node) => [node.index, node]))
  const forward = withoutCycles(
    part,
    steps.filter(({ from, to }) => inPart.has(from) && inPart.has(to)),
  )
  const waiting = new Map(part.map(({ index }) => [index, 0]))
  for (const targets of forward.values()) {
    for (const to of targets) waiting.set(to, (waiting.get(to) ?? 0) + 1)
  }
  const depths = new Map<number, number>()
  const ready = part.filter(({ index }) => waiting.get(index) === 0).map(({ index }) => index)
  for (const index of ready) {
    const depth = depths.get(index) ?? 0
    depths.set(index, depth)
    for (const to of forward.get(index) ?? []) {
      depths.set(to, Math.max(depths.get(to) ?? 0, depth + 1))
      const left = (waiting.get(to) ?? 1) - 1
      waiting.set(to, left)
      if (left === 0) ready.push(to)
    }
  }
  const layers: GraphNode[][] = []
  for (const index of ready) {
    const node = inPart.get(index)
    const depth = depths.get(index) ?? 0
    if (node) (layers[depth] ??= []).push(node)
  }
  return layers.filter((nodes) => nodes !== undefined)
}

/** Node → its distinct successors in output order, without backward connections. Uses an explicit stack. */
function withoutCycles(part: readonly GraphNode[], steps: readonly GraphEdge[]): Map<number, number[]> {
  const after = new Map<number, Set<number>>()
  const entered = new Set<number>()
  for (const { from, to } of steps.toSorted((a, b) => a.output - b.output)) {
    after.set(from, (after.get(from) ?? new Set()).add(to))
    entered.add(to)
  }
  const state = new Map<number, 'open' | 'done'>()
  const forward = new Map<number, number[]>()
  const starts = [...part].toSorted(
    (a, b) =>
      Number(b.trigger) - Number(a.trigger) || Number(entered.has(a.index)) - Number(entered.has(b.index)),
  )
  for (const { index: start } of starts) {
    if (state.has(start)) continue
    state.set(start, 'open')
    const stack = [{ index: start, targets: [...(after.get(start) ?? [])].values() }]
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { value: to, done } = top.targets.next()
      if (done) {
        state.set(top.index, 'done')
        stack.pop()
      } else if (state.get(to) !== 'open') {
        const targets = forward.get(top.index)
        if (targets) targets.push(to)
        else forward.set(top.index, [to])
        if (!state.has(to)) {
          state.set(to, 'open')
          stack.push({ index: to, targets: [...(after.get(to) ?? [])].values() })
        }
      }
    }
  }
  return forward
}
