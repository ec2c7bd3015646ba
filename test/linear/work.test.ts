/** The measures find what they are for. */
import { expect, test } from 'vitest'
import { addTo } from '../../src/lib/grouped.ts'
import { growthOf, workOf } from './work.ts'

const range = (count: number) => Array.from({ length: count }, (_, index) => index)
/** In `src`, for each element. */
const each = (size: number, visit: (index: number, list: number[]) => unknown) => () => {
  const list = range(size)
  const seen = new Map<number, number[]>()
  for (let index = 0; index < size; index += 1) {
    addTo(seen, index, index)
    visit(index, list)
  }
}

test('counts the same each time', async () => {
  const act = each(100, () => undefined)
  act()
  const first = await workOf(act)
  const second = await workOf(act)
  expect(first.run.size).toBeGreaterThan(0)
  expect(second.run).toEqual(first.run)
  expect(second.visited).toEqual(first.visited)
})

test('accepts linear work', async () => {
  expect(await growthOf(2000, (size) => each(size, (index) => [index].includes(index)))).toBe('')
})

test.each<[string, (index: number, list: number[]) => unknown]>([
  ['a search in a list', (_, list) => list.includes(-1)],
  ['a copy of a list', (_, list) => [...list]],
  ['a set of a list', (_, list) => new Set(list)],
  ['a part of a list', (index, list) => list.slice(index)],
  ['the first element removed', (_, list) => list.shift()],
  ['the keys of an object', (_, list) => Object.keys(list)],
  ['a search in a text', (_, list) => list.join('').indexOf('x')],
  ['a pattern', (_, list) => /x\d/.test(list.join(''))],
])('rejects %s for each element', async (_, visit) => {
  expect(await growthOf(1000, (size) => each(size, visit))).toContain('visited')
})

test('rejects a loop in src for each element', async () => {
  const quadratic = (size: number) => () => {
    const map = new Map<number, number[]>()
    for (const outer of range(size)) for (const inner of range(size)) addTo(map, outer, inner)
  }
  expect(await growthOf(500, quadratic)).toContain('run')
})
