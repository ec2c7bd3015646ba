/** @module The types of n8n's descriptions, and the rows of the catalogue built from them. */
import type { Conditions, ParameterRow } from '../src/n8n/catalogue/catalogue-file.ts'
import { ParameterFlag } from '../src/n8n/catalogue/catalogue-file.ts'

export interface DisplayOptions {
  show?: Conditions
  hide?: Conditions
}

export interface Property {
  name: string
  displayName: string
  type: string
  default?: unknown
  required?: boolean
  noDataExpression?: boolean
  doNotInherit?: boolean
  typeOptions?: {
    password?: boolean
    redactJsonLeaves?: boolean
    multipleValues?: boolean
    minValue?: number
    maxValue?: number
  }
  options?: { value?: unknown; values?: Property[] }[]
  displayOptions?: DisplayOptions
}

export interface Webhook {
  httpMethod: string
  path: string
  isFullPath?: boolean
  restartWebhook?: boolean
  nodeType?: 'form' | 'mcp'
}

export interface NodeDescription {
  name: string
  displayName: string
  group: string[]
  version: number | number[]
  defaultVersion?: number
  usableAsTool?: unknown
  properties: Property[]
  credentials?: { name: string; required?: boolean; displayOptions?: DisplayOptions }[]
  webhooks?: Webhook[]
}

export function versions(description: NodeDescription): number[] {
  return [description.version].flat()
}

export function conditionNames({ displayOptions }: { displayOptions?: DisplayOptions }): string[] {
  const named = [...Object.keys(displayOptions?.show ?? {}), ...Object.keys(displayOptions?.hide ?? {})]
  return named.filter((name) => !name.startsWith('@')).map((name) => name.replace(/^\//, ''))
}

export function inDependencyOrder(properties: Property[]): Property[] {
  const present = new Set(properties.map((each) => each.name))
  const ordered: Property[] = []
  let waiting = properties
  while (waiting.length > 0) {
    const open = new Set(waiting.map((each) => each.name))
    const ready = waiting.filter((each) =>
      conditionNames(each).every((name) => !present.has(name) || !open.has(name) || name === each.name),
    )
    if (ready.length === 0) throw new Error(`Parameters depend on each other: ${[...open].join(', ')}`)
    ordered.push(...ready)
    waiting = waiting.filter((each) => !ready.includes(each))
  }
  return ordered
}

export function parameterRow(type: string, property: Property): ParameterRow {
  if (['collection', 'fixedCollection', 'resourceLocator', 'filter'].includes(property.type)) {
    throw new Error(`${type}: a condition depends on ${property.name}, a ${property.type}: not supported`)
  }
  const flags =
    (['boolean', 'number', 'options'].includes(property.type) ? ParameterFlag.nullable : 0) |
    (property.noDataExpression ? ParameterFlag.noDataExpression : 0)
  return [property.name, property.default ?? '', flags, ...conditions(type, property.displayOptions)]
}

export function conditions(
  owner: string,
  options: DisplayOptions | undefined,
): [Conditions | null, Conditions | null] {
  const { show, hide } = options ?? {}
  for (const each of [show, hide]) {
    for (const [name, values] of Object.entries(each ?? {})) {
      const known = Array.isArray(values) && !JSON.stringify(values).includes('{"regex":')
      if (name === '@feature' || name.includes('.') || !known) {
        throw new Error(`${owner}: unsupported form of the condition on ${name}`)
      }
    }
  }
  return [show ?? null, hide ?? null]
}
