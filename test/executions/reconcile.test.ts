import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { createPollWorld, hourMs, minuteMs, type PollWorld } from './poll-world.ts'

let database: TestDatabase
let world: PollWorld
beforeAll(async () => {
  database = await createTestDatabase()
  world = createPollWorld(database)
})
afterAll(() => database.close())
beforeEach(async () => {
  await world.forget()
  world.logs.length = 0
})

const iso = (ms: number) => new Date(world.clock.now.getTime() + ms).toISOString()
const nodeError = {
  message: 'Deliberate failure',
  httpCode: '401',
  node: { name: 'Fail', type: 'n8n-nodes-base.stopAndError' },
}
const failedData = {
  resultData: {
    error: nodeError,
    lastNodeExecuted: 'Fail',
    runData: { Fail: [{ startTime: 1, executionTime: 2, executionStatus: 'error', error: nodeError }] },
  },
}

describe('what a poll records', () => {
  test('every ended execution of tracked workflows, with the failed node, and nothing from others', async () => {
    const { add, otherId, rows, run } = { ...(await world.instance()), run: world.run }
    add({ status: 'success' })
    add({ status: 'error', data: failedData })
    add({ status: 'canceled' })
    add({ status: 'crashed' })
    add({ workflowId: otherId })
    expect(await run()).toMatchObject({ polled: 1, failed: 0, recorded: 4, skipped: 1 })
    expect(await rows()).toMatchObject([
      { status: 'success', error_message: null, data: { nodes: [] } },
      {
        status: 'error',
        error_message: 'Deliberate failure',
        error_node: 'Fail',
        data: {
          nodes: [
            {
              name: 'Fail',
              status: 'error',
              durationMs: 2,
              error: { message: 'Deliberate failure', httpStatus: 401 },
            },
          ],
        },
      },
      { status: 'canceled' },
      { status: 'crashed' },
    ])
    const [letters] = await database.sql`select count(*)::int as count from dead_letters`
    expect(letters).toEqual({ count: 0 })
  })

  test('an open run, and its end however long it takes', async () => {
    const { add, stub, statuses, schedule } = await world.instance()
    const long = add({ status: 'running' })
    const waiting = add({ status: 'waiting' })
    await world.run()
    expect(await statuses()).toEqual({ [long.id]: 'running', [waiting.id]: 'waiting' })
    expect((await schedule())['next_poll_at']).toEqual(expect.stringContaining('12:01:00'))
    for (let index = 0; index < 300; index++) add()
    world.advance(3 * 24 * hourMs)
    add()
    await world.run()
    Object.assign(long, { status: 'error', stoppedAt: iso(0), data: failedData })
    Object.assign(waiting, { status: 'success', stoppedAt: iso(0) })
    world.advance(5 * minuteMs)
    stub.state.calls.length = 0
    expect(await world.run()).toMatchObject({ recorded: 0, updated: 2 })
    expect(await statuses()).toMatchObject({ [long.id]: 'error', [waiting.id]: 'success' })
  })

  test('a run that ends during the poll, however far down the list', async () => {
    const { add, otherId, stub, server, statuses } = await world.instance()
    const long = add({ status: 'running' })
    world.advance(20 * minuteMs)
    for (let index = 0; index < 300; index++) add({ workflowId: otherId })
    world.advance(40 * minuteMs)
    add({ workflowId: otherId })
    let asked = 0
    server.fetch = async (input, init) => {
      const answer = await stub.fetch(input, init)
      asked += 1
      if (asked === 2) Object.assign(long, { status: 'success', stoppedAt: iso(0) })
      return answer
    }
    await world.run()
    world.advance(6 * minuteMs)
    await world.run()
    expect(await statuses()).toEqual({ [long.id]: 'success' })
  })

  test('keeps a pushed end, and corrects an open state and an unknown outcome', async () => {
    const { add, push, statuses, rows } = await world.instance()
    const [first, second] = [add(), add({ status: 'error', data: failedData })]
    await push({ ...first, status: 'running' })
    await push({ id: second.id, status: 'error' })
    await world.run()
    expect(await statuses()).toEqual({ [first.id]: 'success', [second.id]: 'error' })
    expect((await rows())[1]).toMatchObject({ error_message: 'Deliberate failure' })
  })

  test('marks executions missing in n8n as unknown, and still accepts a late end', async () => {
    const { add, push, statuses, stub } = await world.instance()
    const lost = add({ status: 'running' })
    await push({ id: lost.id, status: 'running' })
    add()
    stub.state.executions.shift()
    await world.run()
    expect(await statuses()).toMatchObject({ [lost.id]: 'running' })
    world.advance(6 * minuteMs)
    await world.run()
    expect(await statuses()).toMatchObject({ [lost.id]: 'unknown' })
    await push({ id: lost.id, status: 'success' })
    expect(await statuses()).toMatchObject({ [lost.id]: 'success' })
  })

  test('requests data only once, even if n8n has none or too much', async () => {
    const { add, push, rows, stub } = await world.instance()
    const [gone, large] = [
      add(),
      add({ data: { resultData: { runData: {}, x: 'x'.repeat(7 * 1024 * 1024) } } }),
    ]
    await push({ id: gone.id, status: 'success' })
    stub.state.executions.shift()
    await world.run()
    world.advance(5 * minuteMs)
    const asked = stub.calls('execution-get').length
    await world.run()
    expect(stub.calls('execution-get')).toHaveLength(asked)
    expect(await rows()).toMatchObject([
      { id: gone.id, data: null, data_stamp: '-' },
      { id: large.id, data: { truncated: true }, data_stamp: '-' },
    ])
  })

  test('fetches data later for a push that is ahead of n8n', async () => {
    const { add, push, rows } = await world.instance()
    const execution = add({ status: 'running' })
    await push({ id: execution.id, status: 'success' })
    await world.run()
    expect((await rows())[0]).toMatchObject({ status: 'success', data: null, data_stamp: null })
    Object.assign(execution, { status: 'success', stoppedAt: iso(0), finished: true })
    world.advance(5 * minuteMs)
    await world.run()
    expect((await rows())[0]).toMatchObject({ status: 'success', data: { nodes: [] } })
  })

  test('excludes runs from before the deployment', async () => {
    const { add, statuses } = await world.instance()
    add({ startedAt: iso(-3 * hourMs), stoppedAt: iso(-3 * hourMs) })
    const since = add()
    await world.run()
    expect(await statuses()).toEqual({ [since.id]: 'success' })
  })

  test.each([
    ['an hour behind', -hourMs],
    ['an hour ahead', hourMs],
  ])('loses no run when the clock of n8n is %s', async (_, skewMs) => {
    const { add, statuses, trackedId, otherId } = await world.instance({ skewMs: skewMs * 0.9 })
    const ids = []
    for (let round = 0; round < 3; round++) {
      ids.push(add({ workflowId: trackedId }).id)
      // More than a page, to check that the list is not read further than necessary.
      for (let index = 0; index < 260; index++) add({ workflowId: otherId })
      await world.run()
      world.advance(6 * minuteMs)
    }
    expect(Object.keys(await statuses())).toEqual(ids)
  })

  test('supports n8n 1.x, which lists no status', async () => {
    const { add, statuses, server } = await world.instance()
    const [done, failed] = [add(), add({ status: 'error' })]
    const { fetch } = server
    server.fetch = async (input, init) => {
      const answer = await fetch(input, init)
      if (!new URL(new Request(input).url).pathname.endsWith('/executions')) return answer
      const { data, nextCursor } = (await answer.json()) as { data: object[]; nextCursor: string | null }
      return Response.json({ data: data.map((item) => ({ ...item, status: undefined })), nextCursor })
    }
    await world.run()
    expect(await statuses()).toEqual({ [done.id]: 'success', [failed.id]: 'error' })
  })
})

