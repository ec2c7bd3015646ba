/** @module An item of a recorded shape, as `executions/record/data-shape.ts` writes it. Pure. */
import { isObject, type JsonObject, putOwn } from '../lib/json-object.ts'

/** Stands for a text of any length. */
const text = 'text'
const maxDepth = 8
/** `never` has no value. */
const scalars: Record<string, () => unknown> = {
  number: () => 1,
  boolean: () => true,
  null: () => null,
  object: () => ({}),
  array: () => [],
}

/** Null for a shape that is not an object, or that cannot be read. */
export function sampleOf(shape: string): JsonObject | null {
  const reader = new ShapeReader(shape)
  const value = reader.union(0)
  return reader.isAtEnd && isObject(value) ? value : null
}

class ShapeReader {
  readonly #shape: string
  #at = 0

  constructor(shape: string) {
    this.#shape = shape
  }

  get isAtEnd(): boolean {
    return this.#at === this.#shape.length
  }

  /** The first alternative that is not null. */
  union(depth: number): unknown {
    const alternatives = [this.#type(depth)]
    while (this.#take(' | ')) alternatives.push(this.#type(depth))
    return alternatives.find((each) => each !== null) ?? null
  }

  #type(depth: number): unknown {
    let value: unknown = null
    if (depth > maxDepth) this.#at = Number.NaN
    else if (this.#take('{ ')) value = this.#object(depth + 1)
    else if (this.#take('(')) {
      value = this.union(depth + 1)
      if (!this.#take(')')) this.#at = Number.NaN
    } else value = this.#scalar()
    while (this.#take('[]')) value = value === undefined ? [] : [value]
    return value ?? null
  }

  #object(depth: number): JsonObject {
    const members: JsonObject = {}
    do {
      if (this.#match(/… \d+ more/y)) continue
      const key = this.#match(/"(?:[^"\\]|\\.)*"|<key>|[A-Za-z_$][\w$]*/y)
      this.#take('?')
      if (key === undefined || !this.#take(': ')) {
        this.#at = Number.NaN
        return members
      }
      putOwn(members, key.startsWith('"') ? String(JSON.parse(key)) : key, this.union(depth))
    } while (this.#take(', '))
    if (!this.#take(' }')) this.#at = Number.NaN
    return members
  }

  /** Undefined for `never`. */
  #scalar(): unknown {
    if (this.#take('{}')) return {}
    const string = this.#match(/string\([\d–]+\)/y)
    if (string !== undefined) return string === 'string(0)' ? '' : text
    const type = this.#match(/number|boolean|null|object|array|never/y)
    if (type !== undefined) return scalars[type]?.()
    this.#at = Number.NaN
    return null
  }

  #take(token: string): boolean {
    if (!this.#shape.startsWith(token, this.#at) || Number.isNaN(this.#at)) return false
    this.#at += token.length
    return true
  }

  #match(pattern: RegExp): string | undefined {
    if (Number.isNaN(this.#at)) return undefined
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#shape) ?? []
    this.#at += found?.length ?? 0
    return found
  }
}
