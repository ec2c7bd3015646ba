/**
 * @module Password hashes: scrypt over `base64(HMAC-SHA-384(pepper, password))`, as `$scrypt$ln=…,r=…,p=…$<salt>$<key>`. Also
 * verifies the bcrypt hashes of earlier releases, which the next sign-in replaces. The pre-hash has 64 ASCII characters, so
 * bcrypt's 72-byte limit and its NUL terminator never truncate a password.
 */
import { fromBase64, toBase64 } from '../lib/encoding.ts'
import { AppError } from '../errors.ts'
import { createHashSlots } from './hash-slots.ts'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'
import { nativeScrypt, type Scrypt } from './scrypt.ts'

/** Compares with a bcrypt hash: `@node-rs/bcrypt` on Node, `bcryptjs` on Workers. */
export type CompareBcrypt = (text: string, hash: string) => Promise<boolean>

export interface StoredPassword {
  hash: string
  /** ID of the pepper that keyed the pre-hash. */
  pepperId: string
}

export interface PasswordHasher {
  /**
   * @param lane whose turn it is among waiting callers, such as the client's network
   * @throws {AppError} `too-many-requests` when no hashing slot becomes free in time
   */
  hash(password: string, lane: string): Promise<StoredPassword>
  /**
   * Costs exactly one hash, even when the account or a valid hash is missing.
   * @param isKnown the lane is a known device or a session, which has every other turn
   * @throws {AppError} `too-many-requests` as `hash`, `key-unavailable` when the ring does not contain the pepper
   */
  verify(password: string, stored: StoredPassword | null, lane: string, isKnown?: boolean): Promise<boolean>
  /** Whether a new hash would have a different algorithm, cost or pepper. */
  isOutdated(stored: StoredPassword): boolean
}

export interface PasswordHasherOptions {
  compareBcrypt: CompareBcrypt
  peppers: KeyRing
  /** Default: native. */
  scrypt?: Scrypt
  /** Binary logarithm of scrypt's N. */
  cost?: number
  /** Concurrent hashes: 1 on Workers, where a hash blocks the isolate's only thread. */
  maxInFlight?: number
  /** Maximum number of callers that wait for a slot. */
  maxWaiting?: number
  maxWaitMs?: number
  /** Continues work after the response. */
  defer?: (work: Promise<unknown>) => void
}

const bcryptHash = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/
const scryptHash =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/
const saltBytes = 16
const [r, p] = [8, 5]

export function createPasswordHasher({
  compareBcrypt,
  peppers,
  scrypt = nativeScrypt,
  cost = 14,
  maxInFlight = 4,
  maxWaiting = 16,
  maxWaitMs = 2000,
  defer,
}: PasswordHasherOptions): PasswordHasher {
  const keyOf = importKeys(peppers, { name: 'HMAC', hash: 'SHA-384' }, ['sign'])
  const slots = createHashSlots({ maxInFlight, maxWaiting, maxWaitMs, ...(defer && { defer }) })
  const current = `$scrypt$ln=${cost},r=${r},p=${p}$`
  /** A well-formed hash of the current cost that matches no password. */
  const dummyHash = `${current}${'A'.repeat(22)}$${'A'.repeat(43)}`

  async function preHash(password: string, pepperId: string): Promise<string> {
    const key = await keyOf(pepperId)
    if (!key) {
      throw new AppError('key-unavailable', 'The password key is unavailable. Try again shortly', {
        retryAfterSeconds: 30,
      })
    }
    const digest = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(password))
    return toBase64(new Uint8Array(digest))
  }

  async function matchesScrypt(text: string, hash: string): Promise<boolean> {
    const [, ln, blockSize, parallelization, salt = '', key = ''] = scryptHash.exec(hash) ?? []
    const factors = { N: 2 ** Number(ln), r: Number(blockSize), p: Number(parallelization) }
    const derived = await scrypt(text, bytesOf(salt), factors)
    return haveSameBytes(derived, bytesOf(key))
  }

  return {
    async hash(password, lane) {
      const text = await preHash(password, peppers.active)
      const salt = crypto.getRandomValues(new Uint8Array(saltBytes))
      const key = await slots.run(lane, () => scrypt(text, salt, { N: 2 ** cost, r, p }))
      return { hash: `${current}${unpadded(salt)}$${unpadded(key)}`, pepperId: peppers.active }
    },

    async verify(password, stored, lane, isKnown) {
      const isBcrypt = stored !== null && bcryptHash.test(stored.hash)
      const usable = isBcrypt || (stored && scryptHash.test(stored.hash)) ? stored : null
      const text = await preHash(password, usable?.pepperId ?? peppers.active)
      const hash = usable?.hash ?? dummyHash
      const matches = await slots.run(
        lane,
        () => (isBcrypt ? compareBcrypt(text, hash) : matchesScrypt(text, hash)),
        isKnown,
      )
      const isRight = matches && usable !== null
      if (isRight) slots.forgive(lane)
      return isRight
    },

    isOutdated: ({ hash, pepperId }) => pepperId !== peppers.active || !hash.startsWith(current),
  }
}

const unpadded = (bytes: Uint8Array) => toBase64(bytes).replace(/=+$/, '')

const bytesOf = (text: string) => fromBase64(text) ?? new Uint8Array()

/** The time does not depend on the bytes. */
const haveSameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.reduce((sum, byte, index) => sum | (byte ^ (other[index] ?? 0)), 0) === 0
