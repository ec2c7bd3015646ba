/** @module The whole application on a test database, in this process, and a client to call it as a user. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import bcrypt from '@node-rs/bcrypt'
import { afterAll, beforeAll } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { createDeps, type Deps, type Runtime } from '../../src/deps.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

const key = () => randomBytes(32).toString('base64')
const ring = () => JSON.stringify({ active: 'k1', keys: { k1: key() } })

/** A valid environment with its own keys. */
export const testEnvironment = (overrides: Record<string, string> = {}): Record<string, string> => ({
  DATABASE_URL: 'postgresql://test:test@localhost/test',
  PUBLIC_URL: 'https://flowkeep.example.com',
  CREDENTIAL_KEYS: ring(),
  ACCESS_TOKEN_KEYS: ring(),
  REFRESH_TOKEN_KEYS: ring(),
  PASSWORD_PEPPERS: ring(),
  FINGERPRINT_KEY: key(),
  CORS_ORIGINS: 'https://app.example.com',
  LOG_LEVEL: 'debug',
  ...overrides,
})

export interface CallOptions {
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
  token?: string
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read any member
  json: any
}

export interface TestUser {
  id: string
  email: string
  password: string
  accessToken: string
  refreshToken: string
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
}

export interface TestApp {
  app: App
  deps: Deps
  database: TestDatabase
  /** All log lines and response bodies so far, for leak checks. */
  logs: string[]
  answers: string[]
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** A new user, signed in. */
  user: () => Promise<TestUser>
  close: () => Promise<void>
}

export interface SentStatement {
  query: string
  params: unknown[]
}

export interface TestAppOptions {
  /** Default: a database of its own on the server. */
  database?: TestDatabase
  env?: Record<string, string>
  runtime?: Partial<Runtime>
  /** Receives the body of every request to the database: one statement, or the statements of a batch. */
  onDatabaseRequest?: (body: SentStatement | { queries: SentStatement[] }) => void
}

export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.database ?? (await createTestDatabase())
  const logs: string[] = []
  const answers: string[] = []
  const deferred = new Set<Promise<unknown>>()
  const config = parseConfig(testEnvironment({ DATABASE_URL: database.url, ...options.env }))
  const deps = createDeps(config, {
    name: 'node',
    compareBcrypt: bcrypt.compare,
    passwordCost: 4,
    maxHashesInFlight: 8,
    defer: (work) => {
      const settled = work.catch(() => {}).finally(() => deferred.delete(settled))
      deferred.add(settled)
    },
    clientIp: () => '203.0.113.7',
    writeLog: (line) => logs.push(line),
    now: () => new Date(),
    instanceFetch: () =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('No n8n in this test') })),
    publicFetch: () => Promise.reject(new TypeError('fetch failed')),
    databaseFetch: async (request) => {
      options.onDatabaseRequest?.(await request.clone().json())
      return database.gateway.fetch(request)
    },
    readAsset: (path) => readFile(join(import.meta.dirname, '../../public', path)),
    ...options.runtime,
  })
  const app = createApp(deps)

  const call: TestApp['call'] = async (method, path, { body, headers = {}, token } = {}) => {
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const response = await app.request(path, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...sent,
    })
    const text = await response.text()
    answers.push(text)
    const json = /^application\/(problem\+)?json/.test(response.headers.get('Content-Type') ?? '')
      ? JSON.parse(text)
      : undefined
    return { status: response.status, headers: response.headers, text, json }
  }

  const user: TestApp['user'] = async () => {
    const email = `${randomBytes(8).toString('hex')}@example.com`
    const password = randomBytes(12).toString('base64url')
    const answer = await call('POST', '/v1/auth/register', { body: { email, password } })
    if (answer.status !== 201) throw new Error(`Registration failed: ${answer.text}`)
    const { accessToken, refreshToken } = answer.json
    return {
      id: answer.json.user.id,
      email,
      password,
      accessToken,
      refreshToken,
      call: (method, path, options = {}) => call(method, path, { token: accessToken, ...options }),
    }
  }

  const close = async () => {
    while (deferred.size > 0) await Promise.all(deferred)
    await database.close()
  }
  return { app, deps, database, logs, answers, call, user, close }
}

/** One application per test file, created before its tests and closed after them. */
export function useTestApp(options: TestAppOptions = {}): TestApp {
  const holder = {} as TestApp
  beforeAll(async () => {
    Object.assign(holder, await createTestApp(options))
  })
  afterAll(() => holder.close?.())
  return holder
}
