/**
 * @module The shape of the items that a node returned, as a type in the syntax of TypeScript with lengths of texts:
 * `{ id: number, tags: string(3–12)[], owner?: { name: string(0) } | null, … 4 more }`. Never values. A `?` marks a key that
 * some objects lack; `<key>` stands for keys that are data, such as IDs. Pure.
 */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { redact } from '../../lib/secrets/redact.ts'
import { toStorable } from '../../lib/storable-text.ts'

const dataKey = '<key>'
const maxItems = 20
const maxElements = 10
const maxKeys = 40
const maxDepth = 5
const maxKeyChars = 60
/** Of the shape of one output. */
const maxShapeChars = 2000

/** The types that were seen in one place. */
interface Seen {
  scalars: Set<string>
  /** Lengths. */
  strings: [least: number, greatest: number] | null
  elements: Seen | null
  members: Map<string, Seen> | null
  /** Number of objects with members, and how many times this place itself was seen. */
  objects: number
  times: number
  omitted: number
}

const nothing = (): Seen => ({
  scalars: new Set(),
  strings: null,
  elements: null,
  members: null,
  objects: 0,
  times: 0,
  omitted: 0,
})

/** The shape of the JSON of up to 20 items; null without items. A long one has fewer levels. */
export function shapeOf(items: readonly unknown[]): string | null {
  if (items.length === 0) return null
  for (let depth = maxDepth; depth > 0; depth--) {
    const seen = nothing()
    for (const item of items.slice(0, maxItems)) see(seen, isObject(item) ? item['json'] : null, depth)
    const shape = toText(seen)
    if (shape.length <= maxShapeChars) return shape
  }
  return 'object'
}

function see(seen: Seen, value: unknown, depth: number): void {
  seen.times += 1
  if (typeof value === 'string') {
    const [least, greatest] = seen.strings ?? [value.length, value.length]
    seen.strings = [Math.min(least, value.length), Math.max(greatest, value.length)]
  } else if (Array.isArray(value) && depth > 0) {
    seen.elements ??= nothing()
    for (const element of value.slice(0, maxElements)) see(seen.elements, element, depth - 1)
  } else if (isObject(value) && depth > 0) {
    seen.members ??= new Map()
    seen.objects += 1
    seeMembers(seen, seen.members, value, depth)
  } else {
    seen.scalars.add(value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)
  }
}

function seeMembers(seen: Seen, members: Map<string, Seen>, value: JsonObject, depth: number): void {
  for (const [key, member] of Object.entries(value)) {
    const name = isData(key) ? dataKey : toStorable(redact(key)).slice(0, maxKeyChars)
    let known = members.get(name)
    if (!known) {
      if (members.size >= maxKeys) {
        seen.omitted += 1
        continue
      }
      known = nothing()
      members.set(name, known)
    }
    see(known, member, depth - 1)
  }
}

/** An email address, a date, or an ID rather than the name of a field. */
const isData = (key: string): boolean =>
  key.length > maxKeyChars || /@|\d{4}-\d\d|\d{6,}|^\d+$|^[0-9a-f-]{16,}$/i.test(key)

function toText({ scalars, strings, elements, members, objects, omitted }: Seen): string {
  const types: string[] = []
  if (members) types.push(objectText(members, objects, omitted))
  if (elements) {
    const element = toText(elements)
    types.push(element.includes(' | ') && !element.startsWith('{') ? `(${element})[]` : `${element}[]`)
  }
  if (strings)
    types.push(strings[0] === strings[1] ? `string(${strings[0]})` : `string(${strings.join('–')})`)
  types.push(...[...scalars].toSorted())
  return types.length === 0 ? 'never' : types.join(' | ')
}

function objectText(members: Map<string, Seen>, objects: number, omitted: number): string {
  const lines = [...members].map(([key, seen]) => {
    const name = key === dataKey || /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)
    return `${name}${seen.times < objects ? '?' : ''}: ${toText(seen)}`
  })
  if (omitted > 0) lines.push(`… ${omitted} more`)
  return lines.length === 0 ? '{}' : `{ ${lines.join(', ')} }`
}
