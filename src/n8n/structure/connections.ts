/**
 * @module Checks and repairs the connections of a workflow. n8n accepts only
 * `{ source: { type: [ [ { node, type, index } ] | null ] } }`, with node names as `source` and `node`.
 */
import { mergedEntries, type NodeNames, type Resolved } from './names.ts'
import { isAbsent, kindOf, type Place, quoted, refusedStructure, type Repairs, shown } from './repairs.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

const MAIN = 'main'

/** Applies safe repairs; leaves other values unchanged. */
export function checkConnections(given: unknown, place: Place, names: NodeNames, repairs: Repairs): unknown {
  if (isAbsent(given)) return given
  if (!isObject(given)) {
    const isEmpty = Array.isArray(given) && given.length === 0
    const applied = repairs.report({
      code: 'invalid-connection',
      place,
      message: 'Connections must be an object keyed by source node name',
      n8n: `${place.body} must be object`,
      fix: isEmpty ? 'Replace it with an empty object' : undefined,
    })
    return applied ? {} : given
  }
  return new Connections(names, repairs).check(given, place)
}

class Connections {
  readonly #names: NodeNames
  readonly #repairs: Repairs

  constructor(names: NodeNames, repairs: Repairs) {
    this.#names = names
    this.#repairs = repairs
  }

  check(given: JsonObject, place: Place): JsonObject {
    const kept = new Map<string, unknown>()
    for (const [source, byType] of Object.entries(given)) {
      const at = place.at(source)
      const name = this.#source(source, byType, at)
      if (name === undefined) continue
      const checked = this.#byType(byType, at, name)
      kept.set(name, kept.has(name) ? mergedEntries(kept.get(name), checked) : checked)
    }
    // `fromEntries`, because `__proto__` is a valid node name.
    return Object.fromEntries(kept)
  }

