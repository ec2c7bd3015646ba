/** What an attacker tries against the authorization server. */
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyUsage } from '../../src/db/key-usage.ts'
import { housekeeping } from '../../src/housekeeping.ts'
import { createPublicFetch } from '../../src/instances/net/public-fetch.ts'
import { type Answer, useTestApp } from '../harness/app.ts'
import { browser, type Page, type SignedInBrowser, signedInBrowser } from '../web/browser.ts'
import { approveIn, checkedScopes, pkce, submitIn } from './app-client.ts'

const publicFetch = vi.fn<typeof fetch>()
const clock = { offsetMs: 0 }
const client = { ip: '203.0.113.7' }
const app = useTestApp({
  runtime: {
    publicFetch: (input, init) => publicFetch(input, init),
    now: () => new Date(Date.now() + clock.offsetMs),
    clientIp: () => client.ip,
  },
})
const origin = 'https://flowkeep.example.com'
const web = 'https://agent.example.net/callback'

let tab: SignedInBrowser
let other: SignedInBrowser
beforeAll(async () => {
  tab = await signedInBrowser(app)
  other = await signedInBrowser(app)
})
beforeEach(async () => {
  clock.offsetMs = 0
  await app.database.sql`delete from login_throttles`
  client.ip = `198.51.100.${Math.floor(Math.random() * 255)}-${randomBytes(4).toString('hex')}`
  publicFetch.mockReset()
})

const register = (body: unknown) => app.call('POST', '/oauth/register', { body })
async function registered(...redirectUris: string[]): Promise<string> {
  const answer = await register({ client_name: 'Agent', redirect_uris: redirectUris })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.json.client_id
}

