import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const success = {
  executionId: '12',
  workflowId: 'wf1',
  status: 'success',
  finishedAt: '2026-11-22T10:52:29.242Z',
}
const unproblematic = (body: Record<string, unknown>) => ({ ...body, requestId: null, instance: null })

const complete = {
  ...success,
  startedAt: '2026-11-22T10:52:29.027Z',
  mode: 'webhook',
  data: { rows: 3 },
}

test('a report is recorded once, with 202 first and 200 afterwards, and can be read', async () => {
  const { userId, workflowId, instanceId, deploymentId, report } = await world.tracked()
  const first = await report(complete)
  expect(first.status).toBe(202)
  expect(first.body).toEqual({ id: first.body.id, created: true })
  const again = await report(complete)
  expect(again.status).toBe(200)
  expect(again.body).toEqual({ id: first.body.id, created: false })

  const { body: list } = await world.call('GET', '/v1/executions', { user: userId })
  expect(list).toEqual({
    items: [
      {
        id: first.body.id,
        n8nExecutionId: '12',
        workflowId,
        workflowVersion: 1,
        workflowVersionSource: 'time',
        deploymentId,
        instanceId,
        status: 'success',
        stuck: false,
        mode: 'webhook',
        kind: 'production',
        retryOf: null,
        n8nRetryOf: null,
        retriedBy: null,
        startedAt: '2026-11-22T10:52:29.027Z',
        finishedAt: '2026-11-22T10:52:29.242Z',
        durationMs: 215,
        waited: false,
        activeMs: null,
        error: null,
        receivedAt: world.clock.now.toISOString(),
      },
    ],
    nextCursor: null,
  })
  const { body: one } = await world.call('GET', `/v1/executions/${first.body.id}`, { user: userId })
  expect(one).toEqual({
    ...list.items[0],
    data: { rows: 3 },
    usage: expect.objectContaining({ items: [], cost: 0 }),
  })
})

describe('authentication', () => {
  test('returns the same 401 for every invalid token or instance', async () => {
    const ours = await world.tracked()
    const theirs = await world.tracked()
    const path = `/hooks/n8n/${ours.instanceId}`
    const answers = await Promise.all([
      world.call('POST', path, { body: success }),
      world.call('POST', path, { body: success, token: `whk_${'A'.repeat(43)}` }),
      world.call('POST', path, { body: success, token: theirs.token }),
      world.call('POST', path, { body: success, token: 'eyJhbGciOiJIUzI1NiJ9.e30.x' }),
      world.call('POST', path, { body: success, headers: { Authorization: ours.token } }),
      world.call('POST', path, { body: success, headers: { Authorization: `Basic ${ours.token}` } }),
      world.call('POST', `${path}?access_token=${ours.token}`, { body: success }),
      world.call('POST', `/hooks/n8n/${theirs.instanceId}`, { body: success, token: ours.token }),
      world.call('POST', '/hooks/n8n/0198c0de-0000-7000-8000-000000000000', {
        body: success,
        token: ours.token,
      }),
      world.call('POST', '/hooks/n8n/none', { body: success, token: ours.token }),
      world.call('POST', path, { body: '{"not json', token: theirs.token }),
    ])
    for (const answer of answers) {
      expect(answer.status).toBe(401)
      expect(unproblematic(answer.body)).toEqual(unproblematic(answers[0]?.body))
    }
    const { body } = await world.call('GET', '/v1/executions', { user: ours.userId })
    expect(body.items).toEqual([])
  })

  test('a rotated token works for another 24 hours; the new one keeps working', async () => {
    const { userId, instanceId, token, report } = await world.tracked()
    const rotated = await world.call('POST', `/v1/instances/${instanceId}/webhook-token`, { user: userId })
    const newToken = rotated.body.webhookToken
    expect(newToken).toMatch(/^whk_[\w-]{43}$/)
    expect(newToken).not.toBe(token)
    const withNew = () => world.call('POST', `/hooks/n8n/${instanceId}`, { token: newToken, body: success })
    expect((await report(success)).status).toBe(202)
    expect((await withNew()).status).toBe(200)
    const before = world.clock.now
    world.clock.now = new Date(before.getTime() + 24 * 3600 * 1000 - 1)
    expect((await report(success)).status).toBe(200)
    world.clock.now = new Date(before.getTime() + 24 * 3600 * 1000)
    expect((await report(success)).status).toBe(401)
    expect((await withNew()).status).toBe(200)
  })

  test('rejects reports for an account that is being deleted', async () => {
    const { userId, report } = await world.tracked()
    await world.sql`update users set deleted_at = now() where id = ${userId}`
    // 429 after the wrong tokens of the tests above, which have the same address.
    expect([401, 429]).toContain((await report(success)).status)
  })
})

