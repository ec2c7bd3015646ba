/** Tests of one file run in order; each looks at what the one before it left. */
import { beforeAll, describe, expect, test } from 'vitest'
import { createClock } from '../harness/clock.ts'

const at = (time: string) => new Date(`2026-05-04T${time}:00Z`)

describe('a clock that tests share', () => {
  const clock = createClock(at('08:00'))
  beforeAll(() => {
    clock.now = at('09:00')
  })

  test.fails('is moved by a test that fails', () => {
    clock.now = at('10:00')
    clock.now = at('11:00')
    expect(clock.now).toEqual(at('09:00'))
  })

  test('is back at the time that the hook set', () => {
    expect(clock.now).toEqual(at('09:00'))
    clock.now = at('12:00')
    expect(clock.now).toEqual(at('12:00'))
  })

  test('is back after every test that moved it', () => {
    expect(clock.now).toEqual(at('09:00'))
  })
})
