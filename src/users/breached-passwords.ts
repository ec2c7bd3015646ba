/**
 * @module New passwords: hashed, unless they appear in known breaches. A range API (k-anonymity) gets the first five of 40
 * hex digits of the SHA-1, and answers with the rest of every match. Without an answer in time, a password is accepted.
 */
import type { PasswordHasher, StoredPassword } from '../crypto/password.ts'
import { invalid } from '../errors.ts'
import { toHex } from '../lib/encoding.ts'

const timeoutMs = 1_000
const prefixDigits = 5

/**
 * @param lane as for `PasswordHasher.hash`
 * @param pointer of the password in the request
 * @throws {AppError} `invalid` for a password in a known breach, `too-many-requests`
 */
export type HashNewPassword = (password: string, lane: string, pointer: string) => Promise<StoredPassword>

export interface BreachCheck {
  /** Of the range API. Undefined: passwords are not checked. */
  url: string | undefined
  fetch: typeof globalThis.fetch
  /** The API did not answer, or not in time. */
  onFailure: (error: unknown) => void
}

export const hashNewPassword =
  (hasher: PasswordHasher, { url, fetch, onFailure }: BreachCheck): HashNewPassword =>
  async (password, lane, pointer) => {
    const isBreached =
      url !== undefined &&
      (await isInRange(url, password, fetch).catch((error: unknown) => {
        onFailure(error)
        return false
      }))
    if (isBreached) throw invalid(pointer, 'Appears in known data breaches. Choose a different password')
    return hasher.hash(password, lane)
  }

async function isInRange(url: string, password: string, fetch: typeof globalThis.fetch): Promise<boolean> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(password))
  const hash = toHex(new Uint8Array(digest)).toUpperCase()
  const response = await fetch(`${url}/${hash.slice(0, prefixDigits)}`, {
    // The size of a padded answer does not reveal the range.
    headers: { 'Add-Padding': 'true' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The range API responded with ${response.status}`)
  }
  const wanted = hash.slice(prefixDigits)
  // Padding has a count of zero.
  return (await response.text()).split('\n').some((line) => {
    const [suffix, count] = line.trim().split(':')
    return suffix?.toUpperCase() === wanted && Number(count) > 0
  })
}
