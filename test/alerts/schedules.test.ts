/** When schedules are due. Times without a zone are due after the longest gap, because the zone of n8n is unknown. */
import { describe, expect, test } from 'vitest'
import { nextDue } from '../../src/alerts/schedules.ts'

const trigger = (...interval: object[]) => ({
  type: 'n8n-nodes-base.scheduleTrigger',
  parameters: { rule: { interval } },
})
const cron = (...item: object[]) => ({ type: 'n8n-nodes-base.cron', parameters: { triggerTimes: { item } } })
const due = (nodes: unknown[], zone: string | null, after: string) =>
  nextDue(nodes, zone, new Date(after))?.toISOString() ?? null
const atNine = { triggerAtHour: 9, triggerAtMinute: 0 }

describe('with a time zone', () => {
  test.each([
    ['days', { field: 'days', ...atNine }, '2026-11-29T08:00:10Z', '2026-11-30T08:00:00.000Z'],
    [
      'weekdays',
      { field: 'weeks', triggerAtDay: [1, 2], ...atNine },
      '2026-11-24T08:00:00Z',
      '2026-11-30T08:00:00.000Z',
    ],
    [
      'a month',
      { field: 'months', triggerAtDayOfMonth: 1, ...atNine },
      '2026-11-29T00:00:00Z',
      '2026-12-01T08:00:00.000Z',
    ],
    [
      'hours',
      { field: 'hours', hoursInterval: 6, triggerAtMinute: 5 },
      '2026-11-29T00:00:00Z',
      '2026-11-29T05:05:00.000Z',
    ],
    [
      'an expression',
      { field: 'cronExpression', expression: '30 2 * * *' },
      '2026-11-29T00:00:00Z',
      '2026-11-29T01:30:00.000Z',
    ],
    [
      'an expression with seconds',
      { field: 'cronExpression', expression: '15 30 2 * * *' },
      '2026-11-29T00:00:00Z',
      '2026-11-29T01:30:15.000Z',
    ],
  ])('follows %s', (_, interval, after, expected) => {
    expect(due([trigger(interval)], 'Europe/Berlin', after)).toBe(expected)
  })

  test('follows a clock change', () => {
    const node = trigger({ field: 'days', ...atNine })
    expect(due([node], 'Europe/Berlin', '2026-10-24T07:00:00Z')).toBe('2026-10-25T08:00:00.000Z')
  })

  test('waits for the longest gap when n8n fills in the hour', () => {
    expect(due([trigger({ field: 'days' })], 'Europe/Berlin', '2026-11-29T13:17:00Z')).toBe(
      '2026-11-30T14:17:00.000Z',
    )
  })
})

describe('without a time zone', () => {
  test.each([
    [{ field: 'seconds', secondsInterval: 20 }, '2026-11-29T00:00:20.000Z'],
    [{ field: 'minutes', minutesInterval: 45 }, '2026-11-29T00:45:00.000Z'],
    [{ field: 'days', ...atNine }, '2026-11-30T01:00:00.000Z'],
    [{ field: 'days', daysInterval: 3, ...atNine }, '2026-12-02T01:00:00.000Z'],
    [{ field: 'cronExpression', expression: '0 9 * * 1-5' }, '2026-12-02T01:00:00.000Z'],
    [{ field: 'weeks', weeksInterval: 2 }, '2026-12-13T01:00:00.000Z'],
  ])('%j', (interval, expected) => {
    expect(due([trigger(interval)], null, '2026-11-29T00:00:00Z')).toBe(expected)
  })
})

test('reads the Cron node', () => {
  const after = '2026-11-29T00:00:00Z'
  expect(due([cron({ mode: 'everyDay', hour: 9 })], 'UTC', after)).toBe('2026-11-29T09:00:00.000Z')
  expect(due([cron({ mode: 'everyX', value: 10, unit: 'minutes' })], null, after)).toBe(
    '2026-11-29T00:10:00.000Z',
  )
  expect(due([cron({ mode: 'custom', cronExpression: '0 30 4 * * *' })], 'UTC', after)).toBe(
    '2026-11-29T04:30:00.000Z',
  )
})

test('is due at the first of several schedules, and ignores disabled nodes', () => {
  const hourly = { ...trigger({ field: 'minutes', minutesInterval: 1 }), disabled: true }
  const daily = trigger({ field: 'days', ...atNine }, { field: 'days', triggerAtHour: 7, triggerAtMinute: 0 })
  expect(due([hourly, daily], 'UTC', '2026-11-29T00:00:00Z')).toBe('2026-11-29T07:00:00.000Z')
})

test.each([
  [{ field: 'cronExpression', expression: '={{ $json.cron }}' }],
  [{ field: 'cronExpression', expression: 'every now and then' }],
  [{ field: 'hours', hoursInterval: '={{ 3 }}' }],
  [{ field: 'fortnights' }],
])('is never due by what it cannot read: %j', (interval) => {
  expect(due([trigger(interval)], 'UTC', '2026-11-29T00:00:00Z')).toBeNull()
})
