/** @module Which credentials a node needs, as n8n's editor decides it. */
import type { Catalogue, NodeDescription } from './catalogue.ts'
import { isDisplayed, isExpression, ownValue, resolveParameters, type Values } from './display-options.ts'

/** Parameters by which a node chooses its credential type itself. */
const SELECTORS = ['nodeCredentialType', 'genericAuthType']

export interface NodeCredentials {
  /** credential type → false when only an attached optional credential asks for it */
  required: Map<string, boolean>
  /** selector parameters whose value n8n knows only at run time */
  unresolved: string[]
}

/** @param parameter a name of `NodeCredentials.unresolved` */
export const unresolvedReason = (parameter: string): string =>
  `${parameter} is an expression: n8n decides the credential type when the workflow runs`

/** The node's description for its `typeVersion`; its default version's when the catalogue has no such version. */
export function describeNode(catalogue: Catalogue, node: unknown): NodeDescription | undefined {
  const type = ownValue(node, 'type')
  if (typeof type !== 'string') return undefined
  return catalogue.nodeDescription(type, typeVersion(node)) ?? catalogue.nodeDescription(type, undefined)
}

/** A number, whatever it was written as; undefined when there is none. */
export function typeVersion(node: unknown): number | undefined {
  const value = ownValue(node, 'typeVersion')
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  const version = Number(value)
  return version > 0 ? version : undefined
}

/** The node's parameters that matter here, as `describeNode` describes them. */
export function displayedParameters(node: unknown, description: NodeDescription): Values {
  return resolveParameters(description.facts.p ?? [], ownValue(node, 'parameters'), description)
}

/** What one node needs, were it enabled. Of a node that the catalogue does not know: what it has attached. */
export function requiredCredentials(
  node: unknown,
  description: NodeDescription | undefined,
): NodeCredentials {
  const required = new Map<string, boolean>()
  const unresolved: string[] = []
  const attached = attachedTypes(node)
  if (!description) {
    for (const type of attached) required.set(type, true)
    return { required, unresolved }
  }
  const values = displayedParameters(node, description)
  for (const [name, isRequired, show, hide] of description.facts.c ?? []) {
    if (!isRequired && !attached.has(name)) continue
    if (!isDisplayed(show, hide, values, description)) continue
    required.set(name, isRequired === 1 || required.get(name) === true)
  }
  for (const selector of SELECTORS) {
    const type = values.get(selector)
    if (typeof type !== 'string' || type === '') continue
    // A selector loses its leading `=`: what is left of an expression names no type.
    if (type.includes('{{') || isExpression(type)) unresolved.push(selector)
    else required.set(type, true)
  }
  return { required, unresolved }
}

function attachedTypes(node: unknown): Set<string> {
  const credentials = ownValue(node, 'credentials')
  if (typeof credentials !== 'object' || credentials === null || Array.isArray(credentials)) return new Set()
  const entries = Object.entries(credentials).filter(([name, entry]) => name !== '' && entry !== null)
  return new Set(entries.map(([name]) => name))
}
