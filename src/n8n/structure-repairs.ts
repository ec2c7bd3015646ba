/** @module What collects the findings about a workflow's structure, and decides which of them are repaired on the way. */
import type { Finding } from './finding.ts'
import { type JsonObject, pointerTo } from './workflow-json.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Null means the same as absent. */
export const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

type Segment = string | number

/** Where a value sits. Long keys are shortened, and nothing is written out before it is asked for. */
export class Place {
  readonly #parent: Place | undefined
  readonly #segment: Segment

  constructor(parent?: Place, segment: Segment = '') {
    this.#parent = parent
    this.#segment = typeof segment === 'number' ? segment : shown(segment)
  }

  at(segment: Segment): Place {
    return new Place(this, segment)
  }

  /** JSON pointer (RFC 6901). */
  get pointer(): string {
    return this.#parent ? pointerTo(this.#parent.pointer, String(this.#segment)) : ''
  }

  /** As n8n writes it: `connections.Hook.main[0]` */
  get path(): string {
    const before = this.#parent?.path ?? ''
    if (typeof this.#segment === 'number') return `${before}[${this.#segment}]`
    return before === '' ? this.#segment : `${before}.${this.#segment}`
  }

  /** As n8n's request check writes it: `request/body/nodes/0` */
  get body(): string {
    return this.#parent ? `${this.#parent.body}/${this.#segment}` : 'request/body'
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
