/**
 * @module Finds the strings of a workflow that name nodes, and rewrites them once after any number of renames. Each string
 * is parsed once, so that 200 renames take no longer than one.
 */
import {
  type ReferencePiece,
  renamedReference,
  splitReferences,
} from '../../check/expressions/node-references.ts'
import { isContainer, isObject, type JsonObject, putOwn } from '../../lib/json-object.ts'

/** Parameters with code, which is not an expression. */
const codeKeys = new Set(['jsCode', 'functionCode', 'pythonCode', 'code'])

interface Site {
  pieces: (string | { piece: Exclude<ReferencePiece, string>; node: JsonObject | undefined })[]
  isPython: boolean
}

/** Whether n8n evaluates a string: an expression, code, or a template that the node evaluates itself. */
const isEvaluated = (value: string, key: string): boolean =>
  value.startsWith('=') || codeKeys.has(key) || (value.includes('{{') && key !== 'workflowJson')

/** Calls back for every evaluated string below a value. `key`: the nearest member name. */
function visitStrings(
  owner: object,
  slot: string,
  key: string,
  found: (owner: object, slot: string, value: string, isPython: boolean) => void,
): void {
  const value: unknown = Object.hasOwn(owner, slot) ? Reflect.get(owner, slot) : undefined
  if (typeof value === 'string') {
    if (isEvaluated(value, key)) found(owner, slot, value, key === 'pythonCode' && !value.startsWith('='))
  } else if (isContainer(value)) {
    for (const each of Object.keys(value)) visitStrings(value, each, Array.isArray(value) ? key : each, found)
  }
}

/** The names of nodes in the expressions and code below a value. */
export function referencedNames(value: unknown): Set<string> {
  const names = new Set<string>()
  visitStrings({ value }, 'value', '', (_, __, text, isPython) => {
    for (const piece of splitReferences(text, isPython) ?? [])
      if (typeof piece !== 'string') names.add(piece.name)
  })
  return names
}

export class ReferenceIndex {
  readonly #sites = new Map<object, Map<string, Site>>()
  readonly #named: (name: string) => JsonObject | undefined

  /** @param named the node that has the name now */
  constructor(nodes: readonly unknown[], named: (name: string) => JsonObject | undefined) {
    this.#named = named
    for (const node of nodes) if (isObject(node)) this.add(node, 'parameters', '')
  }

  /** Reads a new value, whose references mean the nodes that have these names now. */
  add(owner: object, slot: string, key: string): void {
    this.#sites.get(owner)?.delete(slot)
    visitStrings(owner, slot, key, (container, at, text, isPython) => {
      const pieces = splitReferences(text, isPython)?.map((piece) =>
        typeof piece === 'string' ? piece : { piece, node: this.#named(piece.name) },
      )
      if (!pieces) return
      const sites = this.#sites.get(container) ?? new Map<string, Site>()
      this.#sites.set(container, sites.set(at, { pieces, isPython }))
    })
  }

  /** An item was removed from a list. */
  shift(list: unknown[], removed: number): void {
    const sites = this.#sites.get(list)
    if (!sites) return
    const moved = [...sites].flatMap(([slot, site]): [string, Site][] => {
      const at = Number(slot)
      return at === removed ? [] : [[at > removed ? String(at - 1) : slot, site]]
    })
    this.#sites.set(list, new Map(moved))
  }

  /** A string with the current names; undefined if it names no node. */
  textAt(owner: object, slot: string): string | undefined {
    const site = this.#sites.get(owner)?.get(slot)
    return site && textOf(site)
  }

  /** Writes the current names into every string. */
  write(): void {
    for (const [owner, sites] of this.#sites) {
      for (const [slot, site] of sites) if (site.pieces.some(isOutdated)) putOwn(owner, slot, textOf(site))
    }
  }
}

const isOutdated = (each: Site['pieces'][number]): boolean =>
  typeof each !== 'string' && typeof each.node?.name === 'string' && each.node.name !== each.piece.name

const textOf = ({ pieces, isPython }: Site): string =>
  pieces
    .map((each) => {
      if (typeof each === 'string') return each
      return isOutdated(each)
        ? renamedReference(each.piece, String(each.node?.name), isPython)
        : each.piece.raw
    })
    .join('')
