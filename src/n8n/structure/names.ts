/** @module Resolves references to node names in connections and generates unused names. */
import { isAbsent } from './repairs.ts'
import { normalForm } from '../../lib/normal-form.ts'
import { isObject } from '../../lib/json-object.ts'

/** Every node reference in the connections. Accepts any shape. */
export function mentionedNames(connections: unknown): Set<string> {
  const found = new Set<string>()
  if (!isObject(connections)) return found
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string') found.add(value)
    else if (Array.isArray(value) && depth < 4) for (const each of value) visit(each, depth + 1)
    else if (isObject(value) && typeof value.node === 'string') found.add(value.node)
  }
  for (const [source, byType] of Object.entries(connections)) {
    found.add(source)
    for (const outputs of isObject(byType) ? Object.values(byType) : [byType]) visit(outputs, 0)
  }
  return found
}

/** Generates unique names. */
export class FreeNames {
  readonly #taken: Set<string>
  readonly #next = new Map<string, number>()

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken)
  }

  has(name: string): boolean {
    return this.#taken.has(name)
  }

  take(name: string): void {
    this.#taken.add(name)
  }

  /** Returns an unused name without reserving it; see `take`. */
  free(wanted: string): string {
    let name = wanted
    let suffix = this.#next.get(wanted) ?? 2
    for (; this.#taken.has(name); suffix += 1) name = `${wanted} (${suffix})`
    if (suffix > 2) this.#next.set(wanted, suffix - 1)
    return name
  }
}

export interface Resolved {
  name: string
  /** Set if the reference is not the exact name. */
  code?: 'connection-by-id' | 'connection-name-mismatch'
  /** The name depends on a repair that is not applied yet. */
  waits?: boolean
}

/** Node names that connections can refer to. */
export class NodeNames {
  readonly #names: ReadonlySet<string>
  readonly #byId: ReadonlyMap<string, Resolved>
  #normalized: Map<string, string[]> | undefined

  /** @param byId unique node ID → node */
  constructor(names: ReadonlySet<string>, byId: ReadonlyMap<string, Resolved>) {
    this.#names = names
    this.#byId = byId
  }

  /** Matches the exact name, then the ID, then the name without regard to case and surrounding whitespace. */
  resolve(text: string): Resolved | undefined {
    if (this.#names.has(text)) return { name: text }
    const byId = this.#byId.get(text)
    if (byId) return { ...byId, code: 'connection-by-id' }
    this.#normalized ??= Map.groupBy(this.#names, normalized)
    const [name, another] = this.#normalized.get(normalized(text)) ?? []
    return name !== undefined && another === undefined
      ? { name, code: 'connection-name-mismatch' }
      : undefined
  }
}

const normalized = (name: string): string => normalForm(name, 'NFC').trim().toLowerCase()

/** Merges two connection entries of the same node, one by name and one by ID. */
export function mergedEntries(first: unknown, second: unknown): unknown {
  if (!isObject(first) || !isObject(second)) return isAbsent(second) ? first : second
  const result = new Map(Object.entries(first))
  for (const [type, outputs] of Object.entries(second)) {
    const before = result.get(type)
    if (Array.isArray(before) && Array.isArray(outputs)) {
      const slots: unknown[] = before.length >= outputs.length ? before : outputs
      result.set(
        type,
        slots.map((_, index) => mergedSlots(before[index], outputs[index])),
      )
    } else if (!isAbsent(outputs)) result.set(type, outputs)
  }
  return Object.fromEntries(result)
}

function mergedSlots(first: unknown, second: unknown): unknown {
  if (!Array.isArray(first) || !Array.isArray(second)) return first ?? second ?? null
  const known = new Set(first.map((target) => JSON.stringify(target)))
  return [...first, ...second.filter((target) => !known.has(JSON.stringify(target)))]
}
