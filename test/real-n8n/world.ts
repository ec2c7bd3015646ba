/** @module Serves Flowkeep next to the real n8n at `N8N_URL` with `N8N_API_KEY`. Both must reach each other. */
import { createServer } from 'node:net'
import { randomBytes } from 'node:crypto'
import { describe } from 'vitest'
import { startNode, type NodeServer } from '../../src/node.ts'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export const n8nUrl = process.env.N8N_URL ?? ''
export const n8nApiKey = process.env.N8N_API_KEY ?? ''

/** Suites that need a real n8n and the variables `more`. Skipped with the names of missing variables. */
export function onRealN8n(...more: string[]) {
  const missing = ['N8N_URL', 'N8N_API_KEY', ...more].filter((name) => !process.env[name])
  const isGiven = missing.length === 0
  return (title: string, body: () => void) =>
    describe.skipIf(!isGiven)(isGiven ? title : `${title} (not set: ${missing.join(', ')})`, () => {
      body()
    })
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  json: any
}

export interface World {
  url: string
  database: TestDatabase
  instanceId: string
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  /** Calls n8n's public API directly. */
  n8n: (method: string, path: string, body?: unknown) => Promise<Answer>
  /** The workflows and credentials that the test or Flowkeep created and that n8n still has. */
  leftInN8n: () => Promise<string[]>
  /** Also deletes everything left in n8n. */
  close: () => Promise<void>
}

interface Target {
  url: string
  apiKey: string
}

async function callN8n({ url, apiKey }: Target, method: string, path: string, body?: unknown) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': apiKey, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return read(response)
}

/** Paths of resources created by this world, such as `/workflows/…`, because others may use the same n8n. */
class Created {
  readonly #of = new Map<string, Target>()

  add(target: Target, paths: string[]) {
    for (const path of paths) this.#of.set(path, target)
  }

  async left(): Promise<string[]> {
    const left: string[] = []
    for (const [path, target] of this.#of)
      if ((await callN8n(target, 'GET', path)).status === 200) left.push(path)
    return left.toSorted()
  }

  /** Workflows first. n8n rejects their deletion until they are unpublished. */
  async remove(): Promise<void> {
    for (const [path, target] of [...this.#of].toSorted(([left], [right]) => (left < right ? 1 : -1))) {
      if (path.startsWith('/workflows/')) await callN8n(target, 'POST', `${path}/unpublish`, {})
      await until(
        () => callN8n(target, 'DELETE', path),
        ({ status }) => status !== 409,
        20_000,
      ).catch(() => console.warn(`n8n did not delete ${path}`))
    }
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('No port')),
      )
    })
  })
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
}

/** @param publicUrl the URL for n8n's reports; any other URL than the server's disables pushes */
export async function createWorld({ pushes = true }: { pushes?: boolean } = {}): Promise<World> {
  const database = await createTestDatabase()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server: NodeServer = await startNode({
    env: testEnvironment({
      DATABASE_URL: database.url,
      // Nothing is listening on the discard port, so every push fails immediately.
      PUBLIC_URL: pushes ? url : 'http://127.0.0.1:9',
      ALLOW_LOOPBACK_INSTANCES: 'true',
      LOG_LEVEL: 'error',
    }),
    port,
    host: '127.0.0.1',
    fetch: database.gateway.fetch,
  })
  let token = ''
  let signedInAt = 0
  const account = {
    email: `${randomBytes(6).toString('hex')}@example.com`,
    password: randomBytes(12).toString('hex'),
  }
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token !== '' && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).then(read)
  const created = new Created()
  const n8n: Target = { url: n8nUrl, apiKey: n8nApiKey }
  const second = { url: process.env.N8N_URL_2 ?? '', apiKey: process.env.N8N_API_KEY_2 ?? '' }
  const remember = async () => {
    const rows = await database.sql`
      select i.base_url as url, found.path from instances i cross join lateral (
        select '/workflows/' || reporter_workflow_id as path where reporter_workflow_id is not null
        union all select '/credentials/' || reporter_credential_id where reporter_credential_id is not null
        union all select '/workflows/' || n8n_workflow_id from deployments
          where instance_id = i.id and managed and n8n_workflow_id is not null
        union all select '/credentials/' || n8n_credential_id from remote_credentials where instance_id = i.id
      ) found`
    for (const { url: at, path } of rows) created.add(at === second.url ? second : n8n, [path])
  }
  const close = async () => {
    try {
      await remember()
      await created.remove()
    } finally {
      await server.close()
      await database.close()
    }
  }
  const call: World['call'] = async (method, path, body, headers) => {
    if (Date.now() - signedInAt > 240_000) {
      token = ''
      const answer = await send('POST', signedInAt === 0 ? '/v1/auth/register' : '/v1/auth/login', account)
      token = answer.json.accessToken
      signedInAt = Date.now()
    }
    const answer = await send(method, path, body, headers)
    if (method !== 'GET') await remember()
    return answer
  }
  const instance = await call('POST', '/v1/instances', {
    name: 'Real n8n',
    baseUrl: n8nUrl,
    apiKey: n8nApiKey,
  })
  if (instance.status !== 201) {
    await close()
    throw new Error(`The instance was refused: ${JSON.stringify(instance.json)}`)
  }
  return {
    url,
    database,
    instanceId: instance.json.id,
    call,
    n8n: async (method, path, body) => {
      const answer = await callN8n(n8n, method, path, body)
      if (method === 'POST' && answer.status === 200 && /^\/(workflows|credentials)$/.test(path))
        created.add(n8n, [`${path}/${answer.json.id}`])
      return answer
    },
    leftInN8n: async () => {
      await remember()
      return created.left()
    },
    close,
  }
}

/** Repeats the request until `accept` returns true. Fails with the last response after `timeoutMs`. */
export async function until<T>(
  ask: () => Promise<T>,
  accept: (value: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const endsAt = Date.now() + timeoutMs
  for (;;) {
    const value = await ask()
    if (accept(value)) return value
    if (Date.now() > endsAt) throw new Error(`Not reached: ${JSON.stringify(value)?.slice(0, 2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}
