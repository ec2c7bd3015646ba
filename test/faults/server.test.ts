/** F4, F5, F6 and F17: Postgres is killed, refuses connections, holds locks, accepts no writes and has a full disk. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { type Answer, testEnvironment, type TestUser } from '../harness/app.ts'
import { databaseFaults, evenly } from '../harness/database-faults.ts'
import { expectInvariants } from '../harness/invariants.ts'
import type { PostgresServer } from '../harness/postgres-server.ts'
import { seeded } from '../harness/random.ts'
import { orders } from '../deployments/orders.ts'
import { shuffled } from '../executions/random-runs.ts'
import { expectRollupsToBeARecount, unfoldedChanges } from '../executions/rollup-recount.ts'
import {
  createFaultWorld,
  expectRetriable,
  type FaultWorld,
  mountSmallDisk,
  onPostgres,
  scaled,
  startOwnPostgres,
} from './world.ts'

const connections = 50
const env = testEnvironment()
let server: PostgresServer
let world: FaultWorld
let url: string
beforeAll(async () => {
  const started = await startOwnPostgres()
  server = started.server
  url = started.url
  world = await createFaultWorld(4, onPostgres(url, connections), env)
})
afterAll(async () => {
  await world?.close()
  await server?.stop()
})

/** An instance with a workflow that Flowkeep tracks. */
async function tracked(user: TestUser) {
  const made = async (path: string, body: object) => {
    const answer = await user.call('POST', path, { body })
    expect(answer).toMatchObject({ status: 201 })
    return answer.json
  }
  const instance = await made('/v1/instances', {
    name: 'n8n',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'n8n-key',
  })
  const workflow = await made('/v1/workflows', { workflow: orders() })
  await made('/v1/deployments', { workflowId: workflow.id, instanceId: instance.id, n8nWorkflowId: 'wf1' })
  const headers = { Authorization: `Bearer ${instance.webhookToken}` }
  return (body: object) => world.call('POST', `/hooks/n8n/${instance.id}`, { body, headers })
}

const executions = scaled(10_000, 250)

/** A start, an end and the end with its error, in no order. */
function deliveriesOf(index: number, startMs: number) {
  const status = ['success', 'error', 'canceled', 'crashed'][index % 4]!
  const at = startMs - index * 1000
  const common = { executionId: String(index + 1), workflowId: 'wf1', startedAt: new Date(at).toISOString() }
  const finishedAt = new Date(at + 1 + (index % 5000)).toISOString()
  const ended = { ...common, status, finishedAt }
  return [
    { ...common, status: 'running' },
    ended,
    {
      ...ended,
      data: { rows: index },
      ...(status === 'error' && { error: { message: `Failed at ${index % 7}`, node: 'Call' } }),
    },
  ]
}

test(`F4: ${3 * executions} deliveries of ${executions} executions over ${connections} connections, 6 % failures and two kills of Postgres: no acknowledged report is lost`, async () => {
  const user = await world.user()
  const report = await tracked(user)
  const random = seeded(20261130)
  const startMs = Date.now()
  const queue = shuffled(
    Array.from({ length: executions }, (_, index) => deliveriesOf(index, startMs)).flat(),
    random,
  )
  const total = queue.length
  const killAt = [Math.floor(total / 3), Math.floor((2 * total) / 3)]
  const lostOnly = databaseFaults.filter((fault) => !fault.startsWith('hang'))
  world.endpoint.rates = evenly(0.06, lostOnly)
  const figures = { acknowledged: 0, refused: 0, kills: 0 }
  const restarts: Promise<void>[] = []
  let restartFailed: Error | undefined
  const work = async () => {
    for (let delivery = queue.pop(); delivery; delivery = queue.pop()) {
      const answer = await report(delivery)
      expectRetriable(answer, 'report')
      if (answer.status >= 300) {
        figures.refused += 1
        queue.unshift(delivery)
        // A client that honors Retry-After waits longer.
        await sleep(50)
        if (restartFailed) throw restartFailed
        continue
      }
      figures.acknowledged += 1
      if (figures.acknowledged === killAt[figures.kills]) {
        figures.kills += 1
        const restarted = server.kill().then(() => server.restart())
        restarted.catch((error: Error) => {
          restartFailed = error
        })
        restarts.push(restarted)
      }
      if (figures.acknowledged % 1000 === 0) await rollUpChanges(world.deps.db).catch(() => 0)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: connections }, work))
  await Promise.all(restarts)
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  world.endpoint.rates = {}

  const { sql } = world.database
  while ((await rollUpChanges(world.database.db, { maxStatements: 1000 })) > 0);
  expect(await unfoldedChanges(sql)).toBe(0)
  const rows =
    await sql`select n8n_execution_id as id, status, data is not null as has_data, error_message as error,
    finished_at is not null as has_end from executions where user_id = ${user.id}`
  const wrong = rows.filter((row) => {
    const index = Number(row['id']) - 1
    const status = ['success', 'error', 'canceled', 'crashed'][index % 4]
    const error = status === 'error' ? `Failed at ${index % 7}` : null
    return row['status'] !== status || !row['has_data'] || !row['has_end'] || row['error'] !== error
  })
  expect([figures.kills, rows.length, wrong.length]).toEqual([2, executions, 0])
  expect(figures.acknowledged).toBe(total)
  const compared = await expectRollupsToBeARecount(sql, [user.id])
  await expectInvariants(sql)
  console.log(
    `F4: ${total} deliveries in ${seconds} s, ${figures.refused} refused and repeated, ${figures.kills} kills: ` +
      `${rows.length} rows, 0 wrong, ${compared} figures of the rollups equal a recount`,
  )
})

