/** @module The parameters of one level of a node, as n8n's conditions read them: given values and defaults. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
import {
  type DisplayOptions,
  isDisplayed,
  isExpression,
  type NodeContext,
  type Scope,
} from './display-options.ts'
import { isFromAi } from './from-ai.ts'
import { property as read } from './paths.ts'

export interface Parameter {
  name: string
  type?: string
  default?: unknown
  displayOptions?: DisplayOptions
  noDataExpression?: boolean
}

/**
 * What the conditions of one level read.
 * @param root of the top level; undefined at the top level itself
 */
export function scopeOf(
  properties: readonly Parameter[],
  given: unknown,
  root: unknown,
  context: NodeContext,
  isCollection = false,
): Scope {
  const values: JsonObject = {}
  const scope = { values, root: root || values }
  for (const { facts, isComplex, isAmbiguous } of given ? stepsOf(properties) : []) {
    if (isComplex) continue
    const value = read(given, facts.name)
    if (value === undefined && isCollection) continue
    if (isAmbiguous && !isDisplayed(facts.displayOptions, scope, context)) continue
    values[facts.name] = simpleValue(facts, value)
  }
  return scope
}

export const isComplex = ({ type }: Parameter): boolean => type === 'collection' || type === 'fixedCollection'

interface Step<Facts extends Parameter> {
  facts: Facts
  isComplex: boolean
  /** Another parameter of the level has the same name: only the displayed one counts. */
  isAmbiguous: boolean
}

const known = new WeakMap<readonly Parameter[], Step<Parameter>[]>()

/**
 * In n8n's order: as declared, then once more each parameter with a condition on one that is declared after it.
 */
export function stepsOf<Facts extends Parameter>(properties: readonly Facts[]): Step<Facts>[] {
  let steps = known.get(properties) as Step<Facts>[] | undefined
  if (steps) return steps
  const counts = new Map<string, number>()
  const conditions = new Map<string, string[]>()
  for (const { name, displayOptions } of properties) {
    counts.set(name, (counts.get(name) ?? 0) + 1)
    const { show, hide } = displayOptions ?? {}
    const names = conditions.get(name) ?? []
    names.push(...Object.keys(show ?? {}), ...Object.keys(hide ?? {}))
    conditions.set(name, names)
  }
  const resolved = new Set<string>()
  const late: Step<Facts>[] = []
  steps = properties.map((facts) => {
    const { name } = facts
    const step = { facts, isComplex: isComplex(facts), isAmbiguous: (counts.get(name) ?? 0) > 1 }
    if (conditions.get(name)?.some((each) => conditions.has(each) && !resolved.has(each))) late.push(step)
    resolved.add(name)
    return step
  })
  steps.push(...late)
  known.set(properties, steps)
  return steps
}

/** Of any parameter that is not a collection. */
export function simpleValue(facts: Parameter, given: unknown): unknown {
  const value = withDefault(facts, given)
  return facts.noDataExpression && isExpression(value) && !isFromAi(value) ? value.slice(1) : value
}

const filterOptions = { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 1 }

function withDefault({ type, default: fallback }: Parameter, given: unknown): unknown {
  switch (type ?? '') {
    case 'boolean':
    case 'number':
    case 'options':
      return given === undefined ? fallback : given
    case 'resourceLocator':
      if (typeof fallback !== 'object') break
      return given === undefined ? { __rl: true, ...fallback } : given
    case 'filter': {
      if (!isContainer(given)) break
      const filter = given as JsonObject
      const options = { ...filterOptions, ...(filter.options as object | undefined) }
      const completed = { ...filter, combinator: filter.combinator ?? 'and', options }
      return Array.isArray(given) ? Object.assign(Array.from<unknown>(given), completed) : completed
    }
    default:
  }
  return given ?? fallback
}
