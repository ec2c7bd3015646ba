import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { executionStatuses } from '../../src/db/schema/executions.ts'
import {
  decisiveStatuses,
  failedStatuses,
  finalStatuses,
  intervalOf,
  isFailed,
  isFinal,
  isOpen,
  openStatuses,
} from '../../src/runs/meaning.ts'

const functions = resolve(import.meta.dirname, '../../drizzle/functions')

test('each status is open, final or unknown, and only final ones fail', () => {
  const neither = executionStatuses.filter((status) => !isOpen(status) && !isFinal(status))
  expect(neither).toEqual(['unknown'])
  expect(executionStatuses.filter((status) => isOpen(status) && isFinal(status))).toEqual([])
  expect(executionStatuses.filter(isFailed).every(isFinal)).toBe(true)
})

test.each([
  [0, 10, { low: 0, high: 27.75 }],
  [3, 3, { low: 43.85, high: 100 }],
  [50, 100, { low: 40.38, high: 59.62 }],
  [999_000, 1_000_000, { low: 99.89, high: 99.91 }],
  [0, 0, null],
])('%i of %i: the 95% interval', (part, whole, interval) => {
  expect(intervalOf(part, whole)).toEqual(interval)
})

/** Each list of execution statuses in the text, sorted. */
function statusListsIn(text: string): string[] {
  const lists = Array.from(text.matchAll(/\bin \(([^()]*)\)/g), ([, items = '']) =>
    Array.from(items.matchAll(/'(\w+)'/g), ([, item = '']) => item),
  )
  const isStatus = (item: string) => (executionStatuses as readonly string[]).includes(item)
  return lists
    .filter((items) => items.length > 0 && items.every(isStatus))
    .map((items) => items.toSorted().join(' '))
}

describe('the SQL functions', () => {
  const named = [failedStatuses, decisiveStatuses, finalStatuses, openStatuses].map((list) =>
    [...list].toSorted().join(' '),
  )
  const files = readdirSync(functions).filter((name) => name.endsWith('.sql'))

  test('contain lists of statuses', () => {
    const lists = files.flatMap((name) => statusListsIn(readFileSync(join(functions, name), 'utf8')))
    expect(new Set(lists)).toEqual(new Set(named))
  })

  test.each(files)('%s lists statuses as runs/meaning.ts does', (name) => {
    for (const list of statusListsIn(readFileSync(join(functions, name), 'utf8')))
      expect(named).toContain(list)
  })
})