describe('parsing', () => {
  test.each([
    ['invalid JSON', '{', 400, 'malformed-json'],
    ['nothing', '', 400, 'malformed-json'],
    ['a byte order mark', '\ufeff{}', 400, 'malformed-json'],
    ['101 nested arrays', `{"data":${'['.repeat(101)}${']'.repeat(101)}}`, 422, 'invalid'],
    ['5,000 nested arrays', '['.repeat(5000) + ']'.repeat(5000), 422, 'invalid'],
    ['501 reports', JSON.stringify(Array.from({ length: 501 }, () => success)), 422, 'invalid'],
    ['more than 4 MB', `"${'x'.repeat(4 * 1024 * 1024)}"`, 413, 'too-large'],
  ])('%s', async (_, body, status, code) => {
    const { report } = await world.tracked()
    const answer = await report(body)
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })

  test('returns 415 for another media type', async () => {
    const { instanceId, token } = await world.tracked()
    const headers = { 'Content-Type': 'text/html' }
    const answer = await world.call('POST', `/hooks/n8n/${instanceId}`, { token, body: success, headers })
    expect(answer.status).toBe(415)
  })

  test.each([
    ['form fields', 'application/x-www-form-urlencoded', new URLSearchParams(success).toString(), 202],
    ['text', 'text/plain', JSON.stringify(success), 202],
    ['a JSON string', 'application/json', JSON.stringify(JSON.stringify(success)), 202],
    ['the wrapper of a webhook node', 'application/json', JSON.stringify({ body: success }), 202],
    ['n8n items', 'application/json', JSON.stringify([{ json: success }]), 200],
  ])('accepts a report as %s', async (_, mediaType, body, status) => {
    const { instanceId, token } = await world.tracked()
    const headers = { 'Content-Type': mediaType }
    const answer = await world.call('POST', `/hooks/n8n/${instanceId}`, { token, body, headers })
    expect(answer.status).toBe(status)
    const results = answer.body.results ?? [answer.body]
    expect(results).toMatchObject([{ created: true, id: expect.any(String) }])
  })

  test('ignores unknown fields with any name', async () => {
    const { report } = await world.tracked()
    const body = `{"__proto__":{"status":"error"},"constructor":1,"user_id":"x",${JSON.stringify(success).slice(1)}`
    expect((await report(body)).status).toBe(202)
  })

  test('returns the results of an array in its order', async () => {
    const { report, userId } = await world.tracked()
    await report({ ...success, executionId: 'known' })
    const { status, body } = await report([
      { ...success, executionId: 'new' },
      { ...success, executionId: 'known' },
      { ...success, status: 'paused' },
      { ...success, executionId: 'new', status: 'running' },
      { ...success, workflowId: 'elsewhere' },
      'text',
      { ...success, executionId: 'new', workflowId: 'elsewhere' },
    ])
    expect(status).toBe(200)
    expect(body.results).toEqual([
      { status: 202, id: expect.any(String), created: true },
      { status: 200, id: expect.any(String), created: false },
      { status: 422, created: false, code: 'unknown-status' },
      { status: 200, id: body.results[0].id, created: false },
      { status: 202, created: false, code: 'unknown-workflow' },
      { status: 422, created: false, code: 'not-an-object' },
      { status: 202, created: false, code: 'unknown-workflow' },
    ])
    const letters = await world.call('GET', '/v1/dead-letters', { user: userId })
    expect(letters.body.items).toHaveLength(4)
  })

  test('accepts an empty array', async () => {
    const { report } = await world.tracked()
    expect((await report([])).body).toEqual({ results: [] })
  })

  test('500 reports in one array', async () => {
    const { report } = await world.tracked()
    const answer = await report(
      Array.from({ length: 500 }, (_, index) => ({ ...success, executionId: String(index) })),
    )
    expect(answer.body.results.every((result: { status: number }) => result.status === 202)).toBe(true)
  })
})

test('a message is visible only while the run counts as failed', async () => {
  const { userId, report } = await world.tracked()
  const { body } = await report({ ...success, status: 'unknown', error: { message: 'lost' } })
  const read = async () => (await world.call('GET', `/v1/executions/${body.id}`, { user: userId })).body
  expect(await read()).toMatchObject({ status: 'unknown', error: { message: 'lost', node: null } })
  await report(success)
  expect(await read()).toMatchObject({ status: 'success', error: null })
})