const form = (path: string, fields: Record<string, string> | [string, string][]): Promise<Answer> =>
  app.call('POST', path, {
    body: new URLSearchParams(fields).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
const token = (fields: Record<string, string> | [string, string][]) => form('/oauth/token', fields)

interface Asked {
  clientId: string
  redirectUri: string
  verifier: string
  query: Record<string, string>
  path: string
}

async function ask(changes: Record<string, string | undefined> = {}): Promise<Asked> {
  const { verifier, challenge } = pkce()
  const clientId = changes['client_id'] ?? (await registered(web))
  const query = Object.fromEntries(
    Object.entries({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: web,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'the state',
      scope: 'workflows:read workflows:write',
      resource: `${origin}/mcp`,
      ...changes,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  const path = `/oauth/authorize?${new URLSearchParams(query).toString()}`
  return { clientId, redirectUri: query['redirect_uri'] ?? '', verifier, query, path }
}

interface Approved extends Asked {
  code: string
  exchange: Record<string, string>
}

async function approved(changes: Record<string, string | undefined> = {}, by = tab): Promise<Approved> {
  const asked = await ask(changes)
  const { location } = await approveIn(by, new URL(asked.path, origin))
  const code = new URL(location).searchParams.get('code') ?? ''
  return {
    ...asked,
    code,
    exchange: {
      grant_type: 'authorization_code',
      code,
      client_id: asked.clientId,
      redirect_uri: asked.redirectUri,
      code_verifier: asked.verifier,
      resource: `${origin}/mcp`,
    },
  }
}

async function connected(changes: Record<string, string | undefined> = {}, by = tab) {
  const grant = await approved(changes, by)
  const { status, json, text } = await token(grant.exchange)
  if (status !== 200) throw new Error(text)
  return { ...grant, tokens: json as Record<string, string> }
}

const mcpStatus = async (accessToken: string | undefined) =>
  (
    await app.call('POST', '/mcp', {
      body: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      headers: { Accept: 'application/json, text/event-stream' },
      token: accessToken ?? '',
    })
  ).status

const addressOf = (input: Parameters<typeof fetch>[0]) =>
  input instanceof Request ? input.url : new URL(input).href
const refusal = ({ status, json }: Answer) => [status, json?.error]
const refresh = (refreshToken: string | undefined, clientId: string, more: Record<string, string> = {}) =>
  token({ grant_type: 'refresh_token', refresh_token: refreshToken ?? '', client_id: clientId, ...more })

/** Every way in which a page leads to another server. */
const leadsTo = (page: Page) => ({
  status: page.status,
  location: page.location,
  refresh: page.headers.get('Refresh'),
  links: page.text.match(/href="(?:\w+:)?\/\/[^"]*/g),
})
const nowhere = { status: 400, location: null, refresh: null, links: null }

describe('a code', () => {
  test('that is used twice ends the tokens that the first use got', async () => {
    const { exchange, clientId, tokens } = await connected()
    expect(await mcpStatus(tokens['access_token'])).toBe(200)
    expect(refusal(await token(exchange))).toEqual([400, 'invalid_grant'])
    expect(await mcpStatus(tokens['access_token'])).toBe(401)
    expect(refusal(await refresh(tokens['refresh_token'], clientId))).toEqual([400, 'invalid_grant'])
    expect((await tab.get('/audit')).text).toContain('Reused a code or refresh token')
  })

  test('is exchanged once by concurrent requests', async () => {
    const { exchange } = await approved()
    const answers = await Promise.all(Array.from({ length: 5 }, () => token(exchange)))
    const issued = answers.filter(({ status }) => status === 200)
    expect(issued.length).toBeLessThanOrEqual(1)
    for (const { json } of issued) expect(await mcpStatus(json.access_token)).toBe(401)
  })

  test('expires after a minute', async () => {
    const { exchange } = await approved()
    clock.offsetMs += 61_000
    expect(refusal(await token(exchange))).toEqual([400, 'invalid_grant'])
  })

  test.each<[string, (exchange: Record<string, string>) => Promise<Record<string, string>>, string]>([
    ['another app', async () => ({ client_id: await registered(web) }), 'invalid_grant'],
    ['another redirect URI', async () => ({ redirect_uri: `${web}/` }), 'invalid_grant'],
    ['another verifier', async () => ({ code_verifier: pkce().verifier }), 'invalid_grant'],
    ['the challenge as verifier', async () => ({ code_verifier: 'x'.repeat(43) }), 'invalid_grant'],
    ['no verifier', async () => ({ code_verifier: '' }), 'invalid_request'],
    ['a short verifier', async () => ({ code_verifier: 'short' }), 'invalid_request'],
    ['another resource', async () => ({ resource: 'https://mcp.example.org/mcp' }), 'invalid_target'],
    ['the resource of the API', async () => ({ resource: origin }), 'invalid_target'],
    ['another code', async () => ({ code: randomBytes(32).toString('base64url') }), 'invalid_grant'],
    ['another grant type', async () => ({ grant_type: 'password' }), 'unsupported_grant_type'],
  ])('gets nothing with %s, and stays valid for its app', async (_, change, error) => {
    const { exchange } = await approved()
    expect(refusal(await token({ ...exchange, ...(await change(exchange)) }))).toEqual([400, error])
    expect((await token(exchange)).status).toBe(200)
  })

  test('and repeated parameters are rejected', async () => {
    const { exchange } = await approved()
    const twice: [string, string][] = [
      ...Object.entries(exchange),
      ['client_id', exchange['client_id'] ?? ''],
    ]
    expect(refusal(await token(twice))).toEqual([400, 'invalid_request'])
  })

  test('and tokens are stored as digests only, and logged nowhere', async () => {
    const { code, tokens } = await connected()
    const dump = JSON.stringify([
      await app.database.sql`select * from oauth_grants`,
      await app.database.sql`select * from api_token_secrets`,
      await app.database.sql`select * from audit_events`,
      app.logs,
    ])
    for (const secret of [code, tokens['access_token'], tokens['refresh_token']]) {
      expect(secret).toMatch(/.{40}/)
      expect(dump).not.toContain(secret)
    }
  })
})

describe('a refresh token', () => {
  test('that is used twice disconnects the app', async () => {
    const { clientId, tokens } = await connected()
    const renewed = await refresh(tokens['refresh_token'], clientId)
    expect(renewed.status).toBe(200)
    expect(await mcpStatus(renewed.json.access_token)).toBe(200)
    expect(refusal(await refresh(tokens['refresh_token'], clientId))).toEqual([400, 'invalid_grant'])
    expect(await mcpStatus(renewed.json.access_token)).toBe(401)
    expect(refusal(await refresh(renewed.json.refresh_token, clientId))).toEqual([400, 'invalid_grant'])
  })

  test('of another app gets nothing, and stays valid', async () => {
    const { clientId, tokens } = await connected()
    const thief = await registered(web)
    expect(refusal(await refresh(tokens['refresh_token'], thief))).toEqual([400, 'invalid_grant'])
    expect((await refresh(tokens['refresh_token'], clientId)).status).toBe(200)
  })

  test('of a session is not a refresh token of an app, and vice versa', async () => {
    const { clientId, tokens } = await connected()
    const user = await app.user()
    expect(refusal(await refresh(user.refreshToken, clientId))).toEqual([400, 'invalid_grant'])
    const body = { refreshToken: tokens['refresh_token'] }
    expect((await app.call('POST', '/v1/auth/refresh', { body })).status).toBe(401)
  })

  test('cannot widen scopes, and can narrow those of one access token', async () => {
    const { clientId, tokens } = await connected({ scope: 'workflows:read executions:read' })
    const widened = await refresh(tokens['refresh_token'], clientId, { scope: 'workflows:read deploy' })
    expect(refusal(widened)).toEqual([400, 'invalid_scope'])
    const narrowed = await refresh(tokens['refresh_token'], clientId, { scope: 'executions:read' })
    expect([narrowed.status, narrowed.json.scope]).toEqual([200, 'executions:read'])
    const call = (name: string, accessToken: string) =>
      app.call('POST', '/mcp', {
        body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } },
        headers: { Accept: 'application/json, text/event-stream' },
        token: accessToken,
      })
    expect((await call('runs', narrowed.json.access_token)).status).toBe(200)
    expect((await call('search_workflows', narrowed.json.access_token)).status).toBe(403)
    const full = await refresh(narrowed.json.refresh_token, clientId)
    expect(full.json.scope).toBe('workflows:read executions:read')
    expect((await call('search_workflows', full.json.access_token)).status).toBe(200)
  })

  test('with another resource is rejected', async () => {
    const { clientId, tokens } = await connected()
    const answer = await refresh(tokens['refresh_token'], clientId, { resource: 'https://mcp.example.org' })
    expect(refusal(answer)).toEqual([400, 'invalid_target'])
  })

  test('replaces the earlier access token, which ends a minute later', async () => {
    const { clientId, tokens } = await connected()
    const renewed = await refresh(tokens['refresh_token'], clientId)
    expect(await mcpStatus(tokens['access_token'])).toBe(200)
    clock.offsetMs += 61_000
    expect(await mcpStatus(tokens['access_token'])).toBe(401)
    expect(await mcpStatus(renewed.json.access_token)).toBe(200)
  })

  test('ends a year after the approval, even if it is used', async () => {
    const { clientId, tokens } = await connected()
    let token = tokens['refresh_token']
    for (let day = 0; day < 360; day += 20) {
      clock.offsetMs += 20 * 86_400_000
      const renewed = await refresh(token, clientId)
      expect([day, renewed.status]).toEqual([day, 200])
      token = renewed.json.refresh_token
    }
    clock.offsetMs += 20 * 86_400_000
    expect(refusal(await refresh(token, clientId))).toEqual([400, 'invalid_grant'])
  })

  test('ends 30 days after its last use', async () => {
    const { clientId, tokens } = await connected()
    clock.offsetMs += 31 * 86_400_000
    expect(refusal(await refresh(tokens['refresh_token'], clientId))).toEqual([400, 'invalid_grant'])
  })
})

describe('a redirect URI', () => {
  test.each([
    'http://agent.example.net/callback',
    'http://127.0.0.1.example.net/callback',
    'http://localhost.example.net/callback',
    'https://user:secret@agent.example.net/callback',
    'https://agent.example.net/callback#fragment',
    'https://agent.example.net\\@evil.example/callback',
    'https://AGENT.example.net/callback',
    'javascript:alert(1)',
    'data:text/html,hello',
    'file:///etc/passwd',
    'ms-msdt:/id',
    'vbscript:x',
    'blob:https://agent.example.net/1',
    '//agent.example.net/callback',
    '/callback',
    'https://agent.example.net/\r\nSet-Cookie:a=b',
    'https://agent.example.net/"><script>',
    '',
  ])('%j cannot be registered', async (uri) => {
    const answer = await register({ client_name: 'Agent', redirect_uris: [uri] })
    expect(refusal(answer)).toEqual([400, 'invalid_redirect_uri'])
  })

  test.each([
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'com.example.agent:/callback',
    'http://[::1]/cb',
  ])('%j of a native app can be registered', async (uri) => {
    expect((await register({ redirect_uris: [uri] })).status).toBe(201)
  })

  test.each([
    `${web}/`,
    `${web}?next=https://evil.example`,
    'https://agent.example.net/Callback',
    'https://agent.example.net/callback/../other',
    'https://agent.example.net:8443/callback',
    'http://agent.example.net/callback',
    'https://evil.example/callback',
    'https://agent.example.net.evil.example/callback',
    'https://agent.example.net@evil.example/callback',
    '',
  ])('%j, which is not registered, is never a target', async (uri) => {
    const { path } = await ask({ redirect_uri: uri })
    for (const each of [tab, browser(app.app)]) expect(leadsTo(await each.get(path))).toEqual(nowhere)
    const invalid = await ask({ redirect_uri: uri, response_type: 'token' })
    expect(leadsTo(await tab.get(invalid.path))).toEqual(nowhere)
  })

  test('on loopback may have any port, and nothing else', async () => {
    const id = await registered('http://127.0.0.1/callback', 'http://[::1]:4000/callback')
    for (const uri of ['http://127.0.0.1:51000/callback', 'http://[::1]:51000/callback']) {
      expect((await tab.get((await ask({ client_id: id, redirect_uri: uri })).path)).status).toBe(200)
    }
    for (const uri of [
      'http://127.0.0.1:51000/other',
      'http://localhost:51000/callback',
      'http://127.0.0.2/callback',
      'http://127.0.0.1:99999/callback',
    ]) {
      expect(leadsTo(await tab.get((await ask({ client_id: id, redirect_uri: uri })).path))).toEqual(nowhere)
    }
  })

  test('is the only other target of the form', async () => {
    const policyOf = async (uri: string) => {
      const { path } = await ask({ client_id: await registered(uri), redirect_uri: uri })
      const page = await tab.get(path)
      const policy = page.headers.get('Content-Security-Policy') ?? ''
      expect(policy).toContain("frame-ancestors 'none'")
      expect(page.headers.get('X-Frame-Options')).toBe('DENY')
      return /form-action ([^;]*)/.exec(policy)?.[1]
    }
    expect(await policyOf(web)).toBe("'self' https://agent.example.net")
    expect(await policyOf('http://localhost:3118/cb')).toBe("'self' http://localhost:3118")
    expect(await policyOf('cursor://anysphere/cb')).toBe("'self' cursor:")
    expect(await policyOf('http://[::1]:3118/cb')).toBe("'self'")
    expect((await tab.get('/account')).headers.get('Content-Security-Policy')).toContain(
      "form-action 'self';",
    )
  })

  test('on IPv6 is reached from a page', async () => {
    const uri = 'http://[::1]:3118/cb'
    const { path } = await ask({ client_id: await registered(uri), redirect_uri: uri })
    const { answer } = await approveIn(tab, new URL(path, origin))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Refresh')).toMatch(/^0;url=http:\/\/\[::1\]:3118\/cb\?code=[\w-]{43}&/)
  })
})

describe('a request', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['without a challenge method', { code_challenge_method: undefined }, 'invalid_request'],
    ['with a malformed challenge', { code_challenge: 'short' }, 'invalid_request'],
    ['for a token in the URL', { response_type: 'token' }, 'unsupported_response_type'],
    ['for a fragment', { response_mode: 'fragment' }, 'invalid_request'],
    ['for another resource', { resource: 'https://mcp.example.org/mcp' }, 'invalid_target'],
    ['for scopes that no app gets', { scope: 'admin credentials:write' }, 'invalid_scope'],
  ])('%s is answered with an error', async (_, changes, error) => {
    const { path } = await ask(changes)
    const page = await tab.get(path)
    expect(page.status).toBe(303)
    const url = new URL(page.location ?? '')
    expect(url.origin + url.pathname).toBe(web)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ error, state: 'the state', iss: origin })
    expect(url.searchParams.has('code')).toBe(false)
  })

  test('without scope gets reading only', async () => {
    const { path } = await ask({ scope: undefined })
    expect(checkedScopes(await tab.get(path))).toEqual([
      'workflows:read',
      'deployments:read',
      'executions:read',
    ])
  })

  test('is answered with code, state and issuer', async () => {
    const { path } = await ask()
    const { location } = await approveIn(tab, new URL(path, origin))
    const { code, ...rest } = Object.fromEntries(new URL(location).searchParams)
    expect(code).toMatch(/^[\w-]{43}$/)
    expect(rest).toEqual({ state: 'the state', iss: origin })
  })

  test('of an unknown app never leaves', async () => {
    for (const id of ['app_unknown', 'x', "' or 1=1 --", '\u0000']) {
      const { path } = await ask({ client_id: id })
      const page = await tab.get(path)
      expect(page.location).toBeNull()
      expect(page.status).toBeGreaterThanOrEqual(400)
    }
  })

  test('leads through the sign-in page and back', async () => {
    const guest = browser(app.app)
    const { path } = await ask()
    const redirected = await guest.get(path)
    expect(redirected.status).toBe(303)
    const signIn = redirected.location ?? ''
    expect(new URL(signIn, origin).pathname).toBe('/sign-in')
    const back = await guest.post(signIn, { email: tab.email, password: tab.password })
    expect(back.location).toBe(path)
    const consent = await guest.get(path)
    expect(consent.text).toContain(tab.email)
    expect(consent.headers.get('Cross-Origin-Opener-Policy')).toBe('unsafe-none')
  })
})

