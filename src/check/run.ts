/** @module Loads what a check needs, then checks or fixes a workflow. */
import type { JsonObject } from '../lib/json-object.ts'
import { isExactVersion, versionRanges } from '../n8n/api/version.ts'
import { type CheckContext, type Checked, checkWithRefusals } from './check.ts'
import { loadParser } from './code/parser.ts'
import type { FactsOf } from './facts/node-facts.ts'
import { loadFacts } from './facts/load.ts'
import { type Fixed, fixWith } from './fix.ts'
import { typesOf } from './types-of.ts'

export interface CheckOptions {
  /** Default: the latest version that Flowkeep knows. */
  n8nVersion?: string | undefined
  context?: CheckContext
}

export interface CheckedWorkflow extends Checked {
  /** The version of the facts, such as `2.41`. */
  n8nVersion: string
}

/** An n8n with the older public API is this version or an earlier one. */
export const legacyVersion = '2.0'

/** @param known the version or range of an instance, or null. Undefined: the latest version that Flowkeep knows */
export function versionToCheck(known: string | null): string | undefined {
  if (known === versionRanges.legacy) return legacyVersion
  return isExactVersion(known) ? known : undefined
}

async function load(types: string[], n8nVersion: string | undefined): Promise<FactsOf> {
  const [facts] = await Promise.all([loadFacts(types, n8nVersion), loadParser()])
  return facts
}

export async function checkWorkflow(
  workflow: JsonObject,
  { n8nVersion, context }: CheckOptions = {},
): Promise<CheckedWorkflow> {
  const facts = await load(typesOf(workflow), n8nVersion)
  return { n8nVersion: facts.n8nVersion, ...checkWithRefusals(workflow, facts, context) }
}

/** Applies every fix. The input does not change. */
export const fixWorkflow = (
  workflow: JsonObject,
  { n8nVersion, context }: CheckOptions = {},
): Promise<Fixed> => fixWith(workflow, (types) => load(types, n8nVersion), context)
