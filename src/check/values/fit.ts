/** @module How well the parameters of a node fit a type version. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
import { isDisplayed, isExpression } from '../../n8n/catalogue/display-options.ts'
import { byName } from '../../n8n/catalogue/parameter-scope.ts'
import type { NodeTypeFacts, PropertyFacts } from '../facts/node-facts.ts'
import type { CheckedNode } from '../model.ts'
import { isEmpty } from './empty.ts'
import { ParameterValues } from './parameter-values.ts'

/** The number of given parameters that n8n does not read in this version, or whose value it does not list. @param version 0: none */
export function misfits(nodeType: NodeTypeFacts, parameters: JsonObject, version: number): number {
  const described = nodeType.describe(version || nodeType.defaultVersion)
  if (!described) return Infinity
  const context = { version, isTool: described.name.endsWith('Tool') }
  return misfitsAt(new ParameterValues(described, parameters, context), parameters)
}

/** Of the parameters at a level that has them. */
export function misfitsAt(level: ParameterValues, parameters: JsonObject): number {
  let count = 0
  for (const [name, value] of Object.entries(parameters)) {
    if (isEmpty(value)) continue
    const displayed = level.displayed(name)
    const [property] = displayed
    if (!property) count += 1
    else if (property.type === 'options' && !isExpression(value)) {
      if (displayed.some((each) => each.typeOptions?.loadsOptions)) continue
      const legal = displayed.flatMap((each) => each.options ?? [])
      if (legal.length > 0 && !legal.some((each) => each.value === value)) count += 1
    } else if (!hasShape(property.type, value)) count += 1
  }
  return count
}

/** The version that the parameters are written for: the preferred one among the best. */
export function bestVersion(
  nodeType: NodeTypeFacts,
  parameters: JsonObject,
  preferred: readonly number[],
): number | undefined {
  const { versions } = nodeType
  let best: { version: number; count: number } | undefined
  for (const version of [...preferred, ...versions.toReversed()]) {
    if (!versions.includes(version)) continue
    const count = misfits(nodeType, parameters, version)
    if (count < (best?.count ?? Infinity)) best = { version, count }
  }
  return best?.version
}

/** Whether the value can belong to a parameter of this type. */
export function hasShape(type: string | undefined, value: unknown): boolean {
  if (!isContainer(value)) return true
  if (type === 'filter') return 'conditions' in value || 'combinator' in value || 'options' in value
  if (type === 'assignmentCollection') return 'assignments' in value
  return true
}

/** Whether a version of the type has the parameter under any condition. */
export function knowsParameter({ nodeType, values }: CheckedNode, name: string, version: number): boolean {
  const described = nodeType?.describe(version || nodeType.defaultVersion)
  const found = byName(described?.properties ?? []).get(name) ?? []
  return found.some((each) => isOfVersion(each, values, version))
}

export const isOfVersion = (
  { displayOptions }: PropertyFacts,
  { context }: ParameterValues,
  version: number,
): boolean => isDisplayed(displayOptions, noScope, { ...context, version }, isVersion)

const noScope = { values: {}, root: {} }
const isVersion = (name: string): boolean => name === '@version'