describe('consent', () => {
  test('is not given from another site, without a session, or to a page of another user', async () => {
    const { path } = await ask()
    const consent = await tab.get(path)
    const fields = { _owner: tab.userId, decision: 'allow', scopes: 'workflows:read' }
    const foreign = await tab.post(path, fields, {
      Origin: 'https://evil.example',
      'Sec-Fetch-Site': 'cross-site',
    })
    expect(foreign.status).toBe(403)
    expect((await tab.post(path, fields, {})).status).toBe(403)
    const guest = await browser(app.app).post(path, fields)
    expect([guest.status, guest.location]).toEqual([401, null])
    const swapped = await submitIn(other, path, consent, ['workflows:read'], 'allow')
    expect([swapped.status, swapped.location]).toEqual([303, path])
    const { _owner: _, ...unnamed } = fields
    const nobodys = await other.post(path, unnamed)
    expect([nobodys.status, nobodys.location]).toEqual([303, path])
    const rows = await app.database.sql`select 1 from oauth_grants where user_id = ${other.userId}`
    expect(rows).toEqual([])
  })

  test('that is denied gives no code', async () => {
    const { path } = await ask()
    const { location } = await approveIn(tab, new URL(path, origin), { decision: 'deny' })
    const url = new URL(location)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ error: 'access_denied', state: 'the state' })
    expect(url.searchParams.has('code')).toBe(false)
  })

  test('grants only scopes that were asked for', async () => {
    const { path, verifier, clientId } = await ask({ scope: 'workflows:read' })
    const { location } = await approveIn(tab, new URL(path, origin), {
      scopes: ['workflows:read', 'deploy', 'deploy:production', 'admin'],
    })
    const answer = await token({
      grant_type: 'authorization_code',
      code: new URL(location).searchParams.get('code') ?? '',
      client_id: clientId,
      redirect_uri: web,
      code_verifier: verifier,
    })
    expect(answer.json.scope).toBe('workflows:read')
  })

  test('and disconnecting are audited with the app and its scopes', async () => {
    const { clientId, tokens } = await connected({ scope: 'workflows:read' })
    await form('/oauth/revoke', { token: tokens['refresh_token'] ?? '', client_id: clientId })
    const events = await app.database
      .sql`select action, details, actor, session_id is not null as "hasSession"
      from audit_events where subject_id = (
        select subject_id from audit_events where action = 'app.connected' and details ->> 'clientId' = ${clientId})
      order by seq`
    expect(events).toMatchObject([
      {
        action: 'app.connected',
        details: { name: 'Agent', scopes: ['workflows:read'] },
        actor: 'user',
        hasSession: true,
      },
      { action: 'app.disconnected-itself', details: { name: 'Agent' } },
    ])
  })

  test('needs a scope', async () => {
    const { path } = await ask()
    const { answer } = await approveIn(tab, new URL(path, origin), { scopes: [] })
    expect(answer.status).toBe(422)
    expect(answer.text).toContain('Select what the app may do')
  })

  test('shows the name of an app as text', async () => {
    const name = '<img src=x onerror=alert(1)>\u202EClaude\u200B\u0007'
    const { json } = await register({ client_name: name, redirect_uris: [web] })
    const { path } = await ask({ client_id: json.client_id })
    const { text } = await tab.get(path)
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt; Claude')
    expect(text).not.toMatch(/<img|[\u202E\u200B]/)
    expect(text).toContain('Unverified')
  })
})

