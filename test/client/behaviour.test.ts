/** The client's handling of failed requests, expired tokens and aborts, against scripted responses. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operationsModule } from '../../scripts/build-client.ts'
import { offlineDocument } from '../../scripts/openapi.ts'

const folder = mkdtempSync(join(tmpdir(), 'flowkeep-behaviour-'))

type Call = (args?: object) => Promise<Answer>
interface Answer {
  ok: boolean
  status: number
  data: any
  problem: { code: string; detail: string }
}
interface Session {
  accessToken: string
  refreshToken: string
  expiresAt: number
}
interface Store {
  load: () => Session | null
  save: (session: Session | null) => void
}
interface Package {
  createClient: (options: object) => Record<string, Call & { all: (args?: object) => AsyncIterable<any> }>
  memoryStore: (session?: Session | null) => Store
  webStore: (storage: object, key?: string) => Store
  unwrap: (answer: Promise<Answer>) => Promise<any>
  FlowkeepError: new () => Error & { problem: { code: string } }
}
let client: Package

beforeAll(async () => {
  cpSync(resolve(import.meta.dirname, '../../packages/client/src'), folder, { recursive: true })
  mkdirSync(join(folder, 'generated'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'generated/operations.ts'), operationsModule(await offlineDocument()))
  client = (await import(pathToFileURL(join(folder, 'index.ts')).href)) as Package
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
      ...headers,
    },
  })
const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { code, status, detail: `It is ${code}`, requestId: 'r1' }, headers)
const busy = (retryAfter: string) => problem(503, 'database-unavailable', { 'Retry-After': retryAfter })
const brokenConnection = () => Promise.reject(new TypeError('fetch failed'))

interface Sent {
  method: string
  path: string
  headers: Record<string, string>
  body: any
}

/** Returns the responses in order, and then repeats the last one. */
function scripted(...answers: ((sent: Sent) => Response | Promise<Response>)[]) {
  const sent: Sent[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted()
    const { pathname, search } = new URL(url)
    const request = {
      method: init.method ?? '',
      path: pathname + search,
      headers: init.headers as Record<string, string>,
      body: init.body === undefined ? undefined : JSON.parse(init.body as string),
    }
    sent.push(request)
    const answer = answers[Math.min(sent.length, answers.length) - 1]
    if (!answer) throw new Error('No answer')
    return answer(request)
  }
  return { sent, fetch }
}

const baseUrl = 'https://flowkeep.dev/'
const done = () => json(200, { items: [], nextCursor: null })
const body = { workflow: { nodes: [], connections: {} } }
const lasting: Session = { accessToken: 'a1', refreshToken: 'r1', expiresAt: Date.now() + 300_000 }
const expired: Session = { ...lasting, expiresAt: 0 }

