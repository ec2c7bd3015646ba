import { request as httpRequest } from 'node:http'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDb } from '../../src/db/client.ts'
import { lockFolder } from '../../src/db/gateway/folder-lock.ts'
import { openEmbeddedDatabase } from '../../src/db/gateway/pglite.ts'
import { createGateway } from '../../src/db/gateway/protocol.ts'
import { type GatewayServer, startGatewayServer } from '../../src/db/gateway/server.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

describe('the gateway on loopback', () => {
  let database: TestDatabase
  let server: GatewayServer
  beforeAll(async () => {
    database = await createTestDatabase()
    server = await startGatewayServer(database.gateway)
  })
  afterAll(async () => {
    await server.close()
    await database.close()
  })

  const post = (headers: Record<string, string>, host = '127.0.0.1') =>
    new Promise<number>((resolve, reject) => {
      const { port, pathname } = new URL(server.endpoint)
      const all = { 'neon-connection-string': database.url, 'neon-raw-text-output': 'true', ...headers }
      const sent = httpRequest({ host, port, path: pathname, method: 'POST', headers: all }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.once('error', reject)
      sent.end('{"query":"select 1"}')
    })

  test('accepts the driver over HTTP', async () => {
    const { $client: sql } = createDb({ databaseUrl: database.url, fetchEndpoint: server.endpoint })
    await expect(sql`select ${'日本'} as value`).resolves.toEqual([{ value: '日本' }])
    await expect(sql.transaction([sql`select 1 as a`, sql`select 2 as b`])).resolves.toEqual([
      [{ a: 1 }],
      [{ b: 2 }],
    ])
    await expect(sql`selec`).rejects.toMatchObject({ code: '42601' })
    await expect(post({})).resolves.toBe(200)
  })

  test.each([
    ['a host name rebound to loopback', { host: 'attacker.example' }, 403],
    ['a page of another site', { origin: 'https://attacker.example' }, 403],
    ['a page of the same host', { origin: 'http://127.0.0.1:8787' }, 403],
    [
      'a process without the password',
      { 'neon-connection-string': 'postgresql://flowkeep:x@localhost/flowkeep' },
      400,
    ],
  ])('rejects %s', async (_, headers, status) => {
    await expect(post(headers as Record<string, string>)).resolves.toBe(status)
  })

  test('is not reachable from other machines', async () => {
    const addresses = Object.values(networkInterfaces())
      .flat()
      .filter((each) => each?.family === 'IPv4' && !each.internal)
    for (const each of addresses) await expect(post({}, each?.address)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('the embedded database in a folder', () => {
  test('persists data and allows one process at a time', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'flowkeep-data-'))
    const open = async () => {
      const backend = await openEmbeddedDatabase(dir)
      const gateway = createGateway(backend)
      return { backend, sql: createDb({ databaseUrl: gateway.url, fetch: gateway.fetch }).$client }
    }
    const first = await open()
    await first.sql`create table kept (id integer)`
    await first.sql`insert into kept values (7)`
    await expect(open()).rejects.toThrow(`The data folder ${dir} is in use by process ${process.pid}`)
    await first.backend.close()

    const second = await open()
    await expect(second.sql`select id from kept`).resolves.toEqual([{ id: 7 }])
    await second.backend.close()
    await rm(dir, { recursive: true })
  })
})

describe('the lock of a data folder', () => {
  let dir: string
  let file: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'flowkeep-lock-'))
    file = join(dir, 'flowkeep.lock')
  })
  afterAll(() => rm(dir, { recursive: true }))

  test.each([
    ['of a dead process', '4194304999 1\n'],
    ['of an earlier process with the same ID', `${process.pid} 1\n`],
  ])('is taken over when %s', async (_, content) => {
    await writeFile(file, content)
    const release = await lockFolder(dir)
    await expect(readFile(file, 'utf8')).resolves.toMatch(new RegExp(`^${process.pid} `))
    await release()
    await expect(readFile(file, 'utf8')).rejects.toThrow('ENOENT')
  })

  test('stays with a running process', async () => {
    const release = await lockFolder(dir)
    await expect(lockFolder(dir)).rejects.toThrow(`in use by process ${process.pid}`)
    await release()
  })

  test('goes to one of several processes that find a dead owner concurrently', async () => {
    await writeFile(file, '4194304999 1\n')
    const takers = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(dir)))
    const taken = takers.filter((taker) => taker.status === 'fulfilled')
    expect(taken).toHaveLength(1)
    await taken[0]?.value()
  })
})
