/** Access tokens over HTTP: scopes, expiry, rotation, revocation, limits and the audit trail. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { v7 } from 'uuid'
import { beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { createDeps } from '../../src/deps.ts'
import { newApiToken } from '../../src/crypto/api-token.ts'
import { isSessionOnly, scopes } from '../../src/http/scopes.ts'
import { type Answer, type TestUser, testEnvironment, useTestApp } from '../harness/app.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
let offsetMs = 0
let writes: string[] = []
const clock = () => new Date(Date.now() + offsetMs)
const app = useTestApp({
  runtime: { now: clock },
  onDatabaseRequest: (body) => {
    const sent = 'queries' in body ? (body.queries as { query: string }[]) : [body]
    writes.push(...sent.map(({ query }) => query))
  },
})

interface Operation {
  method: string
  path: string
  scope: string | undefined
  security: Record<string, string[]>[] | undefined
  responses: Record<string, unknown>
}

async function operations(): Promise<Operation[]> {
  const { json } = await app.call('GET', '/openapi.json')
  return Object.entries(json.paths as Record<string, Record<string, Record<string, never>>>).flatMap(
    ([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        scope: operation['x-required-scope'],
        security: operation['security'],
        responses: operation['responses'] ?? {},
      })),
  )
}

const concrete = (path: string) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? v7() : '1'))

const useToken = (token: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  app.call(method, path, {
    token,
    ...(body !== undefined && method !== 'GET' && { body }),
    headers: { 'If-Match': '*' },
  })

async function create(user: TestUser, body: object): Promise<Answer['json']> {
  const answer = await user.call('POST', '/v1/tokens', { body: { name: 'Agent', ...body } })
  expect(answer.text).toContain('"token":"fk_')
  expect(answer.status).toBe(201)
  return answer.json
}

/** A user of the current time, because sessions end when the clock moves. */
async function signedIn(user: TestUser): Promise<TestUser> {
  const { email, password } = user
  const { accessToken } = (await app.call('POST', '/v1/auth/login', { body: { email, password } })).json
  return {
    ...user,
    call: (method, path, options = {}) => app.call(method, path, { token: accessToken, ...options }),
  }
}

