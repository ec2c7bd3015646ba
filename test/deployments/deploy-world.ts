/**
 * @module The whole application with an n8n stub. Both share a clock that only waiting moves. The process can be killed
 * during a request to n8n and restarted on the same database.
 */
import { randomBytes } from 'node:crypto'
import bcrypt from '@node-rs/bcrypt'
import { v7 as uuidv7 } from 'uuid'
import { vi } from 'vitest'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { users } from '../../src/db/schema/users.ts'
import { createDeps } from '../../src/deps.ts'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import type { StubMode } from '../harness/n8n-stub-faults.ts'
import type { Generation } from '../harness/n8n-stub-state.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { createClock } from '../harness/clock.ts'
import { expectInvariants } from '../harness/invariants.ts'
import { orders } from './orders.ts'

export { orders }

export interface N8nCall {
  method: string
  path: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  body: any
}

interface Fault {
  matches: (call: N8nCall) => boolean
  mode: StubMode | 'none'
  /** The process dies during the request. */
  kill: boolean
  retryAfterSeconds?: number
}

export interface Answer {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  body: any
  text: string
}

const never = new Promise<never>(() => undefined)
/** Turns of the event loop after which a request counts as never answered. */
const patienceTurns = 200

/** Signals of `AbortSignal.timeout` → their abort functions, because time only passes on request. */
const aborters = new WeakMap<AbortSignal, AbortController>()
/** Other files that share this process restore what is mocked. */
const mockTimeouts = () =>
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    const aborter = new AbortController()
    aborters.set(aborter.signal, aborter)
    return aborter.signal
  })

export async function createDeployWorld(options: { generation?: Generation; database?: TestDatabase } = {}) {
  mockTimeouts()
  const database = options.database ?? (await createTestDatabase())
  const clock = createClock(new Date('2026-05-04T10:00:00Z'))
  const now = () => new Date(clock.now)
  const stub = await createN8nStub({
    generation: options.generation ?? '2.41',
    baseUrl: 'https://n8n.example.com',
    now,
    publishDelayMs: 700,
    unpublishDelayMs: 200,
  })
  const faults: Fault[] = []
  const logs: string[] = []
  const answers: string[] = []
  const environment = testEnvironment({ DATABASE_URL: database.url })
  const life = { died: (): void => undefined, death: Promise.resolve() }
  const expectDeath = () => {
    life.death = new Promise<void>((resolve) => {
      life.died = resolve
    })
  }
  expectDeath()

  /** One process. */
  function start() {
    let isDead = false
    const instanceFetch: typeof fetch = async (input, init) => {
      const request = new Request(input, init)
      const { pathname, search } = new URL(request.url)
      const text = await request.text()
      const call = { method: request.method, path: pathname + search, body: text && JSON.parse(text) }
      if (isDead) return never
      const index = faults.findIndex((fault) => fault.matches(call))
      const [fault] = index < 0 ? [] : faults.splice(index, 1)
      if (fault && fault.mode !== 'none') {
        const { mode, retryAfterSeconds } = fault
        stub.failNext({ step: '*', mode, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) })
      }
      const answer = stub.fetch(input, init)
      answer.catch(() => undefined)
      if (fault?.mode.startsWith('timeout')) {
        for (let turn = 0; turn < patienceTurns; turn += 1)
          await new Promise((resolve) => setImmediate(resolve))
        const aborter = init?.signal ? aborters.get(init.signal) : undefined
        aborter?.abort(new DOMException('No answer', 'TimeoutError'))
      }
      if (!fault?.kill) return answer
      // The process dies before it reads the response.
      await answer.catch(() => undefined)
      isDead = true
      life.died()
      return never
    }
    const deps = createDeps(parseConfig(environment), {
      name: 'node',
      compareBcrypt: bcrypt.compare,
      passwordCost: 4,
      maxHashesInFlight: 8,
      defer: (work) => void work.catch(() => undefined),
      clientIp: () => '203.0.113.7',
      writeLog: (line) => logs.push(line),
      now,
      databaseFetch: database.gateway.fetch,
      instanceFetch,
      publicFetch: fetch,
      wait: async (ms) => {
        if (isDead) await never
        clock.now = new Date(clock.now.getTime() + ms)
      },
    })
    return { deps, app: createApp(deps) }
  }

  let running = start()

  async function call(
    userId: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { accessToken } = await running.deps.accessTokens.sign({ userId, sessionId: userId })
    const response = await running.app.request(path, {
      method,
      headers: {
        Authorization: `Bearer ${accessToken}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    answers.push(text)
    return { status: response.status, body: text && JSON.parse(text), text }
  }

  /** A user with an instance on the stub. */
  async function user() {
    const id = uuidv7()
    const { db } = running.deps
    await db.insert(users).values({ id, email: `${id}@example.com`, passwordHash: 'none', pepperId: 'p1' })
    const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
      call(id, method, path, body, headers)
    const made = async (path: string, body: unknown) => {
      const answer = await api('POST', path, body)
      if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`)
      return answer.body
    }
    const instance = await made('/v1/instances', {
      name: 'n8n',
      baseUrl: stub.baseUrl,
      apiKey: stub.apiKey,
    })
    return {
      id,
      api,
      instanceId: String(instance.id),
      credential: async (
        type = 'slackApi',
        data: object = { accessToken: `xoxb-${randomBytes(12).toString('hex')}` },
      ) => {
        const name = `${type} ${randomBytes(3).toString('hex')}`
        return String((await made('/v1/credentials', { type, name, data })).id)
      },
      workflow: async (workflow: object = orders()) => String((await made('/v1/workflows', { workflow })).id),
      /** Saves another version. */
      change: async (workflowId: string, workflow: object) => {
        const answer = await api('PATCH', `/v1/workflows/${workflowId}`, { workflow }, { 'If-Match': '*' })
        if (answer.status !== 200) throw new Error(answer.text)
        return Number(answer.body.version)
      },
      deploy: (workflowId: string, more: object = {}) =>
        api('POST', '/v1/deployments', { workflowId, instanceId: instance.id, ...more }),
      /** Runs an operation on a deployment. */
      act: async (deploymentId: string, action: string, body?: object) =>
        api('POST', `/v1/deployments/${deploymentId}/${action}`, body),
      /** Sets up the error reporter. */
      warm: async () => {
        const connection = await running.deps.connections.open(id, String(instance.id))
        if (connection) await running.deps.reporter.ensureReporter(connection)
      },
    }
  }

  return {
    stub,
    database,
    clock,
    logs,
    answers,
    user,
    get deps() {
      return running.deps
    },
    /** Starts a second, concurrent process. */
    start,
    /** Makes the next matching request fail. */
    fail: (matches: Fault['matches'], mode: Fault['mode'], more: Partial<Fault> = {}) =>
      void faults.push({ matches, mode, kill: false, ...more }),
    pendingFaults: () => faults.length,
    /** After a crash, starts another process on the same database once every lease has expired. */
    restart: async () => {
      await life.death
      expectDeath()
      running = start()
      clock.now = new Date(clock.now.getTime() + 61_000)
    },
    pass: (ms: number) => {
      clock.now = new Date(clock.now.getTime() + ms)
    },
    close: () => database.close(),
  }
}

export type DeployWorld = Awaited<ReturnType<typeof createDeployWorld>>
export type WorldUser = Awaited<ReturnType<DeployWorld['user']>>

/** Asserts the invariants after every fault. */
export const checkInvariants = ({ database }: DeployWorld): Promise<void> => expectInvariants(database.sql)
