import { seeded } from '../harness/random.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction } from '../../src/cli/backup/transaction.ts'
import { guard, unguard } from '../../src/cli/move/guard.ts'
import { readUserTables } from '../../src/cli/move/user-tables.ts'
import { type QueuedMessage, type QueuedReports, storeQueued } from '../../src/executions/reports/queue.ts'
import { createTestDatabase } from '../harness/database.ts'
import { plantedSecrets } from '../lib/planted-secrets.ts'
import { createWorld, type World } from './world.ts'

let world: World
let sent: QueuedReports[]
let isFull = false

beforeAll(async () => {
  world = createWorld(await createTestDatabase(), {
    reportQueue: {
      send: async (message) => {
        if (isFull) throw new Error('Queue is full')
        sent.push(structuredClone(message))
      },
    },
  })
})
afterAll(() => world.close())
beforeEach(() => {
  sent = []
  isFull = false
})

interface Delivery extends QueuedMessage {
  outcome: 'acknowledged' | number | null
}

const delivery = (body: QueuedReports, attempts = 1): Delivery => ({
  body: structuredClone(body),
  attempts,
  outcome: null,
  ack() {
    this.outcome = 'acknowledged'
  },
  retry({ delaySeconds }) {
    this.outcome = delaySeconds
  },
})

async function consume(
  messages: Delivery[],
  receiver: Parameters<typeof storeQueued>[0]['receiver'] = world.reports,
) {
  await storeQueued({ receiver, instances: world.instances, log: () => undefined }, messages)
  return messages.map(({ outcome }) => outcome)
}

const deliver = (attempts = 1) => consume(sent.map((message) => delivery(message, attempts)))
const executionsOf = async (user: string) =>
  (await world.call('GET', '/v1/executions?limit=100', { user })).body.items

const success = {
  executionId: '12',
  workflowId: 'wf1',
  status: 'success',
  startedAt: '2026-11-22T10:52:29.027Z',
  finishedAt: '2026-11-22T10:52:29.242Z',
}
const failed = {
  id: '13',
  workflowId: 'wf1',
  status: 'error',
  mode: 'webhook',
  startedAt: '2026-11-22T10:53:00.000Z',
  stoppedAt: '2026-11-22T10:53:02.000Z',
  workflowData: { nodes: [{ name: 'Get', type: 'n8n-nodes-base.httpRequest' }] },
  data: {
    resultData: {
      lastNodeExecuted: 'Get',
      error: {
        message: 'Not found',
        name: 'NodeApiError',
        httpCode: '404',
        stack: 'at x',
        node: { name: 'Get' },
      },
      runData: {
        Get: [
          {
            startTime: Date.parse('2026-11-22T10:53:00.500Z'),
            executionTime: 1500,
            executionStatus: 'error',
            error: { message: 'Not found', stack: 'at x' },
          },
        ],
      },
    },
  },
}
const withoutTimes = {
  execution: { id: '14', mode: 'trigger', error: { message: 'Boom' } },
  workflow: { id: 'wf1' },
}
const incident = { trigger: { mode: 'trigger', error: { message: 'No trigger' } }, workflow: { id: 'wf1' } }

