/** @module Determines which node parameters or credential fields n8n 2.41 displays, and their values. */
import { isContainer } from '../../lib/json-object.ts'
import { type Conditions, ParameterFlag, type ParameterRow } from './catalogue-file.ts'

/** Inputs of a condition other than values. */
export interface DisplayContext {
  /** type version, `@version`; 0 for credentials */
  version: number
  /** whether the node is the tool form of its type, `@tool` */
  tool: boolean
}

/** Parameter name → value. A Map, because names are user input. */
export type Values = ReadonlyMap<string, unknown>

/** Requires all of `show` and none of `hide` to match. An expression in a `show` parameter counts as a match. */
export function isDisplayed(
  show: Conditions | null | undefined,
  hide: Conditions | null | undefined,
  values: Values,
  context: DisplayContext,
): boolean {
  for (const [name, conditions] of Object.entries(show ?? {})) {
    const actual = actualValues(name, values, context)
    if (actual.some(isExpression)) return true
    if (!conditions.some((condition) => matches(condition, actual))) return false
  }
  for (const [name, conditions] of Object.entries(hide ?? {})) {
    const actual = actualValues(name, values, context)
    if (actual.length > 0 && conditions.some((condition) => matches(condition, actual))) return false
  }
  return true
}

/** Values that n8n evaluates when the workflow runs. */
export function isExpression(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('=')
}

/** The values of the displayed parameters, including defaults. @param given the node's `parameters` */
export function resolveParameters(rows: ParameterRow[], given: unknown, context: DisplayContext): Values {
  const counts = new Map<string, number>()
  for (const [name] of rows) counts.set(name, (counts.get(name) ?? 0) + 1)
  const all = new Map<string, unknown>()
  for (const row of rows) {
    const [name, , , show, hide] = row
    // If a name is not unique, the displayed parameter provides the default.
    if ((counts.get(name) ?? 0) > 1 && !isDisplayed(show, hide, all, context)) continue
    all.set(name, resolve(row, given))
  }
  const displayed = new Map<string, unknown>()
  for (const row of rows) {
    const [name, , , show, hide] = row
    if (isDisplayed(show, hide, all, context)) displayed.set(name, resolve(row, given))
  }
  return displayed
}

function resolve([name, defaultValue, flags]: ParameterRow, given: unknown): unknown {
  const value = ownValue(given, name)
  const useDefault = value === undefined || (value === null && !(flags & ParameterFlag.nullable))
  const resolved = useDefault ? defaultValue : value
  const plain = flags & ParameterFlag.noDataExpression && isExpression(resolved) && !isFromAi(resolved)
  return plain ? resolved.slice(1) : resolved
}

/** `given[name]` if it is an own property. */
export function ownValue(given: unknown, name: string): unknown {
  if (!isContainer(given) || !Object.hasOwn(given, name)) return undefined
  return Reflect.get(given, name)
}

/** A lone `$fromAI(…)` is an expression even where n8n allows none. */
function isFromAi(expression: string): boolean {
  const inner = expression.slice(1).trim()
  const body = inner.startsWith('{{') && inner.endsWith('}}') ? inner.slice(2, -2).trim() : inner
  const marker = '/*n8n-auto-generated-fromAI-override*/'
  const call = body.startsWith(marker) ? body.slice(marker.length).trim() : body
  return call.toLowerCase().startsWith('$fromai') && call.endsWith(')')
}

function actualValues(name: string, values: Values, context: DisplayContext): unknown[] {
  const value = actualValue(name, values, context)
  return Array.isArray(value) ? value : [value]
}

function actualValue(name: string, values: Values, context: DisplayContext): unknown {
  if (name === '@version') return context.version
  if (name === '@tool') return context.tool
  const value = values.get(name.startsWith('/') ? name.slice(1) : name)
  return ownValue(value, '__rl') ? ownValue(value, 'value') : value
}

function matches(condition: unknown, actual: unknown[]): boolean {
  const operators = ownValue(condition, '_cnd')
  if (!isContainer(operators)) return actual.includes(condition)
  const [entry] = Object.entries(operators)
  if (!entry) return false
  const [operator, target] = entry
  if (actual.length === 0) return operator === 'not'
  return actual.every((value) => compare(operator, value, target))
}

function compare(operator: string, value: unknown, target: unknown): boolean {
  switch (operator) {
    case 'eq':
      return value === target
    case 'not':
      return value !== target
    case 'gte':
      return ordered(value, target, (a, b) => a >= b)
    case 'lte':
      return ordered(value, target, (a, b) => a <= b)
    case 'gt':
      return ordered(value, target, (a, b) => a > b)
    case 'lt':
      return ordered(value, target, (a, b) => a < b)
    case 'between':
      return (
        ordered(value, ownValue(target, 'from'), (a, b) => a >= b) &&
        ordered(value, ownValue(target, 'to'), (a, b) => a <= b)
      )
    case 'includes':
      return typeof value === 'string' && typeof target === 'string' && value.includes(target)
    case 'startsWith':
      return typeof value === 'string' && typeof target === 'string' && value.startsWith(target)
    case 'endsWith':
      return typeof value === 'string' && typeof target === 'string' && value.endsWith(target)
    case 'exists':
      return value !== null && value !== undefined && value !== ''
    default:
      return false
  }
}

function ordered(value: unknown, target: unknown, test: (a: number, b: number) => boolean): boolean {
  if (typeof value === 'object' || value === undefined) return false
  return test(Number(value), Number(target))
}