describe('the number of requests and writes', () => {
  test('an idle instance takes four lists and writes no execution', async () => {
    const { add, stub } = await world.instance()
    for (let index = 0; index < 20; index++) add()
    await world.run()
    world.advance(5 * minuteMs)
    stub.state.calls.length = 0
    const before =
      await database.sql`select xmin::text from execution_keys order by n8n_execution_id, xmin::text`
    expect(await world.run()).toMatchObject({ polled: 1, recorded: 0, updated: 0, skipped: 0 })
    expect(stub.calls().map(({ step }) => step)).toEqual(Array.from({ length: 4 }, () => 'execution-list'))
    const after =
      await database.sql`select xmin::text from execution_keys order by n8n_execution_id, xmin::text`
    expect(after).toEqual(before)
  })

  test('reads the list down to the watermark minus ten minutes', async () => {
    const { add, stub } = await world.instance()
    for (let index = 0; index < 600; index++) add()
    world.advance(11 * minuteMs)
    add()
    await world.run()
    world.advance(hourMs)
    add()
    stub.state.calls.length = 0
    await world.run()
    const ended = stub.calls('execution-list').filter(({ path }) => !path.includes('status='))
    expect(ended).toHaveLength(1)
  })

  test('resumes a list that is too long for one poll', async () => {
    const { add, stub, statuses, schedule } = await world.instance()
    for (let index = 0; index < 900; index++) add()
    // Three lists of open executions, two pages of ended ones.
    await world.run({ maxRequests: 5 })
    expect(Object.keys(await statuses())).toHaveLength(500)
    expect(await schedule()).toMatchObject({
      polled_through: null,
      last_polled_at: null,
      poll_lease_until: null,
      poll_cursor: { cursor: expect.any(String) },
    })
    add()
    stub.state.calls.length = 0
    await world.run()
    expect(Object.keys(await statuses())).toHaveLength(900)
    expect(stub.calls('execution-list').filter(({ path }) => !path.includes('status='))).toHaveLength(2)
    expect(await schedule()).toMatchObject({ poll_cursor: null, polled_through: expect.any(String) })
    world.advance(5 * minuteMs)
    await world.run()
    expect(Object.keys(await statuses())).toHaveLength(901)
  })

  test('restarts the list when n8n rejects a saved cursor', async () => {
    const { add, statuses, id, schedule } = await world.instance()
    const execution = add()
    await database.sql`update instances set poll_cursor = '{"cursor": "!", "newestStartMs": 1}' where id = ${id}`
    expect(await world.run()).toMatchObject({ failed: 0 })
    expect(await statuses()).toEqual({ [execution.id]: 'success' })
    expect(await schedule()).toMatchObject({ poll_cursor: null })
  })

  test('skips instances without a deployment and of deleted accounts', async () => {
    const [idle, deleted] = [await world.instance(), await world.instance()]
    await database.sql`delete from deployments where instance_id = ${idle.id}`
    await database.sql`update users set deleted_at = now() where id = ${deleted.userId}`
    expect(await world.run()).toMatchObject({ polled: 0 })
    expect((await idle.schedule())['next_poll_at']).toEqual(expect.stringContaining(':'))
    expect([...idle.stub.calls('execution-list'), ...deleted.stub.calls('execution-list')]).toEqual([])
  })

  test('stops at its budget and releases unfinished claims', async () => {
    const instances = await Promise.all(Array.from({ length: 6 }, () => world.instance()))
    expect(await world.run({ budgetMs: 10_000 })).toMatchObject({ polled: 0 })
    expect(await world.run({ maxRequests: 4, maxConcurrent: 1 })).toMatchObject({ polled: 1 })
    const schedules = await Promise.all(instances.map(({ schedule }) => schedule()))
    expect(schedules.every((schedule) => schedule['poll_lease_until'] === null)).toBe(true)
    expect(await world.run()).toMatchObject({ polled: 5 })
  })
})

