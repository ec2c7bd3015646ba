import { expect } from 'vitest'
import { counted, type Run } from './history.ts'

/** The two shares for which the observed one is 1.96 standard errors away, by bisection. */
export function successRateInterval(runs: Run[]) {
  const [succeeded, whole] = [counted(runs, 'success'), counted(runs, 'success', 'error', 'crashed')]
  if (whole === 0) return null
  const observed = succeeded / whole
  const isWithin = (share: number) =>
    Math.abs(observed - share) <= 1.959963984540054 * Math.sqrt((share * (1 - share)) / whole)
  const edge = (outside: number) => {
    let [inner, outer] = [observed, outside]
    for (let step = 0; step < 60; step++) {
      const middle = (inner + outer) / 2
      if (isWithin(middle)) inner = middle
      else outer = middle
    }
    return expect.closeTo(inner * 100, 1)
  }
  return { low: edge(0), high: edge(1) }
}
