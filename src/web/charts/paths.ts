/** @module The `d` of SVG paths. Coordinates come rounded. */

export type Point = readonly [x: number, y: number]

const moveAlong = (points: readonly Point[]): string => points.map((point) => point.join(',')).join('L')

/** The parts between gaps. */
function segments<T>(values: readonly (T | null)[]): T[][] {
  const parts: T[][] = []
  let isOpen = false
  for (const value of values) {
    if (value !== null && isOpen) parts.at(-1)?.push(value)
    else if (value !== null) parts.push([value])
    isOpen = value !== null
  }
  return parts
}

/** A line through the points; null is a gap. A point alone is closed, so that its round cap is drawn. */
export const linePath = (points: readonly (Point | null)[]): string =>
  segments(points)
    .map((part) => `M${moveAlong(part)}${part.length === 1 ? 'Z' : ''}`)
    .join('')

/** The surface between two lines over the same x; null is a gap. */
export const bandPath = (edges: readonly ({ x: number; from: number; to: number } | null)[]): string =>
  segments(edges)
    .map((part) => {
      const there = part.map(({ x, to }): Point => [x, to])
      const back = part.map(({ x, from }): Point => [x, from]).toReversed()
      return `M${moveAlong([...there, ...back])}Z`
    })
    .join('')
