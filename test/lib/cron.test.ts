/** Cron expressions, compared with croner, which reads most of them like n8n. */
import { Cron } from 'croner'
import { describe, expect, test } from 'vitest'
import { nextCronTime, parseCron } from '../../src/lib/cron.ts'
import { hourMs } from '../../src/lib/time.ts'

const next = (expression: string, zone: string, after: string): string | null => {
  const cron = parseCron(expression)
  if (!cron) throw new Error(`${expression} is invalid`)
  return nextCronTime(cron, zone, new Date(after))?.toISOString() ?? null
}

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
]
const expressions = [
  '* * * * *',
  '*/7 * * * *',
  '0 9 * * 1-5',
  '30 2 * * *',
  '0 */6 * * *',
  '0 30 4 * * 0',
  '10-40/10 * * * * *',
  '59 59 23 31 12 *',
  '15 3 1 */2 *',
  '0 0 31 * *',
  '0 0 29 2 *',
  '0 12 13 * 5',
  '0 0 * * 7',
  '0 8-18/3 1,15 jan-JUN Mon',
  '@daily',
  '@weekly',
]

test.each(zones)('finds the times that croner finds in %s', (timezone) => {
  const wrong = expressions.flatMap((expression) => {
    const reference = new Cron(expression, { paused: true, timezone })
    // Every 41 days and 5 hours, so that all parts of the year and of the day occur.
    return Array.from({ length: 30 }, (_, index) => new Date(Date.UTC(2026, 0, 1) + index * 989 * hourMs))
      .map((after) => ({
        expression,
        after: after.toISOString(),
        at: next(expression, timezone, after.toISOString()),
        expected: reference.nextRun(after)?.toISOString() ?? null,
      }))
      .filter(({ at, expected }) => at !== expected)
  })
  expect(wrong).toEqual([])
})

describe('when clocks change', () => {
  test.each([
    ['moves a skipped time forward', '30 2 * * *', '2026-03-29T00:00:00Z', '2026-03-29T01:30:00.000Z'],
    [
      'is due once at a time that occurs twice',
      '30 2 * * *',
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00.000Z',
    ],
    [
      'continues after the repeated hour begins',
      '*/10 * * * *',
      '2026-10-25T01:05:00Z',
      '2026-10-25T01:10:00.000Z',
    ],
  ])('%s', (_, expression, after, expected) => {
    expect(next(expression, 'Europe/Berlin', after)).toBe(expected)
  })
})

test('counts a step from a single value to the end of the field, as n8n does', () => {
  expect(next('5/20 * * * *', 'UTC', '2026-11-29T10:06:00Z')).toBe('2026-11-29T10:25:00.000Z')
})

test('is never due on a date that does not exist', () => {
  expect(next('0 0 31 2 *', 'UTC', '2026-11-29T00:00:00Z')).toBeNull()
})

test.each([
  '',
  '* * * *',
  '* * * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '1-2-3 * * * *',
  '*/0 * * * *',
  '*/x * * * *',
  '1/2/3 * * * *',
  'L * * * *',
  '* * * monday *',
  '* jan * * *',
  '@often',
])('%j is invalid', (expression) => {
  expect(parseCron(expression)).toBeNull()
})
