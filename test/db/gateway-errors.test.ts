import { connect, createServer, type Socket } from 'node:net'
import { NeonDbError } from '@neondatabase/serverless'
import { sql as query } from 'drizzle-orm'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDb } from '../../src/db/client.ts'
import { databaseError } from '../../src/db/errors.ts'
import { postgresBackend } from '../../src/db/gateway/postgres.ts'
import { createGateway } from '../../src/db/gateway/protocol.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../harness/database.ts'

async function failure(work: Promise<unknown>): Promise<NeonDbError> {
  const error = await work.then(
    () => new Error('It did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof NeonDbError)) throw error
  return error
}

describe.each(databaseKinds)('errors through the gateway, on $kind', ({ create }) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await create()
    await database.sql`create table owners (id integer primary key)`
    await database.sql`create table pets (
      id integer constraint pets_key primary key,
      owner integer constraint pets_owner_fkey references owners,
      age integer not null constraint pets_age_check check (age >= 0))`
    await database.sql`insert into owners values (1)`
    await database.sql`insert into pets values (1, 1, 1)`
  })
  afterAll(() => database.close())

  test('a violated constraint has its code, constraint, table and detail', async () => {
    const error = await failure(database.sql`insert into pets values (1, 1, 1)`)
    expect(error).toMatchObject({
      code: '23505',
      severity: 'ERROR',
      constraint: 'pets_key',
      schema: 'public',
      table: 'pets',
      detail: 'Key (id)=(1) already exists.',
      routine: expect.any(String),
    })
  })

  test.each([
    ['insert into pets values (2, 9, 1)', { code: '23503', constraint: 'pets_owner_fkey' }],
    ['insert into pets values (2, 1, -1)', { code: '23514', constraint: 'pets_age_check' }],
    ['insert into pets values (2, 1, null)', { code: '23502', column: 'age' }],
    [`select 'x'::integer`, { code: '22P02' }],
    ['selec 1', { code: '42601', position: '1' }],
    ['select no_such_column from pets', { code: '42703', position: '8' }],
    ['select 1; select 2', { code: '42601' }],
    ['insert into pets values (7, 1, 1); drop table pets', { code: '42601' }],
    ['copy pets from stdin', { code: '57014' }],
  ])('rejects %s like Postgres', async (statement, members) => {
    await expect(failure(database.sql.query(statement))).resolves.toMatchObject(members)
    await expect(database.sql`select id from pets`).resolves.toEqual([{ id: 1 }])
  })

  test('rejects a wrong number of parameters and keeps the connection usable', async () => {
    await expect(failure(database.sql.query('select $1::text', []))).resolves.toMatchObject({ code: '08P01' })
    await expect(database.sql`select 1 as one`).resolves.toEqual([{ one: 1 }])
  })

  test.each([
    ['another password', (url: URL) => (url.password = 'guess')],
    ['a prefix of the password', (url: URL) => (url.password = url.password.slice(0, -1))],
    ['no password', (url: URL) => (url.password = '')],
  ])('rejects %s before any SQL runs', async (_, change) => {
    const url = new URL(database.url)
    change(url)
    const { $client: sql } = createDb({ databaseUrl: url.href, fetch: database.gateway.fetch })
    const error = await failure(sql`insert into owners values (66)`)
    expect(error.code).toBe('28P01')
    expect(error.message).not.toContain(new URL(database.url).password)
    await expect(database.sql`select id from owners`).resolves.toEqual([{ id: 1 }])
  })

  test('returns 413 for an oversized request and 507 for an oversized response, which rolls back its batch', async () => {
    const gateway = createGateway(database.backend, { maxRequestBytes: 2_000, maxResponseBytes: 2_000 })
    const { $client: sql } = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch })
    await expect(failure(sql`select length(${'x'.repeat(2_000)})`)).resolves.toMatchObject({
      message: expect.stringContaining('HTTP status 413'),
    })
    const large = () => sql`select repeat('x', 100) from generate_series(1, 30)`
    await expect(failure(large())).resolves.toMatchObject({
      message: expect.stringContaining('HTTP status 507'),
    })
    const half = () => sql`select repeat('x', 1200)`
    await expect(
      failure(sql.transaction([sql`insert into owners values (67)`, half(), half()])),
    ).resolves.toMatchObject({ message: expect.stringContaining('HTTP status 507') })
    await expect(sql`select id from owners`).resolves.toEqual([{ id: 1 }])
    await expect(half()).resolves.toHaveLength(1)
  })

  test.each([
    ['GET', { method: 'GET' }, 405],
    ['text that is not JSON', { method: 'POST', body: 'select 1' }, 400],
    ['no query', { method: 'POST', body: '{}' }, 400],
    [
      'a parameter that is not a string',
      { method: 'POST', body: '{"query":"select $1","params":[{}]}' },
      400,
    ],
    [
      'an unknown isolation level',
      { method: 'POST', body: '{"queries":[]}', headers: { 'neon-batch-isolation-level': 'x' } },
      400,
    ],
  ])(
    'rejects %s with JSON',
    async (_, {
      headers,
      ...init
    }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }, status) => {
      const response = await database.gateway.fetch(
        new Request('http://gateway.internal/sql', {
          ...init,
          headers: { 'neon-connection-string': database.url, 'neon-raw-text-output': 'true', ...headers },
        }),
      )
      expect(response.status).toBe(status)
      await expect(response.json()).resolves.toMatchObject({ message: expect.any(String), code: '' })
    },
  )
})

