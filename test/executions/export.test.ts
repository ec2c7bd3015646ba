/** Exports over a real connection, as a downloading client sees them. */
import { createAdaptorServer } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Execution } from '../../src/executions/contract.ts'
import { ExecutionRepository } from '../../src/executions/repository.ts'
import { executionRoutes } from '../../src/executions/routes.ts'
import type { AuthEnv } from '../../src/http/auth.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

const count = 20_000

let world: World
let tracked: Awaited<ReturnType<World['tracked']>>
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
  tracked = await world.tracked()
  const { userId, instanceId, workflowId, deploymentId } = tracked
  await world.db.execute(sql`
    insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
      n8n_execution_id, status, started_at, finished_at, error_message, error_fingerprint)
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 3, '0') || '8'
        || lpad(to_hex(n), 15, '0'))::uuid,
      at, ${userId}, ${instanceId}, ${workflowId}, 1 + n % 2, ${deploymentId}, n::text,
      case n % 10 when 0 then 'error' else 'success' end, at, at + interval '2 seconds',
      case n % 10 when 0 then '=HYPERLINK("http://x")' end, case n % 10 when 0 then '00000000000000aa' end
    from generate_series(1, ${count}) n
    cross join lateral (select date_trunc('month', now()) + make_interval(secs => n / 4)) t (at)`)
})
afterAll(() => world.close())

const get = (query: string) =>
  world.app.request(`/v1/executions/export${query}`, { headers: { 'X-User': tracked.userId } })
const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id)

async function all(): Promise<string[]> {
  const rows =
    await world.sql`select id from executions where user_id = ${tracked.userId} order by recorded_at desc, id desc`
  return rows.map(({ id }) => String(id))
}