describe('a metadata document', () => {
  const id = 'https://agent.example.net/client.json'
  const document = { client_id: id, client_name: 'Agent', redirect_uris: [web] }
  const serve = (body: unknown, headers: Record<string, string> = {}, status = 200) =>
    publicFetch.mockImplementation(
      async () =>
        new Response(typeof body === 'string' ? body : JSON.stringify(body), {
          status,
          headers: { 'Content-Type': 'application/json', ...headers },
        }),
    )

  test.each<[string, unknown, Record<string, string>?, number?]>([
    ['names another app', { ...document, client_id: `${id}?` }],
    ['has no name', { ...document, client_name: undefined }],
    ['has no redirect URIs', { ...document, redirect_uris: [] }],
    ['has a dangerous redirect URI', { ...document, redirect_uris: [web, 'javascript:alert(1)'] }],
    ['has a secret', { ...document, client_secret: 'x' }],
    ['requires a secret', { ...document, token_endpoint_auth_method: 'client_secret_post' }],
    ['has no keys', { ...document, token_endpoint_auth_method: 'private_key_jwt' }],
    ['is too large', { ...document, filler: 'x'.repeat(40_000) }],
    ['is no JSON', '<html></html>'],
    ['is a page', document, { 'Content-Type': 'text/html' }],
    ['is elsewhere', document, { Location: 'http://169.254.169.254/' }, 302],
    ['does not exist', document, {}, 404],
  ])('that %s is rejected', async (_, body, headers, status) => {
    serve(body, headers, status)
    const { path } = await ask({ client_id: id })
    expect(leadsTo(await tab.get(path))).toEqual(nowhere)
    expect(publicFetch.mock.calls.every(([, init]) => init?.redirect === 'manual')).toBe(true)
    const rows = await app.database.sql`select 1 from oauth_clients where id = ${id}`
    expect(rows).toEqual([])
  })

  test.each([
    'http://agent.example.net/client.json',
    'https://127.0.0.1/client.json',
    'https://localhost/client.json',
    'https://10.0.0.1/client.json',
    'https://169.254.169.254/latest/meta-data/',
    'https://metadata.google.internal/computeMetadata/v1/',
    'https://[::1]/client.json',
    'https://[fd00:ec2::254]/x',
    'https://0x7f000001/client.json',
    'https://2130706433/x',
    'https://agent.example.net:22/client.json',
    'https://agent.example.net/',
    'https://agent.example.net',
    'https://agent.example.net/a/../client.json',
    'https://agent.example.net/client.json#x',
    'https://user@agent.example.net/client.json',
    'https://AGENT.example.net/client.json',
    'https://intranet/client.json',
    `${origin}/client.json`,
  ])('at %s is not fetched', async (url) => {
    serve({ ...document, client_id: url })
    const { path } = await ask({ client_id: url })
    expect(leadsTo(await tab.get(path))).toEqual(nowhere)
    expect(publicFetch).not.toHaveBeenCalled()
  })

  test('is not fetched for a name that resolves to a private address', async () => {
    publicFetch.mockImplementation(
      createPublicFetch({
        allowLoopback: false,
        lookup: (_hostname, _options, callback) => callback(null, [{ address: '10.0.0.5', family: 4 }]),
      }),
    )
    const { path } = await ask({ client_id: id })
    expect(leadsTo(await tab.get(path))).toEqual(nowhere)
  })

  test('is fetched for users only, at a limited rate, and cached as it says', async () => {
    const own = await signedInBrowser(app)
    const at = (name: string) => `https://agent.example.net/${name}.json`
    publicFetch.mockImplementation(async (input) =>
      Response.json(
        { ...document, client_id: addressOf(input) },
        { headers: { 'Cache-Control': addressOf(input).includes('cached') ? 'max-age=600' : 'no-store' } },
      ),
    )
    expect((await browser(app.app).get((await ask({ client_id: at('cached') })).path)).status).toBe(303)
    expect(publicFetch).not.toHaveBeenCalled()
    for (let i = 0; i < 3; i++) await own.get((await ask({ client_id: at('cached') })).path)
    expect(publicFetch).toHaveBeenCalledTimes(1)
    for (let i = 0; i < 19; i++) {
      expect((await own.get((await ask({ client_id: at('fresh') })).path)).status).toBe(200)
    }
    expect(publicFetch).toHaveBeenCalledTimes(20)
    expect((await own.get((await ask({ client_id: at('fresh') })).path)).status).toBe(429)
    expect(publicFetch).toHaveBeenCalledTimes(20)
  })

  test('with keys makes the app sign its requests', async () => {
    const keyed = 'https://agent.example.net/keyed.json'
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const { privateKey: wrongKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }
    publicFetch.mockImplementation(async (input) =>
      Response.json(
        addressOf(input) === keyed
          ? {
              ...document,
              client_id: keyed,
              token_endpoint_auth_method: 'private_key_jwt',
              jwks_uri: 'https://agent.example.net/jwks.json',
            }
          : { keys: [jwk] },
      ),
    )
    const signed = async (key: CryptoKey, changed: Record<string, unknown> = {}) => {
      const nowS = Math.floor((Date.now() + clock.offsetMs) / 1000)
      const claims = { iss: keyed, sub: keyed, aud: `${origin}/oauth/token`, exp: nowS + 60, ...changed }
      return {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(key),
      }
    }
    const { exchange } = await approved({ client_id: keyed })
    for (const proof of [
      {},
      await signed(wrongKey),
      await signed(privateKey, { iss: id }),
      await signed(privateKey, { sub: id }),
      await signed(privateKey, { aud: 'https://other.example.net/token' }),
      await signed(privateKey, { exp: undefined }),
      await signed(privateKey, { exp: Math.floor((Date.now() + clock.offsetMs) / 1000) - 60 }),
    ]) {
      expect(refusal(await token({ ...exchange, ...proof }))).toEqual([401, 'invalid_client'])
    }
    const { status, json } = await token({ ...exchange, ...(await signed(privateKey)) })
    expect(status).toBe(200)
    expect(refusal(await refresh(json.refresh_token, keyed))).toEqual([401, 'invalid_client'])
    expect((await refresh(json.refresh_token, keyed, await signed(privateKey))).status).toBe(200)
  })
})