describe('the answer', () => {
  test('is 202 and says that the report is queued; the run exists after the batch is stored', async () => {
    const { userId, report } = await world.tracked()
    const answer = await report(success)
    expect([answer.status, answer.body]).toEqual([202, { created: false, queued: true }])
    expect(await executionsOf(userId)).toEqual([])
    expect(await deliver()).toEqual(['acknowledged'])
    expect(await executionsOf(userId)).toMatchObject([{ n8nExecutionId: '12', status: 'success' }])
  })

  test('names the reports of an array that cannot be used', async () => {
    const { report } = await world.tracked()
    const answer = await report([success, { ...success, status: 'paused' }])
    expect([answer.status, answer.body]).toEqual([
      202,
      {
        results: [
          { status: 202, created: false, queued: true },
          { status: 422, created: false, code: 'unknown-status' },
        ],
      },
    ])
  })

  test.each([
    ['an invalid token', { token: 'whk_x', body: success }, 401],
    ['invalid JSON', { body: '{"not json' }, 400],
    ['501 reports', { body: Array.from({ length: 501 }, () => success) }, 422],
  ])('to %s is the same as without a queue, and nothing is queued', async (_, call, status) => {
    const { instanceId, token } = await world.tracked()
    const answer = await world.call('POST', `/hooks/n8n/${instanceId}`, { token, ...call })
    expect(answer.status).toBe(status)
    expect(sent).toEqual([])
  })

  test('to `Prefer: wait` comes after the run is recorded', async () => {
    const { instanceId, token, userId } = await world.tracked()
    const answer = await world.call('POST', `/hooks/n8n/${instanceId}`, {
      token,
      body: [success],
      headers: { Prefer: 'respond-async, wait=10' },
    })
    expect([answer.status, answer.body]).toMatchObject([200, { results: [{ status: 202, created: true }] }])
    expect(sent).toEqual([])
    expect(await executionsOf(userId)).toHaveLength(1)
  })
})

describe('direct storage', () => {
  test('takes a report that is larger than a message', async () => {
    const { userId, report } = await world.tracked()
    const answer = await report({ ...success, data: { text: 'é'.repeat(70_000) } })
    expect([answer.status, answer.body.created]).toEqual([202, true])
    expect(sent).toEqual([])
    expect(await executionsOf(userId)).toHaveLength(1)
  })

  test('takes over while the queue is unavailable', async () => {
    const { userId, report } = await world.tracked()
    isFull = true
    expect((await report(success)).body.created).toBe(true)
    expect(await executionsOf(userId)).toHaveLength(1)
  })
})

