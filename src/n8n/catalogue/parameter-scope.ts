/** @module The parameters of one level of a node, as n8n's conditions read them: given values and defaults. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
import {
  conditionsOf,
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
  const steps = given ? stepsOf(properties) : []
  // Runs for each parameter of each node. This loop allocates no iterator.
  for (let index = 0; index < steps.length; index += 1) {
    const step = steps[index]
    if (!step || step.isComplex) continue
    const { facts } = step
    const value = read(given, facts.name)
    if (value === undefined && isCollection) continue
    if (step.isAmbiguous && !isDisplayed(facts.displayOptions, scope, context)) continue
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
  const named = byName(properties)
  const positions = new Map<string, number>()
  properties.forEach(({ name }, index) => {
    if (!positions.has(name)) positions.set(name, index)
  })
  // Name → position of the last parameter that a condition of this name reads.
  const reads = new Map<string, number>()
  for (const { name, displayOptions } of properties) {
    for (const each of conditionsOf(displayOptions))
      reads.set(name, Math.max(reads.get(name) ?? -1, positions.get(each) ?? -1))
  }
  const late: Step<Facts>[] = []
  steps = properties.map((facts, index) => {
    const { name } = facts
    const isAmbiguous = (named.get(name)?.length ?? 0) > 1
    const step = { facts, isComplex: isComplex(facts), isAmbiguous }
    if ((reads.get(name) ?? -1) >= index) late.push(step)
    return step
  })
  steps.push(...late)
  known.set(properties, steps)
  return steps
}

const groups = new WeakMap<readonly Parameter[], Map<string, Parameter[]>>()

/** The properties by name; a name can occur once per operation. */
export function byName<Facts extends Parameter>(
  properties: readonly Facts[],
): ReadonlyMap<string, readonly Facts[]> {
  let found = groups.get(properties) as Map<string, Facts[]> | undefined
  if (!found) {
    found = Map.groupBy(properties, ({ name }) => name)
    groups.set(properties, found)
  }
  return found
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
