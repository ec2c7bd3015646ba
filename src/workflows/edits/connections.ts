/** @module Changes the connections of a workflow. */
import { addTo } from '../../lib/grouped.ts'
import { isContainer, isObject, type JsonObject, ownOf, putOwn } from '../../lib/json-object.ts'
import { inputOf, isTarget, type Slot, slotsOf, type Target } from '../../n8n/reading/connection-slots.ts'
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

/** Removed nodes that the connections and the pinned data still have: taken out in one pass. */
export class PendingRemovals {
  readonly #names = new Set<string>()
  #index: ConnectionIndex | undefined

  /** No node has the name any more. @param reconnect connects the nodes before it to the nodes after its first output */
  add(workflow: JsonObject, name: string, reconnect: boolean): void {
    if (reconnect) {
      this.#index ??= new ConnectionIndex(workflow.connections)
      this.#index.bypass(name, this.#names)
    }
    this.#names.add(name)
  }

  write(workflow: JsonObject): void {
    if (this.#names.size === 0) return
    for (const { targets } of slotsOf(workflow.connections)) {
      removeTargets(targets, ({ node }) => this.#names.has(node))
    }
    for (const members of [workflow.connections, workflow.pinData]) {
      if (isObject(members)) for (const name of this.#names) Reflect.deleteProperty(members, name)
    }
    this.#names.clear()
    this.#index = undefined
  }
}

const targetKey = (target: Target): string => `${inputOf(target)} ${target.node}`

/** The main connections from and to each node. */
class ConnectionIndex {
  /** Node → its outputs. */
  readonly #from = new Map<string, Slot[]>()
  /** Node → the outputs that lead to it. */
  readonly #to = new Map<string, Set<Slot>>()
  readonly #keys = new Map<Slot, Set<string>>()

  constructor(connections: unknown) {
    for (const slot of slotsOf(connections)) {
      if (slot.type !== MAIN) continue
      addTo(this.#from, slot.from, slot)
      for (const target of slot.targets) if (isTarget(target)) this.#lead(slot, target)
    }
  }

  #lead(slot: Slot, { node }: Target): void {
    const slots = this.#to.get(node)
    if (slots) slots.add(slot)
    else this.#to.set(node, new Set([slot]))
  }

  /** @param removed nodes whose connections do not count. @throws {Refusal} `cannot-reconnect` */
  bypass(name: string, removed: ReadonlySet<string>): void {
    const targets = (this.#from.get(name) ?? [])
      .filter(({ output }) => output === 0)
      .flatMap((slot) => slot.targets.filter((each) => isTarget(each)))
      .filter(({ node }) => !removed.has(node))
    const sources = [...(this.#to.get(name) ?? [])].filter(({ from }) => from !== name && !removed.has(from))
    if (sources.length > 1 && targets.length > 1) {
      throw new Refusal(
        'cannot-reconnect',
        '/reconnect',
        'Several nodes lead to it, and it leads to several nodes. Remove it without reconnect, and connect them',
      )
    }
    for (const source of sources) {
      const keys = this.#keysOf(source)
      for (const target of targets) {
        const key = targetKey(target)
        if (target.node === name || keys.has(key)) continue
        keys.add(key)
        source.targets.push(structuredClone(target))
        this.#lead(source, target)
      }
    }
  }

  #keysOf(slot: Slot): Set<string> {
    const keys = this.#keys.get(slot) ?? new Set(slot.targets.filter((each) => isTarget(each)).map(targetKey))
    this.#keys.set(slot, keys)
    return keys
  }
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
