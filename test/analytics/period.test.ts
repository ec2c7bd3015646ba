import { expect, test } from 'vitest'
import { type Grain, intervalStarts, partsOf } from '../../src/runs/period.ts'
import { dayMs, hourMs } from '../../src/lib/time.ts'
import { randomFrom } from './history.ts'

const at = (iso: string) => new Date(iso)
const spans = (from: Date | null, to: Date | null) =>
  partsOf({ from, to }).map(
    ({ source, sign, ...part }) =>
      `${sign < 0 ? '-' : ''}${source} ${part.from?.toISOString() ?? '…'} ${part.to?.toISOString() ?? '…'}`,
  )

test('a range consists of whole days, whole hours, and partial hours to add or subtract', () => {
  expect(spans(at('2026-11-01T22:40:00Z'), at('2026-11-04T01:50:00Z'))).toEqual([
    'hour 2026-11-01T23:00:00.000Z 2026-11-02T00:00:00.000Z',
    'day 2026-11-02T00:00:00.000Z 2026-11-04T00:00:00.000Z',
    'hour 2026-11-04T00:00:00.000Z 2026-11-04T02:00:00.000Z',
    'executions 2026-11-01T22:40:00.000Z 2026-11-01T23:00:00.000Z',
    '-executions 2026-11-04T01:50:00.000Z 2026-11-04T02:00:00.000Z',
  ])
})

test('partial hours use ten-minute rollups', () => {
  const range = { from: at('2026-11-01T22:37:00Z'), to: at('2026-11-02T01:02:00Z') }
  expect(
    partsOf(range, ['day', 'hour', '10min']).map(
      ({ source, sign, from, to }) =>
        `${sign} ${source} ${from?.toISOString().slice(11, 16)} ${to?.toISOString().slice(11, 16)}`,
    ),
  ).toEqual([
    '1 10min 22:40 23:00',
    '1 hour 23:00 01:00',
    '1 executions 22:37 22:40',
    '1 executions 01:00 01:02',
  ])
})

test.each([
  [null, null, ['day … …']],
  [at('2026-11-01T00:00:00Z'), null, ['day 2026-11-01T00:00:00.000Z …']],
  [null, at('2026-11-01T00:00:00Z'), ['day … 2026-11-01T00:00:00.000Z']],
  [
    at('2026-11-01T10:01:00Z'),
    at('2026-11-01T10:03:00Z'),
    ['executions 2026-11-01T10:01:00.000Z 2026-11-01T10:03:00.000Z'],
  ],
  [at('2026-11-01T10:00:00Z'), at('2026-11-01T10:00:00Z'), []],
])('from %s to %s', (from, to, parts) => {
  expect(spans(from, to)).toEqual(parts)
})

test('the parts of any range cover every instant exactly once and start and end on their unit', () => {
  const { upTo, oneOf } = randomFrom(1)
  const lengths = { day: dayMs, hour: hourMs, '10min': hourMs / 6, executions: 1 }
  const start = Date.UTC(2026, 9, 20)
  for (let round = 0; round < 2000; round++) {
    const unit = oneOf([1, 60_000, hourMs, dayMs])
    const from = start + Math.floor(upTo(5 * dayMs) / unit) * unit
    const to = from + Math.floor(upTo(oneOf([hourMs, 3 * hourMs, 4 * dayMs])) / unit) * unit
    const grains: Grain[] = oneOf([['day', 'hour'], ['hour'], ['day', 'hour', '10min'], ['hour', '10min']])
    const finest = lengths[grains.at(-1)!]
    const parts = partsOf({ from: new Date(from), to: new Date(to) }, grains).map((part) => ({
      sign: part.sign,
      source: part.source,
      from: Number(part.from),
      to: Number(part.to),
    }))
    for (const part of parts) {
      const length = lengths[part.source]
      expect([part.from % length, part.to % length, part.from < part.to]).toEqual([0, 0, true])
      if (parts.length > 1 && part.source === 'executions') {
        expect(part.to - part.from).toBeLessThanOrEqual(finest / 2)
      }
    }
    const edges = [from, to, ...parts.flatMap((part) => [part.from, part.to])]
    for (const instant of edges.flatMap((edge) => [edge - 1, edge])) {
      const count = parts
        .filter((part) => part.from <= instant && instant < part.to)
        .reduce((sum, { sign }) => sum + sign, 0)
      expect(count).toBe(instant >= from && instant < to ? 1 : 0)
    }
  }
})

test('weeks start on Monday', () => {
  const range = { from: at('2026-11-04T12:00:00Z'), to: at('2026-11-16T00:00:00Z') }
  expect(intervalStarts(range, 'week').map((start) => start.toISOString())).toEqual([
    '2026-11-02T00:00:00.000Z',
    '2026-11-09T00:00:00.000Z',
  ])
})
