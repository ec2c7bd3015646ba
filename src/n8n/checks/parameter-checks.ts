/**
 * @module Finds parameters that stop n8n 2.41 from publishing a node: missing, empty or malformed. Checks displayed
 * parameters only, and none inside collections.
 */
import { isContainer } from '../../lib/json-object.ts'
import { readDataFile } from '#data-files'
import { sharedLoad } from '../../lib/shared-load.ts'
import type { NodeDescription } from '../catalogue/catalogue.ts'
import { isDisplayed, isExpression, ownValue, resolveParameters } from '../catalogue/display-options.ts'
import type { LocatorMode, ParameterFactsFile, ParameterFactsRow } from '../catalogue/parameter-facts-file.ts'

export interface ParameterIssue {
  name: string
  problem: 'missing' | 'invalid'
}

/** Limits the input of n8n's own patterns to the length of an ID or a URL. */
const maximumTestedChars = 1000
const identifier = /^[A-Za-z_]\w*$/
const toolEndings = ['HitlTool', 'Tool']

export class ParameterFacts {
  readonly #nodes: Map<string, ParameterFactsRow[]>
  readonly #locators: Map<string, RegExp>[]

  constructor({ nodes, locators }: ParameterFactsFile) {
    this.#nodes = new Map(Object.entries(nodes))
    this.#locators = locators.map(patternsOf)
  }

  /** For an enabled node with a type and version from the catalogue. */
  issuesOf(type: string, parameters: unknown, description: NodeDescription): ParameterIssue[] {
    const facts = this.#factsOf(type)?.find(({ v }) => v.includes(description.version))
    if (!facts) return []
    const values = resolveParameters(facts.p ?? [], parameters, description)
    const issues = new Map<string, ParameterIssue>()
    for (const [show, hide, ...wanted] of facts.w) {
      if (!isDisplayed(show, hide, values, description)) continue
      for (const [kind, ...names] of wanted) {
        for (const name of names) {
          const problem = this.#problem(kind, ownValue(parameters, name))
          if (problem) issues.set(name, { name, problem })
        }
      }
    }
    return [...issues.values()]
  }

  #factsOf(type: string): ParameterFactsRow[] | undefined {
    const own = this.#nodes.get(type)
    const ending = own ? undefined : toolEndings.find((each) => type.endsWith(each))
    return ending === undefined ? own : this.#nodes.get(type.slice(0, -ending.length))
  }

  #problem(kind: string, value: unknown): ParameterIssue['problem'] | undefined {
    const isUnset = value === undefined || value === null
    const index = kind.length > 1 ? Number(kind.slice(1)) : undefined
    switch (kind.charAt(0)) {
      case 's':
        return isUnset || value === '' ? 'missing' : undefined
      case 'm':
        return isUnset || (Array.isArray(value) && value.length === 0) ? 'missing' : undefined
      case 'a':
      case 'b':
        if (isUnset) return kind === 'a' ? 'missing' : undefined
        return isExpression(value) || (typeof value === 'string' && identifier.test(value))
          ? undefined
          : 'invalid'
      case 'f':
        return entriesOf(value) < (index ?? 0) ? 'missing' : undefined
      case 'l':
      case 'o':
        if (isEmptyLocator(value)) return kind[0] === 'l' ? 'missing' : undefined
        return index === undefined || this.#fits(index, value) ? undefined : 'invalid'
      default:
        return undefined
    }
  }

  #fits(index: number, value: unknown): boolean {
    const [mode, text] = [ownValue(value, 'mode'), ownValue(value, 'value')]
    const pattern = typeof mode === 'string' ? this.#locators[index]?.get(mode) : undefined
    if (!pattern || isExpression(text)) return true
    const tested = typeof text === 'string' || typeof text === 'number' ? String(text) : ''
    return tested.length > maximumTestedChars || pattern.test(tested)
  }
}

/** n8n also accepts a plain string as the value. */
function isEmptyLocator(value: unknown): boolean {
  if (!isContainer(value)) return value === undefined || value === null || value === ''
  const inner = ownValue(value, 'value')
  return typeof inner !== 'number' && !inner
}

/** Entries of a fixed collection: `{ <group>: [ … ] }`. */
function entriesOf(value: unknown): number {
  if (!isContainer(value)) return 0
  const counts = Object.values(value).map((entries: unknown) => (Array.isArray(entries) ? entries.length : 0))
  return Math.max(0, ...counts)
}

const patternsOf = (modes: LocatorMode[]) =>
  new Map(modes.map(([mode, pattern]) => [mode, new RegExp(`^${pattern}$`)]))

/** Loads the facts on first use and caches them for the isolate's lifetime. */
export const loadParameterFacts = sharedLoad(
  async () => new ParameterFacts((await readDataFile('parameter-facts')) as ParameterFactsFile),
)