describe('a real Postgres behind the gateway', () => {
  test('returns 400 with an empty code for a lost connection, and serves the next request', async () => {
    const database = await createTestDatabase()
    const proxy = await cuttableProxy(database.postgresUrl)
    const backend = postgresBackend(proxy.url)
    const gateway = createGateway(backend)
    const { $client: sql, read } = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch })
    await sql`create table written (id integer)`

    const lost = failure(sql`insert into written select 1 from pg_sleep(60)`)
    await proxy.cut()
    const error = await lost
    expect(error.code).toBe('')
    expect(databaseError(error)).toEqual({ kind: 'unavailable', maybeApplied: true })
    expect((await read.execute(query`select 1 as one`)).rows).toEqual([{ one: 1 }])

    await backend.close()
    await proxy.close()
    await database.close()
  })

  test('returns the code of a backend that an administrator terminated', async () => {
    const database = await createTestDatabase()
    const error = await failure(database.sql`select pg_terminate_backend(pg_backend_pid())`)
    expect(databaseError(error)).toMatchObject({ kind: 'unavailable', sqlState: '57P01', maybeApplied: true })
    await expect(database.sql`select 1 as one`).resolves.toEqual([{ one: 1 }])
    await database.close()
  })

  test('returns a server error, not a statement error, when the server refuses connections', async () => {
    const database = await createTestDatabase()
    await database.backend.close()
    const error = await failure(database.sql`select 1`)
    expect(error.message).toContain('HTTP status 500')
    expect(error.message).not.toContain(new URL(database.postgresUrl).password)
  })

  test('the server cancels a statement that runs too long', async () => {
    const database = await createTestDatabase({ statementTimeoutMs: 50 })
    await expect(failure(database.sql`select pg_sleep(30)`)).resolves.toMatchObject({ code: '57014' })
    await database.close()
  })

  test('a statement gives up on a lock after the timeout', async () => {
    const database = await createTestDatabase({ lockTimeoutMs: 50 })
    await database.sql`create table locked (id integer)`
    const held = database.backend.withConnection(async (execute) => {
      const run = (query: string) => execute({ query, params: [] }, 1_000)
      await run('begin')
      await run('lock table locked')
      await expect(failure(database.sql`insert into locked values (1)`)).resolves.toMatchObject({
        code: '55P03',
      })
    })
    await held
    await expect(database.sql`insert into locked values (1)`).resolves.toEqual([])
    await database.close()
  })
})

/** A proxy to a Postgres server that a test can cut during a statement of 60 seconds. */
async function cuttableProxy(postgresUrl: string) {
  const target = new URL(postgresUrl)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy()).on('close', () => other.destroy())
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(postgresUrl)
  url.hostname = '127.0.0.1'
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  url.port = String(address.port)
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: url.href,
    cut: async () => {
      const admin = new Client({ connectionString: postgresUrl })
      await admin.connect()
      const running = `select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()
        and state = 'active' and datname = current_database()`
      while ((await admin.query(running)).rowCount === 0)
        await new Promise((resolve) => setTimeout(resolve, 10))
      await admin.end()
      cut()
    },
    close: () => {
      cut()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
