/** @module Names of nodes: how connections may refer to one, and names that are still free. */
import { isAbsent, isObject } from './structure-repairs.ts'

/** Every text that connections name a node by. Tolerant of any shape. */
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

/** Gives out names that nothing else has. */
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

  /** Not taken yet: see `take`. */
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
  /** How it is referred to, unless by its name. */
  code?: 'connection-by-id' | 'connection-name-mismatch'
  /** The name is offered and not given yet. */
  waits?: boolean
}

/** The nodes that connections may refer to. */
export class NodeNames {
  readonly #names: ReadonlySet<string>
  readonly #byId: ReadonlyMap<string, Resolved>
  #folded: Map<string, string[]> | undefined

  /** @param byId id → node, of ids that one node alone has */
  constructor(names: ReadonlySet<string>, byId: ReadonlyMap<string, Resolved>) {
    this.#names = names
    this.#byId = byId
  }

  /** The node that a text names: exactly; by its id; by a name that differs in case or in space at its ends only. */
  resolve(text: string): Resolved | undefined {
    if (this.#names.has(text)) return { name: text }
    const byId = this.#byId.get(text)
    if (byId) return { ...byId, code: 'connection-by-id' }
    this.#folded ??= Map.groupBy(this.#names, folded)
    const [name, another] = this.#folded.get(folded(text)) ?? []
    return name !== undefined && another === undefined
      ? { name, code: 'connection-name-mismatch' }
      : undefined
  }
}

const folded = (name: string): string => name.normalize('NFC').trim().toLowerCase()

/** Two entries of one node, by its name and by its id: what either connects. */
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
