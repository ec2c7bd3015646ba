/**
 * @module The parameters of a node that keep n8n from publishing it: missing, malformed, too few entries. The rules are
 * n8n's own, including where it looks for the parameters of nested collections.
 */
import { isContainer, type JsonObject, pointerTo } from '../../lib/json-object.ts'
import type { NodeFacts, PropertyFacts } from '../facts/node-facts.ts'
import { isDisplayed, matches, type NodeContext } from '../../n8n/catalogue/display-options.ts'
import { property as read, readPath } from '../../n8n/catalogue/paths.ts'
import { hasType, isExpressionLike, toText } from './value-types.ts'

export type ParameterProblem =
  /** required and empty */
  | 'missing'
  /** an invalid format or type */
  | 'invalid'
  | 'too-few'
  | 'too-many'
  /** n8n fails to read it */
  | 'unreadable'

export interface ParameterIssue {
  /** n8n's name of it, such as `url` or `columns.email` */
  name: string
  /** below `parameters` */
  pointer: string
  problem: ParameterProblem
  facts: PropertyFacts
  value: unknown
}

export interface ParameterIssues {
  issues: ParameterIssue[]
  /** What n8n names in its message, in its order. */
  names: string[]
}

/** Never throws. @param values the node's parameters: as resolved for what n8n publishes */
export function parameterIssues(
  { properties }: NodeFacts,
  values: unknown,
  context: NodeContext,
): ParameterIssues {
  const walk = new Walk(values ?? {}, context)
  for (const facts of checkedOf(properties)) {
    try {
      walk.visit(facts, '', pointerTo('', facts.name))
    } catch {
      const [name, pointer] = [facts.name, pointerTo('', facts.name)]
      // n8n gives up on the node and names no parameter.
      const issue = { name, pointer, problem: 'unreadable' as const, facts, value: read(values, name) }
      return { issues: [issue], names: [] }
    }
  }
  return { issues: walk.issues, names: [...walk.names] }
}

const known = new WeakMap<readonly PropertyFacts[], PropertyFacts[]>()

/** The parameters that can have an issue, themselves or below. */
function checkedOf(properties: readonly PropertyFacts[]): PropertyFacts[] {
  let checked = known.get(properties)
  if (!checked) known.set(properties, (checked = properties.filter(canHaveIssue)))
  return checked
}

const locators = new Set(['resourceLocator', 'workflowSelector', 'agentSelector'])
const special = new Set([...locators, 'resourceMapper', 'filter'])

function canHaveIssue({ type = '', required, validateType, typeOptions, options }: PropertyFacts): boolean {
  if (required === true || validateType !== undefined || special.has(type)) return true
  if (type === 'collection') return (options ?? []).some(canHaveIssue)
  if (type !== 'fixedCollection') return false
  if (typeOptions?.minRequiredFields || typeOptions?.maxAllowedFields) return true
  return (options ?? []).some(({ values }) => values?.some(canHaveIssue))
}

class Walk {
  readonly issues: ParameterIssue[] = []
  readonly names = new Set<string>()
  readonly #values: unknown
  readonly #context: NodeContext

  constructor(values: unknown, context: NodeContext) {
    this.#values = values
    this.#context = context
  }