describe('the scope of a route', () => {
  test('is declared by every route that users call, with its error in the document', async () => {
    const all = await operations()
    expect(all.length).toBeGreaterThan(90)
    for (const { method, path, scope, security, responses } of all) {
      const isOpen = security?.length === 0 || path.startsWith('/hooks/') || path.startsWith('/v1/approvals')
      if (isSessionOnly(method, path)) {
        expect([scope, security]).toEqual([undefined, undefined])
        continue
      }
      expect({ method, path, known: scopes.includes(scope as never) }).toEqual({
        method,
        path,
        known: !isOpen,
      })
      if (isOpen) continue
      expect(security).toEqual([{ accessToken: [] }, { apiToken: [scope] }])
      expect(JSON.stringify(responses['403'])).toContain('InsufficientScopeProblem')
      expect(JSON.stringify(responses['429'])).toContain('TooManyRequestsProblem')
    }
  })

  test('lists only routes that exist', async () => {
    const all = await operations()
    for (const scope of scopes) {
      const has = all.some((operation) => operation.scope === scope)
      expect({ scope, has }).toEqual({ scope, has: scope !== 'deploy:production' && scope !== 'destructive' })
    }
  })

  test('is the only one that opens it: every other scope together returns 403 and names it', async () => {
    const user = await app.user()
    const before = await app.database.dump()
    const all = (await operations()).filter(({ scope }) => scope !== undefined)
    for (const scope of scopes) {
      const routes = all.filter((operation) => operation.scope === scope)
      if (routes.length === 0) continue
      const others = scopes.filter((each) => each !== scope && each !== 'admin')
      const { id, token } = await create(user, { scopes: others, requestsPerMinute: 6000 })
      for (const { method, path } of routes) {
        const { status, json, headers } = await useToken(token, method, concrete(path), {})
        expect({ method, path, status, code: json?.code, requiredScope: json?.requiredScope }).toEqual({
          method,
          path,
          status: 403,
          code: 'insufficient-scope',
          requiredScope: scope,
        })
        expect(json.detail).toContain(scope)
        expect(headers.get('WWW-Authenticate')).toBe(`Bearer error="insufficient_scope", scope="${scope}"`)
      }
      expect((await user.call('DELETE', `/v1/tokens/${id}`)).status).toBe(204)
    }
    // Neither the tokens and their events, nor the head of the audit trail.
    const isExpected = /token|^\([0-9a-f-]{36},\d+,[0-9a-f]{64},/
    const withoutTokens = (dump: string) => dump.split('\n').filter((line) => !isExpected.test(line))
    expect(withoutTokens(await app.database.dump())).toEqual(withoutTokens(before))
  })

  test.each(scopes)('%s alone opens its routes', async (scope) => {
    const user = await app.user()
    const { token } = await create(user, { scopes: [scope], requestsPerMinute: 6000 })
    for (const operation of await operations()) {
      if (operation.scope !== scope) continue
      const { method, path } = operation
      const { status } = await useToken(token, method, concrete(path), {})
      expect({ method, path, denied: status === 401 || status === 403 || status >= 500 }).toEqual({
        method,
        path,
        denied: false,
      })
    }
  })

  test('admin opens every route, including HEAD; unknown paths and methods stay 404 and 405', async () => {
    const { token } = await create(await app.user(), { scopes: ['admin'] })
    for (const { method, path, scope } of await operations()) {
      if (scope === undefined || method !== 'GET') continue
      expect([path, (await useToken(token, method, concrete(path))).status]).not.toEqual([path, 403])
    }
    const head = (secret: string) =>
      app.app.request('/v1/workflows', { method: 'HEAD', headers: { Authorization: `Bearer ${secret}` } })
    expect((await head(token)).status).toBe(200)
    expect((await useToken(token, 'GET', '/v1/workflows/a/b/c')).status).toBe(404)
    expect((await useToken(token, 'PUT', '/v1/workflows')).status).toBe(405)
    const { token: weak } = await create(await app.user(), { scopes: ['alerts:read'] })
    expect((await head(weak)).status).toBe(403)
  })
})

describe('a token', () => {
  test('is returned once, stored as its SHA-256 and never logged', async () => {
    const user = await app.user()
    const made = await create(user, { scopes: ['workflows:read'] })
    expect(made).toMatchObject({
      name: 'Agent',
      kind: 'personal',
      scopes: ['workflows:read'],
      requestsPerMinute: 600,
      hint: made.token.slice(-4),
      lastUsedAt: null,
      rotatedAt: null,
    })
    const days = (Date.parse(made.expiresAt) - Date.parse(made.createdAt)) / dayMs
    expect(days).toBe(90)
    expect((await useToken(made.token, 'GET', '/v1/workflows')).status).toBe(200)
    expect((await useToken(`${made.token}=`, 'GET', '/v1/workflows')).status).toBe(401)
    const { token: _, ...shown } = made
    // The use is recorded after the response.
    await expect
      .poll(async () => (await user.call('GET', `/v1/tokens/${made.id}`)).json.lastUsedAt)
      .toEqual(expect.any(String))
    const answers = [
      await user.call('GET', `/v1/tokens/${made.id}`),
      await user.call('GET', '/v1/tokens'),
      await user.call('GET', '/v1/audit-events'),
    ]
    expect(answers[0]?.json).toMatchObject({ ...shown, lastUsedAt: expect.any(String) })
    expect(answers[1]?.json.items).toHaveLength(1)
    for (const { text } of answers) expect(text).not.toContain(made.token)
    const dump = await app.database.dump()
    expect(dump).not.toContain(made.token)
    expect(dump).not.toContain(made.token.slice(3, 35))
    expect(dump).toContain(createHash('sha256').update(made.token).digest('hex'))
    expect(app.logs.join('\n')).not.toContain(made.token.slice(0, 20))
    expect(app.logs.some((line) => line.includes(`"actorId":"${made.id}"`))).toBe(true)
  })

  test('is rejected like any invalid token when it is unknown or in the URL', async () => {
    const { token } = await newApiToken()
    const answers = [
      await useToken(token, 'GET', '/v1/workflows'),
      await useToken(`${token.slice(0, -1)}!`, 'GET', '/v1/workflows'),
      await useToken('fk_', 'GET', '/v1/workflows'),
      await useToken(`fk_${'a'.repeat(5000)}`, 'GET', '/v1/workflows'),
      await app.call('GET', `/v1/workflows?access_token=${token}`),
    ]
    for (const { status, json, headers } of answers) {
      expect({ status, code: json.code, detail: json.detail }).toEqual({
        status: 401,
        code: 'unauthenticated',
        detail: answers[0]?.json.detail,
      })
      expect(headers.get('WWW-Authenticate')).toBe('Bearer')
    }
  })

  test('acts only for its owner', async () => {
    const [owner, stranger] = [await app.user(), await app.user()]
    const workflow = { nodes: [], connections: {} }
    const { id } = (await owner.call('POST', '/v1/workflows', { body: { workflow, name: 'Mine' } })).json
    const mine = await create(owner, { scopes: ['workflows:read'] })
    const theirs = await create(stranger, { scopes: ['admin'] })
    expect((await useToken(mine.token, 'GET', `/v1/workflows/${id}`)).json.name).toBe('Mine')
    expect((await useToken(theirs.token, 'GET', `/v1/workflows/${id}`)).status).toBe(404)
    for (const [method, path, body] of [
      ['GET', `/v1/tokens/${mine.id}`],
      ['PATCH', `/v1/tokens/${mine.id}`, { name: 'Taken over' }],
      ['POST', `/v1/tokens/${mine.id}/rotate`, {}],
      ['DELETE', `/v1/tokens/${mine.id}`],
    ] as const) {
      expect((await useToken(theirs.token, method, path, body)).status).toBe(404)
    }
    expect((await useToken(mine.token, 'GET', '/v1/workflows')).json.items).toHaveLength(1)
    expect(
      (await useToken(theirs.token, 'GET', '/v1/tokens')).json.items.map((each: { id: string }) => each.id),
    ).toEqual([theirs.id])
  })

  test('is not returned again by an Idempotency-Key', async () => {
    const user = await app.user()
    const body = { name: 'Agent', scopes: ['workflows:read'] }
    const send = (sent: object) =>
      user.call('POST', '/v1/tokens', { body: sent, headers: { 'Idempotency-Key': 'one' } })
    const first = await send(body)
    const again = await send(body)
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.json).toEqual({ ...first.json, token: null })
    expect((await send({ ...body, name: 'Other' })).json.code).toBe('idempotency-key-reused')
    await user.call('DELETE', `/v1/tokens/${first.json.id}`)
    expect((await send(body)).status).toBe(409)
  })

  test.each([
    [{ scopes: [] }, '/scopes'],
    [{ scopes: ['workflows:everything'] }, '/scopes/0'],
    [{ scopes: ['workflows:read'], name: '' }, '/name'],
    [{ scopes: ['workflows:read'], kind: 'robot' }, '/kind'],
    [{ scopes: ['workflows:read'], expiresAt: null }, '/expiresAt'],
    [{ scopes: ['workflows:read'], expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [{ scopes: ['workflows:read'], expiresAt: '2099-01-01T00:00:00Z' }, '/expiresAt'],
    [{ scopes: ['workflows:read'], kind: 'service', expiresAt: '2099-01-01T00:00:00Z' }, '/expiresAt'],
    [{ scopes: ['workflows:read'], requestsPerMinute: 0 }, '/requestsPerMinute'],
    [{ scopes: ['workflows:read'], token: 'fk_mine' }, '/token'],
  ])('is not created from %j', async (body, pointer) => {
    const user = await app.user()
    const answer = await user.call('POST', '/v1/tokens', { body: { name: 'Agent', ...body } })
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, pointer])
    expect((await user.call('GET', '/v1/tokens')).json.items).toEqual([])
  })

  test('counts against the quota of its owner', async () => {
    const user = await app.user()
    for (let number = 0; number < 100; number++) await create(user, { scopes: ['workflows:read'] })
    const body = { name: 'One more', scopes: ['workflows:read'] }
    const answer = await user.call('POST', '/v1/tokens', { body })
    expect([answer.status, answer.json.code]).toEqual([403, 'quota-exceeded'])
    expect(answer.json.detail).toContain('100 access tokens')
  })
})

