/** Compares series and summaries in every time zone with a recount by the clock of `Intl`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bucketsOf, joinBuckets } from '../../src/runs/buckets.ts'
import { type Interval } from '../../src/runs/period.ts'
import { type RunFilter } from '../../src/runs/sources.ts'
import { createTestDatabase, databaseKinds } from '../harness/database.ts'
import { createWorld } from '../executions/world.ts'
import {
  choose,
  chooseIncidents,
  counted,
  createHistory,
  dayMs,
  type History,
  hourMs,
  now,
  type Run,
  randomFrom,
  successRate,
  timed,
  wrongPercentiles,
} from './history.ts'

const quarterMs = hourMs / 4
const intervals = ['hour', 'day', 'week'] as const

/** In local time: the hour with its UTC offset, the day, or the Monday of the week. */
function labeller(interval: Interval, timeZone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
  })
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
    const day = `${parts['year']}-${parts['month']}-${parts['day']}`
    if (interval === 'hour') return `${day} ${parts['hour']} ${parts['timeZoneName']}`
    if (interval === 'day') return day
    const midnight = Date.parse(`${day}T00:00:00Z`)
    const weekday = (new Date(midnight).getUTCDay() + 6) % 7
    return new Date(midnight - weekday * dayMs).toISOString().slice(0, 10)
  }
}

/** The start of each bucket of a period. Clock changes happen at quarter hours everywhere. */
function expectedStarts(from: number, to: number, interval: Interval, timeZone: string): Map<string, number> {
  const labelOf = labeller(interval, timeZone)
  const first = labelOf(from)
  const reachMs = { hour: hourMs, day: 26 * hourMs, week: 7 * dayMs + 2 * hourMs }[interval]
  const starts = new Map<string, number>()
  let isBegun = false
  for (let at = Math.floor((from - reachMs) / quarterMs) * quarterMs; at < to; at += quarterMs) {
    const label = labelOf(at)
    isBegun ||= label === first
    if (isBegun && !starts.has(label)) starts.set(label, at)
  }
  return starts
}

async function compare(
  history: History,
  filter: RunFilter & { from: Date; to: Date },
  zone: {
    interval: Interval
    timeZone: string
  },
) {
  const { items } = await history.analytics.series(history.userId, { ...filter, ...zone })
  const runs = choose(history, filter)
  const [from, to] = [filter.from.getTime(), filter.to.getTime()]
  const starts = expectedStarts(from, to, zone.interval, zone.timeZone)
  const labelOf = labeller(zone.interval, zone.timeZone)
  const byLabel = Map.groupBy(runs, ({ happenedMs }) => labelOf(happenedMs))
  const what = `${zone.timeZone} by ${zone.interval} from ${filter.from.toISOString()} to ${filter.to.toISOString()}`
  const shown = items.map(({ start, total, successRate: rate, byStatus, incidents }) => [
    start,
    total,
    rate,
    byStatus.error,
    byStatus.running,
    incidents,
  ])
  const incidentsOf = Map.groupBy(chooseIncidents(history, filter), ({ happenedMs }) => labelOf(happenedMs))
  const recounted = [...starts].map(([label, start]): (typeof shown)[number] => {
    const own: Run[] = byLabel.get(label) ?? []
    const errors = [counted(own, 'error'), counted(own, 'running')]
    const failures = incidentsOf.get(label)?.length ?? 0
    return [new Date(start).toISOString(), own.length, successRate(own), ...errors, failures]
  })
  expect({ what, shown }).toEqual({ what, shown: recounted })
  for (const [index, label] of [...starts.keys()].entries()) {
    const durations = items[index]?.durationMs ?? { p50: null, p95: null, p99: null }
    expect(wrongPercentiles(durations, timed(byLabel.get(label) ?? []))).toEqual([])
  }
  const summary = await history.analytics.summary(history.userId, filter)
  expect({ what, total: summary.total }).toEqual({ what, total: runs.length })
  return runs.length
}

const zones = Intl.supportedValuesOf('timeZone')