  /**
   * @param path where n8n looks for the level of the parameter. Below a nested collection that is not where it is.
   * @param pointer where the parameter is
   */
  visit(facts: PropertyFacts, path: string, pointer: string): void {
    const { name, type = '', required, validateType } = facts
    const shown = this.#isDisplayed(facts, path)
    const value = readPath(this.#values, path ? `${path}.${name}` : name)
    const report = (problem: ParameterProblem, at = pointer, named = name, given = value): void => {
      this.names.add(named)
      this.issues.push({ name: named, pointer: at, problem, facts, value: given })
    }
    if (required === true && shown) {
      if (facts.typeOptions?.multipleValues === undefined) {
        if (isEmpty(type, value)) report('missing')
      } else if (Array.isArray(value)) {
        for (const [index, each] of value.entries()) {
          if (isEmpty(type, each)) report('missing', `${pointer}/${index}`, name, each)
        }
      }
    }
    if (special.has(type)) {
      if (!shown) return
      if (locators.has(type)) {
        for (let left = locatorErrors(facts, value); left > 0; left -= 1) report('invalid')
      } else if (type === 'filter') checkFilter(value)
      else this.#mapper(facts, value, pointer, report)
      return
    }
    if (validateType !== undefined && !isExpressionLike(value)) {
      if (!hasType(value, validateType, facts.options)) report('invalid')
    }
    if (type === 'collection') this.#collection(facts, path, pointer)
    else if (type === 'fixedCollection' && shown) this.#groups(facts, path, pointer, report)
  }

  #isDisplayed({ displayOptions }: PropertyFacts, path: string): boolean {
    if (!displayOptions) return true
    const values = path === '' ? this.#values : readPath(this.#values, path)
    // n8n takes a parameter named `parameters` for the root.
    const root = path.split('.', 1)[0] === 'parameters' ? read(this.#values, 'parameters') : this.#values
    return isDisplayed(displayOptions, { values, root: root || values }, this.#context)
  }

  #collection({ options }: PropertyFacts, path: string, pointer: string): void {
    const level = path ? `${path}.` : ''
    for (const facts of checkedOf(options ?? [])) this.visit(facts, level, pointerTo(pointer, facts.name))
  }

  #groups(
    { name, typeOptions, options = [] }: PropertyFacts,
    path: string,
    pointer: string,
    report: (problem: ParameterProblem, pointer?: string) => void,
  ): void {
    const { minRequiredFields: minimum, maxAllowedFields: maximum, multipleValues } = typeOptions ?? {}
    const level = path ? `${path}.` : name
    for (const { name: group, values = [] } of options) {
      const entries = readPath(this.#values, `${level}.${group}`)
      const count = Array.isArray(entries) ? entries.length : 0
      const below = pointerTo(pointer, group)
      if (maximum && count > maximum) report('too-many', below)
      else if (minimum && count < minimum) report('too-few', below)
      if (entries === undefined) continue
      const checked = checkedOf(values)
      const visit = (at: string, place: string): void => {
        for (const facts of checked) this.visit(facts, at, pointerTo(place, facts.name))
      }
      if (multipleValues === undefined) visit(`${level}.${group}`, below)
      else
        for (let index = 0; index < count; index += 1)
          visit(`${level}.${group}[${index}]`, `${below}/${index}`)
    }
  }

  #mapper(
    { name, typeOptions }: PropertyFacts,
    value: unknown,
    pointer: string,
    report: (problem: ParameterProblem, pointer: string, name: string, value: unknown) => void,
  ): void {
    if (!isContainer(value) || !['mappingMode', 'schema', 'value'].every((key) => key in value)) return
    const { mappingMode, schema, value: mapped } = value as JsonObject
    if (mappingMode === 'autoMapInputData') return
    const isAdd = typeOptions?.resourceMapper?.mode === 'add'
    if (!Array.isArray(schema)) throw new TypeError('schema is not an array')
    for (const field of schema as JsonObject[]) {
      const { id, type, required, options } = field
      const given = mapped ? read(mapped, String(id)) : null
      const isMissing = required && isAdd && (mapped === null || given === undefined)
      const isInvalid = Boolean(type) && !isExpressionLike(given) && !hasType(given, type as string, options)
      if (!isMissing && !isInvalid) continue
      this.names.add(name)
      const at = pointerTo(`${pointer}/value`, String(id))
      if (isMissing) report('missing', at, `${name}.${String(id)}`, given)
      if (isInvalid) report('invalid', at, `${name}.${String(id)}`, given)
    }
  }
}

function isEmpty(type: string, value: unknown): boolean {
  switch (type) {
    case 'string':
    case 'dateTime':
    case 'options':
      return value === '' || value === undefined
    case 'multiOptions':
      return Array.isArray(value) && value.length === 0
    case 'resourceLocator':
    case 'workflowSelector':
    case 'agentSelector':
      return isEmptyLocator(value)
    default:
      return false
  }
}

/** A plain text counts as a value. @throws {TypeError} for null, as n8n */
function isEmptyLocator(value: unknown): boolean {
  if (typeof value !== 'object') return !value
  const { value: inner } = value as JsonObject
  return typeof inner !== 'number' && !inner
}

function locatorErrors({ modes }: PropertyFacts, locator: unknown): number {
  if (!isContainer(locator) || !('mode' in locator) || !('value' in locator)) return 0
  const { validation = [] } = modes?.find(({ name }) => name === locator.mode) ?? {}
  if (validation.length === 0) return 0
  const { value } = locator
  const text = value === null || value === undefined ? '' : toText(value)
  return text.startsWith('=') ? 0 : validation.filter(({ regex }) => !matches(`^${regex}$`, text)).length
}

/** @throws {TypeError} without conditions, as n8n. It finds no other fault in a filter. */
function checkFilter(filter: unknown): void {
  if (!isContainer(filter) || !('conditions' in filter) || !('combinator' in filter)) return
  if (!Array.isArray(filter.conditions)) throw new TypeError('conditions is not an array')
}
