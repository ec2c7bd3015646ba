/**
 * The audit trail under load: `npx tsx bench/audit.ts [operations]`, on a real Postgres. Sends mixed changes of five accounts,
 * 20 at a time, through the whole application; verifies the trails; changes single rows as someone who can write to the
 * database, and looks for them; and measures what chaining costs an insert.
 */
import { strict as assert } from 'node:assert'
import bcrypt from '@node-rs/bcrypt'
import { Client } from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { createApp } from '../src/app.ts'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { generateKeys } from '../src/cli/server/state.ts'
import { parseConfig } from '../src/config.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { createDeps } from '../src/deps.ts'
import { signAuditHeads, verifyTrail } from '../src/users/audit-chain.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { seeded } from '../test/harness/random.ts'

const operations = Number(process.argv[2] ?? 10_000)
const parallel = 20
const accounts = 5
const changedRows = 60

const server = await startPostgres()
const backend = postgresBackend(server.url)
const client = new Client({ connectionString: server.url })
try {
  await client.connect()
  const gateway = createGateway(backend)
  const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
  await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
  const config = parseConfig({
    ...generateKeys(),
    DATABASE_URL: gateway.url,
    PUBLIC_URL: 'https://flowkeep.example.com',
  })
  const deps = createDeps(config, {
    name: 'node',
    compareBcrypt: bcrypt.compare,
    maxHashesInFlight: 2,
    defer: (work) => void work.catch(() => {}),
    clientIp: () => '203.0.113.7',
    writeLog: () => {},
    now: () => new Date(),
    instanceFetch: () => Promise.reject(new TypeError('fetch failed')),
    publicFetch: () => Promise.reject(new TypeError('fetch failed')),
    databaseFetch: gateway.fetch,
    readAsset: () => Promise.reject(new Error('No assets here')),
  })
  const app = createApp(deps)
  const call = async (token: string | undefined, method: string, path: string, body?: object) => {
    const response = await app.request(path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        'If-Match': '*',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }

  const users = await Promise.all(
    Array.from({ length: accounts }, async (_, index) => {
      const email = `user-${index}@example.com`
      const { user, accessToken } = await call(undefined, 'POST', '/v1/auth/register', {
        email,
        password: 'plum lantern velvet orbit',
      })
      const workflow = { name: 'Mixed', nodes: [], connections: {} }
      const { id } = await call(accessToken, 'POST', '/v1/workflows', { workflow })
      return { id: user.id as string, token: accessToken as string, workflowId: id as string }
    }),
  )
  const random = seeded(7)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  let made = 0
  const kinds: ((user: (typeof users)[number], index: number) => Promise<unknown>)[] = [
    ({ token }, index) => call(token, 'PATCH', '/v1/me', { name: `Name ${index}` }),
    ({ token, workflowId }, index) =>
      call(token, 'PATCH', `/v1/workflows/${workflowId}`, { name: `Mixed ${index}` }),
    async ({ token }, index) => {
      const { id } = await call(token, 'POST', '/v1/credentials', {
        type: 'slackApi',
        name: `Bot ${index}`,
        data: { accessToken: 'xoxb' },
      })
      await call(token, 'DELETE', `/v1/credentials/${id}`)
    },
    async ({ token }, index) => {
      const { id } = await call(token, 'POST', '/v1/tokens', { name: `Agent ${index}`, scopes: ['admin'] })
      await call(token, 'DELETE', `/v1/tokens/${id}`)
    },
    async ({ token }, index) => {
      const { id } = await call(token, 'POST', '/v1/environments', { name: `env-${index}` })
      await call(token, 'DELETE', `/v1/environments/${id}`)
    },
    async ({ token }) => {
      const headers = { Authorization: `Bearer ${token}` }
      await (await app.request('/v1/executions/export', { headers })).text()
    },
  ]
  const startedAt = Date.now()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (made < operations) {
        const index = (made += 1)
        await pick(kinds)(pick(users), index)
      }
    }),
  )
  const seconds = (Date.now() - startedAt) / 1000
  const verifyAll = () =>
    Promise.all(users.map(({ id }) => verifyTrail(db.read, deps.fingerprint, id, new Date())))
  await signAuditHeads(db, deps.fingerprint, new Date())
  const reports = await verifyAll()
  assert.deepEqual(
    reports.map(({ problem }) => problem),
    users.map(() => null),
  )
  const events = reports.reduce((sum, report) => sum + report.events, 0)
  console.log(
    `${operations} operations in ${seconds.toFixed(0)} s: ${events} events, every trail is whole and signed`,
  )

  /** Without the triggers that forbid it. */
  const tamper = async (text: string, params: unknown[]) => {
    await client.query('begin; set local session_replication_role = replica')
    await client.query(text, params)
    await client.query('commit')
  }
  /** `$2` is a text that differs from what is there. */
  const changes = [
    'update audit_events set action = action || $2 where id = $1',
    "update audit_events set details = jsonb_build_object('x', $2::text) where id = $1",
    "update audit_events set created_at = created_at + interval '1 ms' where id = $1 and $2 <> ''",
    'update audit_events set client_address = $2 where id = $1',
    "update audit_events set session_id = null, token_id = gen_random_uuid() where id = $1 and $2 <> ''",
    "delete from audit_events where id = $1 and $2 <> ''",
  ]
  let found = 0
  for (let each = 0; each < changedRows; each += 1) {
    const user = pick(users)
    const { rows } = await client.query(
      'select * from audit_events where user_id = $1 and seq > 1 order by random() limit 1',
      [user.id],
    )
    const [row] = rows
    const change = changes[each % changes.length] ?? ''
    await tamper(change, [row.id, 'changed'])
    const { problem } = await verifyTrail(db.read, deps.fingerprint, user.id, new Date())
    if (problem && problem.seq === row.seq) found += 1
    await tamper('delete from audit_events where id = $1', [row.id])
    await tamper('insert into audit_events select * from jsonb_populate_record(null::audit_events, $1)', [
      JSON.stringify(row),
    ])
  }
  assert.deepEqual(
    (await verifyAll()).map(({ problem }) => problem),
    users.map(() => null),
  )
  console.log(`${found} of ${changedRows} changed or deleted rows were named`)
  assert.equal(found, changedRows)

  /** Milliseconds for each insert, of batches with and without the trigger, alternating. */
  const timed = async (isChained: boolean): Promise<number> => {
    await client.query(`begin; set local session_replication_role = ${isChained ? 'origin' : 'replica'}`)
    const from = performance.now()
    for (let each = 0; each < 200; each += 1) {
      await client.query(
        `insert into audit_events (id, user_id, action, details) values ($1, $2, 'bench.measured', '{"name": "x"}')`,
        [uuidv7(), users[0]?.id],
      )
    }
    const ms = (performance.now() - from) / 200
    await client.query('rollback')
    return ms
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  const times = { chained: [] as number[], plain: [] as number[] }
  for (let round = 0; round < 15; round += 1) {
    times.plain.push(await timed(false))
    times.chained.push(await timed(true))
  }
  const [chained, plain] = [median(times.chained), median(times.plain)]
  console.log(
    `An insert takes ${chained.toFixed(2)} ms with the chain, ${plain.toFixed(2)} without: ${(chained / plain).toFixed(2)}×`,
  )
} finally {
  await client.end()
  await backend.close()
  await server.stop()
}
