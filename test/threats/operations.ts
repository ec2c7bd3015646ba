/** @module O1, O3 and O4: repeated requests and failures of the database. `outgoing.ts` has O2 and H6. */
import { Client } from 'pg'
import { expect } from 'vitest'
import { isFull, range, statusesOf, threat, type World } from './suite.ts'

const internals =
  /postgres|select |insert into|\bep-|\bat (\/|file:|async)|node_modules|127\.0\.0\.1:\d+|ECONNREFUSED|42P01/i

export function operations(world: World): void {
  threat('O1', async () => {
    const { owner, stranger, target } = world
    const key = `O1-${crypto.randomUUID()}`
    const create = (user: typeof owner, name: string, path = '/v1/credentials') =>
      user.call('POST', path, {
        body: { type: 'acmeApi', name, data: { token: owner.secret } },
        headers: { 'Idempotency-Key': key },
      })
    const answers = await Promise.all(range(isFull ? 1000 : 50).map(() => create(owner, 'O1')))
    expect(statusesOf(answers)).toEqual([201])
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
    const rows = await target.database
      .sql`select id from credentials where name = 'O1' and user_id = ${owner.id}`
    expect(rows).toHaveLength(1)
    expect((await create(owner, 'O1 other')).json.code).toBe('idempotency-key-reused')
    const theirs = await create(stranger, 'O1')
    expect(theirs.status).toBe(201)
    expect(theirs.json.id).not.toBe(answers[0]?.json.id)
    for (const value of ['x'.repeat(256), '']) {
      const headers = { 'Idempotency-Key': value }
      const body = { type: 'acmeApi', name: `O1 ${value.length}`, data: { token: 'x' } }
      expect((await owner.call('POST', '/v1/credentials', { body, headers })).status).toBe(422)
    }
  })

  threat('O3', async () => {
    const { owner, target } = world
    const { sql } = target.database
    const reads = [
      '/v1/credentials',
      '/v1/workflows',
      '/v1/instances',
      '/v1/executions',
      '/v1/dead-letters',
      '/v1/me',
      '/v1/tokens',
    ]
    const tables = [
      'credentials',
      'workflows',
      'instances',
      'executions',
      'dead_letters',
      'users',
      'api_tokens',
    ]
    for (const table of tables) {
      await sql.query(`alter table ${table} rename to ${table}_away`)
      try {
        for (const path of reads) {
          const { status, text } = await owner.call('GET', path)
          expect({ path, table, status: [200, 500].includes(status) }).toEqual({ path, table, status: true })
          if (status === 500) expect(text).not.toMatch(internals)
          expect(text).not.toContain(table === 'users' ? '_away' : `${table}_away`)
        }
      } finally {
        await sql.query(`alter table ${table}_away rename to ${table}`)
      }
    }
    const environment = { body: { name: `O3 ${crypto.randomUUID()}` } }
    await sql`alter table environments add constraint o3 check (false) not valid`
    try {
      const failed = await owner.call('POST', '/v1/environments', environment)
      expect(failed.status).toBeGreaterThanOrEqual(400)
      expect(failed.text).not.toMatch(/o3|constraint|check/i)
    } finally {
      await sql`alter table environments drop constraint o3`
    }
    expect((await owner.call('POST', '/v1/environments', environment)).status).toBe(201)
    const page = await target.call('GET', '/nowhere', { headers: { Accept: 'text/html' } })
    expect(page.text).not.toMatch(/Error:|stack/)
  })

  threat('O4', async () => {
    const { target } = world
    const live = await target.call('GET', '/health/live')
    expect(live.json).toEqual({ status: 'live', runtime: target.runtime })
    expect((await target.call('GET', '/health/ready')).json).toEqual({ status: 'ready' })
    const url = new URL(target.database.postgresUrl)
    const name = url.pathname.slice(1)
    url.pathname = '/postgres'
    const admin = new Client({ connectionString: url.href })
    await admin.connect()
    try {
      await admin.query(`alter database ${name} allow_connections false`)
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
      expect((await target.call('GET', '/health/live')).status).toBe(200)
      const ready = await target.call('GET', '/health/ready', { isFinal: true })
      expect(ready.json).toMatchObject({ status: 503, code: 'database-unavailable' })
      expect(Number(ready.headers.get('Retry-After'))).toBeGreaterThan(0)
      const read = await world.owner.call('GET', '/v1/workflows', { isFinal: true })
      expect(read.status).toBe(503)
      for (const { text } of [ready, read]) expect(text).not.toMatch(internals)
    } finally {
      await admin.query(`alter database ${name} allow_connections true`)
      await admin.end()
    }
    await expect
      .poll(async () => (await target.call('GET', '/health/ready')).status, { timeout: 60_000 })
      .toBe(200)
  })
}
