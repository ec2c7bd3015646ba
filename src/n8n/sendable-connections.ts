/** @module The connections of a workflow in the one form that n8n's public API takes. */
import type { FieldError } from '../errors.ts'
import { type JsonObject, pointerTo } from './workflow-json.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * `{ source: { type: [ [ { node, type, index } ] | null ] } }`. What leads from or to a node that does not exist is
 * dropped, as n8n's editor ignores it; any other shape is an error, for it was meant to connect something.
 */
export function sendableConnections(
  connections: unknown,
  names: ReadonlySet<string>,
  changes: FieldError[],
  errors: FieldError[],
): JsonObject {
  if (isNothing(connections)) return {}
  if (!isObject(connections)) {
    errors.push({ pointer: '/connections', detail: 'must be an object, keyed by the name of a node' })
    return {}
  }
  // An own key `__proto__` is a name like any other.
  const kept: [string, JsonObject][] = []
  for (const [source, byType] of Object.entries(connections)) {
    const pointer = pointerTo('/connections', source)
    if (!names.has(source)) {
      if (!isNothing(byType)) changes.push({ pointer, detail: 'leads from a node that does not exist' })
    } else if (isObject(byType)) {
      kept.push([source, outputsOf(byType, pointer, names, changes, errors)])
    } else if (!isNothing(byType)) {
      errors.push({ pointer, detail: 'must be an object, keyed by connection type' })
    }
  }
  return Object.fromEntries(kept)
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

function outputsOf(
  byType: JsonObject,
  pointer: string,
  names: ReadonlySet<string>,
  changes: FieldError[],
  errors: FieldError[],
): JsonObject {
  const kept: [string, unknown[]][] = []
  for (const [type, outputs] of Object.entries(byType)) {
    const at = pointerTo(pointer, type)
    if (Array.isArray(outputs)) {
      const slots = outputs.map((slot: unknown, index) =>
        targetsOf(slot, type, `${at}/${index}`, names, changes, errors),
      )
      kept.push([type, slots])
    } else if (!isNothing(outputs)) {
      errors.push({ pointer: at, detail: 'must be an array, one entry for each output' })
    }
  }
  return Object.fromEntries(kept)
}

/** Null, which n8n takes, stays: the outputs behind it keep their number. */
function targetsOf(
  slot: unknown,
  type: string,
  pointer: string,
  names: ReadonlySet<string>,
  changes: FieldError[],
  errors: FieldError[],
): JsonObject[] | null {
  if (slot === null || slot === undefined) return null
  if (!Array.isArray(slot)) {
    errors.push({ pointer, detail: 'must be an array of targets' })
    return null
  }
  const targets: JsonObject[] = []
  for (const [index, target] of slot.entries()) {
    const at = `${pointer}/${index}`
    if (target === null) {
      changes.push({ pointer: at, detail: 'leads nowhere' })
    } else if (!isObject(target) || typeof target.node !== 'string') {
      errors.push({ pointer: at, detail: 'must be an object with node, type and index' })
    } else if (!names.has(target.node)) {
      changes.push({ pointer: at, detail: 'leads to a node that does not exist' })
    } else {
      targets.push(targetOf(target, type, at, changes, errors))
    }
  }
  return targets
}

function targetOf(
  target: JsonObject,
  type: string,
  pointer: string,
  changes: FieldError[],
  errors: FieldError[],
): JsonObject {
  const index = target.index ?? 0
  const number = typeof index === 'string' && /^\d+$/.test(index) ? Number(index) : index
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) {
    errors.push({ pointer: `${pointer}/index`, detail: 'must be the number of an input, from 0' })
  } else if (number !== target.index) {
    changes.push({ pointer: `${pointer}/index`, detail: `was made ${number}` })
  }
  if (typeof target.type !== 'string') {
    changes.push({ pointer: `${pointer}/type`, detail: `was made ${type}` })
  }
  return { node: target.node, type: typeof target.type === 'string' ? target.type : type, index: number }
}
