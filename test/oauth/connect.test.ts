/** Connects apps with the client of the MCP project, from the first 401 to disconnecting. */
import { UnauthorizedError } from '@modelcontextprotocol/client'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { tools } from '../../src/mcp/tools/tools.ts'
import { offeredScopes } from '../../src/oauth/scopes.ts'
import { useTestApp } from '../harness/app.ts'
import { protocolVersions } from '../mcp/client.ts'
import { type SignedInBrowser, signedInBrowser } from '../web/browser.ts'
import { AppMemory, approveIn, callback, checkedScopes, connectApp, mcpUrl } from './app-client.ts'

const documentUrl = 'https://agent.example.net/oauth/client.json'
const document = {
  client_id: documentUrl,
  client_name: 'Document agent',
  redirect_uris: ['http://127.0.0.1/callback', 'https://agent.example.net/callback'],
  token_endpoint_auth_method: 'none',
}
const publicFetch = vi.fn<typeof fetch>()

const clock = { offsetMs: 0 }
const app = useTestApp({
  runtime: {
    publicFetch: (input, init) => publicFetch(input, init),
    now: () => new Date(Date.now() + clock.offsetMs),
  },
})
const appFetch: typeof fetch = async (input, init) => app.app.request(new Request(input, init))
const suggested = 'workflows:read workflows:write credentials:use deployments:read deploy executions:read'

let tab: SignedInBrowser
beforeAll(async () => {
  publicFetch.mockImplementation(async () => Response.json(document))
  tab = await signedInBrowser(app)
})

const mcp = (token: string | undefined, body: unknown = { jsonrpc: '2.0', id: 1, method: 'tools/list' }) =>
  app.call('POST', '/mcp', {
    body,
    headers: { Accept: 'application/json, text/event-stream' },
    ...(token !== undefined && { token }),
  })
const callTool = (token: string, name: string, args: object) =>
  mcp(token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })
const tokenRequest = (fields: Record<string, string>) =>
  app.call('POST', '/oauth/token', {
    body: new URLSearchParams(fields).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
const listed = async () => {
  const { items } = await app.deps.apiTokens.list(tab.userId, { limit: 50, after: null })
  return items
}

describe('discovery', () => {
  test('a request without a token learns where to get one', async () => {
    const answer = await mcp(undefined)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe(
      `Bearer resource_metadata="https://flowkeep.example.com/.well-known/oauth-protected-resource/mcp", scope="${suggested}"`,
    )
    expect((await mcp('fk_none')).headers.get('WWW-Authenticate')).toContain('error="invalid_token"')
    expect((await app.call('GET', '/v1/me')).headers.get('WWW-Authenticate')).toBe('Bearer')
  })

  test.each(['', '/mcp'])('serves the metadata of the resource at the path with %j', async (suffix) => {
    const { status, json } = await app.call('GET', `/.well-known/oauth-protected-resource${suffix}`)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      resource: mcpUrl,
      authorization_servers: ['https://flowkeep.example.com'],
      scopes_supported: suggested.split(' '),
    })
  })

  test('serves the metadata of the authorization server', async () => {
    const { json } = await app.call('GET', '/.well-known/oauth-authorization-server')
    expect(json).toMatchObject({
      issuer: 'https://flowkeep.example.com',
      code_challenge_methods_supported: ['S256'],
      client_id_metadata_document_supported: true,
      authorization_response_iss_parameter_supported: true,
    })
    expect(json.scopes_supported).toEqual([...suggested.split(' '), 'deploy:production'])
  })
})