describe('expiry', () => {
  test('ends a token at its time, in an isolate that knows it and in one that does not', async () => {
    const user = await app.user()
    const expiresAt = new Date(clock().getTime() + 10 * minuteMs).toISOString()
    const { token } = await create(user, { scopes: ['workflows:read'], expiresAt })
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(200)
    offsetMs += 10 * minuteMs - 2_000
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(200)
    offsetMs += 2_000
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(401)
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(401)
  })

  test('may be absent for a service token only', async () => {
    const user = await app.user()
    const made = await create(user, { kind: 'service', scopes: ['workflows:read'], expiresAt: null })
    expect(made.expiresAt).toBeNull()
    offsetMs += 4000 * dayMs
    expect((await useToken(made.token, 'GET', '/v1/workflows')).status).toBe(200)
    offsetMs -= 4000 * dayMs
  })

  test('is listed for 90 days, then the token is purged', async () => {
    const user = await app.user()
    const { id } = await create(user, { scopes: ['workflows:read'] })
    const { sql } = app.database
    const purge = async () => {
      const { deleteExpiredRows } = await import('../../src/db/expired-rows.ts')
      await deleteExpiredRows(app.deps.db, 1000)
      return (await sql`select 1 from api_tokens where id = ${id}`).length
    }
    await sql`update api_tokens set expires_at = now() - interval '89 days' where id = ${id}`
    expect(await purge()).toBe(1)
    await sql`update api_tokens set expires_at = now() - interval '91 days' where id = ${id}`
    expect(await purge()).toBe(0)
  })
})

