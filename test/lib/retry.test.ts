import { describe, expect, test } from 'vitest'
import { backoffMs, every, retry, retryAfterSeconds, sleep } from '../../src/lib/retry.ts'

/** Time that only passes in waits. */
function clock() {
  const state = { ms: 0, waits: [] as number[] }
  return {
    state,
    now: () => state.ms,
    wait: async (ms: number) => {
      state.waits.push(ms)
      state.ms += ms
    },
  }
}

const failing = (failures: number) => async (attempt: number) => {
  if (attempt <= failures) throw new Error(`failure ${attempt}`)
  return attempt
}

describe('retry', () => {
  test('waits for the given delay and returns the first settled value', async () => {
    const { state, ...time } = clock()
    const result = await retry(failing(2), {
      ...time,
      delayMs: (outcome, n) => ('error' in outcome ? n * 10 : null),
    })
    expect(result).toBe(3)
    expect(state.waits).toEqual([10, 20])
  })

  test('throws the error of a class that is not retried, without a wait', async () => {
    const { state, ...time } = clock()
    await expect(retry(failing(1), { ...time, delayMs: () => null })).rejects.toThrow('failure 1')
    expect(state.waits).toEqual([])
  })

  test('throws the last error after the last attempt', async () => {
    const { state, ...time } = clock()
    await expect(retry(failing(9), { ...time, delayMs: () => 1, maxAttempts: 3 })).rejects.toThrow(
      'failure 3',
    )
    expect(state.waits).toEqual([1, 1])
  })

  test('starts no attempt outside the budget', async () => {
    const { state, ...time } = clock()
    await expect(retry(failing(9), { ...time, delayMs: () => 40, budgetMs: 100 })).rejects.toThrow(
      'failure 3',
    )
    expect(state.ms).toBe(80)
  })

  test('returns the last value when the attempts run out', async () => {
    const time = clock()
    expect(await retry(async () => false, { ...time, delayMs: every(5), maxAttempts: 4 })).toBe(false)
    expect(time.state.waits).toEqual([5, 5, 5])
  })

  test('passes on an error of the classification', async () => {
    const delayMs = () => {
      throw new Error('later')
    }
    await expect(retry(failing(1), { ...clock(), delayMs })).rejects.toThrow('later')
  })

  test('settles for the last outcome when the signal aborts during a wait', async () => {
    const aborter = new AbortController()
    const work = async (attempt: number) => {
      queueMicrotask(() => aborter.abort())
      return attempt
    }
    expect(await retry(work, { delayMs: () => 3_600_000, signal: aborter.signal })).toBe(1)
  })
})

test('sleep ends when its signal aborts, even before it starts', async () => {
  await expect(sleep(3_600_000, AbortSignal.abort())).resolves.toBeUndefined()
  const aborter = new AbortController()
  const sleeping = sleep(3_600_000, aborter.signal)
  aborter.abort()
  await expect(sleeping).resolves.toBeUndefined()
})

test('the back-off doubles, with full jitter', () => {
  for (const [attempt, most] of [
    [1, 20],
    [2, 40],
    [3, 80],
  ] as const) {
    const waits = Array.from({ length: 200 }, () => backoffMs(20, attempt))
    expect(Math.max(...waits)).toBeLessThanOrEqual(most)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
    expect(new Set(waits).size).toBeGreaterThan(1)
  }
})

test.each([
  ['3', 3],
  [' 120 ', 120],
  ['0', 0],
  ['999999999', 86_400],
  ['Sun, 01 Mar 2026 12:00:30 GMT', 30],
  ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After %j is %j seconds', (header, seconds) => {
  expect(retryAfterSeconds(header, new Date('2026-03-01T12:00:00Z'))).toBe(seconds)
})
