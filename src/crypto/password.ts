/**
 * @module Password hashes: bcrypt over `base64(HMAC-SHA-384(pepper, password))`. The pre-hash has 64 ASCII characters,
 * so bcrypt's 72-byte limit and its NUL terminator never truncate a password.
 */
import { toBase64 } from '../lib/encoding.ts'
import { sleep } from '../lib/retry.ts'
import { AppError } from '../errors.ts'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** `@node-rs/bcrypt` on Node, `bcryptjs` on Workers. Their hashes are compatible. */
export interface BcryptImplementation {
  hash(password: string, cost: number): Promise<string>
  compare(password: string, hash: string): Promise<boolean>
}

export interface StoredPassword {
  hash: string
  /** ID of the pepper that keyed the pre-hash. */
  pepperId: string
}

export interface PasswordHasher {
  /** @throws {AppError} `too-many-requests` when no hashing slot becomes free in time */
  hash(password: string): Promise<StoredPassword>
  /**
   * Costs exactly one bcrypt comparison, even when the account or a valid hash is missing.
   * @throws {AppError} `too-many-requests` as `hash`, `key-unavailable` when the ring does not contain the pepper
   */
  verify(password: string, stored: StoredPassword | null): Promise<boolean>
  /** Whether a new hash would have a different cost or pepper. */
  isOutdated(stored: StoredPassword): boolean
}

export interface PasswordHasherOptions {
  bcrypt: BcryptImplementation
  peppers: KeyRing
  /** bcrypt's work factor. */
  cost?: number
  /** Concurrent hashes: 1 on Workers, where bcryptjs blocks the isolate's only thread. */
  maxInFlight?: number
  /** Maximum number of callers that wait for a slot; the others are rejected immediately. */
  maxWaiting?: number
  maxWaitMs?: number
}

const bcryptHash = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

export function createPasswordHasher({
  bcrypt,
  peppers,
  cost = 12,
  maxInFlight = 4,
  maxWaiting = 16,
  maxWaitMs = 2000,
}: PasswordHasherOptions): PasswordHasher {
  const keyOf = importKeys(peppers, { name: 'HMAC', hash: 'SHA-384' }, ['sign'])
  const inSlot = createSlots({ maxInFlight, maxWaiting, maxWaitMs })
  /** A well-formed hash of the current cost that matches no password. */
  const dummyHash = `$2b$${String(cost).padStart(2, '0')}$abcdefghijklmnopqrstue${'1'.repeat(30)}.`

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

  return {
    async hash(password) {
      const text = await preHash(password, peppers.active)
      const hash = await inSlot(() => bcrypt.hash(text, cost))
      // @node-rs/bcrypt writes `$2y$`, which is the same algorithm as `$2b$`.
      return { hash: hash.startsWith('$2y$') ? `$2b$${hash.slice(4)}` : hash, pepperId: peppers.active }
    },

    async verify(password, stored) {
      const usable = stored !== null && bcryptHash.test(stored.hash) ? stored : null
      const text = await preHash(password, usable?.pepperId ?? peppers.active)
      const matches = await inSlot(() => bcrypt.compare(text, usable?.hash ?? dummyHash))
      return matches && usable !== null
    },

    isOutdated: ({ hash, pepperId }) =>
      pepperId !== peppers.active || Number(bcryptHash.exec(hash)?.[1]) !== cost,
  }
}

/** Maximum time that a slot is held, because a canceled request on Workers may never release it. */
const slotLeaseMs = 10_000
const pollMs = 25

/**
 * Runs at most `maxInFlight` jobs at the same time. Waiting callers poll: in workerd, a promise that another request
 * settles does not wake them.
 */
function createSlots({
  maxInFlight,
  maxWaiting,
  maxWaitMs,
}: {
  maxInFlight: number
  maxWaiting: number
  maxWaitMs: number
}) {
  const held = new Map<symbol, number>()
  let waiting = 0

  /** Null when no slot is free. */
  function take(): symbol | null {
    const oldest = Date.now() - slotLeaseMs
    for (const [slot, since] of held) if (since < oldest) held.delete(slot)
    if (held.size >= maxInFlight) return null
    const slot = Symbol('slot')
    held.set(slot, Date.now())
    return slot
  }

  const busy = () =>
    new AppError('too-many-requests', 'Too many concurrent password checks. Try again shortly', {
      retryAfterSeconds: Math.ceil(maxWaitMs / 1000),
    })

  async function waitForSlot(): Promise<symbol> {
    if (waiting >= maxWaiting) throw busy()
    waiting += 1
    const deadline = Date.now() + maxWaitMs
    try {
      for (;;) {
        await sleep(pollMs)
        const slot = take()
        if (slot) return slot
        if (Date.now() >= deadline) throw busy()
      }
    } finally {
      waiting -= 1
    }
  }

  return async <T>(work: () => Promise<T>): Promise<T> => {
    const slot = take() ?? (await waitForSlot())
    try {
      return await work()
    } finally {
      held.delete(slot)
    }
  }
}
