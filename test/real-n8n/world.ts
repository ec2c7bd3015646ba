/** @module A served Flowkeep beside a real n8n, which `N8N_URL` and `N8N_API_KEY` name; both must reach each other. */
import { createServer } from 'node:net'
import { randomBytes } from 'node:crypto'
import { startNode, type NodeServer } from '../../src/node.ts'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export const n8nUrl = process.env.N8N_URL ?? ''
export const n8nApiKey = process.env.N8N_API_KEY ?? ''
export const n8nIsGiven = n8nUrl !== '' && n8nApiKey !== ''

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
  /** Straight to n8n's public API. */
  n8n: (method: string, path: string, body?: unknown) => Promise<Answer>
  close: () => Promise<void>
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

/** @param publicUrl what n8n is told to post to; another than the server's own switches the pushes off */
export async function createWorld({ pushes = true }: { pushes?: boolean } = {}): Promise<World> {
  const database = await createTestDatabase()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server: NodeServer = await startNode({
    env: testEnvironment({
      DATABASE_URL: database.url,
      // Nothing listens on the discard port: every push is refused at once.
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
  const call: World['call'] = async (method, path, body, headers) => {
    if (Date.now() - signedInAt > 240_000) {
      token = ''
      const answer = await send('POST', signedInAt === 0 ? '/v1/auth/register' : '/v1/auth/login', account)
      token = answer.json.accessToken
      signedInAt = Date.now()
    }
    return send(method, path, body, headers)
  }
  const instance = await call('POST', '/v1/instances', {
    name: 'Real n8n',
    baseUrl: n8nUrl,
    apiKey: n8nApiKey,
  })
  if (instance.status !== 201) throw new Error(`The instance was refused: ${JSON.stringify(instance.json)}`)
  return {
    url,
    database,
    instanceId: instance.json.id,
    call,
    n8n: (method, path, body) =>
      fetch(`${n8nUrl}/api/v1${path}`, {
        method,
        headers: {
          'X-N8N-API-KEY': n8nApiKey,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }).then(read),
    close: async () => {
      await server.close()
      await database.close()
    },
  }
}

/** Asks again until `accept` takes the answer; fails with the last one after `timeoutMs`. */
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