test('a run that ends before it starts has no duration, and a secret in its message is not stored', async () => {
  const { userId, report } = await world.tracked()
  const { body } = await report({
    ...success,
    startedAt: '2026-11-22T10:52:30Z',
    status: 'error',
    error: { message: 'whk_0123456789 leaked', node: 'Fail', stack: 'at /n8n/x.js' },
  })
  const read = async () => (await world.call('GET', `/v1/executions/${body.id}`, { user: userId })).body
  expect(await read()).toMatchObject({
    durationMs: null,
    error: { message: '[redacted] leaked', node: 'Fail' },
  })
})

test('returns 429 for one concurrent report too many, before any query', async () => {
  const database = await createTestDatabase()
  const small = createWorld(database, { hookLimits: { requests: 1, bodyChars: 1_000_000 } })
  try {
    const { report } = await small.tracked()
    const answers = await Promise.all([report(success), report(success)])
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([202, 429])
    expect(answers.find((answer) => answer.status === 429)?.headers.get('Retry-After')).toBe('1')
    expect((await report(success)).status).toBe(200)
  } finally {
    await small.close()
  }
})

describe('reading executions', () => {
  test('pages are complete, without duplicates, newest first', async () => {
    const { userId, report } = await world.tracked()
    const before = world.clock.now
    for (let index = 0; index < 7; index++) {
      world.clock.now = new Date(before.getTime() + Math.floor(index / 3))
      await report({ ...success, executionId: String(index) })
    }
    const seen = []
    for (let cursor = ''; ; ) {
      const page = await world.call('GET', `/v1/executions?limit=2${cursor}`, { user: userId })
      seen.push(...page.body.items)
      if (page.body.nextCursor === null) break
      cursor = `&cursor=${page.body.nextCursor}`
    }
    expect(new Set(seen.map((item) => item.n8nExecutionId)).size).toBe(7)
    const keys = seen.map((item) => `${item.receivedAt} ${item.id}`)
    expect(keys).toEqual(keys.toSorted().toReversed())
  })

  test('each filter applies', async () => {
    const { userId, report, workflowId, instanceId, deploymentId } = await world.tracked()
    await report({ ...success, executionId: 'a', startedAt: '2026-11-22T10:00:00Z' })
    await report({ ...success, executionId: 'b', startedAt: '2026-11-22T10:01:00Z', status: 'error' })
    await report({ executionId: 'c', workflowId: 'wf1', status: 'running' })
    const ids = async (query: string) => {
      const { status, body } = await world.call('GET', `/v1/executions?${query}`, { user: userId })
      expect(status).toBe(200)
      return body.items
        .map((item: { n8nExecutionId: string }) => item.n8nExecutionId)
        .toSorted()
        .join('')
    }
    expect(await ids('')).toBe('abc')
    expect(await ids('status=error')).toBe('b')
    expect(await ids(`workflowId=${workflowId}&instanceId=${instanceId}&deploymentId=${deploymentId}`)).toBe(
      'abc',
    )
    expect(await ids(`workflowId=${instanceId}`)).toBe('')
    expect(await ids(`instanceId=${workflowId}`)).toBe('')
    expect(await ids(`deploymentId=${workflowId}`)).toBe('')
    expect(await ids('startedAfter=2026-11-22T10:01:00Z')).toBe('b')
    expect(await ids('startedBefore=2026-11-22T10:01:00Z')).toBe('a')
  })

  test.each([
    ['limit=0'],
    ['limit=101'],
    ['limit=1;drop'],
    ['cursor=none'],
    ['status=paused'],
    ['status=success&status=error'],
    ['workflowId=1'],
    ['startedAfter=yesterday'],
    ['startedAfter=infinity'],
    ['startedAfter=%2B999999-01-01T00:00:00Z'],
    ['startedAfter=2026-11-23T00:00:00Z&startedBefore=2026-11-22T00:00:00Z'],
    ['unknown=1'],
  ])('?%s returns 422', async (query) => {
    expect((await world.call('GET', `/v1/executions?${query}`, { user: await world.user() })).status).toBe(
      422,
    )
  })

  test("returns 404 for another user's execution", async () => {
    const { report } = await world.tracked()
    const { body } = await report(success)
    const stranger = await world.user()
    const theirs = await world.call('GET', `/v1/executions/${body.id}`, { user: stranger })
    const none = await world.call('GET', '/v1/executions/0198c0de-0000-7000-8000-000000000000', {
      user: stranger,
    })
    expect(theirs.status).toBe(404)
    expect(unproblematic(theirs.body)).toEqual(unproblematic(none.body))
    expect((await world.call('GET', '/v1/executions', { user: stranger })).body.items).toEqual([])
    expect((await world.call('GET', '/v1/executions/x', { user: stranger })).status).toBe(404)
  })
})
