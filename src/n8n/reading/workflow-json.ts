/** @module Validates workflow JSON against limits that protect the database and the isolate. */
import { MAX_JSON_DEPTH, storableCanonicalJson } from '../../lib/canonical-json.ts'
import { hasNul } from '../../lib/storable-text.ts'
import { isContainer, isObject, type JsonObject, pointerTo } from '../../lib/json-object.ts'
import { AppError, type FieldError } from '../../errors.ts'

export const MAX_WORKFLOW_BYTES = 2 * 1024 * 1024
export const MAX_NODES = 5_000
/** Total number of targets. */
export const MAX_CONNECTIONS = 20_000
/** Total number of strings, numbers, booleans, nulls, arrays and objects. A real 2 MB workflow has about 50,000. */
export const MAX_VALUES = 200_000
const MAX_ERRORS = 20
const MAX_POINTER_LENGTH = 300
/** Maximum depth of wrappers around workflows. */
const MAX_WRAPPING = 5

/** A workflow within the limits, otherwise unchanged. */
export interface ParsedWorkflow {
  workflow: JsonObject
  /** null if it has none */
  name: string | null
  nodes: JsonObject[]
  /** UTF-8 bytes of the compact JSON without exponents in numbers: jsonb writes 1e308 as 309 digits */
  sizeBytes: number
  /** canonical JSON, in UTF-8 */
  canonical: Uint8Array<ArrayBuffer>
}

export interface CheckJsonOptions {
  /** pointer to `value` in the body; default: the root */
  pointerPrefix?: string
  /** default 20 */
  maxErrors?: number
  /** default: no limit */
  maxValues?: number
}

/**
 * Requires an object with a `nodes` array of objects, within the limits above. Does not check anything else.
 * @throws {AppError} `invalid-workflow` with pointers; `too-large` over 2 MB
 */
export function parseWorkflow(value: unknown, options: CheckJsonOptions = {}): ParsedWorkflow {
  const prefix = options.pointerPrefix ?? ''
  const excess =
    isObject(value) && Array.isArray(value.nodes)
      ? tooMany(value.nodes.length, 'nodes', MAX_NODES)
      : undefined
  if (excess) throw invalidWorkflow([{ ...excess, pointer: prefix + excess.pointer }])
  const canonical = storableCanonicalJson(value, MAX_VALUES)
  // First, because the following checks recurse.
  if (!canonical) throw invalidWorkflow(checkJson(value, { ...options, maxValues: MAX_VALUES }))
  if (!isObject(value)) throw invalidWorkflow([{ pointer: prefix, detail: 'must be an object with nodes' }])
  const { nodes, name } = value
  if (!Array.isArray(nodes)) {
    const detail =
      nodes === undefined ? 'is required and must be an array of nodes' : 'must be an array of nodes'
    throw invalidWorkflow([{ pointer: pointerTo(prefix, 'nodes'), detail }])
  }
  const connections = tooManyConnections(value.connections)
  if (connections) throw invalidWorkflow([{ ...connections, pointer: prefix + connections.pointer }])
  const faults = nodes.flatMap((node: unknown, index) =>
    isObject(node) ? [] : [{ pointer: `${prefix}/nodes/${index}`, detail: 'must be an object' }],
  )
  if (faults.length > 0) throw invalidWorkflow(faults.slice(0, options.maxErrors ?? MAX_ERRORS))
  const sizeBytes = canonical.bytes.length + canonical.exponents
  if (sizeBytes > MAX_WORKFLOW_BYTES) {
    throw new AppError('too-large', `The workflow exceeds ${MAX_WORKFLOW_BYTES / (1024 * 1024)} MB`)
  }
  return {
    workflow: value,
    name: typeof name === 'string' ? name : null,
    nodes,
    sizeBytes,
    canonical: canonical.bytes,
  }
}

function tooMany(count: number, name: 'nodes' | 'connections', limit: number): FieldError | undefined {
  if (count <= limit) return undefined
  const [has, most] = [count, limit].map((number) => number.toLocaleString('en'))
  return { pointer: `/${name}`, detail: `has ${has} ${name}; the limit is ${most}` }
}

function tooManyConnections(connections: unknown): FieldError | undefined {
  const outputs = childrenOf(connections).flatMap(childrenOf)
  const count = outputs.flatMap(childrenOf).reduce((sum: number, slot) => sum + childrenOf(slot).length, 0)
  return tooMany(count, 'connections', MAX_CONNECTIONS)
}

const childrenOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []

function invalidWorkflow(errors: FieldError[]): AppError {
  const [first] = errors
  const detail = first ? `${first.pointer || 'The workflow'} ${first.detail}` : 'Not a workflow'
  return new AppError('invalid-workflow', detail, { errors })
}

