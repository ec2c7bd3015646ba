/** Normalizes text, and leaves text alone that would take minutes. */
import { expect, test } from 'vitest'
import { normalForm } from '../../src/lib/normal-form.ts'

test.each([
  ['Cafe\u0301', 'NFC', 'Caf\u00e9'],
  ['Caf\u00e9', 'NFKD', 'Cafe\u0301'],
  ['ﬁle', 'NFKC', 'file'],
  [`a${'\u0327\u0301'.repeat(15)}`, 'NFC', `a${'\u0327\u0301'.repeat(15)}`.normalize('NFC')],
  ['', 'NFC', ''],
] as const)('turns %j to %s', (text, form, expected) => {
  expect(normalForm(text, form)).toBe(expected)
})

test('leaves a text with a million combining marks in a row as it is', () => {
  const text = `a${'\u0327\u0301'.repeat(500_000)}`
  expect(normalForm(text, 'NFKD')).toBe(text)
})
