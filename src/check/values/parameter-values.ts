/** @module Which parameters of a node n8n displays, and the values that it reads. Evaluated on demand. */
import { isContainer } from '../../lib/json-object.ts'
import { isDisplayed, type NodeContext, ownValue, type Scope } from '../../n8n/catalogue/display-options.ts'
import { byName, isComplex, scopeOf } from '../../n8n/catalogue/parameter-scope.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'

interface Described {
  properties: readonly PropertyFacts[]
}

const noProperties: readonly PropertyFacts[] = []

/** The parameters at one level: of a node, or of a collection within it. */
export class ParameterValues {
  readonly properties: readonly PropertyFacts[]
  readonly context: NodeContext
  readonly #given: unknown
  readonly #root: ParameterValues | undefined
  #scope: Scope | undefined

  /** @param root the node's own parameters, for a level within a collection */
  constructor({ properties }: Described, given: unknown, context: NodeContext, root?: ParameterValues) {
    this.properties = properties
    this.context = context
    this.#given = given
    this.#root = root
  }

  /** What the conditions of the level read. */
  get scope(): Scope {
    if (!this.#scope) {
      const { properties, context } = this
      const root = this.#root
      const rootValues = root && root.scope.root
      this.#scope = scopeOf(properties, this.#given ?? {}, rootValues, context)
    }
    return this.#scope
  }

  /** Undefined if no parameter of this name is displayed. */
  get(name: string): unknown {
    const candidates = byName(this.properties).get(name)
    if (!candidates) return this.#root?.get(name)
    const property = candidates.find((each) => this.isDisplayed(each))
    if (!property) return undefined
    return isComplex(property) ? (this.given(name) ?? property.default) : ownValue(this.scope.values, name)
  }

  given(name: string): unknown {
    return ownValue(this.#given, name)
  }

  isDisplayed({ displayOptions }: PropertyFacts): boolean {
    return !displayOptions || isDisplayed(displayOptions, this.scope, this.context)
  }

  /** The displayed parameters of this name. */
  displayed(name: string): readonly PropertyFacts[] {
    return (
      byName(this.properties)
        .get(name)
        ?.filter((each) => this.isDisplayed(each)) ?? noProperties
    )
  }

  /** The same level with more values. */
  with(added: Record<string, unknown>): ParameterValues {
    const given = { ...(isContainer(this.#given) && this.#given), ...added }
    return new ParameterValues(this, given, this.context, this.#root)
  }

  /** The level of a collection or of a group of a fixed collection. */
  within(properties: readonly PropertyFacts[], given: unknown): ParameterValues {
    return new ParameterValues({ properties }, given, this.context, this.#root ?? this)
  }
}

/** False if it is given and n8n does not list it. */
export function isLegal(name: string, values: ParameterValues): boolean {
  const given = values.given(name)
  if (typeof given !== 'string' || given.startsWith('=')) return true
  const displayed = values.displayed(name)
  if (displayed.length === 0) return !byName(values.properties).has(name)
  if (displayed.some((each) => each.type !== 'options' || each.typeOptions?.loadsOptions)) return true
  return displayed.some((each) => each.options?.some(({ value }) => value === given))
}
