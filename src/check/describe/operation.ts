/** @module The parameters of one operation of a node. */
import type { NodeFacts, PropertyFacts } from '../facts/node-facts.ts'
import { type DisplayOptions, isDisplayed } from '../../n8n/catalogue/display-options.ts'

export interface Operation {
  facts: NodeFacts
  version: number
  /** Values that are decided: `resource` and `operation`. */
  fixed: ReadonlyMap<string, string>
}

/** Types that only explain something in n8n's editor. */
const decorations = new Set(['notice', 'callout', 'button', 'hidden', 'credentials', 'curlImport'])

export const isParameter = ({ type = '' }: PropertyFacts): boolean => !decorations.has(type)

/** Whether some values of the undecided parameters display it. */
export function canBeDisplayed(
  options: DisplayOptions | undefined,
  { facts, version, fixed }: Operation,
): boolean {
  if (!options) return true
  const context = { version, isTool: facts.isTool }
  const values = Object.fromEntries(fixed)
  const scope = { values, root: values }
  const isDecided = (name: string) => name.startsWith('@') || fixed.has(name.replace(/^\//, ''))
  for (const kind of ['show', 'hide'] as const) {
    for (const [name, accepted] of Object.entries(options[kind] ?? {})) {
      if (isDecided(name) && !isDisplayed({ [kind]: { [name]: accepted } }, scope, context)) return false
    }
  }
  return true
}

/** The values that a parameter of the operation may have. Undefined if the node has no such parameter. */
export function legalValues(operation: Operation, name: string): string[] | undefined {
  const found = operation.facts.properties.filter(
    (each) => each.name === name && each.type === 'options' && canBeDisplayed(each.displayOptions, operation),
  )
  if (found.length === 0) return undefined
  const options = found.flatMap((each) => each.options ?? [])
  return [
    ...new Set(
      options
        .filter((each) => canBeDisplayed(each.displayOptions, operation))
        .map(({ value }) => String(value)),
    ),
  ]
}

/** Credential types that the operation can use, whichever authentication is selected. */
export const credentialTypesOf = (operation: Operation): string[] => [
  ...new Set(
    operation.facts.credentials
      .filter(({ displayOptions }) => canBeDisplayed(displayOptions, operation))
      .map(({ name }) => name),
  ),
]
