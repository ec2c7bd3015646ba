/**
 * @module The passwords that guessing starts with. Public breach counts keep showing the same few hundred words with
 * the same few endings; each word of `public/data/common-passwords.json` stands for itself with up to four digits or marks
 * behind it, which covers the usual top 3,000 of eight characters and more.
 */
import { readDataFile } from '#data-files'
import { sharedLoad } from '../lib/shared-load.ts'

let words: ReadonlySet<string> | undefined

/** Resolves when `isCommonPassword` can be called, and with it schemas that contain a new password. */
export const loadCommonPasswords = sharedLoad(async () => {
  words = new Set((await readDataFile('common-passwords')) as string[])
  return words
})

const keyboardRows = [
  '01234567890',
  '09876543210',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
]

/** One short piece over and over: `aaaaaaaa`, `12121212`, `abcabcabc`. */
const isRepetition = (text: string): boolean => /^(.{1,4}?)\1+$/su.test(text)

const isKeyboardRun = (text: string): boolean =>
  keyboardRows.some((row) => row.includes(text) || Array.from(row).toReversed().join('').includes(text))

/** True for a password that guessing starts with, regardless of case. Call `loadCommonPasswords` first. */
export function isCommonPassword(password: string): boolean {
  if (!words) throw new Error('The common passwords are not loaded')
  const text = password.toLowerCase()
  if (words.has(text) || isRepetition(text) || isKeyboardRun(text)) return true
  for (let ending = 1; ending <= 4; ending += 1) {
    if (!/^[\d!@#$%&*?._-]+$/.test(text.slice(-ending))) return false
    if (words.has(text.slice(0, -ending))) return true
  }
  return false
}