describe('the consumer', () => {
  test('records the same as the direct path, even out of order and delivered twice', async () => {
    const direct = await world.tracked()
    const queued = await world.tracked()
    const bodies = [
      { ...success, status: 'running', finishedAt: undefined },
      success,
      failed,
      withoutTimes,
      incident,
    ]
    for (const body of bodies) {
      await queued.report(body)
      await world.call('POST', `/hooks/n8n/${direct.instanceId}`, {
        token: direct.token,
        body,
        headers: { Prefer: 'wait' },
      })
    }
    const receivedAt = world.clock.now
    world.clock.now = new Date(receivedAt.getTime() + 60_000)
    const messages = sent.toReversed()
    await consume(messages.map((message) => delivery(message)))
    await consume(
      messages
        .filter(({ items }) => items.length > 0 && !('trigger' in (items[0] as object)))
        .map((message) => delivery(message, 2)),
    )

    const rowsOf = async (instanceId: string) => ({
      executions:
        await world.sql`select n8n_execution_id, status, mode, started_at, finished_at, recorded_at, error_message,
          error_node, error_http_status, error_fingerprint, data
        from executions where instance_id = ${instanceId} order by n8n_execution_id`,
      incidents:
        await world.sql`select source, mode, message, occurred_at, deliveries from incidents where instance_id = ${instanceId}`,
    })
    const rows = await rowsOf(queued.instanceId)
    expect(rows).toEqual(await rowsOf(direct.instanceId))
    expect(rows.executions).toHaveLength(3)
    expect(rows.incidents).toHaveLength(1)
    expect(new Date(rows.executions[0]?.recorded_at)).toEqual(receivedAt)
  })

  test('stores a report without a deployment as a dead letter of its arrival', async () => {
    const { userId, report } = await world.tracked()
    const cameAt = world.clock.now
    await report({ ...success, workflowId: 'unknown' })
    world.clock.now = new Date(cameAt.getTime() + 60_000)
    expect(await deliver()).toEqual(['acknowledged'])
    const { body } = await world.call('GET', '/v1/dead-letters', { user: userId })
    expect(body.items).toMatchObject([{ code: 'unknown-workflow', createdAt: cameAt.toISOString() }])
  })

  test('never receives a secret', async () => {
    const { report } = await world.tracked()
    const planted = plantedSecrets(seeded(7))
    await report(
      planted.map(({ text }, index) => ({
        ...success,
        executionId: String(index),
        error: { message: text },
        data: { text },
      })),
    )
    const text = JSON.stringify(sent)
    expect(sent).toHaveLength(1)
    expect(planted.filter(({ secret }) => text.includes(secret)).map(({ name }) => name)).toEqual([])
  })

  test('acknowledges the messages around one that cannot be stored, and retries that one', async () => {
    const { instanceId, userId } = await world.tracked()
    const messages = Array.from({ length: 9 }, (_, index) =>
      delivery({
        instanceId,
        receivedAtMs: world.clock.now.getTime(),
        items: [{ ...success, executionId: `${index}` }],
      }),
    )
    const outcomes = await consume(messages, {
      receive: async (instance, items, times) => {
        if (items.some((item) => (item as typeof success).executionId === '6')) throw new TypeError('Poison')
        return world.reports.receive(instance, items, times)
      },
    })
    expect(outcomes).toEqual(messages.map((_, index) => (index === 6 ? 10 : 'acknowledged')))
    expect(await executionsOf(userId)).toHaveLength(8)
  })

  test('doubles the delay with each attempt, up to an hour', async () => {
    const { instanceId } = await world.tracked()
    const body = { instanceId, receivedAtMs: world.clock.now.getTime(), items: [success] }
    const broken = { receive: () => Promise.reject(new Error('Broken')) }
    for (const [attempts, delay] of [
      [1, 10],
      [2, 20],
      [9, 2560],
      [20, 3600],
    ] as const) {
      expect(await consume([delivery(body, attempts)], broken)).toEqual([delay])
    }
  })

  test('retries while the account is being moved', async () => {
    const { userId, report } = await world.tracked()
    await report(success)
    const tables = await inTransaction(world.backend, 'snapshot', readUserTables)
    await guard(world.backend, tables, userId)
    expect(await deliver()).toEqual([10])
    await unguard(world.backend, tables, userId)
    expect(await deliver(2)).toEqual(['acknowledged'])
    expect(await executionsOf(userId)).toHaveLength(1)
  })

  test('retries while the database cannot tell whether the account was moved', async () => {
    const message = delivery({
      instanceId: '0198c0de-0000-7000-8000-000000000000',
      receivedAtMs: world.clock.now.getTime(),
      items: [success],
    })
    const instances = {
      ownersOf: async () => new Map<string, string>(),
      movedTo: () => Promise.reject(new Error('Unavailable')),
    }
    await storeQueued({ receiver: world.reports, instances, log: () => undefined }, [message])
    expect(message.outcome).toBe(10)
  })

  test('drops messages of deleted instances and accounts, and keeps those of moved accounts', async () => {
    const deleted = await world.tracked()
    const closing = await world.tracked()
    const body = (instanceId: string) => ({
      instanceId,
      receivedAtMs: world.clock.now.getTime(),
      items: [success],
    })
    const gone = '0198c0de-0000-7000-8000-000000000000'
    const moved = '0198c0de-0000-7000-8000-000000000001'
    await world.sql`update users set deleted_at = now() where id = ${closing.userId}`
    await world.sql`insert into user_routes (user_id, state, email, url, instance_ids)
      values (${gone}, 'moved', 'moved@example.com', 'https://eu.example.com', array[${moved}::uuid])`
    const outcomes = await consume([
      delivery(body(gone)),
      delivery(body(closing.instanceId)),
      delivery(body(moved)),
      delivery(body('not an ID'), 3),
      delivery(body(deleted.instanceId)),
    ])
    expect(outcomes).toEqual(['acknowledged', 'acknowledged', 10, 40, 'acknowledged'])
  })
})