describe('retries', () => {
  test('repeat a read until it succeeds', async () => {
    const { sent, fetch } = scripted(() => busy('0'), brokenConnection, done)
    const api = client.createClient({ baseUrl, fetch })
    expect(await api['listWorkflows']?.()).toMatchObject({ ok: true, status: 200 })
    expect(sent).toHaveLength(3)
    expect(sent[0]?.path).toBe('/v1/workflows')
  })

  test('repeat a creation with the same Idempotency-Key', async () => {
    const { sent, fetch } = scripted(
      brokenConnection,
      () => busy('0'),
      () => json(201, { id: 'w' }),
    )
    const api = client.createClient({ baseUrl, fetch })
    expect(await api['createWorkflow']?.({ body })).toMatchObject({ ok: true, status: 201 })
    const keys = sent.map(({ headers }) => headers['Idempotency-Key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  test.each([
    ['updateWorkflow', { id: 'w', ifMatch: 1, body: { name: 'x' } }],
    ['createSession', { body: { email: 'a@b.example', password: 'p' } }],
    ['deployWorkflowVersion', { id: 'd' }],
  ])('are not made for %s, which must not run twice', async (name, args) => {
    const refused = scripted(() => problem(429, 'too-many-requests', { 'Retry-After': '0' }))
    const api = client.createClient({ baseUrl, fetch: refused.fetch })
    expect(await api[name]?.(args)).toMatchObject({ ok: false, status: 429 })
    expect(refused.sent).toHaveLength(1)
    const broken = scripted(brokenConnection)
    await expect(client.createClient({ baseUrl, fetch: broken.fetch })[name]?.(args)).rejects.toThrow(
      'fetch failed',
    )
    expect(broken.sent).toHaveLength(1)
  })

  test('repeat a deletion only if nothing was deleted', async () => {
    const refused = scripted(
      () => busy('0'),
      () => new Response(null, { status: 204 }),
    )
    expect(
      await client.createClient({ baseUrl, fetch: refused.fetch })['deleteWorkflow']?.({ id: 'w' }),
    ).toMatchObject({ ok: true, status: 204, data: undefined })
    const broken = scripted(brokenConnection)
    const api = client.createClient({ baseUrl, fetch: broken.fetch })
    await expect(api['deleteWorkflow']?.({ id: 'w' })).rejects.toThrow('fetch failed')
    expect(broken.sent).toHaveLength(1)
  })

  test('end after the maximum number of attempts with the last failure', async () => {
    const { sent, fetch } = scripted(() => busy('0'))
    const api = client.createClient({ baseUrl, fetch, retry: { attempts: 2 } })
    expect(await api['listWorkflows']?.()).toMatchObject({
      ok: false,
      problem: { code: 'database-unavailable' },
    })
    expect(sent).toHaveLength(3)
  })

  test('are not made when the server asks for a longer wait than allowed, or when they are disabled', async () => {
    const patient = scripted(() => busy('3600'))
    expect(await client.createClient({ baseUrl, fetch: patient.fetch })['listWorkflows']?.()).toMatchObject({
      status: 503,
    })
    expect(patient.sent).toHaveLength(1)
    const off = scripted(() => busy('0'))
    expect(
      await client.createClient({ baseUrl, fetch: off.fetch, retry: false })['listWorkflows']?.(),
    ).toMatchObject({
      status: 503,
    })
    expect(off.sent).toHaveLength(1)
  })

  test('end immediately when the caller aborts', async () => {
    const { sent, fetch } = scripted(() => busy('3600'))
    const controller = new AbortController()
    const api = client.createClient({ baseUrl, fetch, retry: { maxDelayMs: Number.MAX_SAFE_INTEGER } })
    const waiting = api['listWorkflows']?.({ signal: controller.signal })
    controller.abort(new Error('Left the page'))
    await expect(waiting).rejects.toThrow('Left the page')
    expect(sent.length).toBeLessThanOrEqual(1)
  })
})

describe('a session', () => {
  const refreshed = (sent: Sent) =>
    sent.path === '/v1/auth/refresh'
      ? json(200, { accessToken: 'a2', refreshToken: 'r2', expiresIn: 300 })
      : sent.headers['Authorization'] === 'Bearer a2'
        ? done()
        : problem(401, 'unauthenticated')

  test('is stored on sign-in and used from then on', async () => {
    const { sent, fetch } = scripted(
      () => json(200, { user: {}, accessToken: 'a1', refreshToken: 'r1', expiresIn: 300 }),
      done,
    )
    const api = client.createClient({ baseUrl, fetch })
    await api['createSession']?.({ body: { email: 'a@b.example', password: 'p' } })
    await api['listWorkflows']?.()
    expect(sent[0]?.headers).not.toHaveProperty('Authorization')
    expect(sent[1]?.headers['Authorization']).toBe('Bearer a1')
  })

  test.each([
    ['has expired', expired],
    ['is rejected', lasting],
  ])('whose session token %s is refreshed once for all waiting requests', async (_, session) => {
    const { sent, fetch } = scripted(refreshed)
    const store = client.memoryStore(session)
    const api = client.createClient({ baseUrl, fetch, store })
    const answers = await Promise.all(Array.from({ length: 10 }, async () => api['listWorkflows']?.()))
    expect(answers.every((answer) => answer?.ok)).toBe(true)
    expect(sent.filter(({ path }) => path === '/v1/auth/refresh').map((each) => each.body)).toEqual([
      { refreshToken: 'r1' },
    ])
    expect(store.load()).toMatchObject({ accessToken: 'a2', refreshToken: 'r2' })
  })

  test('that another tab has refreshed is read from the store', async () => {
    const store = client.memoryStore(lasting)
    const { sent, fetch } = scripted((request) => {
      store.save({ ...lasting, accessToken: 'a2', refreshToken: 'r2' })
      return refreshed(request)
    })
    expect(await client.createClient({ baseUrl, fetch, store })['listWorkflows']?.()).toMatchObject({
      ok: true,
    })
    expect(sent.map(({ path }) => path)).toEqual(['/v1/workflows', '/v1/workflows'])
  })

  test('that has ended is cleared, and the caller is notified', async () => {
    const { sent, fetch } = scripted(({ path }) =>
      path === '/v1/auth/refresh' ? problem(401, 'invalid-refresh-token') : problem(401, 'unauthenticated'),
    )
    const store = client.memoryStore(lasting)
    let ended = 0
    const api = client.createClient({ baseUrl, fetch, store, onSessionEnd: () => (ended += 1) })
    expect(await api['listWorkflows']?.()).toMatchObject({ ok: false, problem: { code: 'unauthenticated' } })
    expect({ ended, stored: store.load(), requests: sent.length }).toEqual({
      ended: 1,
      stored: null,
      requests: 2,
    })
  })

  test('survives a server that temporarily cannot refresh it', async () => {
    const { fetch } = scripted(() => busy('3600'))
    const store = client.memoryStore(expired)
    const api = client.createClient({ baseUrl, fetch, store })
    expect(await api['listWorkflows']?.()).toMatchObject({
      ok: false,
      problem: { code: 'database-unavailable' },
    })
    expect(store.load()).toEqual(expired)
  })

  test('ends with its stored refresh token', async () => {
    const { sent, fetch } = scripted(() => new Response(null, { status: 204 }))
    const store = client.memoryStore(lasting)
    await client.createClient({ baseUrl, fetch, store })['endSession']?.()
    expect(sent[0]).toMatchObject({ path: '/v1/auth/logout', body: { refreshToken: 'r1' } })
    expect(store.load()).toBeNull()
  })

  test('is stored in web storage, where invalid data counts as none', () => {
    const values = new Map<string, string>()
    const store = client.webStore({
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => values.set(key, value),
      removeItem: (key: string) => values.delete(key),
    })
    store.save(lasting)
    expect(store.load()).toEqual(lasting)
    for (const nonsense of ['{', '"text"', '{}', '[1]']) {
      values.set('flowkeep-session', nonsense)
      expect(store.load()).toBeNull()
    }
    store.save(null)
    expect(values.size).toBe(0)
  })
})

describe('requests', () => {
  test('send parameters in their place, and versions as ETags', async () => {
    const { sent, fetch } = scripted(() => json(200, {}))
    const api = client.createClient({ baseUrl, fetch, token: () => 'given' })
    await api['getNodeType']?.({ type: '@n8n/a b.c' })
    await api['listExecutions']?.({ mode: ['webhook', 'manual'], stuck: true, limit: 5, tag: undefined })
    await api['updateWorkflow']?.({ id: 'w', ifMatch: 3, body: {} })
    await api['updateWorkflow']?.({ id: 'w', ifMatch: 'W/"4"', body: {} })
    await api['reportExecutions']?.({ instanceId: 'i', webhookToken: 'whk', body: [] })
    expect(sent.map(({ path }) => path)).toEqual([
      '/v1/node-types/%40n8n%2Fa%20b.c',
      '/v1/executions?mode=webhook&mode=manual&stuck=true&limit=5',
      '/v1/workflows/w',
      '/v1/workflows/w',
      '/hooks/n8n/i',
    ])
    expect(sent[0]?.headers).toEqual({ Authorization: 'Bearer given' })
    expect(sent[2]?.headers['If-Match']).toBe('"3"')
    expect(sent[3]?.headers['If-Match']).toBe('W/"4"')
    expect(sent[4]?.headers['Authorization']).toBe('Bearer whk')
  })

  test('that a proxy answers fail with a problem too', async () => {
    const page = () =>
      new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } })
    const api = client.createClient({ baseUrl, fetch: scripted(page).fetch, retry: false })
    expect(await api['listWorkflows']?.()).toMatchObject({
      ok: false,
      problem: { code: 'unexpected-response', status: 502, detail: '<h1>Bad gateway</h1>' },
    })
  })

  test('for all pages follow the cursor until it is null', async () => {
    const { sent, fetch } = scripted(
      () => json(200, { items: [1, 2], nextCursor: 'c1' }),
      () => json(200, { items: [], nextCursor: 'c2' }),
      () => json(200, { items: [3], nextCursor: null }),
    )
    const items: number[] = []
    for await (const item of client.createClient({ baseUrl, fetch })['listWorkflows']?.all({ limit: 2 }) ??
      []) {
      items.push(item)
    }
    expect(items).toEqual([1, 2, 3])
    expect(sent.map(({ path }) => path)).toEqual([
      '/v1/workflows?limit=2',
      '/v1/workflows?limit=2&cursor=c1',
      '/v1/workflows?limit=2&cursor=c2',
    ])
  })

  test('for all pages read only as far as the caller, and throw the error of a page', async () => {
    const lazy = scripted(() => json(200, { items: [1, 2], nextCursor: 'c1' }))
    for await (const _ of client.createClient({ baseUrl, fetch: lazy.fetch })['listWorkflows']?.all() ?? [])
      break
    expect(lazy.sent).toHaveLength(1)
    const failing = client.createClient({ baseUrl, fetch: scripted(() => problem(422, 'invalid')).fetch })
    const all = async () => {
      for await (const _ of failing['listWorkflows']?.all() ?? []) throw new Error('No item is expected')
    }
    await expect(all()).rejects.toMatchObject({ name: 'FlowkeepError', problem: { code: 'invalid' } })
    await expect(client.unwrap(failing['getWorkflow']?.({ id: 'w' }) as Promise<Answer>)).rejects.toThrow(
      'invalid: It is invalid',
    )
  })
})
