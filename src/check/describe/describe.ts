/** @module Finds the operation of a node type that a request asks for. */
import { loadFacts } from '../facts/load.ts'
import { legalValues, type Operation } from './operation.ts'

export interface Wanted {
  type: string
  version?: number | undefined
  resource?: string | undefined
  operation?: string | undefined
  n8nVersion?: string | undefined
}

export type Found =
  | { operation: Operation }
  | { missing: 'type' }
  | { missing: 'version' | 'resource' | 'operation'; legal: readonly (string | number)[] }

/** Without a version: the default one. Without a resource: the first that has the operation. */
export async function findOperation({ type, version, n8nVersion, ...wanted }: Wanted): Promise<Found> {
  const known = (await loadFacts([type], n8nVersion)).nodeType(type)
  if (!known) return { missing: 'type' }
  const facts = known.describe(version ?? known.defaultVersion)
  if (!facts) return { missing: 'version', legal: known.versions }
  const operation: Operation = { facts, version: version ?? known.defaultVersion, fixed: new Map() }
  const { resource, operation: name } = wanted
  const resources = legalValues(operation, 'resource') ?? []
  if (resource !== undefined && !resources.includes(resource))
    return { missing: 'resource', legal: resources }
  const of = (each: string): Operation => ({ ...operation, fixed: new Map([['resource', each]]) })
  const standard = facts.properties.find((each) => each.name === 'resource')?.default
  const preferred = resources.toSorted((a, b) => Number(b === standard) - Number(a === standard))
  const chosen =
    resource ??
    (name === undefined
      ? undefined
      : preferred.find((each) => legalValues(of(each), 'operation')?.includes(name)))
  const decided = chosen === undefined ? operation : of(chosen)
  if (name === undefined) return { operation: decided }
  const operations = legalValues(decided, 'operation') ?? []
  if (!operations.includes(name)) return { missing: 'operation', legal: operations }
  return { operation: { ...decided, fixed: new Map([...decided.fixed, ['operation', name]]) } }
}
