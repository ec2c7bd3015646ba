/** @module Sizes in a graph, in pixels. */
import type { GraphNode, Point } from './model.ts'

export interface Box extends Point {
  width: number
  height: number
}

export const nodeSize = 56
export const rootWidth = 150
export const subSize = 46
/** The distance between two ports on a side. */
export const portStep = 20
/** The height of two name lines below a node. */
export const labelHeight = 40

export const sizeOf = ({ shape, outputs, inputs }: GraphNode) =>
  shape === 'sub'
    ? { width: subSize, height: subSize }
    : {
        width: shape === 'root' ? rootWidth : nodeSize,
        height: Math.max(nodeSize, Math.max(outputs.length, inputs) * portStep + 12),
      }
