import { describe, expect, test } from 'vitest'
import { count, createTimeFormat, duration, percent, plural, size, utc } from '../../src/web/format.ts'

describe('numbers', () => {
  test.each([
    [0, '0'],
    [7, '7'],
    [999, '999'],
    [1000, '1,000'],
    [10_480, '10,480'],
    [1_234_567, '1,234,567'],
    [-1200, '−1,200'],
    [null, '–'],
  ])('formats %s as %s', (value, text) => expect(count(value)).toBe(text))

  test.each([
    [0.984, '98.4%'],
    [0.9996, '99.9%'],
    [0.99999, '99.9%'],
    [1, '100%'],
    [0, '0%'],
    [0.0001, '<0.1%'],
    [0.5, '50.0%'],
    [0.062, '6.2%'],
    [null, '–'],
  ])('formats the share %s as %s', (share, text) => expect(percent(share)).toBe(text))

  test('uses the singular for one', () => {
    expect([plural(0, 'run'), plural(1, 'run'), plural(2, 'run'), plural(2, 'entry', 'entries')]).toEqual([
      '0 runs',
      '1 run',
      '2 runs',
      '2 entries',
    ])
  })
})

describe('durations', () => {
  test.each([
    [0, '0 ms'],
    [3, '3 ms'],
    [210, '210 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [6420, '6.42 s'],
    [9994, '9.99 s'],
    [9996, '10.0 s'],
    [41_800, '41.8 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min'],
    [372_000, '6 min 12 s'],
    [3_599_600, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_399_000, '1 d'],
    [273_600_000, '3 d 4 h'],
    [null, '–'],
  ])('formats %s ms as %s', (ms, text) => expect(duration(ms)).toBe(text))
})

describe('sizes', () => {
  test.each([
    [0, '0 B'],
    [512, '512 B'],
    [999, '999 B'],
    [2100, '2.1 KB'],
    [999_949, '999.9 KB'],
    [999_950, '1.0 MB'],
    [41_800_000, '41.8 MB'],
    [null, '–'],
  ])('formats %s bytes as %s', (bytes, text) => expect(size(bytes)).toBe(text))
})

describe('times', () => {
  const now = new Date('2026-11-22T13:06:12Z')
  const berlin = createTimeFormat('Europe/Berlin', now)

  test.each([
    ['2026-11-22T12:58:04Z', 'Today 13:58:04'],
    ['2026-11-21T23:00:00Z', 'Today 00:00:00'],
    ['2026-11-21T22:59:59Z', '21 Nov 23:59'],
    ['2026-11-17T15:40:12Z', '17 Nov 16:40'],
    ['2026-09-01T10:00:00Z', '1 Sep 12:00'],
    ['2025-11-17T15:40:12Z', '17 Nov 2025 16:40'],
    [null, '–'],
  ])('formats %s as %s in Berlin', (at, text) => expect(berlin.instant(at)).toBe(text))

  test.each([
    ['2026-11-22T13:06:00Z', 'just now'],
    ['2026-11-22T12:54:12Z', '12 min ago'],
    ['2026-11-22T04:06:12Z', '9 h ago'],
    ['2026-11-21T13:06:13Z', '23 h ago'],
    ['2026-11-21T13:06:12Z', '21 Nov at 14:06'],
    ['2026-11-22T14:06:12Z', 'today at 15:06'],
  ])('formats %s as %s, relative for less than a day', (at, text) => expect(berlin.relative(at)).toBe(text))

  test('formats times in sentences to the minute', () => {
    expect(berlin.inSentence('2026-11-22T12:58:04Z')).toBe('today at 13:58')
    expect(berlin.inSentence('2026-11-17T15:40:12Z')).toBe('17 Nov at 16:40')
    expect(berlin.afterVerb('2026-11-22T12:58:04Z')).toBe('today at 13:58')
    expect(berlin.afterVerb('2026-11-17T15:40:12Z')).toBe('on 17 Nov at 16:40')
    expect(berlin.inSentence(null)).toBe('–')
  })

  test('formats brief and exact times', () => {
    expect(berlin.brief('2026-11-22T12:58:04Z')).toBe('13:58')
    expect(berlin.brief('2026-11-17T12:58:04Z')).toBe('17 Nov')
    expect(berlin.clock('2026-11-22T12:58:04Z')).toBe('13:58:04')
    expect(utc('2026-11-17T15:40:12.345Z')).toBe('2026-11-17 15:40:12 UTC')
  })

  test("uses the zone's daylight saving time", () => {
    const time = createTimeFormat('America/New_York', new Date('2026-07-01T12:00:00Z'))
    expect(time.instant('2026-07-01T03:30:00Z')).toBe('30 Jun 23:30')
  })
})

test('adds the offset to a local time that occurs twice', () => {
  const time = createTimeFormat('Europe/Berlin', new Date('2026-11-22T12:00:00Z'))
  expect(time.instant('2026-10-24T23:59:00Z')).toBe('25 Oct 01:59')
  expect(time.instant('2026-10-25T00:30:00Z')).toBe('25 Oct 02:30 (UTC+2)')
  expect(time.instant('2026-10-25T01:30:00Z')).toBe('25 Oct 02:30 (UTC+1)')
  expect(time.clock('2026-10-25T01:30:00Z')).toBe('02:30:00 (UTC+1)')
  expect(time.clockShort('2026-10-25T00:30:00Z')).toBe('02:30 (UTC+2)')
  expect(time.clockShort('2026-10-25T01:30:00Z')).toBe('02:30 (UTC+1)')
  expect(time.clockShort('2026-10-25T02:00:00Z')).toBe('03:00')
  const then = createTimeFormat('Europe/Berlin', new Date('2026-10-25T12:00:00Z'))
  expect(then.brief('2026-10-25T01:30:00Z')).toBe('02:30 (UTC+1)')
  expect(time.instant('2026-10-25T02:00:00Z')).toBe('25 Oct 03:00')
  expect(time.instant('2026-03-29T01:30:00Z')).toBe('29 Mar 03:30')
  const newYork = createTimeFormat('America/New_York', new Date('2026-11-22T12:00:00Z'))
  expect(newYork.instant('2026-11-01T05:30:00Z')).toBe('1 Nov 01:30 (UTC−4)')
})