describe('registration', () => {
  test('is limited per address, where an IPv6 network counts as one', async () => {
    const flood = async (addresses: (i: number) => string) => {
      const statuses = []
      for (let i = 0; i < 61; i++) {
        client.ip = addresses(i)
        statuses.push((await register({ redirect_uris: [web] })).status)
      }
      return [statuses.filter((status) => status === 201).length, statuses.at(-1)]
    }
    expect(await flood(() => '192.0.2.1')).toEqual([60, 429])
    expect(await flood((i) => `2001:db8:1:2:${(i + 1).toString(16)}::${i}`)).toEqual([60, 429])
    client.ip = '2001:db8:1:3::1'
    expect((await register({ redirect_uris: [web] })).status).toBe(201)
    client.ip = '192.0.2.1'
    clock.offsetMs += 3_601_000
    expect((await register({ redirect_uris: [web] })).status).toBe(201)
  })

  test('rejects invalid metadata', async () => {
    for (const body of [[], 'text', {}, { redirect_uris: 'x' }, { redirect_uris: [web], client_name: 7 }]) {
      expect((await register(body)).status).toBe(400)
    }
    expect((await register({ redirect_uris: [web], filler: 'x'.repeat(20_000) })).status).toBe(413)
    expect(refusal(await register('{'))).toEqual([400, 'invalid_request'])
  })

  test('ends unless a user approves the app', async () => {
    const unused = await registered(web)
    const { clientId } = await connected()
    await app.database.sql`update oauth_clients set expires_at = expires_at - interval '25 hours'
      where id in (${unused}, ${clientId})`
    const seen = async () => leadsTo(await tab.get((await ask({ client_id: unused })).path))
    expect(await seen()).toEqual(nowhere)
    await housekeeping(app.deps)
    const rows = await app.database.sql`select id from oauth_clients where id in (${unused}, ${clientId})`
    expect(rows).toEqual([{ id: clientId }])
    expect(await seen()).toEqual(nowhere)
  })
})

