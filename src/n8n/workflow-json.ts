/** @module Workflow JSON as it comes: limits that keep the database and the isolate safe, and little else. */
import { AppError, type FieldError } from '../errors.ts'

export const MAX_WORKFLOW_BYTES = 2 * 1024 * 1024
export const MAX_NODES = 5_000
/** Targets of all outputs together. */
export const MAX_CONNECTIONS = 20_000
/** Strings, numbers, booleans, nulls, arrays and objects together. Real workflows of 2 MB have some 50,000. */
export const MAX_VALUES = 200_000
/** Containers within containers. n8n's own workflows stay under 30. */
export const MAX_JSON_DEPTH = 100
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
  /** UTF-8 bytes of the compact JSON with its numbers in full */
  sizeBytes: number
}

export interface CheckJsonOptions {
  /** where `value` sits in the body; default the root */
  pointerPrefix?: string
  /** default 20 */
  maxErrors?: number
  /** default: as many as there are */
  maxValues?: number
}

/**
 * A workflow is an object with a `nodes` array of objects, within the limits above; anything else odd is stored as is.
 * @throws {AppError} `invalid-workflow` with pointers; `too-large` over 2 MB
 */
export function parseWorkflow(value: unknown, options: CheckJsonOptions = {}): ParsedWorkflow {
  const prefix = options.pointerPrefix ?? ''
  const excess =
    isObject(value) && Array.isArray(value.nodes)
      ? tooMany(value.nodes.length, 'nodes', MAX_NODES)
      : undefined
  if (excess) throw invalidWorkflow([{ ...excess, pointer: prefix + excess.pointer }])
  // First, for what follows recurses.
  const errors = checkJson(value, { ...options, maxValues: MAX_VALUES })
  if (errors.length > 0) throw invalidWorkflow(errors)
  if (!isObject(value)) throw invalidWorkflow([{ pointer: prefix, detail: 'must be an object with nodes' }])
  const { nodes, name } = value
  if (!Array.isArray(nodes)) {
    const detail = nodes === undefined ? 'is required: an array of nodes' : 'must be an array of nodes'
    throw invalidWorkflow([{ pointer: pointerTo(prefix, 'nodes'), detail }])
  }
  const connections = tooManyConnections(value.connections)
  if (connections) throw invalidWorkflow([{ ...connections, pointer: prefix + connections.pointer }])
  const faults = nodes.flatMap((node: unknown, index) =>
    isObject(node) ? [] : [{ pointer: `${prefix}/nodes/${index}`, detail: 'must be an object' }],
  )
  if (faults.length > 0) throw invalidWorkflow(faults.slice(0, options.maxErrors ?? MAX_ERRORS))
  const text = JSON.stringify(value)
  const sizeBytes = new TextEncoder().encode(text).length + digitsInFull(text)
  if (sizeBytes > MAX_WORKFLOW_BYTES) {
    throw new AppError('too-large', `A workflow may have ${MAX_WORKFLOW_BYTES} bytes, this one ${sizeBytes}`)
  }
  return { workflow: value, name: typeof name === 'string' ? name : null, nodes, sizeBytes }
}

/** jsonb prints numbers in full: 1e308 becomes 309 digits. Exponents in strings count too, which does no harm. */
function digitsInFull(text: string): number {
  let digits = 0
  for (const [, exponent] of text.matchAll(/\de[-+](\d{2,3})/g)) digits += Number(exponent)
  return digits
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

/** The way from the value to the root; a pointer is written only where there is a fault. */
interface Place {
  key: string | number
  above: Place | null
}

/**
 * What Postgres or a recursive reader could not take: depth over 100, U+0000 or a lone surrogate in a string or key,
 * Infinity; and more than `maxValues` values. In document order; stops after `maxErrors`. Linear; the memory depends on
 * the depth.
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
    const goesOn = () => errors.length < maxErrors && values <= maxValues
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length && goesOn(); index += 1) {
        visit(value[index], index, place, depth + 1)
      }
      return
    }
    for (const name in value) {
      if (!goesOn()) return
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

const TOO_DEEP = `is nested more than ${MAX_JSON_DEPTH} deep`

function scalarFault(value: unknown): string | undefined {
  if (typeof value === 'string') return stringFault(value)
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'is a number beyond 1.8e308'
  return typeof value === 'boolean' || typeof value === 'object' ? undefined : 'is not JSON'
}

function stringFault(text: string): string | undefined {
  if (text.includes('\0')) return 'contains U+0000'
  return text.isWellFormed() ? undefined : 'contains half of a surrogate pair'
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON pointer one step further (RFC 6901). */
export function pointerTo(pointer: string, key: string): string {
  return `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function printable(pointer: string): string {
  return pointer.length <= MAX_POINTER_LENGTH ? pointer : `${pointer.slice(0, MAX_POINTER_LENGTH)}…`
}

export interface FoundWorkflow {
  value: unknown
  /** Where it stands in what wraps it; empty when nothing does. */
  pointer: string
}

/**
 * The workflows in a file: one, an array of them, or either wrapped in `workflow`, `workflows`, `data` or `items`.
 * They still need `parseWorkflow`.
 * @throws {AppError} `invalid-workflow` when there is none, or something else among them
 */
export function findWorkflows(json: unknown): FoundWorkflow[] {
  return unwrap(json, '', 0)
}

/** The values of `findWorkflows`. */
export const unwrapWorkflowFile = (json: unknown): unknown[] => findWorkflows(json).map(({ value }) => value)

function unwrap(json: unknown, pointer: string, depth: number): FoundWorkflow[] {
  if (depth > MAX_WRAPPING) throw notAWorkflow(pointer, 'is wrapped too deep')
  if (Array.isArray(json)) {
    if (json.length === 0) throw notAWorkflow(pointer, 'is an empty array: no workflow in it')
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

/**
 * One text for equal values: keys sorted by UTF-16 code unit, no white space.
 * @throws {AppError} `invalid` when nested more than 100 deep
 */
export function canonicalJson(value: unknown): string {
  const parts: string[] = []
  writeCanonical(value, 0, (part) => parts.push(part))
  return parts.join('')
}

/** Tokens in order, for the whole text may be large and nested texts would be copied at every level. */
function writeCanonical(value: unknown, depth: number, write: (part: string) => void): void {
  if (depth > MAX_JSON_DEPTH) throw new AppError('invalid', `The JSON ${TOO_DEEP}`)
  if (Array.isArray(value)) {
    write('[')
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0) write(',')
      writeCanonical(value[index], depth + 1, write)
    }
    write(']')
  } else if (isObject(value)) {
    let isFirst = true
    for (const key of Object.keys(value).toSorted()) {
      write(`${isFirst ? '{' : ','}${JSON.stringify(key)}:`)
      writeCanonical(value[key], depth + 1, write)
      isFirst = false
    }
    write(isFirst ? '{}' : '}')
  } else {
    write(JSON.stringify(value))
  }
}

/** SHA-256 of the canonical JSON, in lower-case hex: the same for two copies that differ by key order only. */
export async function contentHash(workflow: unknown): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', canonicalBytes(workflow))
  return new Uint8Array(digest).reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), '')
}

const CHUNK_CHARS = 32 * 1024

/** UTF-8, encoded in chunks: a list of all tokens would take many times the room. */
function canonicalBytes(value: unknown): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  let text = ''
  const flush = () => {
    const chunk = encoder.encode(text)
    chunks.push(chunk)
    sizeBytes += chunk.byteLength
    text = ''
  }
  writeCanonical(value, 0, (part) => {
    text += part
    if (text.length >= CHUNK_CHARS) flush()
  })
  flush()
  const bytes = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
