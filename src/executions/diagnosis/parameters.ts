/** @module A node's parameters for a diagnosis: secrets are redacted, and user text is a type with a size. Pure. */
import type { NodeFacts, PropertyFacts } from '../../check/facts/node-facts.ts'
import { isContainer, isObject, pointerTo } from '../../lib/json-object.ts'
import { redactParameterStrings } from '../../lib/secrets/redact-json.ts'
import { redact } from '../../lib/secrets/redact.ts'

export interface Parameter {
  /** JSON pointer into `parameters`. */
  pointer: string
  key: string
  depth: number
  /** Such as string, expression, object. */
  type: string
  /** Characters of a string or entries of an array; null for other types. */
  length: number | null
  /** Absent for text of the user, and for objects and arrays. */
  value?: string | number | boolean | null
}

export interface Parameters {
  rows: Parameter[]
  /** Minimum number of further keys. */
  omitted: number
}

const maxRows = 40
const maxDepth = 4
const maxKeyChars = 60
const maxValueChars = 4000

/**
 * Lists the keys of a node's parameters, depth first, at most 40. Numbers, expressions, code and values that n8n offers have a
 * value; other text only with `withText`.
 */
export function listParameters(
  parameters: unknown,
  { facts, withText = false }: { facts?: NodeFacts | undefined; withText?: boolean } = {},
): Parameters {
  const rows: Parameter[] = []
  let omitted = 0
  const isShown = withText ? () => true : shownTexts(facts)
  const visit = (object: object, pointer: string, depth: number) => {
    for (const [key, member] of Object.entries(object)) {
      if (rows.length >= maxRows) {
        omitted += 1
        continue
      }
      const length = typeof member === 'string' ? member.length : Array.isArray(member) ? member.length : null
      const name = redact(key).slice(0, maxKeyChars)
      const path = pointerTo(pointer, name)
      rows.push({
        pointer: path,
        key: name,
        depth,
        type: typeOf(member),
        length,
        ...valueOf(key, member, isShown),
      })
      if (isContainer(member) && depth + 1 < maxDepth) visit(member, path, depth + 1)
    }
  }
  if (isContainer(parameters)) visit(redactParameterStrings(parameters), '', 0)
  return { rows, omitted }
}

function valueOf(
  key: string,
  value: unknown,
  isShown: (key: string, text: string) => boolean,
): Pick<Parameter, 'value'> {
  if (typeof value === 'number' || typeof value === 'boolean') return { value }
  if (typeof value !== 'string' || !(value.startsWith('=') || isShown(key, value))) return {}
  return { value: value.length > maxValueChars ? `${value.slice(0, maxValueChars)}…` : value }
}

/** Parameters that hold code, and the values that n8n offers for a parameter of the name. */
function shownTexts(facts: NodeFacts | undefined): (key: string, text: string) => boolean {
  const code = new Set<string>()
  const offered = new Map<string, Set<unknown>>([['mode', new Set()]])
  const read = (property: PropertyFacts) => {
    const { name, type, typeOptions, options = [], values = [], modes = [] } = property
    if (typeOptions?.editor === 'codeNodeEditor' || typeOptions?.editor === 'sqlEditor') code.add(name)
    for (const mode of modes) offered.get('mode')?.add(mode.name)
    if (type === 'options' || type === 'multiOptions') {
      const known = offered.get(name) ?? new Set()
      offered.set(name, known)
      for (const { value } of options) known.add(value)
    } else options.forEach(read)
    values.forEach(read)
  }
  facts?.properties.forEach(read)
  return (key, text) => code.has(key) || (offered.get(key)?.has(text) ?? false)
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (isObject(value)) return 'object'
  return typeof value === 'string' && value.startsWith('=') ? 'expression' : typeof value
}

/** "string · 46" */
export const parameterType = ({ type, length }: Parameter): string =>
  length === null ? type : `${type} · ${length}`