test('codes that were never exchanged, and apps that are not used, are deleted', async () => {
  const own = await signedInBrowser(app)
  await approved({}, own)
  await connected({}, own)
  await app.database
    .sql`update api_tokens set expires_at = now() - interval '1 minute' where user_id = ${own.userId}`
  await housekeeping(app.deps)
  const rows = await app.database.sql`select 1 from oauth_grants where user_id = ${own.userId}
    union all select 1 from api_tokens where user_id = ${own.userId}`
  expect(rows).toEqual([])
})

test('an app counts against the quota of access tokens', async () => {
  const own = await signedInBrowser(app)
  for (let i = 0; i < 100; i++) {
    await app.database.sql`insert into api_tokens (id, user_id, name, kind, scopes, hint, requests_per_minute)
      values (gen_random_uuid(), ${own.userId}, 'Agent', 'service', '{}', 'x', 1)`
  }
  const { path } = await ask()
  const { answer } = await approveIn(own, new URL(path, origin))
  expect(answer.status).toBe(422)
  expect(answer.text).toContain('100 access tokens')
})

test('the key of its refresh token stays in use until the app is disconnected', async () => {
  const used = async () =>
    (await keyUsage(app.deps.db, new Date())).find(({ table }) => table === 'oauth_grants')?.rows ?? 0
  const before = await used()
  const { tokens, clientId } = await connected()
  expect(await used()).toBe(before + 1)
  await form('/oauth/revoke', { token: tokens['refresh_token'] ?? '', client_id: clientId })
  expect(await used()).toBe(before)
})