test('F5: while Postgres is down, requests are refused promptly, the process stays alive, and it recovers', async () => {
  const user = await world.user()
  await server.kill()
  const startedAt = performance.now()
  const refused = await Promise.all(Array.from({ length: 20 }, () => user.call('GET', '/v1/workflows')))
  const ms = performance.now() - startedAt
  for (const answer of refused)
    expect([answer.status, answer.headers.has('Retry-After')]).toEqual([503, true])
  expect((await world.call('GET', '/health/live')).status).toBe(200)
  expect((await world.call('GET', '/health/ready')).status).toBe(503)
  await server.restart()
  const restartedAt = performance.now()
  let attempts = 0
  for (; (await user.call('GET', '/v1/workflows')).status !== 200; attempts += 1) {
    if (attempts === 1000) throw new Error('It does not recover')
    await sleep(20)
  }
  expect((await world.call('GET', '/health/ready')).status).toBe(200)
  await expectInvariants(world.database.sql)
  console.log(
    `F5: 20 requests refused in ${Math.round(ms)} ms, recovered ${Math.round(performance.now() - restartedAt)} ms after the start`,
  )
})

test('F5: connections that the server refuses are retriable', async () => {
  const user = await world.user()
  const clients = Array.from({ length: 200 }, () => new Client({ connectionString: url }))
  const opened = await Promise.allSettled(clients.map((client) => client.connect()))
  expect(opened.some(({ status }) => status === 'rejected')).toBe(true)
  const other = await createFaultWorld(5, onPostgres(url), env)
  try {
    const { accessToken } = await world.deps.accessTokens.sign({ userId: user.id, sessionId: user.id })
    const crowded = await Promise.all(
      Array.from({ length: 5 }, () => other.call('GET', '/health/ready', { token: accessToken })),
    )
    for (const answer of crowded) expectRetriable(answer, 'crowded')
    await Promise.allSettled(clients.map((client) => client.end()))
    await expect.poll(async () => (await other.call('GET', '/health/ready')).status).toBe(200)
    const refusals = crowded.filter(({ status }) => status === 503).length
    console.log(`F5: without free connections, ${refusals} of 5 requests are refused`)
  } finally {
    await Promise.allSettled(clients.map((client) => client.end()))
    await other.close()
  }
})

test('F6: while a table is locked, changes to it are refused promptly, and everything else is served', async () => {
  const user = await world.user()
  const locker = new Client({ connectionString: url })
  await locker.connect()
  await locker.query('begin')
  await locker.query('lock table credentials in exclusive mode')
  const body = { type: 'slackApi', name: 'locked', data: { accessToken: 'x' } }
  const create = () =>
    user.call('POST', '/v1/credentials', { body, headers: { 'Idempotency-Key': 'locked' } })
  const startedAt = performance.now()
  const blocked = Promise.all(Array.from({ length: 10 }, create))
  const others = await Promise.all(Array.from({ length: 10 }, () => user.call('GET', '/v1/workflows')))
  const othersMs = performance.now() - startedAt
  expect(others.every(({ status }) => status === 200)).toBe(true)
  const refused = await blocked
  const blockedMs = performance.now() - startedAt
  expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 503))
  await locker.query('rollback')
  await locker.end()
  expect((await create()).status).toBe(201)
  await expectInvariants(world.database.sql)
  console.log(
    `F6: 10 blocked changes refused in ${Math.round(blockedMs)} ms, 10 other requests served in ${Math.round(othersMs)} ms`,
  )
})

