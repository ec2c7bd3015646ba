import { expect, test } from 'vitest'
import { likePattern, toSearchText } from '../../src/db/search.ts'

test.each([
  ['order', '%order%'],
  ['100%', String.raw`%100\%%`],
  ['a_b', String.raw`%a\_b%`],
  [String.raw`c:\temp`, String.raw`%c:\\temp%`],
])('a LIKE pattern for %j is %j', (text, pattern) => {
  expect(likePattern(text)).toBe(pattern)
})

test('trims and truncates search text and removes U+0000', () => {
  expect(toSearchText(' a\0b ')).toBe('ab')
  expect(toSearchText('x'.repeat(300))).toHaveLength(200)
  expect(toSearchText(' \0 ')).toBe('')
})