describe('an export of 20,000 executions', () => {
  test('contains each one once, newest first, in each format', async () => {
    const expected = await all()
    expect(expected).toHaveLength(count)
    const csv = (await (await get('')).text()).split('\r\n')
    expect(csv[0]).toBe(
      'id,n8nExecutionId,workflowId,workflowVersion,deploymentId,instanceId,status,mode,startedAt,finishedAt,durationMs,errorNode,errorMessage,receivedAt,workflowVersionSource,kind,retryOf,retriedBy,activeMs,workflowName,instanceName',
    )
    expect(csv.slice(1, -1).map((line) => line.slice(0, 36))).toEqual(expected)
    expect(idsOf((await (await get('?format=json')).json()) as Execution[])).toEqual(expected)
    const lines = (await (await get('?format=ndjson')).text()).trimEnd().split('\n')
    expect(idsOf(lines.map((line) => JSON.parse(line) as Execution))).toEqual(expected)
  })

  test('names the workflow and the instance in CSV only', async () => {
    const { userId: user, workflowId } = tracked
    const [before] = await world.sql`select name from workflows where id = ${workflowId}`
    const [instance] = await world.sql`select name from instances where id = ${tracked.instanceId}`
    await world.db.execute(sql`update workflows set name = '=1+1, "Orders"' where id = ${workflowId}`)
    const [, first = ''] = (await (await get('?workflowVersion=2')).text()).split('\r\n')
    expect(first).toMatch(/,"'=1\+1, ""Orders""",[^,]+$/)
    expect(first.endsWith(String(instance?.name))).toBe(true)
    const [object] = (await (await get('?format=json&workflowVersion=2')).json()) as object[]
    const listed = await world.call('GET', '/v1/executions?limit=1&workflowVersion=2', { user })
    expect(object).toEqual(listed.body.items[0])
    await world.db.execute(sql`update workflows set name = ${before?.name} where id = ${workflowId}`)
  })

  test('is streamed page by page', async () => {
    const body = (await get('?format=ndjson')).body
    let largest = 0
    let pieces = 0
    for await (const piece of body ?? []) {
      largest = Math.max(largest, piece.byteLength)
      pieces += 1
    }
    expect(pieces).toBe(count / 1000)
    expect(largest).toBeLessThan(1024 * 1024)
  })

  test('escapes user text that a spreadsheet would evaluate', async () => {
    const text = await (await get('?status=error')).text()
    expect(text).toContain(`"'=HYPERLINK(""http://x"")"`)
    expect(text).not.toMatch(/(^|,|")=HYPERLINK/m)
  })
})

test.each([
  ['status=error', count / 10],
  ['workflowVersion=2', count / 2],
  ['workflowVersion=3', 0],
  ['errorFingerprint=00000000000000aa', count / 10],
  ['errorFingerprint=00000000000000ab', 0],
  ['tag=sales', 0],
])('?%s filters the list and the export alike: %i', async (query, expected) => {
  const exported = (await (await get(`?format=json&${query}`)).json()) as Execution[]
  expect(exported).toHaveLength(expected)
  const listed = await world.call('GET', `/v1/executions?limit=100&${query}`, { user: tracked.userId })
  expect(idsOf(listed.body.items)).toEqual(idsOf(exported.slice(0, 100)))
})

test('q finds an execution by its full n8n ID, only on the user’s own instances', async () => {
  const { report, userId } = await world.tracked()
  const made = await report({ executionId: '4711', workflowId: 'wf1', status: 'success' })
  const find = async (user: string, q: string) =>
    idsOf((await world.call('GET', `/v1/executions?q=${q}`, { user })).body.items)
  expect(await find(userId, '4711')).toEqual([made.body.id])
  expect(await find(userId, '471')).toEqual([])
  expect(await find(await world.user(), '4711')).toEqual([])
})

test.each([
  ['format=xlsx'],
  ['limit=5'],
  ['cursor=x'],
  ['workflowVersion=0'],
  ['errorFingerprint=XYZ'],
  ['q='],
  ['tag=%00'],
  ['startedAfter=2026-11-23T00:00:00Z&startedBefore=2026-11-22T00:00:00Z'],
])('?%s returns 422', async (query) => {
  expect((await get(`?${query}`)).status).toBe(422)
})

describe('over a socket', () => {
  async function serve(
    listNamed: ExecutionRepository['listNamed'],
    onFailure: (error: unknown) => void = () => undefined,
  ) {
    const executions = { listNamed }
    const app = new Hono<AuthEnv>()
      .use(async (c, next) => {
        c.set('userId', tracked.userId)
        await next()
      })
      .route(
        '/',
        executionRoutes(
          new ExecutionRepository(world.db.read, () => new Date()),
          () => Promise.resolve(null),
          {
            executions,
            onFailure,
          },
        ),
      )
    const server = createAdaptorServer({ fetch: app.fetch })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/export`,
      close: () => new Promise((resolve) => server.close(resolve)),
    }
  }
  const repository = () => new ExecutionRepository(world.db.read, () => new Date())

  test('aborts the transfer on a failure midway, so that no client takes the part for the whole', async () => {
    let pages = 0
    const failures: unknown[] = []
    const server = await serve(
      (...args) => (++pages > 3 ? Promise.reject(new Error('away')) : repository().listNamed(...args)),
      (error) => failures.push(error),
    )
    const response = await fetch(server.url)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow(/terminated|aborted/)
    expect(failures).toHaveLength(1)
    await server.close()
  })

  test('returns an error status on a failure before the first row', async () => {
    const server = await serve(() => Promise.reject(new Error('away')))
    expect((await fetch(server.url)).status).toBe(500)
    await server.close()
  })

  test('stops reading when the client disconnects', async () => {
    let pages = 0
    const server = await serve((...args) => {
      pages += 1
      return repository().listNamed(...args)
    })
    const aborter = new AbortController()
    const response = await fetch(server.url, { signal: aborter.signal })
    await response.body?.getReader().read()
    aborter.abort()
    await server.close()
    const reached = pages
    // The time that the complete export takes.
    await (await get('?format=ndjson')).text()
    expect(pages).toBe(reached)
    expect(reached).toBeLessThan(count / 1000)
  })
})
