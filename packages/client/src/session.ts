/** @module Where the tokens of a session are stored. */

export interface Session {
  accessToken: string
  refreshToken: string
  /** When the access token expires, in milliseconds since 1970 on this machine's clock. */
  expiresAt: number
}

/** Read before every request, so that tabs and processes that share a store share the session. */
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

/** In `localStorage` or `sessionStorage`. Any script on the page can read it: prefer `memoryStore` where that is enough. */
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
