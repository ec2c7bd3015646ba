/** Marks the words of a query in a text. */
import { expect, test } from 'vitest'
import { highlights } from '../../src/search/words.ts'

const marked = (text: string, query: string) =>
  highlights(text, query)
    .map((part) => (part.isMatch ? `[${part.text}]` : part.text))
    .join('')

test.each([
  ['Order intake', 'order', '[Order] intake'],
  ['Café au lait', 'cafe LAIT', '[Café] au [lait]'],
  ['ﬁle', 'file', '[ﬁle]'],
  ['💥 a 💥', 'a', '💥 [a] 💥'],
  ['banana', 'ana an', 'b[anan]a'],
  ['漢字かな', '字か', '漢[字か]な'],
  ['no match', 'xyz', 'no match'],
  ['', 'a', ''],
])('marks in %j for %j', (text, query, expected) => {
  expect(marked(text, query)).toBe(expected)
})

test('reads a long text a number of times that depends on the distinct words only', () => {
  // With one pass over the text for each match, this takes minutes.
  const text = 'a '.repeat(100_000)
  const parts = highlights(text, 'a '.repeat(100))
  expect(parts.filter(({ isMatch }) => isMatch)).toHaveLength(100_000)
})
