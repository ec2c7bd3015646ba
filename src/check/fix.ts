/** @module Applies the fixes of findings. Idempotent: a fixed workflow has no more findings with operations. */
import type { JsonObject } from '../lib/json-object.ts'
import type { Finding, PatchOperation } from '../n8n/checks/finding.ts'
import { checkStructure } from '../n8n/structure/structure.ts'
import { check, type CheckContext } from './check.ts'
import type { FactsOf } from './facts/node-facts.ts'
import { applyPatch } from './json-patch.ts'
import { typesOf } from './types-of.ts'

/** A fix can uncover another one, such as parameters of a type that was misspelled. */
const maximumRounds = 6

export interface Fixed {
  workflow: JsonObject
  /** Findings that were fixed, in order. */
  applied: Finding[]
}

/**
 * Repairs the structure, then applies every fix. The facts must include the types of the result: `fixWith` loads them.
 */
export function fix(workflow: JsonObject, facts: FactsOf, context: CheckContext = {}): Fixed {
  const structure = checkStructure(workflow, 'all')
  const applied = structure.findings.filter((finding) => finding.fix)
  let current = structure.workflow
  for (let round = 0; round < maximumRounds; round += 1) {
    const { fixed, findings } = applyRound(current, check(current, facts, context))
    if (findings.length === 0) break
    current = fixed
    applied.push(...findings)
    // Nothing is known about the type that was meant.
    if (namesOtherTypes(current, facts)) break
  }
  return { workflow: current, applied }
}

/** Like `fix`, and loads the facts of the types that the fixes name. @param load such as `loadFacts` */
export async function fixWith(
  workflow: JsonObject,
  load: (types: string[]) => Promise<FactsOf>,
  context: CheckContext = {},
): Promise<Fixed> {
  let result: Fixed = { workflow, applied: [] }
  let known = ''
  for (let round = 0; round < maximumRounds; round += 1) {
    const types = typesOf(result.workflow)
    if (types.join() === known) break
    known = types.join()
    const next = fix(result.workflow, await load(types), context)
    result = { workflow: next.workflow, applied: [...result.applied, ...next.applied] }
  }
  return result
}

/** Of this n8n, but without loaded facts. */
function namesOtherTypes(workflow: JsonObject, facts: FactsOf): boolean {
  const unknown = typesOf(workflow).filter((type) => !facts.nodeType(type))
  const listed = new Set(unknown.length === 0 ? [] : facts.typeNames())
  return unknown.some((type) => listed.has(type))
}

/** Applies the fixes that do not touch the same place. */
function applyRound(
  workflow: JsonObject,
  findings: readonly Finding[],
): { fixed: JsonObject; findings: Finding[] } {
  const touched: string[] = []
  const operations: PatchOperation[] = []
  const chosen: Finding[] = []
  for (const finding of findings) {
    const wanted = finding.fix?.operations
    if (!wanted || wanted.length === 0) continue
    const places = wanted
      .flatMap((each) => (each.op === 'move' ? [each.from, each.path] : [each.path]))
      .map(areaOf)
    if (places.some((place) => touched.some((other) => overlaps(place, other)))) continue
    touched.push(...places)
    operations.push(...wanted)
    chosen.push(finding)
  }
  const fixed = operations.length === 0 ? undefined : applyPatch(workflow, operations)
  if (fixed) return { fixed, findings: chosen }
  // One fix that does not apply must not prevent the others.
  let current = workflow
  const done: Finding[] = []
  for (const finding of chosen) {
    const next = applyPatch(current, finding.fix?.operations ?? [])
    if (!next) continue
    current = next
    done.push(finding)
  }
  return { fixed: current, findings: done }
}

/**
 * Indexes shift when a connection is moved, so all connections count as one place. The version of a node decides which
 * parameters it has.
 */
const areaOf = (pointer: string): string =>
  pointer.startsWith('/connections')
    ? '/connections'
    : pointer.replace(/^(\/nodes\/\d+)\/typeVersion$/, '$1/parameters')
const overlaps = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
