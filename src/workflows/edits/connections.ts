/** @module Changes the connections of a workflow. */
import { isContainer, isObject, type JsonObject, ownOf, putOwn } from '../../lib/json-object.ts'
import { isTarget, slotsOf, type Target } from '../../n8n/reading/connection-slots.ts'
import { mergedEntries } from '../../n8n/structure/names.ts'
import { Refusal } from './failure.ts'

export const MAIN = 'main'

const broken = (what: string) =>
  new Refusal(
    'invalid-structure',
    '',
    `The connections of the workflow are broken at ${what}. Apply its fixes first: POST /v1/workflows/{id}/fix`,
  )

/** The targets of one output, created if missing. @throws {Refusal} `invalid-structure` */
export function targetsOf(workflow: JsonObject, from: string, type: string, output: number): unknown[] {
  const byType = objectAt(objectAt(workflow, 'connections', 'connections'), from, from)
  const outputs = ownOf(byType, type) ?? []
  if (!Array.isArray(outputs)) throw broken(from)
  putOwn(byType, type, outputs)
  while (outputs.length <= output) outputs.push([])
  const targets: unknown = outputs[output] ?? []
  if (!Array.isArray(targets)) throw broken(from)
  outputs[output] = targets
  return targets
}

function objectAt(owner: object, key: string, what: string): object {
  const value = ownOf(owner, key) ?? {}
  if (!isObject(value)) throw broken(what)
  putOwn(owner, key, value)
  return value
}

/** Removes targets in place. @returns the number of removed targets */
export function removeTargets(targets: unknown[], isRemoved: (target: Target) => boolean): number {
  const kept = targets.filter((target) => !(isTarget(target) && isRemoved(target)))
  const removed = targets.length - kept.length
  if (removed > 0) targets.splice(0, targets.length, ...kept)
  return removed
}

export function removeNodeConnections(workflow: JsonObject, name: string): void {
  const { connections } = workflow
  if (!isObject(connections)) return
  for (const { targets } of slotsOf(connections)) removeTargets(targets, ({ node }) => node === name)
  Reflect.deleteProperty(connections, name)
}

/** Renames of nodes that the connections, the pinned data and the static data do not have yet: written in one pass. */
export class PendingRenames {
  /** Name now → the names that are written. Of two entries that become one, the first comes first. */
  readonly #written = new Map<string, Set<string>>()
  /** The names that are written and mean another name now. */
  readonly #moved = new Set<string>()

  /** No node has the name `next`, but connections of a node that is gone may. */
  add(name: string, next: string): void {
    const written = this.#written.get(name) ?? new Set<string>()
    this.#written.delete(name)
    for (const each of [name, next]) if (!this.#moved.has(each)) written.add(each)
    for (const each of written) this.#moved.add(each)
    this.#written.set(next, written)
  }

  write(workflow: JsonObject): void {
    if (this.#written.size === 0) return
    const names = new Map<string, string>()
    for (const [next, written] of this.#written) for (const each of written) names.set(each, next)
    const { connections } = workflow
    if (isObject(connections)) for (const outputs of Object.values(connections)) renameTargets(outputs, names)
    this.#renameMembers(workflow, 'connections', '', mergedEntries)
    this.#renameMembers(workflow, 'pinData', '')
    this.#renameMembers(workflow, 'staticData', 'node:')
    this.#written.clear()
    this.#moved.clear()
  }

  /** Renames the members of an object in place, in their order. */
  #renameMembers(
    owner: JsonObject,
    key: string,
    prefix: string,
    merged: (first: unknown, second: unknown) => unknown = (first) => first,
  ): void {
    const members = ownOf(owner, key)
    if (!isObject(members)) return
    /** Written name → the entry that it becomes; undefined if it is merged into another one. */
    const entries = new Map<string, [string, unknown] | undefined>()
    for (const [next, written] of this.#written) {
      const [first, ...others] = [...written]
        .map((each) => prefix + each)
        .filter((each) => Object.hasOwn(members, each))
      if (first === undefined) continue
      const value = others.reduce((sum, each) => merged(sum, ownOf(members, each)), ownOf(members, first))
      entries.set(first, [prefix + next, value])
      for (const each of others) entries.set(each, undefined)
    }
    if (entries.size === 0) return
    const renamed = Object.entries(members).flatMap((entry) => {
      if (!entries.has(entry[0])) return [entry]
      const own = entries.get(entry[0])
      return own ? [own] : []
    })
    putOwn(owner, key, Object.fromEntries(renamed))
  }
}

/** In any shape, because n8n's format is often missed by a level. */
function renameTargets(value: unknown, names: ReadonlyMap<string, string>): void {
  if (!isContainer(value)) return
  if (isTarget(value)) value.node = names.get(value.node) ?? value.node
  for (const [key, each] of Object.entries(value)) {
    if (typeof each !== 'string') renameTargets(each, names)
    else if (Array.isArray(value)) value[Number(key)] = names.get(each) ?? each
  }
}