describe.each(databaseKinds)('on $kind', ({ kind, create }) => {
  let history: History
  beforeAll(async () => {
    history = await createHistory(await create(), { seed: 11, count: 900 })
  })
  afterAll(() => history.world.close())

  test('every zone has its hours, days and weeks for every period and filter', async () => {
    const { upTo, oneOf, random } = randomFrom(kind.length)
    const mine = zones.filter((_zone, index) => index % databaseKinds.length === (kind === 'PGlite' ? 0 : 1))
    expect(mine.length).toBeGreaterThan(150)
    for (const [index, timeZone] of mine.entries()) {
      const interval = intervals[index % intervals.length] ?? 'day'
      const unit = oneOf([1, 60_000, quarterMs, hourMs, dayMs])
      const to = Math.floor((now.getTime() - upTo(40 * dayMs)) / unit) * unit
      const from =
        to - Math.max(1, upTo(oneOf([hourMs, dayMs, interval === 'hour' ? 4 * dayMs : 25 * dayMs])))
      const filter = random() < 0.6 ? {} : oneOf([{ tag: 'sales' }, { workflowId: oneOf(history.flows).id }])
      await compare(history, { ...filter, from: new Date(from), to: new Date(to) }, { interval, timeZone })
    }
  })

  test.each([
    'UTC',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Australia/Eucla',
    'America/St_Johns',
    'Pacific/Chatham',
    'Pacific/Marquesas',
    'Pacific/Kiritimati',
    'Europe/Berlin',
    'America/Havana',
    'Africa/Cairo',
  ])('%s, across the clock change in autumn', async (timeZone) => {
    const [from, to] = [new Date('2026-09-20T07:13:00Z'), new Date('2026-11-08T22:45:00.001Z')]
    for (const interval of intervals) {
      const start = interval === 'hour' ? new Date('2026-10-02T07:13:00Z') : from
      expect(await compare(history, { from: start, to }, { interval, timeZone })).toBeGreaterThan(100)
      await compare(history, { from: start, to, tag: 'ops' }, { interval, timeZone })
    }
  })
})

test('two runs around midnight in India belong to two days', async () => {
  const world = createWorld(await createTestDatabase())
  world.clock.now = new Date('2026-11-10T12:00:00Z')
  const { userId, report } = await world.tracked()
  for (const [index, startedAt] of ['2026-11-09T18:20:00Z', '2026-11-09T18:40:00Z'].entries()) {
    await report({ executionId: String(index), workflowId: 'wf1', status: 'success', startedAt })
  }
  const { body } = await world.call(
    'GET',
    '/v1/analytics/series?interval=day&timeZone=Asia/Kolkata&from=2026-11-08T18:30:00Z&to=2026-11-10T18:30:00Z',
    { user: userId },
  )
  expect(body.items.map(({ start, total }: { start: string; total: number }) => [start, total])).toEqual([
    ['2026-11-08T18:30:00.000Z', 1],
    ['2026-11-09T18:30:00.000Z', 1],
  ])
  await world.close()
})

describe('buckets', () => {
  const startsOf = (from: string, to: string, interval: Interval, timeZone: string) =>
    bucketsOf({ from: new Date(from), to: new Date(to) }, interval, timeZone).starts.map((ms) =>
      new Date(ms).toISOString().slice(0, 16),
    )

  test('Lord Howe sets clocks back by half an hour: the repeated hour has half the length', () => {
    expect(startsOf('2026-04-04T14:00:00Z', '2026-04-04T16:00:00Z', 'hour', 'Australia/Lord_Howe')).toEqual([
      '2026-04-04T14:00',
      '2026-04-04T15:00',
      '2026-04-04T15:30',
    ])
  })

  test('a day that a time zone skips has no bucket', () => {
    expect(startsOf('2011-12-29T12:00:00Z', '2011-12-31T12:00:00Z', 'day', 'Pacific/Apia')).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
      '2011-12-31T10:00',
    ])
  })

  test('a minute of the next day before the clocks go back belongs to that day', () => {
    // Until 2011 the clocks of St. John's went back from 00:01 to 23:01.
    const range = { from: new Date('2010-11-06T12:00:00Z'), to: new Date('2010-11-08T12:00:00Z') }
    const { starts, edges, bucketOf } = bucketsOf(range, 'day', 'America/St_Johns')
    expect(starts.map((ms) => new Date(ms).toISOString().slice(0, 16))).toEqual([
      '2010-11-06T02:30',
      '2010-11-07T02:30',
      '2010-11-08T03:30',
    ])
    expect(edges.map((ms) => new Date(ms).toISOString().slice(0, 16))).toEqual([
      '2010-11-07T02:30',
      '2010-11-07T02:31',
      '2010-11-07T03:30',
      '2010-11-08T03:30',
    ])
    expect(bucketOf).toEqual([0, 1, 0, 1, 2])
    expect(joinBuckets({ starts, edges, bucketOf }, 2)).toEqual({
      starts: [starts[0], starts[1]],
      edges: edges.slice(0, 3),
      bucketOf: [0, 1, 0, 1],
    })
  })

  test.each([
    [8, 4, [0, 4], [4], [0, 1]],
    [9, 4, [0, 1, 5], [1, 5], [0, 1, 2]],
    [3, 4, [0], [], [0]],
    [3, 1, [0, 1, 2], [1, 2], [0, 1, 2]],
  ])('%i hours are joined %i at a time, the shorter bucket first', (hours, size, starts, edges, bucketOf) => {
    const range = { from: new Date(0), to: new Date(hours * hourMs) }
    expect(joinBuckets(bucketsOf(range, 'hour', 'UTC'), size)).toEqual({
      starts: starts.map((hour) => hour * hourMs),
      edges: edges.map((hour) => hour * hourMs),
      bucketOf,
    })
  })
})
