/** Axes and paths, with expected values from d3. */
import { describe, expect, test } from 'vitest'
import { bandPath, linePath } from '../../../src/web/charts/paths.ts'
import { countScale, durationScale } from '../../../src/web/charts/scales.ts'

describe('the axis of counts', () => {
  test.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [2, [0, 1, 2]],
    [3, [0, 2, 4]],
    [5, [0, 2, 4, 6]],
    [7, [0, 5, 10]],
    [9, [0, 5, 10]],
    [10, [0, 5, 10]],
    [14, [0, 10, 20]],
    [15, [0, 10, 20]],
    [16, [0, 10, 20]],
    [23, [0, 20, 40]],
    [49, [0, 20, 40, 60]],
    [50, [0, 20, 40, 60]],
    [51, [0, 20, 40, 60]],
    [99, [0, 50, 100]],
    [120, [0, 100, 200]],
    [999, [0, 500, 1000]],
    [1500, [0, 1000, 2000]],
    [7500, [0, 5000, 10000]],
    [1234567, [0, 1000000, 2000000]],
  ])('up to %i has the ticks %j', (max, ticks) => {
    const scale = countScale(max, 100, 0)
    expect(scale.ticks).toEqual(ticks)
    expect(scale.y(0)).toBe(100)
    expect(scale.y(ticks.at(-1) ?? 0)).toBe(0)
    expect(scale.y(max)).toBeGreaterThanOrEqual(0)
  })
})

describe('the axis of durations', () => {
  test('is logarithmic between its steps', () => {
    const { y, ticks } = durationScale([12, 800], 100, 0)
    expect([y(10), y(100), y(1000)]).toEqual([100, 50, 0])
    expect(ticks.at(-1)).toBe(1000)
  })

  test('stays within the drawing for values of any size', () => {
    for (const values of [[0], [1], [604_800_000], [5e9, 1e12], [0, 1e12]]) {
      const { y } = durationScale(values, 100, 0)
      for (const value of values) {
        expect(y(value)).toBeGreaterThanOrEqual(0)
        expect(y(value)).toBeLessThanOrEqual(100)
      }
    }
  })
})

describe('paths', () => {
  test('have one segment per run of points between gaps, and a dot for a single point', () => {
    expect(linePath([null, [0, 1], [1, 2.5], null, null, [3, 4], null])).toBe('M0,1L1,2.5M3,4Z')
    expect(linePath([])).toBe('')
    expect(linePath([null])).toBe('')
  })

  test('of a band are closed', () => {
    const edges = [{ x: 0, from: 5, to: 1 }, { x: 1, from: 6, to: 2 }, null, { x: 3, from: 7, to: 3 }]
    expect(bandPath(edges)).toBe('M0,1L1,2L1,6L0,5ZM3,3L3,7Z')
  })
})
