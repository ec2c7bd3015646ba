/** @module Collects findings about a workflow's structure and decides which ones to repair. */
import { pointerTo } from '../../lib/json-object.ts'
import type { Finding } from '../checks/finding.ts'

export const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

type Segment = string | number

/** The location of a value. Shortens long keys and builds its text lazily. */
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

  /** In n8n's notation: `connections.Hook.main[0]` */
  get path(): string {
    const before = this.#parent?.path ?? ''
    if (typeof this.#segment === 'number') return `${before}[${this.#segment}]`
    return before === '' ? this.#segment : `${before}.${this.#segment}`
  }

  /** In the notation of n8n's request validation: `request/body/nodes/0` */
  get body(): string {
    return this.#parent ? `${this.#parent.body}/${this.#segment}` : 'request/body'
  }
}

export interface Defect {
  code: string
  place: Place
  message: string
  node?: string | undefined
  /** n8n's own message */
  n8n?: string
  /** Label of the repair; undefined if no repair preserves the meaning. */
  fix?: string | undefined
  /** The repair depends on another one that is not applied. */
  waits?: boolean
}

const MAX_FINDINGS = 200
const MAX_SHOWN_LENGTH = 120
const MAX_N8N_LENGTH = 500

export const shown = (text: string): string =>
  text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH).toWellFormed()}…`

export class Repairs {
  /** Every defect, repaired or not. */
  readonly all: Finding[] = []
  /** Defects without an applied repair. */
  readonly left: Finding[] = []
  /** Codes of the applied repairs. */
  readonly applied = new Set<string>()
  readonly #codes: ReadonlySet<string> | 'all'

  constructor(codes: ReadonlySet<string> | 'all') {
    this.#codes = codes
  }

  applies(code: string): boolean {
    return this.#codes === 'all' || this.#codes.has(code)
  }

  /** @returns whether to use the repaired value */
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

/** The type name that n8n uses for a value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return value === undefined ? 'undefined' : typeof value
}

export const refusedKind = (place: Place, expected: string, value: unknown): string =>
  `${place.body} Expected ${expected}, received ${kindOf(value)}`

/** The message format of n8n's structure validation. */
export const refusedStructure = (place: Place, code: string, what: string): string =>
  `Workflow structure is invalid. ${place.path} (${code}): ${what}`