  /** @returns the key of the entry; undefined to remove it */
  #source(source: string, byType: unknown, place: Place): string | undefined {
    const found = this.#names.resolve(source)
    if (found && found.code === undefined) return source
    const n8n = refusedStructure(
      place,
      'unknown_connection_source',
      `Connection source ${quoted(source)} does not reference an existing node`,
    )
    if (found?.code !== undefined) {
      const applied = this.#repairs.report({ ...this.#misnamed(source, found), place, node: found.name, n8n })
      return applied ? found.name : source
    }
    if (isAbsent(byType)) return source
    if (connectsNothing(byType)) {
      const applied = this.#repairs.report({
        code: 'empty-connection',
        place,
        message: `There is no node named ${quoted(shown(source))}, and the entry has no connections`,
        node: source,
        n8n,
        fix: 'Remove the empty entry',
      })
      return applied ? undefined : source
    }
    this.#repairs.report({
      code: 'dangling-connection',
      place,
      message: `A connection starts at ${quoted(shown(source))}, but no node has that name. Fix the name or remove the connection`,
      node: source,
      n8n,
    })
    return source
  }

  #misnamed(text: string, { name, code = 'connection-by-id', waits = false }: Resolved) {
    const isId = code === 'connection-by-id'
    const message = isId
      ? `${quoted(shown(text))} is the ID of the node ${quoted(shown(name))}. n8n connects nodes by name`
      : `No node is named ${quoted(text)}, but one is named ${quoted(shown(name))}. n8n compares names exactly`
    return { code, message, fix: `Connect ${quoted(shown(name))} by name`, waits }
  }

  #byType(given: unknown, place: Place, source: string): unknown {
    if (isAbsent(given)) return given
    if (!isObject(given) || typeof given.node === 'string') {
      const outputs = this.#asMain(given, place, source)
      const applied = this.#repairs.report({
        code: 'invalid-connection',
        place,
        message: 'The connections of a node must be an object keyed by connection type, such as main',
        node: source,
        n8n: refusedStructure(place, 'invalid_type', `Expected object, received ${kindOf(given)}`),
        fix: outputs === undefined ? undefined : 'Connect the main outputs',
      })
      return applied && outputs ? { [MAIN]: outputs } : given
    }
    const checked = Object.entries(given).map(([type, outputs]): [string, unknown] => [
      type,
      this.#outputs(outputs, type, place.at(type), source),
    ])
    return Object.fromEntries(checked)
  }

  /** Undefined unless the targets can only belong to the main outputs. */
  #asMain(given: unknown, place: Place, source: string): unknown {
    const only = this.#only(given, MAIN, place, source)
    if (only !== undefined) return [[only]]
    if (!Array.isArray(given) || isAmbiguous(given)) return undefined
    const isOther = given
      .flat()
      .some((target) => isObject(target) && !isAbsent(target.type) && target.type !== MAIN)
    return isOther ? undefined : this.#outputs(given, MAIN, place, source)
  }

  /** A single target in place of a list; undefined for anything else. */
  #only(given: unknown, type: string, place: Place, source: string): unknown {
    if (typeof given === 'string') {
      const found = this.#names.resolve(given)
      return found && { node: found.name, type, index: 0 }
    }
    const isTarget = isObject(given) && typeof given.node === 'string'
    return isTarget ? this.#target(given, type, place, source) : undefined
  }

  #outputs(given: unknown, type: string, place: Place, source: string): unknown {
    if (isAbsent(given)) return given
    if (Array.isArray(given)) {
      const isClear = !isAmbiguous(given)
      return given.map((slot: unknown, index) => this.#slot(slot, type, place.at(index), source, isClear))
    }
    const only = this.#only(given, type, place, source)
    const applied = this.#repairs.report({
      code: 'invalid-connection',
      place,
      message: 'Outputs must be an array that contains one array of targets per output',
      node: source,
      n8n: refusedStructure(place, 'invalid_type', `Expected array, received ${kindOf(given)}`),
      fix: only === undefined ? undefined : 'Connect the first output',
    })
    return applied ? [[only]] : given
  }

  /** n8n accepts null. Keeping it preserves the indexes of the outputs that follow. */
  #slot(given: unknown, type: string, place: Place, source: string, isPlaced: boolean): unknown {
    if (isAbsent(given)) return null
    if (Array.isArray(given)) {
      if (!isTuple(given)) return this.#targets(given, type, place, source)
      this.#repairs.report({
        code: 'invalid-connection',
        place,
        message: 'A target must be an object { "node": "…", "type": "main", "index": 0 }, not an array',
        node: source,
        n8n: refusedStructure(place.at(0), 'invalid_type', 'Expected object, received string'),
      })
      return given
    }
    const only = this.#only(given, type, place, source)
    const applied = this.#repairs.report({
      code: 'invalid-connection',
      place,
      message:
        only !== undefined && !isPlaced
          ? 'Each output must be an array of targets. Group the targets by output: the current form does not show which output each one starts from'
          : 'Each output must be an array of targets',
      node: source,
      n8n: refusedStructure(place, 'invalid_type', `Expected array, received ${kindOf(given)}`),
      fix: only !== undefined && isPlaced ? 'Wrap the target in an array' : undefined,
    })
    return applied ? [only] : given
  }

  #targets(given: unknown[], type: string, place: Place, source: string): unknown[] {
    return given.flatMap((target, index) => {
      const at = place.at(index)
      if (target === null) {
        const applied = this.#repairs.report({
          code: 'empty-connection',
          place: at,
          message: 'A target must be an object with node, type and index, not null',
          node: source,
          n8n: refusedStructure(at, 'invalid_type', 'Expected object, received null'),
          fix: 'Remove it',
        })
        return applied ? [] : [target]
      }
      return [this.#target(target, type, at, source)]
    })
  }

  #target(given: unknown, type: string, place: Place, source: string): unknown {
    if (typeof given === 'string' || typeof given === 'number') {
      const found = this.#names.resolve(String(given))
      const applied = this.#repairs.report({
        code: 'invalid-connection',
        place,
        message: 'A target must be an object with node, type and index',
        node: source,
        n8n: refusedStructure(place, 'invalid_type', `Expected object, received ${typeof given}`),
        fix: found && `Connect the first input of ${quoted(shown(found.name))}`,
        ...(found?.waits !== undefined && { waits: found.waits }),
      })
      return applied && found ? { node: found.name, type, index: 0 } : given
    }
    const node = isObject(given) ? given.node : undefined
    if (!isObject(given) || (typeof node !== 'string' && typeof node !== 'number') || node === '') {
      this.#repairs.report({
        code: 'invalid-connection',
        place,
        message: 'A target must be an object with node, type and index',
        node: source,
        n8n: isObject(given)
          ? refusedStructure(place.at('node'), 'invalid_type', 'Required')
          : refusedStructure(place, 'invalid_type', `Expected object, received ${kindOf(given)}`),
      })
      return given
    }
    const target = { ...given }
    target.node = this.#targetNode(node, place.at('node'), source)
    const index = this.#index(given.index, place.at('index'), source)
    if (index !== given.index) target.index = index
    if (typeof given.type !== 'string' || given.type === '') {
      const applied = this.#repairs.report({
        code: 'invalid-connection',
        place: place.at('type'),
        message: `The input type is ${isAbsent(given.type) ? 'missing' : 'not a string'}`,
        node: source,
        n8n: refusedStructure(place.at('type'), 'invalid_type', 'Required'),
        fix: `Set it to ${quoted(shown(type))}`,
      })
      if (applied) target.type = type
    }
    return target
  }

  #targetNode(given: string | number, place: Place, source: string): string | number {
    const text = String(given)
    const found = this.#names.resolve(text)
    if (found && found.code === undefined && typeof given === 'string') return given
    const n8n =
      typeof given === 'number'
        ? refusedStructure(place, 'invalid_type', 'Expected string, received number')
        : refusedStructure(
            place,
            'unknown_connection_target',
            `Connection target ${quoted(text)} does not reference an existing node`,
          )
    if (!found) {
      this.#repairs.report({
        code: 'dangling-connection',
        place,
        message: `The connection targets ${quoted(shown(text))}, but no node has that name. Fix the name or remove the connection`,
        node: source,
        n8n,
      })
      return given
    }
    const defect =
      found.code === undefined
        ? {
            code: 'invalid-connection',
            message: 'A node name must be a string',
            fix: `Set it to ${quoted(text)}`,
          }
        : this.#misnamed(text, found)
    return this.#repairs.report({ ...defect, place, node: source, n8n }) ? found.name : given
  }

  #index(given: unknown, place: Place, source: string): unknown {
    if (typeof given === 'number' && Number.isInteger(given) && given >= 0) return given
    const text = isAbsent(given) ? '0' : given
    const number = typeof text === 'string' && /^\s*\d{1,6}\s*$/.test(text) ? Number(text) : undefined
    const n8n =
      typeof given === 'number'
        ? given < 0
          ? refusedStructure(place, 'too_small', 'Number must be greater than or equal to 0')
          : refusedStructure(place, 'invalid_type', 'Expected integer, received float')
        : refusedStructure(
            place,
            'invalid_type',
            given === undefined ? 'Required' : `Expected number, received ${kindOf(given)}`,
          )
    const applied = this.#repairs.report({
      code: 'invalid-connection',
      place,
      message: 'index must be an input index, starting at 0',
      node: source,
      n8n,
      fix: number === undefined ? undefined : `Set it to ${number}`,
    })
    return applied ? number : given
  }
}

/** `["Name", "main", 0]`, an early n8n format of a target. */
const isTuple = ([node, type, index]: unknown[]): boolean =>
  typeof node === 'string' &&
  typeof type === 'string' &&
  /^(main|ai_\w+)$/.test(type) &&
  typeof index === 'number'

/** Several targets in a flat list: either one per output, or all at the first output. */
function isAmbiguous(outputs: unknown[]): boolean {
  const flat = outputs.filter((slot) => !isAbsent(slot) && !Array.isArray(slot))
  return flat.length > 1 && !outputs.some(Array.isArray)
}

function connectsNothing(value: unknown): boolean {
  if (isAbsent(value)) return true
  if (Array.isArray(value)) return value.every(connectsNothing)
  return isObject(value) && typeof value.node !== 'string' && Object.values(value).every(connectsNothing)
}
