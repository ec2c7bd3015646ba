import { v4, v7 } from 'uuid'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor, slice } from '../../src/http/page.ts'

test('a cursor round-trips to its ID', () => {
  for (let i = 0; i < 200; i++) {
    const id = v7()
    expect(decodeCursor(encodeCursor(id))).toBe(id)
  }
})

test.each([
  '',
  'x',
  'A'.repeat(21),
  'A'.repeat(23),
  `${'A'.repeat(21)}=`,
  `${'_'.repeat(21)}-`,
  'é'.repeat(22),
])('rejects the invalid cursor %j', (cursor) => {
  expect(decodeCursor(cursor)).toBeNull()
})

test('rejects non-canonical last characters', () => {
  const cursor = encodeCursor(v4())
  const others = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    .map((char) => cursor.slice(0, -1) + char)
    .filter((other) => other !== cursor && decodeCursor(other) === decodeCursor(cursor))
  expect(others).toEqual([])
})

test('an extra row means a next page', () => {
  const rows = [v7(), v7(), v7()].map((id) => ({ id }))
  expect(slice(rows, 2)).toEqual({ items: rows.slice(0, 2), nextCursor: encodeCursor(rows[1]?.id ?? '') })
  expect(slice(rows, 3).nextCursor).toBeNull()
  expect(slice([], 3)).toEqual({ items: [], nextCursor: null })
})
