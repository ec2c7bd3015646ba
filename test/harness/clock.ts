/** @module Clocks that tests of a file share: the next test does not see what one of them moved, even if that one fails. */
import { onTestFinished } from 'vitest'

/** What a test sets is taken back when the test ends. What a hook sets stays. */
export function restoredAfterTest<T>(initial: T): { value: T } {
  let current = initial
  let isSetByTest = false
  const restoreAfterTest = () => {
    const before = current
    try {
      onTestFinished(() => {
        current = before
        isSetByTest = false
      })
      isSetByTest = true
    } catch {
      // Called outside a test.
    }
  }
  return {
    get value() {
      return current
    },
    set value(value: T) {
      if (!isSetByTest) restoreAfterTest()
      current = value
    },
  }
}

export interface TestClock {
  now: Date
}

export function createClock(startsAt: Date): TestClock {
  const time = restoredAfterTest(startsAt)
  return {
    get now() {
      return time.value
    },
    set now(now: Date) {
      time.value = now
    },
  }
}