describe('rotation', () => {
  const works = async (token: string) => (await useToken(token, 'GET', '/v1/workflows')).status === 200

  test('gives a new token with the same lifetime, and the old one works until the overlap ends', async () => {
    let user = await app.user()
    const first = await create(user, { scopes: ['workflows:read'] })
    offsetMs += 3 * dayMs
    user = await signedIn(user)
    const rotate = (body: object) => user.call('POST', `/v1/tokens/${first.id}/rotate`, { body })
    const second = (await rotate({ overlapSeconds: 600 })).json
    expect(second).toMatchObject({
      id: first.id,
      hint: second.token.slice(-4),
      rotatedAt: expect.any(String),
    })
    expect(second.token).not.toBe(first.token)
    expect((Date.parse(second.expiresAt) - Date.parse(second.rotatedAt)) / dayMs).toBe(90)
    expect([await works(first.token), await works(second.token)]).toEqual([true, true])
    const third = (await rotate({ overlapSeconds: 60 })).json
    expect([await works(first.token), await works(second.token), await works(third.token)]).toEqual([
      true,
      true,
      true,
    ])
    offsetMs += 61_000
    expect([await works(first.token), await works(second.token), await works(third.token)]).toEqual([
      false,
      false,
      true,
    ])
    user = await signedIn(user)
    const fourth = (await rotate({ overlapSeconds: 0 })).json
    expect([await works(third.token), await works(fourth.token)]).toEqual([false, true])
    offsetMs += 90 * dayMs
    expect(await works(fourth.token)).toBe(false)
  })

  test('does not extend the replaced token', async () => {
    const user = await app.user()
    const expiresAt = new Date(clock().getTime() + 2 * minuteMs).toISOString()
    const first = await create(user, { scopes: ['workflows:read'], expiresAt })
    const later = new Date(clock().getTime() + dayMs).toISOString()
    const body = { overlapSeconds: 3600, expiresAt: later }
    const second = (await user.call('POST', `/v1/tokens/${first.id}/rotate`, { body })).json
    offsetMs += 2 * minuteMs
    expect([await works(first.token), await works(second.token)]).toEqual([false, true])
  })

  test('overlaps by a day by default, and allows at most ten valid secrets', async () => {
    const user = await app.user()
    const { id, token } = await create(user, { scopes: ['workflows:read'] })
    const rotate = (body: object = {}) => user.call('POST', `/v1/tokens/${id}/rotate`, { body })
    for (let number = 0; number < 9; number++) expect((await rotate()).status).toBe(200)
    expect((await rotate()).json).toMatchObject({ status: 409, code: 'conflict' })
    expect(await works(token)).toBe(true)
    const last = await rotate({ overlapSeconds: 0 })
    expect([await works(token), await works(last.json.token)]).toEqual([false, true])
    expect((await rotate({ overlapSeconds: -1 })).status).toBe(422)
    expect((await rotate({ overlapSeconds: 604_801 })).status).toBe(422)
  })
})

