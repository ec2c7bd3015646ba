/**
 * @module The parameters of a node as n8n resolves them before it publishes or runs the workflow: the displayed ones,
 * with defaults, down to nested collections.
 */
import { isContainer, type JsonObject, pointerTo } from '../../lib/json-object.ts'
import { isExpression } from '../../n8n/catalogue/display-options.ts'
import { typeVersion } from '../../n8n/catalogue/required-credentials.ts'
import type { NodeFacts, PropertyFacts } from '../facts/node-facts.ts'
import { isDisplayed, type NodeContext, type Scope } from './conditions.ts'
import { isFromAi } from './from-ai.ts'
import { property as read } from './paths.ts'

export interface DisplayedParameter {
  facts: PropertyFacts
  /** below `parameters`, such as `/options/timeout` */
  pointer: string
  /** as n8n reads it: as given, else the default */
  value: unknown
  /** false for a default */
  isGiven: boolean
}

export interface ResolvedNode {
  facts: NodeFacts
  context: NodeContext
  /** The values of the displayed parameters. Shares objects with the node: do not change them. */
  values: JsonObject
  /** pointer → parameter, in n8n's order; within collections only what is given, and the defaults of its entries */
  displayed: ReadonlyMap<string, DisplayedParameter>
  /** Pointers of the parameters whose shape n8n cannot read. n8n then refuses the workflow. */
  unreadable: readonly string[]
}

/** Never throws. @param facts of the node's type and version */
export function resolveNode(node: JsonObject, facts: NodeFacts): ResolvedNode {
  const context = { version: typeVersion(node) ?? 0, isTool: facts.name.endsWith('Tool') }
  const resolver = new Resolver(context)
  const values = resolver.level(facts.properties, node.parameters ?? {}, undefined, '')
  return { facts, context, values, displayed: resolver.displayed, unreadable: resolver.unreadable }
}

/**
 * What the conditions of one level read.
 * @param root of the top level; undefined at the top level itself
 */
export function scopeOf(
  properties: readonly PropertyFacts[],
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

export const isComplex = ({ type }: PropertyFacts): boolean =>
  type === 'collection' || type === 'fixedCollection'

interface Step {
  facts: PropertyFacts
  isComplex: boolean
  /** Another parameter of the level has the same name: only the displayed one counts. */
  isAmbiguous: boolean
}

const known = new WeakMap<readonly PropertyFacts[], Step[]>()

/**
 * In n8n's order: as declared, then once more each parameter with a condition on one that is declared after it.
 */
function stepsOf(properties: readonly PropertyFacts[]): Step[] {
  let steps = known.get(properties)
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
  const late: Step[] = []
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

class Resolver {
  readonly displayed = new Map<string, DisplayedParameter>()
  readonly unreadable: string[] = []
  readonly #context: NodeContext

  constructor(context: NodeContext) {
    this.#context = context
  }

  /** @param given the values of the level; n8n reads any JSON here  @param root undefined at the top level */
  level(
    properties: readonly PropertyFacts[],
    given: unknown,
    root: unknown,
    pointer: string,
    isCollection = false,
  ): JsonObject {
    const values: JsonObject = {}
    if (!given) return values
    const scope = scopeOf(properties, given, root, this.#context, isCollection)
    for (const { facts, isComplex } of stepsOf(properties)) {
      const { name } = facts
      const value = read(given, name)
      if (value === undefined && isCollection) continue
      try {
        if (!isDisplayed(facts.displayOptions, scope, this.#context)) continue
        const at = pointerTo(pointer, name)
        const resolved = isComplex ? this.#complex(facts, value, scope.root, at) : simpleValue(facts, value)
        values[name] = resolved
        this.displayed.set(at, { facts, pointer: at, value: resolved, isGiven: value !== undefined })
      } catch {
        const at = pointerTo(pointer, name)
        if (!this.unreadable.includes(at)) this.unreadable.push(at)
      }
    }
    return values
  }

  #complex(facts: PropertyFacts, value: unknown, root: unknown, at: string): unknown {
    const isMultiple = facts.typeOptions?.multipleValues === true
    if (facts.type === 'fixedCollection') {
      return this.#groups(facts, value === undefined ? facts.default : value, isMultiple, root, at)
    }
    if (!isMultiple) {
      return value === undefined ? facts.default : this.level(facts.options ?? [], value, root, at, true)
    }
    return value ?? (value === null ? null : Array.isArray(facts.default) ? facts.default : [])
  }

  #groups(facts: PropertyFacts, given: unknown, isMultiple: boolean, root: unknown, at: string): JsonObject {
    const groups: JsonObject = {}
    if (!given || (isMultiple && (!isContainer(given) || Array.isArray(given)))) return groups
    for (const [name, entry] of Object.entries(given)) {
      const properties = facts.options?.find((option) => option.name === name)?.values
      if (!properties) continue
      const below = pointerTo(at, name)
      if (isMultiple) {
        const entries = [...(entry as Iterable<unknown>)]
        groups[name] = entries.map((each, index) => this.level(properties, each, root, `${below}/${index}`))
      } else {
        const values = this.level(properties, entry, root, below)
        if (Object.keys(values).length > 0) groups[name] = values
      }
    }
    return groups
  }
}

/** Of any parameter that is not a collection. */
function simpleValue(facts: PropertyFacts, given: unknown): unknown {
  const value = withDefault(facts, given)
  return facts.noDataExpression && isExpression(value) && !isFromAi(value) ? value.slice(1) : value
}

const filterOptions = { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 1 }

function withDefault({ type, default: fallback }: PropertyFacts, given: unknown): unknown {
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
