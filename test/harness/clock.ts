/** @module Clocks that the tests of a file share. A test that moves one, and fails, does not affect the next. */
import { onTestFinished } from 'vitest'

/** A value that a test sets is restored when the test ends. A value that a hook sets stays. */
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
