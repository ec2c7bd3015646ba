/** @module Stores for the tokens of a user. */

export interface Session {
  accessToken: string
  refreshToken: string
  /** Expiry of the session token in milliseconds since 1970, by this machine's clock. */
  expiresAt: number
}

/** Called before every request, so that tabs and processes with the same store share the session. */
export interface SessionStore {
  load(): Session | null | Promise<Session | null>
  /** @param session null when the session has ended */
  save(session: Session | null): void | Promise<void>
}

export function memoryStore(session: Session | null = null): SessionStore {
  return {
    load: () => session,
    save: (next) => {
      session = next
    },
  }
}

/** Uses `localStorage` or `sessionStorage`, which any script on the page can read. Prefer `memoryStore` if it suffices. */
export function webStore(
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  key = 'flowkeep-session',
): SessionStore {
  return {
    load() {
      try {
        const value: unknown = JSON.parse(storage.getItem(key) ?? 'null')
        return isSession(value) ? value : null
      } catch {
        return null
      }
    },
    save: (session) => (session ? storage.setItem(key, JSON.stringify(session)) : storage.removeItem(key)),
  }
}

const isSession = (value: unknown): value is Session => {
  const { accessToken, refreshToken, expiresAt } = (value ?? {}) as Record<string, unknown>
  return typeof accessToken === 'string' && typeof refreshToken === 'string' && typeof expiresAt === 'number'
}