describe('revocation', () => {
  test('ends the token at the next request, and within five seconds on another server', async () => {
    const user = await app.user()
    const { id, token } = await create(user, { scopes: ['workflows:read'] })
    const config = parseConfig(testEnvironment({ DATABASE_URL: app.database.url }))
    const other = createApp(
      createDeps(config, {
        name: 'node',
        compareBcrypt: async () => false,
        maxHashesInFlight: 1,
        defer: () => undefined,
        clientIp: () => '203.0.113.9',
        writeLog: () => undefined,
        now: clock,
        instanceFetch: () => Promise.reject(new Error('No n8n')),
        publicFetch: fetch,
        databaseFetch: (request) => app.database.gateway.fetch(request),
      }),
    )
    const elsewhere = async () =>
      (await other.request('/v1/workflows', { headers: { Authorization: `Bearer ${token}` } })).status
    expect([await elsewhere(), (await useToken(token, 'GET', '/v1/workflows')).status]).toEqual([200, 200])
    expect((await user.call('DELETE', `/v1/tokens/${id}`)).status).toBe(204)
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(401)
    offsetMs += 5_000
    expect(await elsewhere()).toBe(401)
    expect((await user.call('DELETE', `/v1/tokens/${id}`)).status).toBe(404)
    expect((await user.call('GET', `/v1/tokens/${id}`)).status).toBe(404)
  })

  test('happens when the account is deleted, but not when the password changes', async () => {
    const user = await app.user()
    const { token } = await create(user, { scopes: ['workflows:read'] })
    const status = async () => (await useToken(token, 'GET', '/v1/workflows')).status
    const newPassword = 'another long passphrase'
    const changed = await user.call('POST', '/v1/me/password', {
      body: { currentPassword: user.password, newPassword },
    })
    expect([changed.status, await status()]).toEqual([204, 200])
    const deleted = await user.call('POST', '/v1/me/delete', { body: { password: newPassword } })
    expect([deleted.status, await status()]).toEqual([204, 401])
  })

  test('comes with a password change that asks for it', async () => {
    const user = await app.user()
    const { token } = await create(user, { scopes: ['workflows:read'] })
    const body = {
      currentPassword: user.password,
      newPassword: 'another long passphrase',
      revokeTokens: true,
    }
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(200)
    expect((await user.call('POST', '/v1/me/password', { body })).status).toBe(204)
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(401)
    expect((await user.call('GET', '/v1/tokens')).json.items).toEqual([])
    const { items } = (await user.call('GET', '/v1/audit-events?action=token')).json
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'token.all-revoked',
      'token.created',
    ])
  })
})

