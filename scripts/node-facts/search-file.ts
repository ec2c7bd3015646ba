/** @module Builds the index of the search over node types: names, resources, operations and events, as facts. */
import type { SearchFile, SearchRow } from '../../src/check/describe/search-file.ts'
import { type DescribedNode, type DescribedProperty, standardDescription } from './prune.ts'
import { keywords, synonyms, usual } from './search-terms.ts'

/** Parameters of triggers that name what starts them. */
const eventNames = new Set(['event', 'events', 'triggerOn', 'updates', 'object', 'resource', 'trigger'])

export class SearchFileBuilder {
  readonly #rows: SearchRow[] = []
  readonly #unused = new Set([...Object.keys(keywords), ...usual])

  add(type: string, descriptions: DescribedNode[]): void {
    const description = standardDescription(descriptions)
    const short = type.slice(type.lastIndexOf('.') + 1)
    const isTrigger = description.group.includes('trigger')
    const position = usual.indexOf(short)
    this.#unused.delete(short)
    const words = keywords[short]
    this.#rows.push({
      type,
      name: description.displayName.trim(),
      ...(words !== undefined && { words }),
      ...(isTrigger && { trigger: 1 as const }),
      ...(description.hidden === true && { hidden: 1 as const }),
      ...(position >= 0 && { rank: position }),
      does: isTrigger ? eventsOf(description) : actionsOf(description),
    })
  }

  print(): string {
    if (this.#unused.size > 0)
      throw new Error(`No node type for the search terms of ${[...this.#unused].join(', ')}`)
    const types = this.#rows.toSorted((a, b) => (a.type < b.type ? -1 : 1))
    const file: SearchFile = { synonyms, types }
    const lines = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join(',\n')
    return `{"synonyms":${JSON.stringify(file.synonyms)},\n"types":[\n${lines(file.types)}\n]}\n`
  }
}

/** Resource → its operations; '' where the node has no resources. */
function actionsOf({ properties, version }: DescribedNode): SearchRow['does'] {
  const newest = Math.max(...[version].flat())
  const current = properties.filter((each) => isOf(each, '@version', newest))
  const named = (name: string) => current.filter((each) => each.name === name)
  const resources = [...new Set(named('resource').flatMap(valuesOf))]
  const operations = named('operation').length > 0 ? named('operation') : named('mode')
  if (resources.length === 0) return { '': [...new Set(operations.flatMap(valuesOf))] }
  return Object.fromEntries(
    resources.map((resource) => [
      resource,
      [...new Set(operations.filter((each) => isOf(each, 'resource', resource)).flatMap(valuesOf))],
    ]),
  )
}

const eventsOf = ({ properties }: DescribedNode): SearchRow['does'] => ({
  '': [...new Set(properties.filter(({ name }) => eventNames.has(name)).flatMap(valuesOf))].slice(0, 120),
})

/** Undefined conditions hold. */
function isOf({ displayOptions }: DescribedProperty, name: string, value: unknown): boolean {
  const accepted = displayOptions?.show?.[name]
  if (!accepted) return true
  const operators = accepted.filter((each) => typeof each === 'object')
  return operators.length > 0 ? true : accepted.includes(value)
}

const valuesOf = ({ options = [] }: DescribedProperty): string[] =>
  options.map((option) => String(option['value'])).filter((value) => value !== '' && value !== '*')