test('F17: a database that accepts no writes still serves reads', async () => {
  const user = await world.user()
  const { sql } = world.database
  const [before] = await sql`select count(*)::integer as rows from workflows`
  const admin = new Client({ connectionString: url })
  await admin.connect()
  const settle = async (mode: 'on' | 'off') => {
    await admin.query(`alter system set default_transaction_read_only = ${mode}`)
    await admin.query('select pg_reload_conf()')
    const isSet = async () =>
      (await sql`show default_transaction_read_only`)[0]?.['default_transaction_read_only'] === mode
    while (!(await isSet())) await sleep(10)
  }
  try {
    await settle('on')
    expect((await user.call('GET', '/v1/workflows')).status).toBe(200)
    const write = await user.call('POST', '/v1/workflows', { body: { workflow: orders() } })
    expect([write.status, write.headers.has('Retry-After')]).toEqual([503, true])
  } finally {
    await settle('off')
    await admin.end()
  }
  expect(await sql`select count(*)::integer as rows from workflows`).toEqual([before])
  expect((await user.call('POST', '/v1/workflows', { body: { workflow: orders() } })).status).toBe(201)
  console.log('F17: reads 200, writes 503')
})

test('F17: a full disk fails writes that need space, with 503, and nothing else', async (context) => {
  const disk = await mountSmallDisk(24)
  context.skip(disk === null, 'Only root can mount a file system')
  if (disk === null) return
  const user = await world.user()
  const report = await tracked(user)
  const text = (index: number) => randomBytes(45_000).toString('base64') + String(index)
  const writes = (label: string): [string, () => Promise<Answer>][] => [
    [
      'workflow',
      () =>
        user.call('POST', '/v1/workflows', {
          body: { workflow: orders({ text: text(1) }), prompt: text(2) },
          headers: { 'Idempotency-Key': label },
        }),
    ],
    [
      'credential',
      () =>
        user.call('POST', '/v1/credentials', {
          body: { type: 'slackApi', name: label, data: { accessToken: text(3).slice(0, 30_000) } },
          headers: { 'Idempotency-Key': label },
        }),
    ],
    [
      'report',
      () => report({ executionId: label, workflowId: 'wf1', status: 'success', data: { text: text(4) } }),
    ],
  ]
  const admin = new Client({ connectionString: url })
  await admin.connect()
  const tables = ['workflow_versions', 'credentials', 'executions']
  const parts = await admin.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and c.oid::regclass::text ~ $1`,
    [`^(${tables.join('|')})(_\\d{4}_\\d{2})?$`],
  )
  const move = async (to: string) => {
    for (const { name } of parts.rows) await admin.query(`alter table ${name} set tablespace ${to}`)
  }
  const rows = async () =>
    (
      await admin.query(
        'select (select count(*) from workflow_versions), (select count(*) from credentials), (select count(*) from executions)',
      )
    ).rows
  try {
    await admin.query(`create tablespace small location '${disk.folder}'`)
    await move('small')
    await admin.query('create table filler (bytes bytea) tablespace small')
    await admin.query('alter table filler alter bytes set storage external')
    for (const bytes of [1_000_000, 8000]) {
      const fill = () =>
        admin
          .query("insert into filler values (decode(repeat('ab', $1), 'hex'))", [bytes])
          .then(() => null)
          .catch(({ code }: { code?: string }) => code)
      let code = await fill()
      while (code === null) code = await fill()
      expect(code).toBe('53100')
    }
    const before = await rows()
    for (const [name, write] of writes('full')) {
      const answer = await write()
      expect([name, answer.status, answer.headers.has('Retry-After')]).toEqual([name, 503, true])
    }
    for (const path of ['/v1/workflows', '/v1/credentials', '/v1/executions', '/v1/analytics/summary'])
      expect([path, (await user.call('GET', path)).status]).toEqual([path, 200])
    expect((await world.call('GET', '/health/live')).status).toBe(200)
    expect(await rows()).toEqual(before)
    await admin.query('drop table filler')
    for (const [name, write] of writes('full'))
      expect([name, (await write()).status]).toEqual([name, name === 'report' ? 202 : 201])
  } finally {
    await admin.query('drop table if exists filler')
    await move('pg_default')
    await admin.query('drop tablespace if exists small')
    await admin.end()
    await disk.remove()
  }
  console.log('F17: a full disk: writes 503, reads 200')
})
