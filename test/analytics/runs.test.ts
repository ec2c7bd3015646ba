/** Compares summary, series and workflows with a recount of the executions. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { executionStatuses } from '../../src/db/schema/executions.ts'
import { createTestDatabase } from '../harness/database.ts'
import {
  bounded,
  choose,
  chooseIncidents,
  counted,
  createHistory,
  filtersOf,
  type History,
  now,
  percentage,
  type Run,
  successRate,
  timed,
  wrongPercentiles,
} from './history.ts'
import { successRateInterval } from './interval.ts'

let history: History
beforeAll(async () => {
  history = await createHistory(await createTestDatabase(), { seed: 4, count: 900 })
})
afterAll(() => history.world.close())

const sumsOf = (runs: Run[], incidents: number) => ({
  total: runs.length,
  byStatus: executionStatuses
    .map((status) => ({ status, count: counted(runs, status) }))
    .filter(({ count }) => count > 0)
    .map((each) => ({ ...each, percentage: percentage(each.count, runs.length) }))
    .toSorted((a, b) => b.count - a.count || (a.status < b.status ? -1 : 1)),
  incidents,
  successRate: successRate(runs),
  successRateInterval: successRateInterval(runs),
})

test('the summary equals the recount for every period and filter, and so does the previous period', async () => {
  const filters = filtersOf(history)
  expect(choose(history, {}).length).toBeGreaterThan(500)
  for (const filter of filters) {
    const { durationMs, previous, ...sums } = await history.analytics.summary(history.userId, filter)
    const runs = choose(history, filter)
    expect({ filter, ...sums }).toEqual({ filter, ...sumsOf(runs, chooseIncidents(history, filter).length) })
    expect({ filter, wrong: wrongPercentiles(durationMs, timed(runs)) }).toEqual({ filter, wrong: [] })
    expect(previous === undefined).toBe(filter.from === undefined)
    if (!previous || !filter.from) continue
    const lengthMs = (filter.to ?? now).getTime() - filter.from.getTime()
    const period = { ...filter, from: new Date(filter.from.getTime() - lengthMs), to: filter.from }
    const before = choose(history, period)
    const { durationMs: durationsBefore, ...sumsBefore } = previous
    expect({ filter, ...sumsBefore }).toEqual({
      filter,
      ...sumsOf(before, chooseIncidents(history, period).length),
    })
    expect(wrongPercentiles(durationsBefore, timed(before))).toEqual([])
  }
})

test('a day with a clock change has 23 or 25 hours', async () => {
  const filter = { from: new Date('2026-10-23T22:00:00Z'), to: new Date('2026-10-26T23:00:00Z') }
  const { items } = await history.analytics.series(history.userId, { ...filter, timeZone: 'Europe/Berlin' })
  expect(items.map(({ start }) => start)).toEqual([
    '2026-10-23T22:00:00.000Z',
    '2026-10-24T22:00:00.000Z',
    '2026-10-25T23:00:00.000Z',
  ])
})

test('a series of more than 1,000 buckets is rejected with a way to shorten it', async () => {
  const filter = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-03-01T00:00:00Z') }
  await expect(
    history.analytics.series(history.userId, { ...filter, interval: 'hour' }),
  ).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('lengthen the interval'),
  })
  expect((await history.analytics.series(history.userId, filter)).items).toHaveLength(59)
})

test('every workflow equals its recount, sorted as requested', async () => {
  for (const filter of filtersOf(history)) {
    const chosen = choose(history, bounded(filter))
    const byWorkflow = Map.groupBy(chosen, ({ workflowId }) => workflowId)
    const incidents = Map.groupBy(chooseIncidents(history, bounded(filter)), ({ workflowId }) => workflowId)
    const { total, items, period } = await history.analytics.workflows(history.userId, filter)
    expect({ filter, total }).toEqual({
      filter,
      total: new Set([...byWorkflow.keys(), ...incidents.keys()]).size,
    })
    expect(period.from).toBe(bounded(filter).from.toISOString())
    expect(items.map(({ runs }) => runs)).toEqual(items.map(({ runs }) => runs).toSorted((a, b) => b - a))
    for (const { workflowId, durationMs, ...item } of items) {
      const runs = byWorkflow.get(workflowId) ?? []
      const flow = history.flows.find(({ id }) => id === workflowId)
      const newest = history.runs
        .filter((run) => run.workflowId === workflowId)
        .toSorted((a, b) => b.happenedMs - a.happenedMs || (a.id < b.id ? 1 : -1))[0]
      expect({ filter, ...item }).toEqual({
        filter,
        name: flow?.deleted ? null : flow?.name,
        runs: runs.length,
        failed: counted(runs, 'error', 'crashed'),
        incidents: incidents.get(workflowId)?.length ?? 0,
        successRate: successRate(runs),
        successRateInterval: successRateInterval(runs),
        usage: expect.any(Object),
        lastRunAt: newest ? new Date(newest.happenedMs).toISOString() : null,
      })
      expect(wrongPercentiles(durationMs, timed(runs))).toEqual([])
    }
  }
})

test('a list ends at its limit with the total; entries with few runs can be excluded', async () => {
  const all = await history.analytics.workflows(history.userId)
  for (const sort of ['runs', 'failed', 'failureRate', 'p95'] as const) {
    const { items, total } = await history.analytics.workflows(history.userId, { sort, limit: 2 })
    expect(total).toBe(all.total)
    expect(items).toHaveLength(2)
    const value = (item: (typeof items)[number]) =>
      ({
        runs: item.runs,
        failed: item.failed,
        failureRate: 100 - (item.successRate ?? 100),
        p95: item.durationMs.p95,
      })[sort]
    const highest = all.items.map((item) => value(item) ?? -1).toSorted((a, b) => b - a)
    expect(items.map(value)).toEqual(highest.slice(0, 2))
  }
  const most = all.items[0]?.runs ?? 0
  expect((await history.analytics.workflows(history.userId, { minRuns: most })).total).toBe(1)
})

test('rankings of workflows equal their lists', async () => {
  const rankings = [
    { sort: 'failureRate', limit: 3 },
    { sort: 'p95', limit: 2 },
    { sort: 'runs', limit: 50 },
  ] as const
  const filters = [...filtersOf(history), { include: ['manual'] as const }]
  for (const filter of filters.map((each, index) => ({ ...each, minRuns: 1 + index }))) {
    const ranked = await history.analytics.rankWorkflows(history.userId, {
      ...filter,
      rankings: [...rankings],
    })
    const lists = await Promise.all(
      rankings.map((ranking) => history.analytics.workflows(history.userId, { ...filter, ...ranking })),
    )
    expect({ filter, ranked }).toEqual({
      filter,
      ranked: lists.map(({ items }) =>
        items.map(({ incidents: _incidents, usage: _usage, lastRunAt: _lastRunAt, ...item }) => item),
      ),
    })
  }
})

test('excludes the runs of another user', async () => {
  const { analytics, stranger, userId, flows } = history
  const filter = { workflowId: flows[0]?.id ?? '' }
  expect((await analytics.summary(stranger, filter)).total).toBe(0)
  expect((await analytics.workflows(stranger, filter)).items).toEqual([])
  expect((await analytics.summary(stranger)).total).toBeGreaterThan(0)
  const tagged = flows.find(({ tags }) => tags.length > 0)
  expect((await analytics.summary(userId, { tag: tagged?.tags[0] })).total).toBe(
    choose(history, { tag: tagged?.tags[0] }).length,
  )
})
