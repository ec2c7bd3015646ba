/** @module What collects the findings about a workflow's structure, and decides which of them are repaired on the way. */
import type { Finding } from './finding.ts'
import { type JsonObject, pointerTo } from './workflow-json.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Null means the same as absent. */
export const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

type Segment = string | number

/** Where a value sits, as a JSON pointer and as n8n writes it. */
export class Place {
  readonly pointer: string
  /** `connections.Hook.main[0]` */
  readonly path: string
  /** `request/body/nodes/0` */
  readonly body: string

  constructor(pointer = '', path = '', body = 'request/body') {
    this.pointer = pointer
    this.path = path
    this.body = body
  }

  at(...segments: Segment[]): Place {
    let { pointer, path, body } = this as Place
    for (const segment of segments) {
      pointer = pointerTo(pointer, String(segment))
      path =
        typeof segment === 'number' ? `${path}[${segment}]` : path === '' ? segment : `${path}.${segment}`
      body = `${body}/${segment}`
    }
    return new Place(pointer, path, body)
  }
}

export interface Defect {
  code: string
  place: Place
  message: string
  node?: string | undefined
  /** n8n's own words for it */
  n8n?: string
  /** Label of the repair; absent where none keeps the meaning. */
  fix?: string | undefined
  /** The repair needs another one that is not applied. */
  waits?: boolean
}

/** As many as anyone reads; the rest is counted in none of them. */
const MAX_FINDINGS = 200
const MAX_SHOWN_LENGTH = 120
const MAX_N8N_LENGTH = 500

export const shown = (text: string): string =>
  text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH).toWellFormed()}…`

export class Repairs {
  /** Every defect, repaired or not. */
  readonly all: Finding[] = []
  /** Those that are left. */
  readonly left: Finding[] = []
  /** Codes of the repairs that were made. */
  readonly applied = new Set<string>()
  readonly #codes: ReadonlySet<string> | 'all'

  constructor(codes: ReadonlySet<string> | 'all') {
    this.#codes = codes
  }

  applies(code: string): boolean {
    return this.#codes === 'all' || this.#codes.has(code)
  }

  /** @returns whether to go on with the repaired value */
  report({ code, place, message, node, n8n, fix, waits = false }: Defect): boolean {
    const finding: Finding = {
      code,
      level: 'error',
      ...(node !== undefined && { node: shown(node) }),
      pointer: place.pointer,
      message,
      ...(n8n !== undefined && { n8n: n8n.slice(0, MAX_N8N_LENGTH).toWellFormed() }),
      ...(fix !== undefined && { fix: { label: fix } }),
    }
    if (this.all.length < MAX_FINDINGS) this.all.push(finding)
    if (fix !== undefined && !waits && this.applies(code)) {
      this.applied.add(code)
      return true
    }
    if (this.left.length < MAX_FINDINGS) this.left.push(finding)
    return false
  }
}

export const quoted = (text: string): string => `"${text}"`

/** The type of a value in n8n's words. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return value === undefined ? 'undefined' : typeof value
}

export const refusedKind = (place: Place, expected: string, value: unknown): string =>
  `${place.body} Expected ${expected}, received ${kindOf(value)}`

/** The form of n8n's check of the structure. */
export const refusedStructure = (place: Place, code: string, what: string): string =>
  `Workflow structure is invalid. ${place.path} (${code}): ${what}`
