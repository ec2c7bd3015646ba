/** Marks the words of a query in a text. */
import { expect, test } from 'vitest'
import { closestWord, highlights, toVocabulary } from '../../src/search/words.ts'

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

test.each([
  ['invocies', 'Send invoices', 'invoices'],
  ['worklow', 'workflows workflow', 'worklow→workflow'],
  ['salck', 'Slack gmail', 'slack'],
  ['gmial', 'Slack gmail', 'gmail'],
  ['shet', 'sheet shell', 'sheet'],
  ['notifcatoin', 'notification', 'notification'],
  ['ntfcation', 'notification', 'ntfcation'],
  ['slac', 'slack', 'slac'],
  ['abc', 'abd', 'abc'],
  ['v2final', 'v3final', 'v2final'],
  ['überwachug', 'Überwachung', 'uberwachung'],
])('corrects %j with the words %j', (word, known, expected) => {
  const vocabulary = toVocabulary([known])
  const folded = word.normalize('NFKD').replaceAll(/\p{M}/gu, '')
  expect(closestWord(folded, vocabulary)).toBe(expected.split('→').at(-1))
})

test('corrects words in a vocabulary of many long words that are alike', () => {
  // With a comparison of every letter with every other, this takes a minute.
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index))
  const ends = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)))
  const vocabulary = toVocabulary(ends.map((end) => 'a'.repeat(50) + end))
  for (const letter of 'абвгд') {
    const word = 'a'.repeat(49) + letter.repeat(4)
    expect(closestWord(word, vocabulary)).toBe(word)
  }
  expect(closestWord(`${'a'.repeat(50)}xy`, vocabulary)).toBe(`${'a'.repeat(50)}xy`)
  expect(closestWord(`${'a'.repeat(50)}xяy`, vocabulary)).toMatch(/^a{50}(x.y)$/)
})

test('corrects no word over 64 characters', () => {
  const long = 'a'.repeat(64)
  expect(closestWord(`${long}b`, toVocabulary([`${long}c`]))).toBe(`${long}b`)
})
