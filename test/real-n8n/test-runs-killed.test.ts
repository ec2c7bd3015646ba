/** Kills the server during tests of a real n8n: nothing is left there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, request, type Server } from 'node:http'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import { chainOf, node } from './test-workflows.ts'
import { n8nApiKey, n8nUrl, onRealN8n, until } from './world.ts'

const runs = 50
const kills = 20
/** A test sends at least this many. */
const requestsOfTest = 16

onRealN8n()('a server that is killed', () => {
  let database: PostgresTestDatabase
  let proxy: Server
  let proxyUrl: string
  let server: ChildProcess | undefined
  let url = ''
  const environment = testEnvironment({
    PUBLIC_URL: 'http://127.0.0.1:9',
    ALLOW_LOOPBACK_INSTANCES: 'true',
    LOG_LEVEL: 'error',
  })
  /** Requests to n8n until the server is killed; before or after n8n applies the last one. */
  let kill: { after: number; isApplied: boolean } | null = null

  beforeAll(async () => {
    database = await createTestDatabase()
    proxy = createServer((incoming, outgoing) => {
      let isFatal = false
      if (kill) {
        kill.after -= 1
        isFatal = kill.after < 0
        if (isFatal && !kill.isApplied) {
          kill = null
          server?.kill('SIGKILL')
          return
        }
        if (isFatal) kill = null
      }
      const target = new URL(incoming.url ?? '/', n8nUrl)
      const { host: _, ...headers } = incoming.headers
      const forwarded = request(target, { method: incoming.method, headers }, (answer) => {
        if (isFatal) {
          server?.kill('SIGKILL')
          answer.resume()
          return
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      })
      forwarded.on('error', () => outgoing.destroy())
      incoming.pipe(forwarded)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = proxy.address()
    proxyUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(async () => {
    server?.kill('SIGKILL')
    proxy?.closeAllConnections()
    proxy?.close()
    await database?.close()
  })

  const start = async () => {
    const port = String(20_000 + (randomBytes(2).readUInt16BE(0) % 20_000))
    url = `http://127.0.0.1:${port}`
    server = spawn(process.execPath, ['bin/flowkeep.js', 'serve'], {
      env: {
        ...process.env,
        ...environment,
        DATABASE_URL: database.postgresUrl,
        PORT: port,
        HOST: '127.0.0.1',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await until(
      () =>
        fetch(`${url}/health/live`).then(
          ({ ok }) => ok,
          () => false,
        ),
      Boolean,
      120_000,
    )
  }

  let token = ''
  const account = {
    email: `${randomBytes(6).toString('hex')}@example.com`,
    password: randomBytes(12).toString('hex'),
  }
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(token !== '' && { Authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
  }
  const signIn = async (route = 'login') => {
    token = ''
    token = (await call('POST', `/v1/auth/${route}`, account)).json.accessToken
  }

  /** The IDs of what n8n has. */
  const inN8n = async () => {
    const all = async (path: string) => {
      const ids: string[] = []
      let cursor: string | null = null
      do {
        const query = `limit=250${cursor ? `&cursor=${cursor}` : ''}`
        const response = await fetch(`${n8nUrl}/api/v1${path}?${query}`, {
          headers: { 'X-N8N-API-KEY': n8nApiKey },
        })
        const page = (await response.json()) as { data: { id: string }[]; nextCursor: string | null }
        ids.push(...page.data.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor)
      return ids.toSorted()
    }
    return {
      workflows: await all('/workflows'),
      credentials: await all('/credentials'),
      executions: await all('/executions'),
    }
  }

  test(`leaves nothing in n8n after ${runs} tests with ${kills} kills`, async () => {
    await start()
    await signIn('register')
    const instance = await call('POST', '/v1/instances', {
      name: 'Real',
      baseUrl: proxyUrl,
      apiKey: n8nApiKey,
    })
    const credential = await call('POST', '/v1/credentials', {
      type: 'httpHeaderAuth',
      name: 'Test key',
      data: { name: 'X-Key', value: randomBytes(8).toString('hex') },
    })
    const saved = await call('POST', '/v1/workflows', {
      workflow: chainOf(
        node('Hook', 'webhook', { path: 'orders' }),
        node('Get', 'httpRequest', {
          url: `${n8nUrl}/healthz`,
          authentication: 'genericCredentialType',
          genericAuthType: 'httpHeaderAuth',
        }),
        node('Send', 'httpRequest', { method: 'POST', url: 'http://127.0.0.1:9' }),
      ),
    })
    const before = await inN8n()
    const outcomes: Record<string, number> = {}
    let killed = 0
    for (let run = 0; run < runs; run += 1) {
      const isKilled = run % 5 < 2
      if (isKilled) {
        kill = { after: killed % requestsOfTest, isApplied: run % 2 === 0 }
      }
      const answer = await call('POST', `/v1/workflows/${saved.json.id}/test`, {
        instanceId: instance.json.id,
        input: { body: { run } },
        bindings: { httpHeaderAuth: credential.json.id },
      }).catch(() => null)
      kill = null
      if (answer) {
        outcomes[answer.json.status] = (outcomes[answer.json.status] ?? 0) + 1
        expect(answer.json.removedAt, JSON.stringify(answer.json)).not.toBeNull()
        continue
      }
      killed += 1
      await start()
      await signIn()
      // Instead of waiting for a minute.
      await database.sql`update test_runs set lease_until = now() where removed_at is null`
      const open = await database.sql`select id from test_runs where removed_at is null`
      for (const { id } of open) await call('GET', `/v1/test-runs/${id}`)
    }
    await until(
      () => database.sql`select id from test_runs where removed_at is null`,
      (open) => open.length === 0,
      240_000,
    )
    console.log('kills', killed, outcomes)
    const statuses = await database.sql`select status, count(*)::integer from test_runs group by 1 order by 1`
    console.log(JSON.stringify(statuses))
    expect(await inN8n()).toEqual(before)
    expect(killed).toBe(kills)
  }, 1_800_000)
})
