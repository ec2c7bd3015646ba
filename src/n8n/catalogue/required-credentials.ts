/** @module Determines which credentials a node requires, by the rules of n8n's editor. */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import type { Catalogue, NodeDescription } from './catalogue.ts'
import { type DescriptionRow, ParameterFlag } from './catalogue-file.ts'
import { type DisplayOptions, isDisplayed, isExpression, ownValue } from './display-options.ts'
import { type Parameter, scopeOf } from './parameter-scope.ts'

/** Parameters that select the node's credential type. */
const SELECTORS = ['nodeCredentialType', 'genericAuthType']

export interface NodeCredentials {
  /** credential type → false if it is optional and merely attached */
  required: Map<string, boolean>
  /** selector parameters that n8n evaluates at run time */
  unresolved: string[]
}

/** @param parameter an entry of `NodeCredentials.unresolved` */
export const unresolvedReason = (parameter: string): string =>
  `${parameter} is an expression, so n8n determines the credential type at run time`

/** The description for the node's `typeVersion`, or for the default version if that one is unknown. */
export function describeNode(catalogue: Catalogue, node: unknown): NodeDescription | undefined {
  const type = ownValue(node, 'type')
  if (typeof type !== 'string') return undefined
  return catalogue.nodeDescription(type, typeVersion(node)) ?? catalogue.nodeDescription(type, undefined)
}

/** Also parses a numeric string. Undefined if missing or not positive. */
export function typeVersion(node: unknown): number | undefined {
  const value = ownValue(node, 'typeVersion')
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  const version = Number(value)
  return version > 0 ? version : undefined
}

/** Values of the displayed parameters that conditions depend on. */
export function displayedParameters(node: unknown, description: NodeDescription): JsonObject {
  const parameters = parametersOf(description.facts)
  const scope = scopeOf(parameters, ownValue(node, 'parameters') ?? {}, undefined, description)
  const displayed: JsonObject = {}
  for (const { name, displayOptions } of parameters) {
    if (isDisplayed(displayOptions, scope, description)) displayed[name] = ownValue(scope.values, name)
  }
  return displayed
}

interface CredentialUse {
  name: string
  isRequired: boolean
  displayOptions: DisplayOptions
}
const uses = new WeakMap<DescriptionRow, CredentialUse[]>()

function usesOf(facts: DescriptionRow): readonly CredentialUse[] {
  let found = uses.get(facts)
  if (!found) {
    found = (facts.c ?? []).map(([name, isRequired, show, hide]) => ({
      name,
      isRequired: isRequired === 1,
      displayOptions: { show, hide },
    }))
    uses.set(facts, found)
  }
  return found
}

const known = new WeakMap<DescriptionRow, Parameter[]>()

function parametersOf(facts: DescriptionRow): Parameter[] {
  let parameters = known.get(facts)
  if (!parameters) {
    parameters = (facts.p ?? []).map(([name, preset, flags, show, hide]) => ({
      name,
      default: preset,
      // n8n takes null for a value of these types only.
      type: flags & ParameterFlag.nullable ? 'options' : 'string',
      noDataExpression: (flags & ParameterFlag.noDataExpression) !== 0,
      displayOptions: { show, hide },
    }))
    known.set(facts, parameters)
  }
  return parameters
}

/** Ignores `disabled`. For a node type missing from the catalogue, returns its attached credentials. */
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
  const { c: credentials = [], p: parameters = [] } = description.facts
  if (credentials.length === 0 && parameters.length === 0) return { required, unresolved }
  const values = displayedParameters(node, description)
  for (const { name, isRequired, displayOptions } of usesOf(description.facts)) {
    if (!isRequired && !attached.has(name)) continue
    if (!isDisplayed(displayOptions, { values, root: values }, description)) continue
    required.set(name, isRequired || required.get(name) === true)
  }
  for (const selector of SELECTORS) {
    const type = values[selector]
    if (typeof type !== 'string' || type === '') continue
    // Selectors lose their leading `=`, so check for braces too.
    if (type.includes('{{') || isExpression(type)) unresolved.push(selector)
    else required.set(type, true)
  }
  return { required, unresolved }
}

function attachedTypes(node: unknown): Set<string> {
  const credentials = ownValue(node, 'credentials')
  if (!isObject(credentials)) return new Set()
  const entries = Object.entries(credentials).filter(([name, entry]) => name !== '' && entry !== null)
  return new Set(entries.map(([name]) => name))
}
