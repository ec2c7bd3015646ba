import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from '../executions/world.ts'
import { createTestDatabase } from '../harness/database.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const run = (executionId: string, status: string, minute: number, durationMs: number | null) => {
  const startedAt = new Date(Date.UTC(2026, 10, 22, 10, minute))
  const finishedAt = durationMs === null ? undefined : new Date(startedAt.getTime() + durationMs)
  return { executionId, workflowId: 'wf1', status, startedAt, finishedAt }
}

/** Ratio of the bounds of the duration buckets. */
const near = (ms: number) => expect.toSatisfy((given: number) => given >= ms / 1.1 && given <= ms * 1.1)

const summary = async (user: string, query = '') =>
  (await world.call('GET', `/v1/analytics/summary${query}`, { user })).body

test('has no rates without executions', async () => {
  expect(await summary(await world.user())).toEqual({
    total: 0,
    byStatus: [],
    incidents: 0,
    successRate: null,
    successRateInterval: null,
    durationMs: { p50: null, p95: null, p99: null, errorBound: 0.1 },
  })
})

test('returns counts, percentages with two decimals, the success rate of ended runs, and durations', async () => {
  const { userId, workflowId, deploymentId, report } = await world.tracked()
  await report([
    run('1', 'success', 0, 100),
    run('2', 'success', 1, 200),
    run('3', 'success', 2, 300),
    run('4', 'success', 3, 400),
    run('5', 'error', 4, 1000),
    run('6', 'crashed', 5, null),
    run('7', 'running', 6, null),
    run('8', 'error', 7, -50),
    run('9', 'canceled', 8, null),
  ])
  const all = {
    total: 9,
    byStatus: [
      { status: 'success', count: 4, percentage: 44.44 },
      { status: 'error', count: 2, percentage: 22.22 },
      { status: 'canceled', count: 1, percentage: 11.11 },
      { status: 'crashed', count: 1, percentage: 11.11 },
      { status: 'running', count: 1, percentage: 11.11 },
    ],
    incidents: 0,
    successRate: 57.14,
    successRateInterval: { low: 25.05, high: 84.18 },
    durationMs: { p50: near(300), p95: near(1000), p99: near(1000), errorBound: 0.1 },
  }
  expect(await summary(userId)).toEqual(all)
  expect(await summary(userId, `?workflowId=${workflowId}&deploymentId=${deploymentId}`)).toEqual(all)
  expect((await summary(userId, `?workflowId=${deploymentId}`)).total).toBe(0)
  expect((await summary(userId, `?deploymentId=${workflowId}`)).total).toBe(0)
  const part = await summary(userId, '?from=2026-11-22T10:01:00Z&to=2026-11-22T10:03:00Z')
  expect(part).toMatchObject({ total: 2, successRate: 100, durationMs: { p50: near(200), p95: near(300) } })
  expect((await summary(userId, '?from=2026-11-22T10:06:00Z&to=2026-11-22T10:07:00Z')).successRate).toBeNull()
  expect((await summary(await world.user())).total).toBe(0)
})

test.each([
  ['from=yesterday'],
  ['from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z'],
  ['workflowId=1'],
  ['unknown=1'],
  ['include=production'],
  ['include=manual,'],
])('?%s returns 422', async (query) => {
  const answer = await world.call('GET', `/v1/analytics/summary?${query}`, { user: await world.user() })
  expect(answer.status).toBe(422)
})

test('counts only production runs unless others are included, and a retry chain once', async () => {
  const { userId, report } = await world.tracked()
  const of = (id: string, status: string, minute: number, more: object) => ({
    ...run(id, status, minute, 100),
    ...more,
  })
  await report([
    of('1', 'success', 0, { mode: 'webhook' }),
    of('2', 'error', 1, { mode: 'trigger' }),
    of('3', 'success', 2, { mode: 'retry', retryOf: '2' }),
    of('4', 'error', 3, { mode: 'manual' }),
    of('5', 'error', 4, { mode: 'integrated' }),
    of('6', 'error', 5, { mode: 'error' }),
    of('7', 'error', 6, { mode: 'evaluation' }),
  ])
  const sums = async (query: string) => {
    const { total, successRate } = await summary(userId, query)
    return [total, successRate]
  }
  expect(await sums('')).toEqual([2, 100])
  expect(await sums('?include=manual')).toEqual([4, 50])
  expect(await sums('?include=sub,error')).toEqual([4, 50])
  expect(await sums('?include=manual&include=sub,error')).toEqual([6, 33.33])
  const listed = async (query: string) =>
    (await world.call('GET', `/v1/executions?${query}`, { user: userId })).body.items.length
  expect(await listed('kind=production')).toBe(2)
  expect(await listed('kind=production,manual,sub,error')).toBe(6)
  expect(await listed('kind=superseded')).toBe(1)
  expect(await listed('')).toBe(7)
  const paths = [
    'series',
    'workflows',
    'node-types',
    'credentials',
    'prompts',
    'models',
    'errors',
    `nodes?workflowId=${userId}`,
  ]
  for (const path of paths) {
    const status = async (include: string) => {
      const query = `${path}${path.includes('?') ? '&' : '?'}include=${include}`
      return (await world.call('GET', `/v1/analytics/${query}`, { user: userId })).status
    }
    expect([path, await status('manual,sub,error'), await status('all')]).toEqual([path, 200, 422])
  }
})
