/** @module Whether n8n displays a parameter, a credential or a field: its display conditions, evaluated as n8n does. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
import type { Conditions } from './catalogue-file.ts'
import { readPath } from './paths.ts'

export interface DisplayOptions {
  show?: Conditions | null | undefined
  hide?: Conditions | null | undefined
}

/** What conditions may depend on besides values. Of a credential: version 0. */
export interface NodeContext {
  /** `@version` */
  version: number
  /** `@tool` */
  isTool: boolean
}

/** The values that a condition reads. */
export interface Scope {
  /** of the level of the parameter itself */
  values: unknown
  /** of the top level, for names such as `/resource` */
  root: unknown
}

/**
 * Requires all of `show` and none of `hide`. An expression in a `show` parameter counts as a match for all.
 * @param isConsidered which conditions to evaluate, by name
 */
export function isDisplayed(
  options: DisplayOptions | undefined,
  scope: Scope,
  context: NodeContext,
  isConsidered?: (name: string) => boolean,
): boolean {
  if (!options) return true
  const { show, hide } = rulesOf(options)
  // Runs for each parameter of each node. These loops allocate nothing.
  for (let index = 0; index < show.length; index += 1) {
    const rule = show[index]
    if (!rule || (isConsidered && !isConsidered(rule.name))) continue
    const actual = read(rule, scope, context)
    if (hasExpression(actual)) return true
    if (!isAccepted(rule, actual)) return false
  }
  for (let index = 0; index < hide.length; index += 1) {
    const rule = hide[index]
    if (!rule || (isConsidered && !isConsidered(rule.name))) continue
    const actual = read(rule, scope, context)
    if (!(Array.isArray(actual) && actual.length === 0) && isAccepted(rule, actual)) return false
  }
  return true
}

const hasExpression = (actual: unknown): boolean =>
  Array.isArray(actual) ? actual.some(isExpression) : isExpression(actual)

/** Values that n8n evaluates when the workflow runs. */
export function isExpression(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('=')
}

/** `given[name]` if it is an own property. */
export function ownValue(given: unknown, name: string): unknown {
  if (!isContainer(given) || !Object.hasOwn(given, name)) return undefined
  return Reflect.get(given, name)
}

/** Of a credential type's field. @param values of all fields */
export const isFieldDisplayed = (field: DisplayOptions, values: JsonObject): boolean =>
  isDisplayed(field, { values, root: values }, { version: 0, isTool: false })

interface Rule {
  name: string
  /** `/resource` is at the root. */
  isAtRoot: boolean
  /** without the leading slash */
  path: string
  accepted: readonly unknown[]
  /** Some conditions are comparisons, not values. */
  compares: boolean
}

interface Rules {
  show: readonly Rule[]
  hide: readonly Rule[]
}

const known = new WeakMap<DisplayOptions, Rules>()
const noRules: readonly Rule[] = []
const noNames: readonly string[] = []

/** The names that decide whether it is displayed. */
export function conditionsOf(options: DisplayOptions | undefined): readonly string[] {
  if (!options) return noNames
  const { show, hide } = rulesOf(options)
  return [...show, ...hide].map(({ name }) => name)
}

function rulesOf(options: DisplayOptions): Rules {
  let rules = known.get(options)
  if (!rules) {
    rules = { show: toRules(options.show), hide: toRules(options.hide) }
    known.set(options, rules)
  }
  return rules
}

const toRules = (conditions: DisplayOptions['show']): readonly Rule[] =>
  conditions ? Object.keys(conditions).map((name) => toRule(name, conditions[name] ?? [])) : noRules

function toRule(name: string, accepted: readonly unknown[]): Rule {
  const isAtRoot = name.startsWith('/')
  return {
    name,
    isAtRoot,
    path: isAtRoot ? name.slice(1) : name,
    accepted,
    compares: accepted.some(isContainer),
  }
}

function read({ name, isAtRoot, path }: Rule, { values, root }: Scope, context: NodeContext): unknown {
  switch (name) {
    case '@version':
      return context.version
    case '@tool':
      return context.isTool
    case '@feature':
      return []
    default:
  }
  const value = readPath(isAtRoot ? root : values, path)
  return isContainer(value) && Reflect.get(value, '__rl') ? Reflect.get(value, 'value') : value
}

const isAccepted = ({ accepted, compares }: Rule, actual: unknown): boolean =>
  compares || Array.isArray(actual) ? fulfills(accepted, actual) : accepted.includes(actual)

const fulfills = (accepted: readonly unknown[], actual: unknown): boolean =>
  accepted.some((condition) => {
    const comparison = comparisonOf(condition)
    if (!comparison) return Array.isArray(actual) ? actual.includes(condition) : actual === condition
    const [operator, target] = comparison
    if (!Array.isArray(actual)) return compare(operator, actual, target)
    if (actual.length === 0) return operator === 'not'
    return actual.every((each) => compare(operator, each, target))
  })

function comparisonOf(condition: unknown): [operator: string, target: unknown] | undefined {
  if (!isContainer(condition)) return undefined
  const operators: unknown = Reflect.get(condition, '_cnd')
  return isContainer(operators) ? Object.entries(operators)[0] : undefined
}

function compare(operator: string, value: unknown, target: unknown): boolean {
  try {
    return compareAny(operator, value, target)
  } catch {
    return false
  }
}

/** @throws for an object that cannot be converted */
function compareAny(operator: string, value: unknown, target: unknown): boolean {
  // n8n compares with JavaScript's own conversions, such as '2' >= 1.
  const [a, b] = [value as number, target as number]
  switch (operator) {
    case 'eq':
      return isEqual(value, target)
    case 'not':
      return !isEqual(value, target)
    case 'gte':
      return a >= b
    case 'lte':
      return a <= b
    case 'gt':
      return a > b
    case 'lt':
      return a < b
    case 'between':
      return (
        compare('gte', value, Reflect.get(Object(target), 'from')) &&
        compare('lte', value, Reflect.get(Object(target), 'to'))
      )
    case 'exists':
      return value !== null && value !== undefined && value !== ''
  }
  if (typeof value !== 'string' || typeof target !== 'string') return false
  switch (operator) {
    case 'includes':
      return value.includes(target)
    case 'startsWith':
      return value.startsWith(target)
    case 'endsWith':
      return value.endsWith(target)
    case 'regex':
      return matches(target, value)
    default:
      return false
  }
}

const isEqual = (a: unknown, b: unknown): boolean =>
  a === b || (isContainer(a) && isContainer(b) && JSON.stringify(a) === JSON.stringify(b))

/** Keeps n8n's own patterns from running long on a large value. */
const maximumTestedChars = 1000
const patterns = new Map<string, RegExp>()

/** True for a text that is too long to test. @param pattern from the facts */
export function matches(pattern: string, text: string): boolean {
  let expression = patterns.get(pattern)
  if (!expression) patterns.set(pattern, (expression = new RegExp(pattern)))
  return text.length > maximumTestedChars || expression.test(text)
}
