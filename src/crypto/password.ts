/**
 * @module Password hashes: bcrypt over `base64(HMAC-SHA-384(pepper, password))`. The pre-hash is 64 ASCII characters,
 * so that bcrypt's limit of 72 bytes and its stop at NUL never cut a password.
 */
import { AppError } from '../errors.ts'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** `@node-rs/bcrypt` in Node, `bcryptjs` on the edge; each reads the other's hashes. */
export interface BcryptImplementation {
  hash(password: string, cost: number): Promise<string>
  compare(password: string, hash: string): Promise<boolean>
}

export interface StoredPassword {
  hash: string
  /** Which pepper the pre-hash was keyed with. */
  pepperId: string
}

export interface PasswordHasher {
  /** @throws {AppError} `too-many-requests` when no hashing slot comes free in time */
  hash(password: string): Promise<StoredPassword>
  /**
   * Costs exactly one bcrypt comparison, also for null (no such account) and for a hash that is none.
   * @throws {AppError} `too-many-requests` as above, `key-unavailable` when the ring lacks the pepper
   */
  verify(password: string, stored: StoredPassword | null): Promise<boolean>
  /** True when a hash made now would have another cost or pepper. */
  isOutdated(stored: StoredPassword): boolean
}

export interface PasswordHasherOptions {
  bcrypt: BcryptImplementation
  peppers: KeyRing
  /** bcrypt's work factor. */
  cost?: number
  /** Hashes at a time: 1 on the edge, where bcryptjs holds the isolate's only thread. */
  maxInFlight?: number
  /** Callers that may wait for a slot; more are turned away at once. */
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
  /** Well-formed and of the current cost, but the hash of nothing. */
  const dummyHash = `$2b$${String(cost).padStart(2, '0')}$abcdefghijklmnopqrstue${'1'.repeat(30)}.`

  async function preHash(password: string, pepperId: string): Promise<string> {
    const key = await keyOf(pepperId)
    if (!key) {
      throw new AppError(
        'key-unavailable',
        'A key for checking passwords is not available; try again shortly',
        {
          retryAfterSeconds: 30,
        },
      )
    }
    const digest = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(password))
    return btoa(String.fromCharCode(...new Uint8Array(digest)))
  }

  return {
    async hash(password) {
      const text = await preHash(password, peppers.active)
      const hash = await inSlot(() => bcrypt.hash(text, cost))
      // @node-rs/bcrypt writes `$2y$`, another name for the same algorithm.
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

/** How long a slot is held at most: a cancelled request on Workers may never give its slot back. */
const slotLeaseMs = 10_000
const pollMs = 25

/**
 * Runs at most `maxInFlight` works at a time. Waiting polls instead of chaining promises: in workerd a promise that
 * another request settles does not wake the one that waits.
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

  /** Null when all slots are held. */
  function take(): symbol | null {
    const oldest = Date.now() - slotLeaseMs
    for (const [slot, since] of held) if (since < oldest) held.delete(slot)
    if (held.size >= maxInFlight) return null
    const slot = Symbol('slot')
    held.set(slot, Date.now())
    return slot
  }

  const busy = () =>
    new AppError('too-many-requests', 'Too many passwords are being checked; try again shortly', {
      retryAfterSeconds: Math.ceil(maxWaitMs / 1000),
    })

  async function waitForSlot(): Promise<symbol> {
    if (waiting >= maxWaiting) throw busy()
    waiting += 1
    const deadline = Date.now() + maxWaitMs
    try {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, pollMs))
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
