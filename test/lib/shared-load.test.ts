import { describe, expect, test, vi } from 'vitest'
import { sharedLoad } from '../../src/lib/shared-load.ts'

describe('sharedLoad', () => {
  test('loads once for concurrent and later callers', async () => {
    const load = vi.fn<() => Promise<object>>(async () => ({}))
    const get = sharedLoad(load)
    const values = await Promise.all([get(), get(), get()])
    expect(await get()).toBe(values[0])
    expect(new Set(values).size).toBe(1)
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('reports a failure to all waiting callers and loads again for the next', async () => {
    const load = vi.fn<() => Promise<string>>()
    load.mockRejectedValueOnce(new Error('not there')).mockResolvedValueOnce('there')
    const get = sharedLoad(load)
    const outcomes = await Promise.allSettled([get(), get()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await get()).toBe('there')
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('does not wait for a load that never ends', async () => {
    vi.useFakeTimers()
    try {
      const load = vi.fn<() => Promise<string>>()
      load.mockReturnValueOnce(new Promise(() => {})).mockResolvedValueOnce('there')
      const get = sharedLoad(load)
      void get()
      const second = get()
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await second).toBe('there')
      expect(await get()).toBe('there')
      expect(load).toHaveBeenCalledTimes(2)
    } finally {
      vi.useRealTimers()
    }
  })
})
