/** @module Reads the current state of a deployed workflow in n8n. */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { type Connection, toAppError } from '../../instances/connections.ts'
import { withoutSuccessReport } from '../../instances/success-report.ts'
import type { N8nClient } from '../../n8n/api/client.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'

/**
 * The workflow without our success report node. Null when n8n has no such workflow.
 * @throws {AppError} `instance-*`
 */
export async function getWorkflow({ client }: Connection, id: string): Promise<N8nWorkflow | null> {
  try {
    return withoutSuccessReport(await client.getWorkflow(id))
  } catch (error) {
    if (isN8nError(error, 'not-found')) return null
    return failed(error)
  }
}

export function failed(error: unknown): never {
  throw error instanceof N8nError ? toAppError(error) : error
}

/** A slot whose credential n8n does not have. */
export interface MissingCredential {
  node: string
  type: string
  n8nCredentialId: string
}

/** Workers open at most six connections at the same time. */
const concurrency = 4

/**
 * The credentials that enabled nodes reference but n8n no longer has. n8n publishes such a node, but it fails when it
 * runs. Empty when n8n or the API key cannot read credentials.
 * @throws {N8nError}
 */
export async function missingCredentials(
  client: Pick<N8nClient, 'capabilities' | 'getCredential'>,
  nodes: readonly JsonObject[],
): Promise<MissingCredential[]> {
  if (!(await client.capabilities()).credentialRead) return []
  const named = nodes.filter(({ disabled }) => disabled !== true).flatMap(namedCredentials)
  const ids = [...new Set(named.map(({ n8nCredentialId }) => n8nCredentialId))]
  const missing = new Set<string>()
  const look = async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      if (!(await hasCredential(client, id))) missing.add(id)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, look))
  return named.filter(({ n8nCredentialId }) => missing.has(n8nCredentialId))
}

/** Also true when the API key may not read it. */
export async function hasCredential(client: Pick<N8nClient, 'getCredential'>, id: string): Promise<boolean> {
  try {
    await client.getCredential(id)
    return true
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    // n8n rejects an invalid ID, such as a name from another tool.
    if (error.kind === 'not-found' || error.kind === 'rejected') return false
    if (error.kind === 'forbidden') return true
    throw error
  }
}

function namedCredentials({ name, credentials }: JsonObject): MissingCredential[] {
  return Object.entries(isObject(credentials) ? credentials : {}).flatMap(([type, entry]) =>
    isObject(entry) && typeof entry.id === 'string'
      ? [{ node: String(name), type, n8nCredentialId: entry.id }]
      : [],
  )
}