describe.each(protocolVersions)('with a %s client', (version) => {
  test.each([
    ['registers itself', undefined, 'Unverified'],
    ['has a metadata document', documentUrl, 'agent.example.net'],
  ])(
    'an app that %s connects, calls tools, renews its token and is disconnected',
    async (_, url, publisher) => {
      const memory = new AppMemory(url === undefined ? {} : { clientMetadataUrl: url })
      const { client, consent } = await connectApp({
        memory,
        version,
        fetch: appFetch,
        approve: (asked) => approveIn(tab, asked),
      })
      expect(memory.asked?.searchParams.get('scope')).toBe(suggested)
      expect(consent.text).toContain(publisher)
      expect(consent.text).toContain('This computer (127.0.0.1)')
      expect(client.getNegotiatedProtocolVersion()).toBe(version)
      expect((await client.listTools()).tools.length).toBeGreaterThan(5)
      const saved = await client.callTool({
        name: 'save_workflow',
        arguments: { workflow: { name: 'By an app', nodes: [], connections: {} } },
      })
      expect(saved.isError ?? false, JSON.stringify(saved)).toBe(false)

      const [connected] = await listed()
      expect(connected).toMatchObject({
        kind: 'app',
        name: url ? 'Document agent' : 'Test agent',
        clientId: memory.client?.client_id,
        scopes: suggested.split(' '),
      })
      expect(connected?.lastUsedAt).not.toBeNull()
      const [change] = await app.database
        .sql`select actor from audit_events where token_id = ${connected?.id} and action = 'workflow.created'`
      expect(change).toEqual({ actor: 'app' })

      const before = memory.stored
      clock.offsetMs += 3_601_000
      expect((await mcp(before?.access_token)).status).toBe(401)
      expect((await client.listTools()).tools.length).toBeGreaterThan(5)
      expect(memory.stored?.access_token).not.toBe(before?.access_token)
      expect(memory.stored?.refresh_token).not.toBe(before?.refresh_token)
      expect((await listed()).filter(({ id }) => id === connected?.id)).toHaveLength(1)

      const page = await tab.get(`/account/tokens/${connected?.id}`)
      expect(page.text).toContain('Disconnect')
      await tab.post(`/account/tokens/${connected?.id}/revoke`)
      expect((await mcp(memory.stored?.access_token)).status).toBe(401)
      const renewed = await tokenRequest({
        grant_type: 'refresh_token',
        refresh_token: memory.stored?.refresh_token ?? '',
        client_id: memory.client?.client_id ?? '',
      })
      expect([renewed.status, renewed.json.error]).toEqual([400, 'invalid_grant'])
      const rows = await app.database.sql`select 1 from oauth_grants where token_id = ${connected?.id}`
      expect(rows).toEqual([])
      await client.close()
    },
  )

  test('an app that lacks a scope asks for it', async () => {
    const memory = new AppMemory()
    const { client } = await connectApp({
      memory,
      version,
      fetch: appFetch,
      approve: (url) => approveIn(tab, url, { scopes: ['workflows:read'] }),
    })
    expect(memory.stored?.scope).toBe('workflows:read')
    memory.asked = undefined
    const args = { workflow: { name: 'Refused', nodes: [], connections: {} } }
    await expect(client.callTool({ name: 'save_workflow', arguments: args })).rejects.toThrow(
      UnauthorizedError,
    )
    const asked = (memory.asked as URL | undefined)?.searchParams.get('scope')?.split(' ')
    expect(asked).toEqual(expect.arrayContaining(['workflows:read', 'workflows:write']))
    const refused = await callTool(memory.stored?.access_token ?? '', 'save_workflow', args)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('WWW-Authenticate')).toBe(
      'Bearer error="insufficient_scope", scope="workflows:write", resource_metadata="https://flowkeep.example.com/.well-known/oauth-protected-resource/mcp"',
    )
    await client.close()
  })
})

test('the token of an app works at /mcp only, and names the app in audit events', async () => {
  const memory = new AppMemory()
  const { client } = await connectApp({
    memory,
    version: '2026-07-28',
    fetch: appFetch,
    approve: (url) => approveIn(tab, url),
  })
  const token = memory.stored?.access_token ?? ''
  expect((await mcp(token)).status).toBe(200)
  for (const path of ['/v1/workflows', '/v1/approvals', '/v1/me', '/v1/tokens']) {
    const { status, json } = await app.call('GET', path, { token })
    expect({ path, status, detail: json.detail }).toEqual({
      path,
      status: 401,
      detail: expect.stringContaining('only at /mcp'),
    })
  }
  await client.callTool({
    name: 'save_workflow',
    arguments: { workflow: { name: 'Audited', nodes: [], connections: {} } },
  })
  const [event] = (await app.deps.auditEvents.list(tab.userId, {}, { limit: 1, after: null })).items
  expect(event).toMatchObject({ action: 'workflow.created', token: { name: 'Test agent' } })
  const audit = await tab.get('/audit')
  expect(audit.text).toContain('Connected an app')
  await client.close()
})

test('an app disconnects itself', async () => {
  const memory = new AppMemory()
  await connectApp({ memory, version: '2026-07-28', fetch: appFetch, approve: (url) => approveIn(tab, url) })
  const revoke = (fields: Record<string, string>) =>
    app.call('POST', '/oauth/revoke', {
      body: new URLSearchParams(fields).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    })
  const token = memory.stored?.refresh_token ?? ''
  expect((await revoke({ token, client_id: 'app_other' })).status).toBe(200)
  expect((await mcp(memory.stored?.access_token)).status).toBe(200)
  expect((await revoke({ token, client_id: memory.client?.client_id ?? '' })).status).toBe(200)
  expect((await mcp(memory.stored?.access_token)).status).toBe(401)
})

test('an app can get the scope of every tool', () => {
  expect(tools.map(({ scope }) => scope).filter((scope) => !offeredScopes.includes(scope))).toEqual([])
})

test('production is never selected in advance', async () => {
  const memory = new AppMemory()
  memory.client = await register({ redirect_uris: [callback] })
  const url = new URL('https://flowkeep.example.com/oauth/authorize')
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: memory.client.client_id,
    redirect_uri: callback,
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
    scope: 'deploy deploy:production admin offline_access',
  }).toString()
  const consent = await tab.get(url.pathname + url.search)
  expect(checkedScopes(consent)).toEqual(['deploy'])
  expect(consent.text).toContain('Changes production')
  expect(consent.text).not.toContain('value="admin"')
})

async function register(body: object) {
  const answer = await app.call('POST', '/oauth/register', { body })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.json as { client_id: string }
}