describe('a token that manages tokens', () => {
  test('cannot grant more time than it has', async () => {
    const user = await app.user()
    const expiresAt = new Date(clock().getTime() + dayMs).toISOString()
    const { token } = await create(user, { scopes: ['admin'], expiresAt })
    const attempt = (body: object) =>
      useToken(token, 'POST', '/v1/tokens', { name: 'Child', scopes: ['admin'], ...body })
    expect((await attempt({})).json.expiresAt).toBe(expiresAt)
    for (const body of [
      { expiresAt: new Date(clock().getTime() + 2 * dayMs).toISOString() },
      { kind: 'service', expiresAt: null },
    ]) {
      const answer = await attempt(body)
      expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, '/expiresAt'])
    }
    const long = await create(user, { scopes: ['workflows:read'] })
    const rotated = await useToken(token, 'POST', `/v1/tokens/${long.id}/rotate`, {})
    expect(rotated.json.expiresAt).toBe(expiresAt)
  })

  test('cannot grant a scope that it lacks', async () => {
    const user = await app.user()
    const { withToken } = await import('../../src/db/actor.ts')
    const actor = { tokenId: v7(), name: 'Limited', scopes: new Set(['workflows:read']), expiresAt: null }
    const create = (wanted: 'workflows:read' | 'deploy') =>
      withToken(actor, () =>
        app.deps.apiTokens.create(user.id, {
          name: 'Child',
          kind: 'personal',
          scopes: [wanted],
          requestsPerMinute: 1,
        }),
      )
    await expect(create('deploy')).rejects.toMatchObject({ code: 'insufficient-scope' })
    const child = await create('workflows:read')
    const widen = withToken(actor, () => app.deps.apiTokens.update(user.id, child.id, { scopes: ['admin'] }))
    await expect(widen).rejects.toMatchObject({ code: 'insufficient-scope' })
  })
})

describe('a change', () => {
  test('takes effect at the next request', async () => {
    const user = await app.user()
    const { id, token, expiresAt } = await create(user, { scopes: ['workflows:read'] })
    const change = (body: object) => user.call('PATCH', `/v1/tokens/${id}`, { body })
    expect((await useToken(token, 'GET', '/v1/instances')).status).toBe(403)
    const wider = await change({ name: 'Renamed', scopes: ['instances:read', 'workflows:read'] })
    expect(wider.json).toMatchObject({
      name: 'Renamed',
      scopes: ['workflows:read', 'instances:read'],
      expiresAt,
    })
    expect((await useToken(token, 'GET', '/v1/instances')).status).toBe(200)
    await change({ scopes: ['instances:read'] })
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(403)
    expect((await change({ expiresAt: null })).status).toBe(422)
    expect((await change({ kind: 'service' })).status).toBe(422)
    expect((await change({})).status).toBe(200)
    const ended = await change({ expiresAt: new Date(clock().getTime() + 1000).toISOString() })
    expect(ended.status).toBe(200)
    offsetMs += 1000
    expect((await useToken(token, 'GET', '/v1/instances')).status).toBe(401)
  })
})

