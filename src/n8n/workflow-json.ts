/** @module Workflow JSON as it comes: limits that keep the database and the isolate safe, and little else. */
import { AppError, type FieldError } from '../errors.ts'

export const MAX_WORKFLOW_BYTES = 2 * 1024 * 1024
/** Containers within containers. n8n's own workflows stay under 30. */
export const MAX_JSON_DEPTH = 100
/** jsonb prints a number in full: 1e308 becomes 309 digits. */
const MAX_NUMBER = 1e21
const MIN_NUMBER = 1e-30
const MAX_ERRORS = 20
const MAX_POINTER_LENGTH = 300
/** How deep a file may wrap its workflows. */
const MAX_WRAPPING = 5

export type JsonObject = Record<string, unknown>

/** A workflow within the limits, otherwise as it came. */
export interface ParsedWorkflow {
  workflow: JsonObject
  /** the workflow's own name; null when it has none */
  name: string | null
  nodes: JsonObject[]
  /** UTF-8 bytes of the compact JSON */
  sizeBytes: number
}

export interface CheckJsonOptions {
  /** where `value` sits in the body; default the root */
  pointerPrefix?: string
  /** default 20 */
  maxErrors?: number
}

/**
 * A workflow is an object with a `nodes` array of objects; whatever else is odd about it is kept.
 * @throws {AppError} `invalid-workflow` with pointers; `too-large` over 2 MB
 */
export function parseWorkflow(value: unknown, options: CheckJsonOptions = {}): ParsedWorkflow {
  const prefix = options.pointerPrefix ?? ''
  // First, for what follows recurses.
  const errors = checkJson(value, options)
  if (errors.length > 0) throw invalidWorkflow(errors)
  if (!isObject(value)) throw invalidWorkflow([{ pointer: prefix, detail: 'must be an object with nodes' }])
  const { nodes, name } = value
  if (!Array.isArray(nodes)) {
    const detail = nodes === undefined ? 'is required: an array of nodes' : 'must be an array of nodes'
    throw invalidWorkflow([{ pointer: pointerTo(prefix, 'nodes'), detail }])
  }
  const faults = nodes.flatMap((node: unknown, index) =>
    isObject(node) ? [] : [{ pointer: `${prefix}/nodes/${index}`, detail: 'must be an object' }],
  )
  if (faults.length > 0) throw invalidWorkflow(faults.slice(0, options.maxErrors ?? MAX_ERRORS))
  const sizeBytes = new TextEncoder().encode(JSON.stringify(value)).length
  if (sizeBytes > MAX_WORKFLOW_BYTES) {
    throw new AppError('too-large', `A workflow may have ${MAX_WORKFLOW_BYTES} bytes, this one ${sizeBytes}`)
  }
  return { workflow: value, name: typeof name === 'string' ? name : null, nodes, sizeBytes }
}

function invalidWorkflow(errors: FieldError[]): AppError {
  const [first] = errors
  const detail = first ? `${first.pointer || 'The workflow'} ${first.detail}` : 'Not a workflow'
  return new AppError('invalid-workflow', detail, { errors })
}

interface Visit {
  value: unknown
  pointer: string
  depth: number
}

/**
 * What Postgres or a recursive reader could not take: depth over 100, U+0000 or a lone surrogate in a string or key,
 * numbers of more than 1e21 or, 0 apart, less than 1e-30. Does not recurse; stops after `maxErrors`.
 */
export function checkJson(value: unknown, options: CheckJsonOptions = {}): FieldError[] {
  const maxErrors = options.maxErrors ?? MAX_ERRORS
  const errors: FieldError[] = []
  const stack: Visit[] = [{ value, pointer: options.pointerPrefix ?? '', depth: 0 }]
  for (let visit = stack.pop(); visit && errors.length < maxErrors; visit = stack.pop()) {
    const { value, pointer, depth } = visit
    const detail =
      scalarFault(value) ?? (depth >= MAX_JSON_DEPTH && isContainer(value) ? TOO_DEEP : undefined)
    if (detail !== undefined) {
      errors.push({ pointer: printable(pointer), detail })
    } else if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index -= 1) {
        stack.push({ value: value[index], pointer: `${pointer}/${index}`, depth: depth + 1 })
      }
    } else if (isObject(value)) {
      for (const key of Object.keys(value).toReversed()) {
        const fault = stringFault(key)
        if (fault !== undefined)
          errors.push({ pointer: printable(pointer), detail: `has a key that ${fault}` })
        else stack.push({ value: value[key], pointer: pointerTo(pointer, key), depth: depth + 1 })
      }
    }
  }
  return errors.slice(0, maxErrors)
}

const TOO_DEEP = `is nested more than ${MAX_JSON_DEPTH} deep`

function scalarFault(value: unknown): string | undefined {
  if (typeof value === 'string') return stringFault(value)
  if (typeof value === 'number') return numberFault(Math.abs(value))
  return typeof value === 'boolean' || typeof value === 'object' ? undefined : 'is not JSON'
}

function stringFault(text: string): string | undefined {
  if (text.includes('\0')) return 'contains U+0000'
  return text.isWellFormed() ? undefined : 'contains half of a surrogate pair'
}

function numberFault(magnitude: number): string | undefined {
  if (!(magnitude <= MAX_NUMBER)) return 'is a number beyond 1e21'
  return magnitude !== 0 && magnitude < MIN_NUMBER ? 'is a number below 1e-30' : undefined
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON pointer one step further (RFC 6901). */
export function pointerTo(pointer: string, key: string): string {
  return `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function printable(pointer: string): string {
  return pointer.length <= MAX_POINTER_LENGTH ? pointer : `${pointer.slice(0, MAX_POINTER_LENGTH)}…`
}

/**
 * The workflows in a file: one, an array of them, or either wrapped in `workflow`, `workflows`, `data` or `items`.
 * They still need `parseWorkflow`.
 * @throws {AppError} `invalid-workflow` when there is none, or something else among them
 */
export function unwrapWorkflowFile(json: unknown): unknown[] {
  return unwrap(json, '', 0)
}

function unwrap(json: unknown, pointer: string, depth: number): unknown[] {
  if (depth > MAX_WRAPPING) throw notAWorkflow(pointer, 'is wrapped too deep')
  if (Array.isArray(json)) {
    if (json.length === 0) throw notAWorkflow(pointer, 'is an empty array: no workflow in it')
    return json.flatMap((item: unknown, index) => unwrap(item, `${pointer}/${index}`, depth + 1))
  }
  if (!isObject(json)) throw notAWorkflow(pointer, 'is not a workflow: it must be an object with nodes')
  if (Array.isArray(json.nodes)) return [json]
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

/**
 * One text for equal values: keys sorted by UTF-16 code unit, no white space.
 * @throws {AppError} `invalid` when nested more than 100 deep
 */
export function canonicalJson(value: unknown): string {
  return canonical(value, 0)
}

function canonical(value: unknown, depth: number): string {
  if (depth > MAX_JSON_DEPTH) throw new AppError('invalid', `The JSON ${TOO_DEEP}`)
  if (Array.isArray(value)) return `[${value.map((item: unknown) => canonical(item, depth + 1)).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key], depth + 1)}`)
  return `{${members.join(',')}}`
}

/** SHA-256 of the canonical JSON, in lower-case hex: the same for two copies that differ by key order only. */
export async function contentHash(workflow: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson(workflow))
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return new Uint8Array(digest).reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), '')
}
