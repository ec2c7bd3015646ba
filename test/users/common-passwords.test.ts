import { expect, test } from 'vitest'
import { isCommonPassword, loadCommonPasswords } from '../../src/users/common-passwords.ts'

await loadCommonPasswords()

test.each([
  'password',
  'Password1',
  'PASSWORD123!',
  'p@ssw0rd',
  '12345678',
  '1234567890',
  '987654321',
  'qwertyuiop',
  'poiuytre',
  'asdfghjkl',
  '1q2w3e4r',
  'iloveyou',
  'sunshine1',
  'football2024',
  'Welcome1!',
  'letmein123',
  'aaaaaaaa',
  '12121212',
  'abcabcabc',
  'abcdefghij',
  'trustno1',
])('%s is common', (password) => {
  expect(isCommonPassword(password)).toBe(true)
})

test.each([
  'correct horse battery staple',
  'sunshine over the bay',
  'my password is long',
  'Tr0ub4dor&3x',
  '🔑🗝🔒🔓🔐🚪🏠🧱',
  'password-of-the-lighthouse',
  '7b1e9c4a55d0',
  'hunter2hunter3',
])('%s is not common', (password) => {
  expect(isCommonPassword(password)).toBe(false)
})