describe('the limit of a token', () => {
  const startOfMinute = () => {
    offsetMs += minuteMs - (clock().getTime() % minuteMs)
  }

  test('lets exactly that many requests of a minute pass, and names itself', async () => {
    const user = await app.user()
    const { token } = await create(user, { scopes: ['workflows:read'], requestsPerMinute: 3 })
    startOfMinute()
    const statuses: number[] = []
    for (let number = 0; number < 5; number++)
      statuses.push((await useToken(token, 'GET', '/v1/workflows')).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    const { json, headers } = await useToken(token, 'GET', '/v1/workflows')
    expect(json).toMatchObject({ code: 'too-many-requests', requestsPerMinute: 3 })
    expect(json.detail).toContain('3 requests per minute')
    const wait = Number(headers.get('Retry-After'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    expect((await user.call('GET', '/v1/workflows')).status).toBe(200)
    startOfMinute()
    expect((await useToken(token, 'GET', '/v1/workflows')).status).toBe(200)
  })

  test('holds for concurrent requests and for all secrets together', async () => {
    const user = await app.user()
    const { id, token } = await create(user, { scopes: ['workflows:read'], requestsPerMinute: 40 })
    const rotated = (await user.call('POST', `/v1/tokens/${id}/rotate`, { body: {} })).json
    startOfMinute()
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => useToken(token, 'GET', '/v1/workflows')),
    )
    const passed = answers.filter(({ status }) => status === 200).length
    expect(passed).toBe(40)
    // A twentieth of the limit is not counted in the database yet.
    const others: number[] = []
    for (let number = 0; number < 4; number++)
      others.push((await useToken(rotated.token, 'GET', '/v1/workflows')).status)
    expect(others.slice(2)).toEqual([429, 429])
  })

  test('costs one statement in five seconds and one write a minute', async () => {
    const user = await app.user()
    const { id, token } = await create(user, { scopes: ['workflows:read'] })
    startOfMinute()
    writes = []
    for (let number = 0; number < 20; number++) await useToken(token, 'GET', '/v1/workflows')
    const reads = writes.filter((query) => query.includes('api_token_secrets'))
    expect([writes.length, reads.length]).toEqual([21, 1])
    const lastUsed = async () =>
      (await (await signedIn(user)).call('GET', `/v1/tokens/${id}`)).json.lastUsedAt
    const first = await lastUsed()
    offsetMs += 30_000
    await useToken(token, 'GET', '/v1/workflows')
    expect(await lastUsed()).toBe(first)
    offsetMs += 31_000
    await useToken(token, 'GET', '/v1/workflows')
    expect(Date.parse(await lastUsed()) - Date.parse(first)).toBeGreaterThan(minuteMs)
  })
})

describe('the audit trail', () => {
  let user: TestUser
  beforeAll(async () => {
    user = await app.user()
  })

  test('names the token of every change, even after it was revoked', async () => {
    const { id, token } = await create(user, { name: 'Build agent', scopes: ['admin'] })
    const credential = { type: 'slackApi', name: 'Bot', data: { accessToken: 'xoxb-planted' } }
    const made = (await useToken(token, 'POST', '/v1/credentials', credential)).json
    await useToken(token, 'DELETE', `/v1/credentials/${made.id}`)
    await user.call('PATCH', '/v1/me', { body: { name: 'Maya' } })
    await user.call('DELETE', `/v1/tokens/${id}`)
    const { items } = (await user.call('GET', '/v1/audit-events')).json
    const seen = items.map((each: { action: string; token: unknown }) => [each.action, each.token])
    expect(seen).toEqual([
      ['token.revoked', null],
      ['user.updated', null],
      ['credential.deleted', { id, name: 'Build agent' }],
      ['credential.created', { id, name: 'Build agent' }],
      ['token.created', null],
      ['user.registered', null],
    ])
    const filtered = (await user.call('GET', `/v1/audit-events?tokenId=${id}`)).json.items
    expect(filtered).toHaveLength(2)
    const csv = await user.call('GET', '/v1/audit-events/export?action=credential.created')
    expect(csv.text.split('\r\n')[1]).toMatch(new RegExp(`,${id},Build agent,token,`))
  })
})

test('every statement that inserts an audit event names the token', () => {
  const src = resolve(import.meta.dirname, '../../src')
  const inserts = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap(
      (path) =>
        readFileSync(join(src, path), 'utf8').match(
          /insert into (audit_events|\$\{auditEvents\}) \([^)]*\)/g,
        ) ?? [],
    )
  expect(inserts.length).toBeGreaterThan(12)
  expect(inserts.filter((insert) => !insert.includes('actorColumns'))).toEqual([])
})

test('a leaked token is found in a workflow, and redacted where texts are stored', async () => {
  const user = await app.user()
  const { token } = await create(user, { scopes: ['workflows:read'] })
  const node = {
    id: 'a',
    name: 'Call',
    type: 'n8n-nodes-base.httpRequest',
    typeVersion: 4.2,
    position: [0, 0],
    parameters: {
      url: `https://flowkeep.example.com/v1/workflows`,
      sendHeaders: true,
      jsonHeaders: `{"x-key":"${token}"}`,
    },
  }
  const checked = await user.call('POST', '/v1/workflows/check', {
    body: { workflow: { nodes: [node], connections: {} } },
  })
  const finding = checked.json.findings.find(({ code }: { code: string }) => code === 'hard-coded-secret')
  expect(finding?.message).toContain('Flowkeep access token')
  expect(checked.text).not.toContain(token)
  const { redact } = await import('../../src/lib/secrets/redact.ts')
  expect(redact(`Request failed with ${token}, see fk_orders_customer`)).not.toContain(token.slice(3, 30))
  expect(redact('violates foreign key constraint fk_orders_customer_id')).toContain('fk_orders_customer_id')
})
