/** @module Values of structured parameters in a simpler form than the one that n8n reads, such as a list in place of `{ parameters: [ … ] }`. */
import { isContainer, isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { isExpression, ownValue } from '../../n8n/catalogue/display-options.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import { operatorsOf } from './filter-operators.ts'

export interface WrongShape {
  /** The form that n8n reads. */
  expected: string
  /** The value in that form, if it is clear. */
  value?: JsonObject
}

/** Undefined if n8n reads the value as it is. */
export function wrongShape(property: PropertyFacts, value: unknown): WrongShape | undefined {
  if (isExpression(value) || (!isContainer(value) && typeof value !== 'string') || value === '')
    return undefined
  switch (property.type ?? '') {
    case 'assignmentCollection':
      return wrongAssignments(value)
    case 'filter':
      return wrongFilter(value)
    case 'resourceMapper':
      return wrongMapper(property.name, value)
    case 'fixedCollection':
      return wrongGroups(property, value)
    case 'collection':
      return Array.isArray(value) && value.length > 0 && !property.typeOptions?.multipleValues
        ? { expected: 'an object' }
        : undefined
    default:
      return undefined
  }
}

function wrongAssignments(value: unknown): WrongShape | undefined {
  if (isObject(value) && Object.keys(value).length === 0) return undefined
  const expected = '{ "assignments": [ { "name": "…", "value": "…", "type": "string" } ] }'
  if (isObject(value) && 'assignments' in value) {
    const { assignments } = value
    if (Array.isArray(assignments)) {
      const isNamed = assignments.every((each: unknown) => !isObject(each) || 'name' in each)
      return isNamed ? undefined : { expected }
    }
    if (!isObject(assignments)) return undefined
    return Object.values(assignments).some(isObject) ? { expected } : wrongAssignments(assignments)
  }
  const pairs = Array.isArray(value)
    ? value.map((each: unknown) => [ownValue(each, 'name'), ownValue(each, 'value')] as const)
    : isObject(value)
      ? Object.entries(value)
      : []
  if (pairs.length === 0) return Array.isArray(value) ? undefined : { expected }
  if (pairs.some(([name, each]) => typeof name !== 'string' || each === undefined)) return { expected }
  const assignments = pairs.map(([name, each], index) => ({
    id: `assignment-${index + 1}`,
    name,
    value: each,
    type: Array.isArray(each) ? 'array' : typeof each,
  }))
  return { expected, value: { assignments } }
}

const mapperModes = ['defineBelow', 'autoMapInputData']

function wrongMapper(name: string, value: unknown): WrongShape | undefined {
  const expected = '{ "mappingMode": "defineBelow", "value": { "column": "…" }, "schema": [] }'
  const given = isObject(value) ? value : {}
  const { mappingMode, ...others } = given
  if (mapperModes.includes(String(mappingMode)) || isExpression(mappingMode)) return undefined
  if (isObject(value) && Object.keys(value).length === 0) return undefined
  const mapped = 'value' in given ? given.value : Array.isArray(value) ? pairsOf(value) : others
  const isAuto = typeof mappingMode === 'string' && mappingMode.toLowerCase().startsWith('auto')
  const isClear =
    isObject(mapped) && Object.keys(mapped).length > 0 && !Object.values(mapped).some(isContainer)
  // Without values, n8n passes the input to a sub-workflow.
  if (!isClear && name === 'workflowInputs') return undefined
  if (!isAuto && !isClear) return { expected }
  const complete = 'value' in given ? others : { value: mapped }
  return {
    expected,
    value: { mappingMode: mapperModes[isAuto ? 1 : 0], schema: [], ...complete },
  }
}

/** `[ { "column": "a", "value": "b" } ]` → `{ "a": "b" }` */
function pairsOf(list: readonly unknown[]): JsonObject | undefined {
  const pairs = list.map((each) => {
    const name = ['name', 'column', 'columnName', 'field', 'fieldId', 'key', 'id']
      .map((key) => ownValue(each, key))
      .find((key) => typeof key === 'string')
    return [name, ownValue(each, 'value') ?? ownValue(each, 'fieldValue')] as const
  })
  if (pairs.some(([name, value]) => name === undefined || value === undefined)) return undefined
  return Object.fromEntries(pairs.map(([name, value]) => [String(name), value]))
}

function wrongFilter(value: unknown): WrongShape | undefined {
  const expected =
    '{ "conditions": [ { "leftValue": "…", "rightValue": "…", "operator": { "type": "string", "operation": "equals" } } ], "combinator": "and" }'
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined
    const isList = value.every(
      (each: unknown) => isObject(ownValue(each, 'operator')) && ownValue(each, 'leftValue') !== undefined,
    )
    const options = { caseSensitive: true, leftValue: '', typeValidation: 'loose' }
    return isList ? { expected, value: { options, conditions: value, combinator: 'and' } } : { expected }
  }
  if (!isObject(value)) return { expected }
  const conditions = listOf(value.conditions)
  if (!conditions.some((each) => isObject(each) && !isObject(each.operator))) return undefined
  const repaired = conditions.map((each) => withOperator(each))
  return repaired.includes(undefined) ? { expected } : { expected, value: { ...value, conditions: repaired } }
}

/** `"operator": "equals"` → `{ "type": "string", "operation": "equals" }` */
function withOperator(condition: unknown): unknown {
  const operator = ownValue(condition, 'operator')
  if (!isObject(condition) || isObject(operator)) return condition
  if (typeof operator !== 'string') return undefined
  const type = ['string', 'number', 'dateTime', 'boolean'].find((each) =>
    operatorsOf(each).includes(operator),
  )
  return type && { ...condition, operator: { type, operation: operator } }
}

function wrongGroups({ options = [], typeOptions }: PropertyFacts, value: unknown): WrongShape | undefined {
  const [group, another] = options
  if (!group) return undefined
  const expected =
    another === undefined
      ? `{ "${group.name}": ${typeOptions?.multipleValues ? '[ … ]' : '{ … }'} }`
      : `an object with lists named ${options.map(({ name }) => name).join(', ')}`
  if (typeof value === 'string') return { expected }
  const known = new Set(group.values?.map(({ name }) => name))
  const isEntry = (each: unknown) => isObject(each) && Object.keys(each).every((name) => known.has(name))
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined
    const isClear = another === undefined && typeOptions?.multipleValues && value.every(isEntry)
    return isClear ? { expected, value: { [group.name]: value } } : { expected }
  }
  const [[only, entries] = [], more] = isObject(value) ? Object.entries(value) : []
  const isRenamed = only !== undefined && more === undefined && only !== group.name && !known.has(only)
  if (isRenamed && another === undefined && typeOptions?.multipleValues && Array.isArray(entries)) {
    if (entries.length > 0 && entries.every(isEntry)) return { expected, value: { [group.name]: entries } }
  }
  const isBare = another === undefined && !known.has(group.name) && isEntry(value)
  if (!isBare || !isObject(value) || Object.keys(value).length === 0 || Object.hasOwn(value, group.name))
    return undefined
  return { expected, value: { [group.name]: typeOptions?.multipleValues ? [value] : value } }
}
