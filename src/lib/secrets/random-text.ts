/** @module Tells generated text from text written by people. Pure and linear. */

export const hasDigit = (text: string): boolean => /\d/.test(text)

/** Characters examined per part. */
const maxPartChars = 256

/**
 * Whether a part between separators mixes letters with digits, or is long and in mixed case. A hash or UUID is random;
 * `launch-plan-2024` and `oauth2Api` are not.
 */
export function isRandom(text: string, minChars = 8): boolean {
  if (text.length < minChars) return false
  return text
    .split(/[^A-Za-z0-9]+/, 64)
    .map((part) => part.slice(0, maxPartChars))
    .some((part) => part.length >= 6 && (mixesDigits(part) || (part.length >= 16 && caseChanges(part) > 5)))
}

const mixesDigits = (part: string): boolean =>
  /[A-Za-z]/.test(part) &&
  (part.match(/\d+/g)?.length ?? 0) >= (part.length < 12 ? 2 : 1) &&
  !isNumberedWord(part)

/** `oauth2Api`, `v2beta1`, `step10`. */
const isNumberedWord = (part: string): boolean =>
  /^[A-Za-z]{1,32}\d{1,4}(?:[A-Z]?[a-z]{0,16}\d{0,2})$/.test(part)

function caseChanges(part: string): number {
  let found = 0
  for (let at = 1; at < part.length; at += 1) {
    if (part.charCodeAt(at) >= 97 !== part.charCodeAt(at - 1) >= 97) found += 1
  }
  return found
}
