/** @module The whole application with many n8n servers, each a strict stub of its own. */
import { expect } from 'vitest'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { createDeps } from '../../src/deps.ts'
import bcrypt from '@node-rs/bcrypt'
import { type Answer, testEnvironment, type TestUser } from '../harness/app.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'

export interface ReleaseWorldOptions {
  onDatabaseRequest?: (statements: number) => void
}

export async function createReleaseWorld({ onDatabaseRequest }: ReleaseWorldOptions = {}) {
  const database = await createTestDatabase()
  const stubs = new Map<string, N8nStub>()
  const environment = testEnvironment({ DATABASE_URL: database.url })
  const logs: string[] = []
  const answers: string[] = []
  /** Moves time forward: leases expire, and observations end. */
  const skew = { ms: 0 }
  /** Called before each request to n8n; a rejection is a failed connection, a promise that never settles a crash. */
  const hooks: {
    beforeCall: ((host: string, method: string, path: string) => Promise<void> | void) | undefined
    /** Around each request to the database. */
    database: ((send: () => Promise<Response>) => Promise<Response>) | undefined
  } = { beforeCall: undefined, database: undefined }
  let n8nCalls = 0

  /** One process. */
  function start() {
    const deferred = new Set<Promise<unknown>>()
    const life = { isDead: false }
    const deps = createDeps(parseConfig(environment), {
      name: 'node',
      compareBcrypt: bcrypt.compare,
      passwordCost: 4,
      maxHashesInFlight: 8,
      defer: (work) => {
        const settled = work.catch(() => undefined).finally(() => deferred.delete(settled))
        deferred.add(settled)
      },
      clientIp: () => '203.0.113.7',
      writeLog: (line) => logs.push(line),
      now: () => new Date(Date.now() + skew.ms),
      wait: async () => undefined,
      databaseFetch: async (request) => {
        if (life.isDead) return never
        if (onDatabaseRequest) {
          const body: { queries?: unknown[] } = await request.clone().json()
          onDatabaseRequest(body.queries?.length ?? 1)
        }
        const send = () => database.gateway.fetch(request)
        return hooks.database ? hooks.database(send) : send()
      },
      publicFetch: fetch,
      instanceFetch: async (input, init) => {
        if (life.isDead) return never
        n8nCalls += 1
        const request = new Request(input, init)
        const { host, pathname } = new URL(request.url)
        const stub = stubs.get(host)
        if (!stub) throw new TypeError('fetch failed')
        await hooks.beforeCall?.(host, request.method, pathname)
        return stub.fetch(request)
      },
    })
    const app = createApp(deps)
    return {
      deps,
      /** Nothing that the process has begun continues. */
      kill: () => {
        life.isDead = true
      },
      settle: async () => {
        while (deferred.size > 0) await Promise.all(deferred)
      },
      call: async (method: string, path: string, body?: unknown, token?: string): Promise<Answer> => {
        const response = await app.request(path, {
          method,
          headers: {
            ...(body !== undefined && { 'Content-Type': 'application/json' }),
            ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        const text = await response.text()
        answers.push(text)
        const json = response.headers.get('Content-Type')?.includes('json') ? JSON.parse(text) : undefined
        return { status: response.status, headers: response.headers, text, json }
      },
    }
  }

  const world = {
    database,
    stubs,
    logs,
    answers,
    hooks,
    start,
    running: start(),
    get n8nCalls() {
      return n8nCalls
    },
    now: () => new Date(Date.now() + skew.ms),
    pass: (ms: number) => {
      skew.ms += ms
    },
    settle: () => world.running.settle(),
    call: (method: string, path: string, body?: unknown, token?: string) =>
      world.running.call(method, path, body, token),
    /** Another process on the same database, after the leases of the killed one have expired. */
    restart: () => {
      world.running.kill()
      world.running = start()
      skew.ms += 61_000
    },
    close: async () => {
      await world.settle()
      await database.close()
    },
    /** A user with `count` instances. */
    user: async (count: number) => {
      const email = `${crypto.randomUUID()}@example.com`
      const password = `password-${crypto.randomUUID()}`
      const { json } = await world.call('POST', '/v1/auth/register', { email, password })
      const { id }: TestUser = json.user
      const api = async (method: string, path: string, body?: unknown) => {
        const { accessToken } = await world.running.deps.accessTokens.sign({ userId: id, sessionId: id })
        return world.call(method, path, body, accessToken)
      }
      const made = async (path: string, body: unknown) => {
        const answer = await api('POST', path, body)
        expect({ path, status: answer.status, text: answer.text }).toMatchObject({ status: 201 })
        return answer.json
      }
      const instances: { id: string; host: string; stub: N8nStub }[] = []
      for (let index = 0; index < count; index += 1) {
        const host = `c${index}-${id.slice(-8)}.example.com`
        const stub = await createN8nStub({ baseUrl: `https://${host}` })
        stubs.set(host, stub)
        const instance = await made('/v1/instances', {
          name: `Customer ${index}`,
          baseUrl: `https://${host}`,
          apiKey: stub.apiKey,
        })
        instances.push({ id: instance.id, host, stub })
      }
      const instanceIds = instances.map((each) => each.id)
      return {
        id,
        email,
        password,
        api,
        made,
        instances,
        instanceIds,
        workflow: async (workflow: object) => String((await made('/v1/workflows', { workflow })).id),
        /** Saves another version. */
        change: async (workflowId: string, workflow: object) => {
          const { accessToken } = await world.running.deps.accessTokens.sign({ userId: id, sessionId: id })
          const app = createApp(world.running.deps)
          const response = await app.request(`/v1/workflows/${workflowId}`, {
            method: 'PATCH',
            headers: {
              Authorization: `Bearer ${accessToken}`,
              'Content-Type': 'application/json',
              'If-Match': '*',
            },
            body: JSON.stringify({ workflow }),
          })
          expect(response.status).toBe(200)
        },
        /** Reads the release until it waits for something other than work. */
        finish: async (releaseId: string) => {
          for (let reads = 0; reads < 100; reads += 1) {
            const answer = await api('GET', `/v1/releases/${releaseId}`)
            await world.settle()
            const { status, phase } = answer.json
            const isObserving = status === 'running' && phase === 'observing'
            if (!['planning', 'running', 'rolling-back'].includes(status) || isObserving) {
              const again = await api('GET', `/v1/releases/${releaseId}`)
              await world.settle()
              if (again.json.status === status && again.json.phase === phase) return again.json
            }
          }
          throw new Error('The release does not finish')
        },
        targets: async (releaseId: string, query = '') => {
          const items = []
          let cursor: string | null = null
          do {
            const page: Answer = await api(
              'GET',
              `/v1/releases/${releaseId}/targets?limit=100${cursor === null ? '' : `&cursor=${cursor}`}${query}`,
            )
            expect(page.status).toBe(200)
            items.push(...page.json.items)
            cursor = page.json.nextCursor
          } while (cursor !== null)
          return items
        },
      }
    },
  }
  return world
}

export type ReleaseWorld = Awaited<ReturnType<typeof createReleaseWorld>>
export type ReleaseUser = Awaited<ReturnType<ReleaseWorld['user']>>

const never = new Promise<never>(() => undefined)

/** A webhook and an HTTP request. */
export const orders = (text = 'v1', name = 'Orders') => ({
  name,
  nodes: [
    {
      id: 'hook',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: `hook-${name}`,
      parameters: {
        path: `orders-${name.toLowerCase().replaceAll(' ', '-')}`,
        httpMethod: 'POST',
        options: {},
      },
    },
    {
      id: 'set',
      name: 'Note',
      type: 'n8n-nodes-base.set',
      typeVersion: 3.4,
      position: [220, 0],
      parameters: {
        assignments: { assignments: [{ id: 'a', name: 'text', value: text, type: 'string' }] },
        options: {},
      },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Note', type: 'main', index: 0 }]] } },
  settings: { executionOrder: 'v1' },
})

/** The workflows on an n8n, without Flowkeep's own. */
export const workflowsOn = ({ state }: N8nStub) =>
  [...state.workflows.values()].filter(({ name }) => !name.startsWith('Flowkeep: '))

export const textOn = (stub: N8nStub, name = 'Orders'): unknown[] =>
  workflowsOn(stub)
    .filter((each) => each.name === name)
    .map(({ nodes }) => JSON.stringify(nodes).match(/"value":"([^"]*)"/)?.[1])
