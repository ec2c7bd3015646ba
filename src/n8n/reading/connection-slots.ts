/** @module Reads the connections of a workflow: `{ <from>: { <type>: [ [ { node, type, index } ] ] } }`. Never throws. */
import { isObject, type JsonObject, listOf } from '../../lib/json-object.ts'

/** One target of an output. */
export interface Target extends JsonObject {
  node: string
}

export const isTarget = (value: unknown): value is Target => isObject(value) && typeof value.node === 'string'
export const inputOf = ({ index }: Target): number => (typeof index === 'number' ? index : 0)

export interface Slot {
  from: string
  type: string
  output: number
  targets: unknown[]
}

/** Every list of targets, with its source, type and output. Skips values of another shape. */
export function* slotsOf(connections: unknown): Generator<Slot> {
  for (const [from, byType] of Object.entries(isObject(connections) ? connections : {})) {
    for (const [type, outputs] of Object.entries(isObject(byType) ? byType : {})) {
      for (const [output, targets] of listOf(outputs).entries()) {
        if (Array.isArray(targets)) yield { from, type, output, targets }
      }
    }
  }
}