/** The path from a value to the root. Pointers are built only for errors. */
interface Place {
  key: string | number
  above: Place | null
}

/**
 * Finds JSON that Postgres or recursive code cannot process: depth over 100, U+0000 or an unpaired surrogate in a string
 * or key, Infinity, more than `maxValues` values. In document order; stops after `maxErrors`. Linear time; memory
 * proportional to the depth.
 */
export function checkJson(value: unknown, options: CheckJsonOptions = {}): FieldError[] {
  const { pointerPrefix = '', maxErrors = MAX_ERRORS, maxValues = Infinity } = options
  const errors: FieldError[] = []
  let values = 0
  const report = (place: Place | null, detail: string) => {
    errors.push({ pointer: printable(pointerPrefix + pointerOf(place)), detail })
  }
  // Recursion ends at MAX_JSON_DEPTH.
  const visit = (value: unknown, key: string | number | null, above: Place | null, depth: number): void => {
    values += 1
    if (values > maxValues) {
      if (values === maxValues + 1) report(null, `has more than ${maxValues.toLocaleString('en')} values`)
      return
    }
    const detail = isContainer(value) ? (depth >= MAX_JSON_DEPTH ? TOO_DEEP : undefined) : scalarFault(value)
    if (detail !== undefined) return report(key === null ? null : { key, above }, detail)
    if (!isContainer(value)) return
    const place = key === null ? null : { key, above }
    const canContinue = () => errors.length < maxErrors && values <= maxValues
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length && canContinue(); index += 1) {
        visit(value[index], index, place, depth + 1)
      }
      return
    }
    for (const name in value) {
      if (!canContinue()) return
      if (!Object.hasOwn(value, name)) continue
      const fault = stringFault(name)
      if (fault === undefined) visit((value as JsonObject)[name], name, place, depth + 1)
      else report(place, `has a key that ${fault}`)
    }
  }
  visit(value, null, null, 0)
  return errors.slice(0, maxErrors)
}

function pointerOf(place: Place | null): string {
  let pointer = ''
  for (let at = place; at; at = at.above) pointer = pointerTo('', String(at.key)) + pointer
  return pointer
}

const TOO_DEEP = `is nested more than ${MAX_JSON_DEPTH} levels deep`

function scalarFault(value: unknown): string | undefined {
  if (typeof value === 'string') return stringFault(value)
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'is a number beyond 1.8e308'
  return typeof value === 'boolean' || typeof value === 'object' ? undefined : 'is not JSON'
}

function stringFault(text: string): string | undefined {
  if (hasNul(text)) return 'contains U+0000'
  return text.isWellFormed() ? undefined : 'contains an unpaired surrogate'
}

function printable(pointer: string): string {
  return pointer.length <= MAX_POINTER_LENGTH ? pointer : `${pointer.slice(0, MAX_POINTER_LENGTH)}…`
}

export interface FoundWorkflow {
  value: unknown
  /** JSON pointer within the wrapper; empty without one. */
  pointer: string
}

/**
 * Returns the workflows in a file: one, an array, or either wrapped in `workflow`, `workflows`, `data` or `items`.
 * They still need `parseWorkflow`.
 * @throws {AppError} `invalid-workflow` if there is no workflow, or an element is not a workflow
 */
export function findWorkflows(json: unknown): FoundWorkflow[] {
  return unwrap(json, '', 0)
}

/** The values of `findWorkflows`. */
export const unwrapWorkflowFile = (json: unknown): unknown[] => findWorkflows(json).map(({ value }) => value)

function unwrap(json: unknown, pointer: string, depth: number): FoundWorkflow[] {
  if (depth > MAX_WRAPPING) throw notAWorkflow(pointer, 'is wrapped too deeply')
  if (Array.isArray(json)) {
    if (json.length === 0) throw notAWorkflow(pointer, 'is an empty array without a workflow')
    return json.flatMap((item: unknown, index) => unwrap(item, `${pointer}/${index}`, depth + 1))
  }
  if (!isObject(json)) throw notAWorkflow(pointer, 'is not a workflow: it must be an object with nodes')
  if (Array.isArray(json.nodes)) return [{ value: json, pointer }]
  for (const key of ['workflow', 'workflows', 'data', 'items']) {
    if (isContainer(json[key])) return unwrap(json[key], `${pointer}/${key}`, depth + 1)
  }
  const reason = json.nodes === undefined ? 'it has no nodes' : 'its nodes are not an array'
  throw notAWorkflow(pointer, `is not a workflow: ${reason}`)
}

function notAWorkflow(pointer: string, detail: string): AppError {
  return new AppError('invalid-workflow', `${pointer || 'The file'} ${detail}`, {
    errors: [{ pointer, detail }],
  })
}
