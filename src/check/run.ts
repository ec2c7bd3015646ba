/** @module Loads what a check needs, then checks or fixes a workflow. */
import type { JsonObject } from '../lib/json-object.ts'
import type { Finding } from '../n8n/checks/finding.ts'
import { type CheckContext, type Checked, checkWithRefusals, loadParser, typesOf } from './check.ts'
import type { FactsOf } from './facts/node-facts.ts'
import { loadFacts } from './facts/load.ts'
import { fix } from './fix.ts'

export interface CheckOptions {
  /** Default: the latest version that Flowkeep knows. */
  n8nVersion?: string | undefined
  context?: CheckContext
}

export interface CheckedWorkflow extends Checked {
  /** The version of the facts, such as `2.41`. */
  n8nVersion: string
}

export interface FixedWorkflow {
  workflow: JsonObject
  /** The fixed findings, in order. */
  applied: Finding[]
}

/** An n8n with the older public API is this version or an earlier one. */
export const legacyVersion = '2.0'

/** A fix can change a type, whose own parameters can need a fix. */
const maximumRounds = 3

async function load(workflow: JsonObject, n8nVersion: string | undefined): Promise<FactsOf> {
  const [facts] = await Promise.all([loadFacts(typesOf(workflow), n8nVersion), loadParser()])
  return facts
}

export async function checkWorkflow(
  workflow: JsonObject,
  { n8nVersion, context }: CheckOptions = {},
): Promise<CheckedWorkflow> {
  const facts = await load(workflow, n8nVersion)
  return { n8nVersion: facts.n8nVersion, ...checkWithRefusals(workflow, facts, context) }
}

/** Applies every fix. The input does not change. */
export async function fixWorkflow(workflow: JsonObject, options: CheckOptions = {}): Promise<FixedWorkflow> {
  const applied: Finding[] = []
  let current = workflow
  for (let round = 0; round < maximumRounds; round += 1) {
    const fixed = fix(current, await load(current, options.n8nVersion), options.context)
    if (fixed.applied.length === 0) break
    applied.push(...fixed.applied)
    current = fixed.workflow
  }
  return { workflow: current, applied }
}
