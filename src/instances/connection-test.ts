/** @module What an n8n server and an API key are good for, found out without changing anything there. */
import type { InstanceCapabilities } from '../db/schema/instances.ts'
import type { N8nClient } from '../n8n/api-client.ts'
import { N8nError } from '../n8n/api-transport.ts'
import { toAppError } from './connections.ts'
import type { InstanceTest } from './contract.ts'

/** n8n's public API does not tell its version, only which calls it has. */
const versions = { current: '2.x, later than 2.0', legacy: '1.x or 2.0' }

/** What each of our promises takes of n8n: a scope, and the call that it opens or an older form of it. */
const needs: [promise: string, calls: [scope: string, ...endpoints: string[]][]][] = [
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
  ['Binding credentials that are in n8n already', [['credential:list', 'GET /credentials']]],
  ['Removing credentials', [['credential:delete', 'DELETE /credentials/{}']]],
  ['Testing credentials', [['credential:read', 'POST /credentials/{}/test']]],
  [
    'Fetching how runs went',
    [
      ['execution:list', 'GET /executions'],
      ['execution:read', 'GET /executions/{}'],
    ],
  ],
]

/** Those of the scopes that the API key lacks, where n8n tells what it may call. */
export function missingScopes(endpoints: ReadonlySet<string>, scopes: readonly string[]): string[] {
  const calls = needs.flatMap(([, each]) => each)
  return scopes.filter((scope) =>
    calls.some(([name, ...forms]) => name === scope && !forms.some((endpoint) => endpoints.has(endpoint))),
  )
}

const legacyCannot = [
  'Rolling back without a new upload: this n8n cannot publish an earlier version.',
  'Updating credentials in place: this n8n takes each change as a new credential.',
  'Finding a credential again when the answer to its creation is lost: one without use may stay behind.',
  'Testing credentials, and binding by list those that are in n8n already: this n8n has no call for it.',
]

/** Never throws for what n8n does or does not answer; takes at most three requests, one after the other. */
export async function testConnection(client: N8nClient, now: () => Date): Promise<InstanceTest> {
  const tested = (
    status: InstanceTest['status'],
    detail: string | null,
    found?: InstanceCapabilities,
  ): InstanceTest => ({
    status,
    detail,
    n8nVersion: found ? versions[found.generation] : null,
    generation: found?.generation ?? null,
    cannot: found?.cannot ?? [],
    testedAt: now().toISOString(),
  })
  try {
    const endpoints = await client.endpoints()
    if (!endpoints) {
      await client.listWorkflows({ limit: 1 })
      const cannot = [...legacyCannot, ...(await lacksExecutions(client))]
      return tested('limited', `n8n ${versions.legacy}: not everything is possible`, {
        generation: 'legacy',
        cannot,
      })
    }
    const cannot = needs.flatMap(([promise, calls]) => {
      const missing = calls.filter(([, ...forms]) => !forms.some((endpoint) => endpoints.has(endpoint)))
      const scopes = missing.map(([scope]) => scope).join(', ')
      return missing.length === 0 ? [] : [`${promise}: the API key lacks ${scopes}.`]
    })
    const detail = 'The API key lacks scopes; make one in n8n that has them'
    if (cannot.length > 0) return tested('limited', detail, { generation: 'current', cannot })
    return tested('ok', null, { generation: 'current', cannot })
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    const { code, message } = toAppError(error)
    return tested(code === 'instance-refused' ? 'refused' : 'unreachable', message)
  }
}

async function lacksExecutions(client: N8nClient): Promise<string[]> {
  try {
    await client.listExecutions({ limit: 1 })
    return []
  } catch (error) {
    if (error instanceof N8nError && error.kind === 'forbidden') {
      return ['Fetching how runs went: the API key lacks execution:list.']
    }
    throw error
  }
}
