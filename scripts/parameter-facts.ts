/** @module Extracts the parameters that n8n requires before it publishes a node from its node descriptions. */
import type { Conditions } from '../src/n8n/catalogue/catalogue-file.ts'
import type {
  LocatorMode,
  ParameterFactsFile,
  ParameterFactsRow,
  WantedGroup,
  WantedRow,
} from '../src/n8n/catalogue/parameter-facts-file.ts'
import {
  conditionNames,
  inDependencyOrder,
  type NodeDescription,
  parameterRow,
  type Property,
  versions,
} from './catalogue-rows.ts'

const locatorKinds = new Set(['resourceLocator', 'workflowSelector', 'agentSelector'])
/** Parameter types whose conditions only n8n can evaluate. */
const compoundKinds = new Set(['collection', 'fixedCollection', 'filter', ...locatorKinds])

export function parameterFacts(nodes: Map<string, NodeDescription[]>): ParameterFactsFile {
  const locators = new Locators()
  const rows = [...nodes].flatMap(([type, descriptions]): [string, ParameterFactsRow[]][] => {
    const described = descriptions.flatMap((each) => factsRow(type, each, locators))
    return described.length > 0 ? [[type, described]] : []
  })
  return { locators: locators.all, nodes: Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1))) }
}

function factsRow(type: string, description: NodeDescription, locators: Locators): ParameterFactsRow[] {
  const { properties } = description
  const byName = Map.groupBy(properties, ({ name }) => name)
  const isTold = (property: Property, seen: readonly string[] = []): boolean =>
    hasKnownConditions(property) &&
    conditionNames(property).every(
      (name) =>
        seen.includes(name) ||
        (byName.get(name) ?? []).every(
          (each) => !compoundKinds.has(each.type) && isTold(each, [...seen, property.name]),
        ),
    )
  const groups = new Map<string, WantedGroup>()
  const depended = new Set<string>()
  for (const property of properties) {
    const kind = kindOf(property, locators)
    if (kind === undefined || !isTold(property)) continue
    const { show = null, hide = null } = property.displayOptions ?? {}
    const key = JSON.stringify([show, hide])
    const group = groups.get(key) ?? ([show, hide] as WantedGroup)
    groups.set(key, group)
    add(group, kind, property.name)
    for (const name of conditionNames(property)) depended.add(name)
  }
  if (groups.size === 0) return []
  for (let size = -1; size < depended.size; ) {
    size = depended.size
    for (const each of properties) {
      if (depended.has(each.name)) for (const name of conditionNames(each)) depended.add(name)
    }
  }
  const needed = inDependencyOrder(properties.filter(({ name }) => depended.has(name)))
  return [
    {
      v: versions(description),
      ...(needed.length > 0 && { p: needed.map((each) => parameterRow(type, each)) }),
      w: [...groups.values()],
    },
  ]
}

function add(group: WantedGroup, kind: string, name: string): void {
  const row = (group.slice(2) as WantedRow[]).find(([each]) => each === kind)
  if (row) row.push(name)
  else group.push([kind, name])
}

/** Undefined when n8n accepts any value, for example because the parameter has a default. */
function kindOf(property: Property, locators: Locators): string | undefined {
  const { type, required = false, typeOptions, validateType } = property
  if (typeOptions?.multipleValues !== undefined && type !== 'fixedCollection') return undefined
  if (locatorKinds.has(type)) {
    const index = locators.indexOf(property)
    if (required && isEmptyLocator(property.default)) return `l${index ?? ''}`
    return index === undefined ? undefined : `o${index}`
  }
  if (type === 'fixedCollection') {
    const least = typeOptions?.minRequiredFields
    return least ? `f${least}` : undefined
  }
  if (validateType === 'string-alphanumeric') return property.default === '' ? 'a' : 'b'
  const isEmpty = property.default === undefined || property.default === ''
  if (['string', 'dateTime', 'options'].includes(type)) return required && isEmpty ? 's' : undefined
  if (type !== 'multiOptions' || !required) return undefined
  return Array.isArray(property.default) && property.default.length > 0 ? undefined : 'm'
}

function isEmptyLocator(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === undefined || value === ''
  return !('value' in value) || value.value === '' || value.value === undefined || value.value === null
}

function hasKnownConditions({ displayOptions }: Property): boolean {
  const all: Conditions = { ...displayOptions?.show, ...displayOptions?.hide }
  return Object.entries(all).every(
    ([name, values]) =>
      name !== '@feature' &&
      !name.includes('.') &&
      Array.isArray(values) &&
      !JSON.stringify(values).includes('{"regex":'),
  )
}

/** The distinct sets of modes with a pattern. */
class Locators {
  readonly all: LocatorMode[][] = []
  readonly #indexes = new Map<string, number>()

  indexOf({ modes = [] }: Property): number | undefined {
    const patterns = modes.flatMap(({ name, validation }) =>
      (validation ?? []).flatMap(({ type, properties }): LocatorMode[] =>
        type === 'regex' && properties?.regex ? [[name, properties.regex]] : [],
      ),
    )
    if (patterns.length === 0) return undefined
    const key = JSON.stringify(patterns)
    const known = this.#indexes.get(key)
    if (known !== undefined) return known
    this.#indexes.set(key, this.all.length)
    return this.all.push(patterns) - 1
  }
}
