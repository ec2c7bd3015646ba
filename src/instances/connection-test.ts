/** @module Tests which features an n8n server and an API key support, without changing anything in n8n. */
import type { InstanceCapabilities } from '../db/schema/instances.ts'
import type { N8nClient } from '../n8n/api/client.ts'
import { isN8nError, N8nError } from '../n8n/api/transport.ts'
import { versionRanges } from '../n8n/api/version.ts'
import { toAppError } from './connections.ts'
import type { InstanceTest } from './contract.ts'

/** The n8n scopes each feature requires, with the endpoint that the scope opens or its older forms. */
const needs: [feature: string, calls: [scope: string, ...endpoints: string[]][]][] = [
  [
    'Deploying workflows',
    [
      ['workflow:create', 'POST /workflows'],
      ['workflow:update', 'PUT /workflows/{}'],
      ['workflow:list', 'GET /workflows'],
      ['workflow:read', 'GET /workflows/{}'],
    ],
  ],
  [
    'Activating and deactivating workflows',
    [
      ['workflow:activate', 'POST /workflows/{}/publish', 'POST /workflows/{}/activate'],
      ['workflow:deactivate', 'POST /workflows/{}/unpublish', 'POST /workflows/{}/deactivate'],
    ],
  ],
  ['Undeploying workflows', [['workflow:delete', 'DELETE /workflows/{}']]],
  [
    'Sending credentials',
    [
      ['credential:create', 'POST /credentials'],
      ['credential:update', 'PATCH /credentials/{}'],
      ['credential:read', 'GET /credentials/{}'],
    ],
  ],
  ['Binding existing n8n credentials', [['credential:list', 'GET /credentials']]],
  ['Removing credentials', [['credential:delete', 'DELETE /credentials/{}']]],
  ['Testing credentials', [['credential:read', 'POST /credentials/{}/test']]],
  [
    'Fetching executions',
    [
      ['execution:list', 'GET /executions'],
      ['execution:read', 'GET /executions/{}'],
    ],
  ],
]

/** The scopes missing from the API key, when n8n reports which endpoints the key may call. */
export function missingScopes(endpoints: ReadonlySet<string>, scopes: readonly string[]): string[] {
  const calls = needs.flatMap(([, each]) => each)
  return scopes.filter((scope) =>
    calls.some(([name, ...forms]) => name === scope && !forms.some((endpoint) => endpoints.has(endpoint))),
  )
}

const legacyLimitations = [
  'Rolling back without a new upload: this n8n version cannot publish an earlier version.',
  'Updating credentials in place: this n8n version requires a new credential for each change.',
  'Recovering a credential after a lost response: an unused credential may remain in n8n.',
  'Testing credentials and listing existing ones: this n8n version has no endpoints for these.',
]

/** Never throws for any response of n8n. Sends at most four requests. */
export async function testConnection(client: N8nClient, now: () => Date): Promise<InstanceTest> {
  const version = client.version()
  const tested = async (
    status: InstanceTest['status'],
    detail: string | null,
    found?: InstanceCapabilities,
  ): Promise<InstanceTest> => ({
    status,
    detail,
    n8nVersion: found ? ((await version) ?? versionRanges[found.generation]) : null,
    generation: found?.generation ?? null,
    cannot: found?.cannot ?? [],
    testedAt: now().toISOString(),
  })
  try {
    const endpoints = await client.endpoints()
    if (!endpoints) {
      await client.listWorkflows({ limit: 1 })
      const limitations = [...legacyLimitations, ...(await executionLimitations(client))]
      return await tested('limited', `n8n ${versionRanges.legacy} does not support every feature`, {
        generation: 'legacy',
        cannot: limitations,
      })
    }
    const limitations = needs.flatMap(([feature, calls]) => {
      const missing = calls.filter(([, ...forms]) => !forms.some((endpoint) => endpoints.has(endpoint)))
      const scopes = missing.map(([scope]) => scope).join(', ')
      return missing.length === 0 ? [] : [`${feature}: the API key is missing ${scopes}.`]
    })
    const detail = 'The API key is missing scopes. Create one in n8n that has them'
    const found: InstanceCapabilities = { generation: 'current', cannot: limitations }
    return await (limitations.length > 0 ? tested('limited', detail, found) : tested('ok', null, found))
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    const { code, message } = toAppError(error)
    return await tested(code === 'instance-refused' ? 'refused' : 'unreachable', message)
  }
}

async function executionLimitations(client: N8nClient): Promise<string[]> {
  try {
    await client.listExecutions({ limit: 1 })
    return []
  } catch (error) {
    if (isN8nError(error, 'forbidden')) {
      return ['Fetching executions: the API key is missing execution:list.']
    }
    throw error
  }
}
