/** @module Positions of new nodes: right of their source, below their agent, without overlaps. Deterministic. */
import { isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { addTo } from '../../lib/grouped.ts'
import { isTarget, slotsOf } from '../../n8n/reading/connection-slots.ts'
import { MAIN } from './connections.ts'

/** Multiples of n8n's grid of 16. */
const stepX = 224
const stepY = 160
/** Nodes that are closer than this in both directions overlap or touch, with their labels. */
const near = { x: 192, y: 128 }
const stickyNote = 'n8n-nodes-base.stickyNote'

type Point = [x: number, y: number]

function positionOf({ position }: JsonObject): Point | undefined {
  const [x, y]: unknown[] = listOf(position)
  return isPlace(x) && isPlace(y) ? [x, y] : undefined
}

/** Beyond, a step would be lost in rounding. */
const isPlace = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= 1e9

/** Occupied places, in cells of the size in which nodes overlap. */
class Canvas {
  readonly #cells = new Map<string, Point[]>()

  add([x, y]: Point): void {
    addTo(this.#cells, this.#cellOf(x, y), [x, y])
  }

  isFree(x: number, y: number): boolean {
    for (const dx of [-near.x, 0, near.x]) {
      for (const dy of [-near.y, 0, near.y]) {
        const points = this.#cells.get(this.#cellOf(x + dx, y + dy)) ?? []
        if (points.some(([px, py]) => Math.abs(px - x) < near.x && Math.abs(py - y) < near.y)) return false
      }
    }
    return true
  }

  #cellOf(x: number, y: number): string {
    return `${Math.floor(x / near.x)} ${Math.floor(y / near.y)}`
  }
}

/** Gives every node of `added` a position, in this order. */
export function placeNodes(workflow: JsonObject, added: ReadonlySet<JsonObject>): void {
  if (added.size === 0) return
  const nodes = listOf(workflow.nodes).filter((node) => isObject(node))
  const placed = new Map<string, Point>()
  const canvas = new Canvas()
  const bounds = { left: Infinity, bottom: -Infinity }
  const take = (node: JsonObject, point: Point) => {
    if (node.type === stickyNote) return
    if (typeof node.name === 'string' && !placed.has(node.name)) placed.set(node.name, point)
    canvas.add(point)
    bounds.left = Math.min(bounds.left, point[0])
    bounds.bottom = Math.max(bounds.bottom, point[1])
  }
  for (const node of nodes) {
    const point = added.has(node) ? undefined : positionOf(node)
    if (point) take(node, point)
  }
  const names = new Set([...added].map(({ name }) => name))
  const before = new Map<string, string[]>()
  const after = new Map<string, { to: string; type: string }[]>()
  for (const { from, type, targets } of slotsOf(workflow.connections)) {
    for (const target of targets) {
      if (!isTarget(target)) continue
      // A sub-node is the source of its agent, but its place is below.
      if (names.has(target.node) && type === MAIN) addTo(before, target.node, from)
      if (names.has(from)) addTo(after, from, { to: target.node, type })
    }
  }
  const left = new Set(added)
  const anchorOf = (node: JsonObject): Point | undefined => {
    const name = String(node.name)
    const sources = (before.get(name) ?? []).map((each) => placed.get(each)).filter((at) => at !== undefined)
    if (sources.length > 0) {
      return [Math.max(...sources.map(([x]) => x)) + stepX, Math.min(...sources.map(([, y]) => y))]
    }
    for (const { to, type } of after.get(name) ?? []) {
      const target = placed.get(to)
      if (target) return type === MAIN ? [target[0] - stepX, target[1]] : [target[0], target[1] + stepY + 48]
    }
    return undefined
  }
  const place = (node: JsonObject, [x, y]: Point) => {
    const at: Point = [Math.round(x), Math.round(y)]
    if (node.type !== stickyNote) while (!canvas.isFree(...at)) at[1] += stepY
    node.position = at
    take(node, at)
    left.delete(node)
  }
  while (left.size > 0) {
    let isProgress = false
    for (const node of left) {
      const anchor = anchorOf(node)
      if (!anchor) continue
      place(node, anchor)
      isProgress = true
    }
    const [first] = left
    if (isProgress || !first) continue
    place(first, Number.isFinite(bounds.left) ? [bounds.left, bounds.bottom + stepY] : [0, 0])
  }
}
