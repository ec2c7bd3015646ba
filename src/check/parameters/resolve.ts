/**
 * @module The parameters of a node as n8n resolves them before it publishes or runs the workflow: the displayed ones,
 * with defaults, down to nested collections.
 */
import { isContainer, type JsonObject, pointerTo } from '../../lib/json-object.ts'
import { isDisplayed, type NodeContext, type Scope } from '../../n8n/catalogue/display-options.ts'
import { scopeOf, simpleValue, stepsOf } from '../../n8n/catalogue/parameter-scope.ts'
import { property as read } from '../../n8n/catalogue/paths.ts'
import { typeVersion } from '../../n8n/catalogue/required-credentials.ts'
import type { NodeFacts, PropertyFacts } from '../facts/node-facts.ts'

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

/** Never throws. @param facts of the node's type and version  @param scope of the node's parameters, if it is known */
export function resolveNode(node: JsonObject, facts: NodeFacts, scope?: Scope): ResolvedNode {
  const context = { version: typeVersion(node) ?? 0, isTool: facts.name.endsWith('Tool') }
  const resolver = new Resolver(context)
  const given = node.parameters ?? {}
  const known = scope ?? scopeOf(facts.properties, given, undefined, context)
  const values = given ? resolver.level(facts.properties, given, known, '') : {}
  return { facts, context, values, displayed: resolver.displayed, unreadable: resolver.unreadable }
}

class Resolver {
  readonly displayed = new Map<string, DisplayedParameter>()
  readonly unreadable: string[] = []
  readonly #context: NodeContext

  constructor(context: NodeContext) {
    this.#context = context
  }

  /** @param given the values of the level; n8n reads any JSON here */
  level(
    properties: readonly PropertyFacts[],
    given: unknown,
    scope: Scope,
    pointer: string,
    isCollection = false,
  ): JsonObject {
    const values: JsonObject = {}
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

  #within(
    properties: readonly PropertyFacts[],
    given: unknown,
    root: unknown,
    pointer: string,
    isCollection = false,
  ): JsonObject {
    if (!given) return {}
    const scope = scopeOf(properties, given, root, this.#context, isCollection)
    return this.level(properties, given, scope, pointer, isCollection)
  }

  #complex(facts: PropertyFacts, value: unknown, root: unknown, at: string): unknown {
    const isMultiple = facts.typeOptions?.multipleValues === true
    if (facts.type === 'fixedCollection') {
      return this.#groups(facts, value === undefined ? facts.default : value, isMultiple, root, at)
    }
    if (!isMultiple) {
      return value === undefined ? facts.default : this.#within(facts.options ?? [], value, root, at, true)
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
        groups[name] = entries.map((each, index) => this.#within(properties, each, root, `${below}/${index}`))
      } else {
        const values = this.#within(properties, entry, root, below)
        if (Object.keys(values).length > 0) groups[name] = values
      }
    }
    return groups
  }
}
