/** @module Collects the findings of one check. */
import { type Finding, type PatchOperation, worstFirst } from '../n8n/checks/finding.ts'
import { shown } from '../n8n/structure/repairs.ts'
import { redact } from '../lib/secrets/redact.ts'
import { pointerTo } from '../lib/json-object.ts'
import type { CheckCode } from './codes.ts'

export const MAX_FINDINGS = 200

interface Place {
  index: number
  name: string
  pointer: string
}

export interface Reported {
  code: CheckCode
  level: Finding['level']
  message: string
  /** Below the node, without the leading slash of its pointer: `/parameters/url`. */
  at?: string
  n8n?: string | undefined
  fix?: Finding['fix'] | undefined
}

interface Entry {
  order: number
  finding: Finding
}

export class Report {
  readonly #entries = new Map<string, Entry>()

  /** @param node undefined for the workflow, whose findings come last */
  add(node: Place | undefined, { code, level, message, at = '', n8n, fix }: Reported): void {
    this.include(node?.index, {
      code,
      level,
      ...(node && { node: shown(node.name) }),
      pointer: (node?.pointer ?? '') + at,
      message,
      ...(n8n !== undefined && { n8n }),
      ...(fix && { fix }),
    })
  }

  /** Whether `add` would add nothing, so that its message and fix need not be computed. */
  has({ pointer }: Place, code: CheckCode, at: string): boolean {
    return this.#entries.has(`${code} ${pointer}${at}`)
  }

  /** Adds only the first of several findings with the same code and place. @returns the added one, without secrets */
  include(index: number | undefined, given: Finding): Finding | undefined {
    const key = `${given.code} ${given.pointer}`
    if (this.#entries.has(key)) return undefined
    const { message, n8n } = given
    const finding = { ...given, message: redact(message), ...(n8n !== undefined && { n8n: redact(n8n) }) }
    this.#entries.set(key, { order: index ?? Infinity, finding })
    return finding
  }

  /** At most 200, in the order of the nodes, then by pointer and code. If there are more, errors take precedence. */
  findings(): Finding[] {
    const entries = [...this.#entries.values()]
    const kept =
      entries.length <= MAX_FINDINGS
        ? entries
        : entries.toSorted((a, b) => worstFirst(a.finding, b.finding)).slice(0, MAX_FINDINGS)
    return kept
      .toSorted(
        (a, b) =>
          (a.order === b.order ? 0 : a.order - b.order) ||
          compare(a.finding.pointer, b.finding.pointer) ||
          compare(a.finding.code, b.finding.code),
      )
      .map(({ finding }) => finding)
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const pointerAt = (base: string, ...path: (string | number)[]): string =>
  path.reduce<string>((pointer, key) => pointerTo(pointer, String(key)), base)

export const replacement = (label: string, path: string, value: unknown): Finding['fix'] => ({
  label,
  operations: [{ op: 'replace', path, value }],
})

export const patch = (label: string, operations: PatchOperation[]): Finding['fix'] => ({ label, operations })
