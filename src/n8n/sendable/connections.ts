/** @module Reduces the connections of a checked workflow to what n8n's public API accepts. */
import { isObject, type JsonObject } from '../../lib/json-object.ts'

/** Omits what n8n would reject; `checkStructure` has already reported it. */
export function sendableConnections(connections: unknown, names: ReadonlySet<string>): JsonObject {
  if (!isObject(connections)) return {}
  const sources = Object.entries(connections).flatMap(([source, byType]): [string, JsonObject][] => {
    if (!names.has(source) || !isObject(byType)) return []
    const outputs = Object.entries(byType).flatMap(([type, slots]): [string, unknown][] =>
      Array.isArray(slots) ? [[type, slots.map((slot: unknown) => targetsOf(slot, names))]] : [],
    )
    return [[source, Object.fromEntries(outputs)]]
  })
  // `fromEntries`, because `__proto__` is a valid node name.
  return Object.fromEntries(sources)
}

/** n8n accepts null. Keeping it preserves the indexes of the outputs that follow. */
function targetsOf(slot: unknown, names: ReadonlySet<string>): JsonObject[] | null {
  if (!Array.isArray(slot)) return null
  return slot.flatMap((target: unknown) => {
    if (!isObject(target)) return []
    const { node, type, index } = target
    const isSendable =
      typeof node === 'string' && names.has(node) && typeof type === 'string' && Number.isInteger(index)
    return isSendable ? [{ node, type, index }] : []
  })
}