describe('when n8n fails', () => {
  test('backs off from 1 minute to an hour with the reason, and resets immediately after a success', async () => {
    const { add, stub, schedule, statuses } = await world.instance()
    const { id } = add()
    const waits = []
    for (let failure = 0; failure < 9; failure++) {
      stub.failNext({ step: 'execution-list', mode: 'refuse' })
      expect(await world.run()).toMatchObject({ polled: 1, failed: 1 })
      const next = new Date(
        String((await schedule())['next_poll_at'])
          .replace(' ', 'T')
          .replace(/\+00$/, 'Z'),
      )
      waits.push((next.getTime() - world.clock.now.getTime()) / minuteMs)
      expect(await world.run()).toMatchObject({ polled: 0 })
      world.clock.now = next
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    expect(await schedule()).toMatchObject({
      status: 'unreachable',
      status_detail: 'The n8n server refused the connection. Check the URL and that n8n is running',
      poll_failures: 9,
      last_polled_at: null,
    })
    await world.run()
    expect(await schedule()).toMatchObject({ status: 'ok', status_detail: null, poll_failures: 0 })
    expect(await statuses()).toEqual({ [id]: 'success' })
  })

  test.each([
    ['401', 'refused'],
    ['403', 'refused'],
    ['http500', 'unreachable'],
    ['http502-html', 'unreachable'],
    ['html200', 'unreachable'],
    ['reset', 'unreachable'],
    ['timeout', 'unreachable'],
    ['redirect', 'unreachable'],
    ['endless', 'unreachable'],
    ['leak', 'unreachable'],
    ['429', 'untested'],
  ] as const)('%s makes it %s without losing anything', async (mode, status) => {
    const { add, stub, schedule, statuses } = await world.instance()
    const { id } = add()
    stub.failNext({ step: 'execution-list', mode, retryAfterSeconds: 90 })
    expect(await world.run()).toMatchObject({ failed: 1 })
    expect(await schedule()).toMatchObject({ status, poll_failures: 1, polled_through: null })
    expect(JSON.stringify([await schedule(), world.logs])).not.toContain(stub.apiKey)
    world.advance(89_000)
    if (mode === '429') expect(await world.run()).toMatchObject({ polled: 0 })
    world.advance(1000)
    await world.run()
    expect(await statuses()).toEqual({ [id]: 'success' })
  })

  test('a limited instance becomes limited again after a success, not ok', async () => {
    const { id, stub, schedule } = await world.instance()
    await database.sql`update instances set status = 'limited', capabilities = ${JSON.stringify({
      generation: 'current',
      cannot: ['Rolling back'],
    })}::jsonb where id = ${id}`
    stub.failNext({ step: 'execution-list', mode: 'refuse' })
    await world.run()
    expect(await schedule()).toMatchObject({ status: 'unreachable' })
    world.advance(minuteMs)
    await world.run()
    expect(await schedule()).toMatchObject({ status: 'limited', status_detail: 'Rolling back' })
  })

  test('ignores the outcome if the key was replaced meanwhile', async () => {
    const { id, stub, schedule } = await world.instance()
    const { connections } = world.deps
    stub.failNext({ step: 'execution-list', mode: '401' })
    const open = async (userId: string, instanceId: string) => {
      const connection = await connections.open(userId, instanceId)
      await database.sql`update instances set version = version + 1, status = 'ok' where id = ${id}`
      return connection
    }
    expect(await world.run({ connections: { open } })).toMatchObject({ failed: 1 })
    expect(await schedule()).toMatchObject({ status: 'ok', status_detail: null, poll_failures: 1 })
  })

  test('an error of this server does not count against the instance', async () => {
    const { schedule } = await world.instance()
    const open = () => Promise.reject(new AppError('key-unavailable', 'The key is away'))
    expect(await world.run({ connections: { open } })).toMatchObject({ failed: 1 })
    expect(await schedule()).toMatchObject({ status: 'untested', poll_failures: 0, poll_lease_until: null })
    expect(await world.run()).toMatchObject({ polled: 0 })
    world.advance(minuteMs)
    expect(await world.run()).toMatchObject({ polled: 1, failed: 0 })
  })

  test('alerts after a day without a complete poll', async () => {
    const { stub, id } = await world.instance()
    world.advance(25 * hourMs)
    stub.failNext({ step: 'execution-list', mode: 'refuse' })
    await world.run()
    expect(world.logs).toContainEqual({
      level: 'warn',
      event: 'reconcile-lag',
      fields: { instanceId: id, lagSeconds: 25 * 3600 },
    })
    expect(world.logs.at(-1)).toMatchObject({ level: 'warn', event: 'reconciled' })
    expect(Number(world.logs.at(-1)?.fields['lagging'])).toBeGreaterThan(0)
  })

  test.each(['403', '404'] as const)(
    'ignores an empty list when the deployed workflow returns %s, and loses nothing',
    async (mode) => {
      const { add, push, stub, schedule, statuses } = await world.instance()
      const { id } = add({ status: 'running' })
      await push({ id, status: 'running' })
      const kept = stub.state.executions.splice(0)
      world.advance(6 * minuteMs)
      stub.failNext({ step: 'workflow-get', mode, times: 3 })
      expect(await world.run()).toMatchObject({ failed: 1 })
      expect(await schedule()).toMatchObject({
        status: 'refused',
        status_detail: 'The API key can no longer access the deployed workflows. Grant it access to them',
        last_polled_at: null,
      })
      expect(await statuses()).toEqual({ [id]: 'running' })
      stub.clearFaults()
      Object.assign(kept[0] ?? {}, { status: 'success', stoppedAt: iso(0) })
      stub.state.executions.push(...kept)
      world.advance(minuteMs)
      await world.run()
      expect(await statuses()).toEqual({ [id]: 'success' })
    },
  )

  test.each([
    ['undeployed', sql`status = 'undeployed', n8n_workflow_id = null`],
    ['being undeployed', sql`intent = '{"action":"undeploy"}'`],
  ])('an instance whose only workflow is %s during a poll is not refused', async (_, change) => {
    const { server, stub, schedule, trackedId, deploymentId } = await world.instance()
    const { fetch: original } = server
    server.fetch = async (input, init) => {
      stub.state.workflows.delete(trackedId)
      await database.db.execute(sql`update deployments set ${change} where id = ${deploymentId}`)
      return original(input, init)
    }
    await world.run()
    expect(await schedule()).toMatchObject({
      status: 'untested',
      status_detail: null,
      poll_lease_until: null,
    })
  })

  test('accepts an empty list when the deployed workflow is accessible', async () => {
    const { schedule } = await world.instance()
    await world.run()
    expect(await schedule()).toMatchObject({ poll_failures: 0, last_polled_at: expect.any(String) })
  })

  test('closes a missing execution of a hidden workflow only after n8n must have pruned it', async () => {
    const { add, push, stub, statuses, otherId } = await world.instance()
    const { id } = add({ status: 'running' })
    await push({ id, status: 'running' })
    stub.state.executions.splice(0)
    add({ workflowId: otherId })
    world.advance(6 * minuteMs)
    stub.failNext({ step: 'workflow-get', mode: '404', times: 1000 })
    await world.run()
    expect(await statuses()).toEqual({ [id]: 'running' })
    world.advance(15 * 24 * hourMs)
    await world.run()
    expect(await statuses()).toEqual({ [id]: 'unknown' })
    stub.clearFaults()
  })
})

describe('on demand', () => {
  test('polls immediately, due or not, and returns the result', async () => {
    const { add, otherId, poll } = await world.instance()
    add()
    expect(await poll()).toEqual({ recorded: 1, updated: 0, passedOver: 0, lagSeconds: 0 })
    world.advance(5000)
    const open = add({ status: 'running' })
    add({ workflowId: otherId })
    expect(await poll()).toMatchObject({ recorded: 1, passedOver: 1 })
    Object.assign(open, { status: 'success', stoppedAt: iso(0) })
    world.advance(5000)
    expect(await poll()).toMatchObject({ recorded: 0, updated: 1 })
  })

  test('rejects a poll during or right after another one', async () => {
    const { poll, server } = await world.instance()
    await poll()
    await expect(poll()).rejects.toMatchObject({ code: 'too-many-requests', retryAfterSeconds: 3 })
    world.advance(5000)
    const asked = Promise.withResolvers<void>()
    server.fetch = () => {
      asked.resolve()
      return new Promise(() => undefined)
    }
    void poll()
    await asked.promise
    await expect(poll()).rejects.toMatchObject({ code: 'too-many-requests', retryAfterSeconds: 120 })
  })

  test("returns null for another user's instance", async () => {
    const [ours, theirs] = [await world.instance(), await world.instance()]
    const { pollNow } = await import('../../src/executions/poll/reconcile.ts')
    expect(await pollNow(world.deps, ours.userId, theirs.id)).toBeNull()
    expect(theirs.stub.calls('execution-list')).toEqual([])
  })

  test('returns a failure of n8n in our own words', async () => {
    const { poll, stub } = await world.instance()
    stub.failNext({ step: 'execution-list', mode: 'leak' })
    await expect(poll()).rejects.toMatchObject({ code: 'instance-unreachable' })
  })
})
