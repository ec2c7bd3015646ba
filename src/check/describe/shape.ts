/** @module A brief description of a node's operation, for a model that writes workflows. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
import { connectionsOf } from '../facts/connections.ts'
import { type Connections, elided, type PropertyFacts } from '../facts/node-facts.ts'
import { isDisplayed, type Scope } from '../../n8n/catalogue/display-options.ts'
import { resolveNode } from '../parameters/resolve.ts'
import { canBeDisplayed, credentialTypesOf, isParameter, type Operation } from './operation.ts'

export interface Shape {
  type: string
  version: number
  resource?: string
  operation?: string
  credentials?: string[]
  inputs: string[]
  outputs: string[]
  required?: string[]
  /** Name → type, such as `number 1..100 = 50`, `GET|POST = GET` or `{timeout: number, proxy}` */
  parameters: Record<string, string>
  /** Value of a parameter → additional parameters that n8n then displays, such as `select=channel` → `channelId` */
  when?: Record<string, string>
}

/** Characters that a shape may have; less important details go first. */
const most = 1150
/** How much detail the entries of a collection have: with defaults, with types, or their names alone. */
type Detail = 2 | 1 | 0
const longestList = 140

export function shapeOf(operation: Operation): Shape {
  const { facts, version, fixed } = operation
  const resolved = resolveNode({ typeVersion: version, parameters: Object.fromEntries(fixed) }, facts)
  const shown = [...resolved.displayed.values()]
    .map((each) => each.facts)
    .filter((each) => isParameter(each) && !fixed.has(each.name) && facts.properties.includes(each))
  const scope = { values: resolved.values, root: resolved.values }
  const typesOf = (side: Connections) =>
    connectionsOf(side, version, (name) => resolved.values[name])?.map(({ type }) => type) ?? []
  const credentials = credentialTypesOf(operation)
  const required = shown.filter(isRequired).map(({ name }) => name)
  const hidden = hiddenOf(operation, resolved.values, new Set(shown))
  const build = (detail: Detail, longest: number, isComplete = true): Shape => ({
    type: facts.name,
    version,
    ...Object.fromEntries(fixed),
    ...(credentials.length > 0 && { credentials }),
    inputs: typesOf(facts.inputs),
    outputs: typesOf(facts.outputs),
    ...(required.length > 0 && { required }),
    parameters: Object.fromEntries(
      shown.map((each) => [
        each.name,
        cut(specOf(each, { detail, scope, operation }) + defaultOf(each), longest),
      ]),
    ),
    ...(isComplete &&
      hidden.size > 0 && {
        when: Object.fromEntries([...hidden].map(([condition, names]) => [condition, names.join(', ')])),
      }),
  })
  for (const [detail, longest] of [
    [2, most],
    [1, most],
    [0, most],
    [0, 300],
    [0, 150],
  ] as const) {
    const shape = build(detail, longest)
    if (JSON.stringify(shape).length <= most) return shape
  }
  return build(0, 60, false)
}

/** Condition → names of the parameters that n8n displays once it holds. */
function hiddenOf(
  operation: Operation,
  values: JsonObject,
  shown: ReadonlySet<PropertyFacts>,
): Map<string, string[]> {
  const { facts, fixed } = operation
  const names = new Set([...shown].map(({ name }) => name))
  const hidden = new Map<string, string[]>()
  for (const property of facts.properties) {
    const { name, displayOptions } = property
    if (names.has(name) || !isParameter(property) || !canBeDisplayed(displayOptions, operation)) continue
    const open = Object.entries(displayOptions?.show ?? {}).filter(
      ([parameter, accepted]) =>
        !parameter.startsWith('@') &&
        !fixed.has(parameter.replace(/^\//, '')) &&
        !accepted.includes(values[parameter]),
    )
    const [[parameter, accepted] = ['', []], another] = open
    if (another || !names.has(parameter) || accepted.some((each) => typeof each === 'object')) continue
    const key = `${parameter}=${accepted.map(String).join('|')}`
    const list = hidden.get(key) ?? []
    hidden.set(key, list)
    if (!list.includes(name)) list.push(name)
  }
  return hidden
}

const cut = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, text.lastIndexOf(',', longest - 2))}, …`

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (isContainer(value) && Object.values(value).every(isEmpty))

export const isRequired = ({ required, default: standard }: PropertyFacts): boolean =>
  required === true && isEmptyLocator(standard)

/** A locator that has only a mode has no value. */
function isEmptyLocator(standard: unknown): boolean {
  return isEmpty(isContainer(standard) && 'value' in standard ? standard.value : standard)
}

function defaultOf({ default: standard, type }: PropertyFacts): string {
  if (standard === elided || typeof standard === 'object' || isEmpty(standard)) return ''
  const text = typeof standard === 'string' ? standard : JSON.stringify(standard)
  return text.length > 40 || type === 'collection' ? '' : ` = ${text}`
}

interface Context {
  detail: Detail
  scope: Scope
  operation: Operation
}

function specOf(property: PropertyFacts, context: Context): string {
  const { type = 'string', typeOptions = {} } = property
  const spec = typeSpec(property, type, context)
  const isList = typeOptions.multipleValues === true && type !== 'fixedCollection'
  return isList ? `(${spec})[]` : spec
}

function typeSpec(property: PropertyFacts, type: string, context: Context): string {
  const { options = [], typeOptions = {}, modes = [] } = property
  const {
    scope,
    operation: { facts, version },
  } = context
  switch (type) {
    case 'options':
    case 'multiOptions': {
      const shown = options.filter((each) =>
        isDisplayed(each.displayOptions, scope, { version, isTool: facts.isTool }),
      )
      const values = typeOptions.loadsOptions ? [] : [...new Set(shown.map(({ value }) => String(value)))]
      const spec = values.length === 0 ? 'string' : values.join('|')
      const short =
        spec.length <= longestList ? spec : `${spec.slice(0, spec.lastIndexOf('|', longestList))}|…`
      return type === 'options' ? short : `(${short})[]`
    }
    case 'number': {
      const { minValue, maxValue } = typeOptions
      return minValue === undefined && maxValue === undefined
        ? 'number'
        : `number ${minValue ?? ''}..${maxValue ?? ''}`
    }
    case 'resourceLocator':
      return `locator(${modes.map(({ name }) => name).join('|')})`
    case 'collection':
      return fields(options, context)
    case 'fixedCollection': {
      const groups = options.map(({ name, values = [] }) => {
        const spec = fields(values, context)
        return `${name}: ${spec}${typeOptions.multipleValues ? '[]' : ''}`
      })
      return `{${groups.join(', ')}}`
    }
    default:
      return type
  }
}

function fields(properties: readonly PropertyFacts[], context: Context): string {
  const { detail, scope, operation } = context
  const { facts, version } = operation
  const inner = {
    values: Object.fromEntries(properties.map((each) => [each.name, each.default])),
    root: scope.root,
  }
  const shown = properties.filter(
    (each) => isParameter(each) && isDisplayed(each.displayOptions, inner, { version, isTool: facts.isTool }),
  )
  const specs = shown.map((each) => {
    if (detail === 0) return each.name
    const spec = specOf(each, context)
    const standard = detail === 2 ? defaultOf(each) : ''
    return spec === 'string' && standard === '' ? each.name : `${each.name}: ${spec}${standard}`
  })
  return `{${[...new Set(specs)].join(', ')}}`
}
