import { expect, test } from 'vitest'
import { hasNul, isStorable, toStorable } from '../../src/lib/storable-text.ts'

test.each([
  ['plain 🌍', 'plain 🌍', true],
  ['a\0b', 'ab', false],
  ['half \ud83c', 'half \ufffd', false],
  ['\0', '', false],
])('%j becomes %j', (text, stored, isAlready) => {
  expect(toStorable(text)).toBe(stored)
  expect(isStorable(text)).toBe(isAlready)
  expect(isStorable(stored)).toBe(true)
  expect(hasNul(stored)).toBe(false)
})
