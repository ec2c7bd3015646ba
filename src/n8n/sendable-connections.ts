/** @module The connections that n8n's public API takes, from those of a workflow whose structure has been checked. */
import { isObject } from './structure-repairs.ts'
import type { JsonObject } from './workflow-json.ts'

/** What n8n would refuse is missing: `checkStructure` has reported it. */
export function sendableConnections(connections: unknown, names: ReadonlySet<string>): JsonObject {
  if (!isObject(connections)) return {}
  const sources = Object.entries(connections).flatMap(([source, byType]): [string, JsonObject][] => {
    if (!names.has(source) || !isObject(byType)) return []
    const outputs = Object.entries(byType).flatMap(([type, slots]): [string, unknown][] =>
      Array.isArray(slots) ? [[type, slots.map((slot: unknown) => targetsOf(slot, names))]] : [],
    )
    return [[source, Object.fromEntries(outputs)]]
  })
  // An own key `__proto__` is a name like any other.
  return Object.fromEntries(sources)
}

/** Null, which n8n takes, stays: the outputs behind it keep their number. */
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