test('deleting the account ends its apps', async () => {
  const own = await signedInBrowser(app)
  const { tokens, clientId } = await connected({}, own)
  await own.post('/account/delete', { confirm: own.email, password: own.password })
  expect(await mcpStatus(tokens['access_token'])).toBe(401)
  expect(refusal(await refresh(tokens['refresh_token'], clientId))).toEqual([400, 'invalid_grant'])
})

test('the token of an app cannot be rotated or extended', async () => {
  const user = await app.user()
  const own = browser(app.app)
  await own.post('/sign-in', { email: user.email, password: user.password })
  await connected({}, { ...own, userId: user.id, email: user.email, password: user.password })
  const { items } = (await user.call('GET', '/v1/tokens')).json
  expect(items[0]).toMatchObject({ kind: 'app', clientId: expect.stringMatching(/^app_/) })
  const path = `/v1/tokens/${items[0].id}`
  expect((await user.call('POST', `${path}/rotate`, { body: {} })).status).toBe(409)
  const later = new Date(Date.now() + clock.offsetMs + 90 * 86_400_000).toISOString()
  expect((await user.call('PATCH', path, { body: { expiresAt: later } })).status).toBe(422)
  expect((await user.call('PATCH', path, { body: { scopes: ['workflows:read'] } })).status).toBe(200)
})
