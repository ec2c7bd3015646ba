/**
 * @module The access token that sends the current request. Passed on through the asynchronous context, because every audit
 * event names it. Absent for a session, which may do everything, and for jobs.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface TokenActor {
  tokenId: string
  name: string
  scopes: ReadonlySet<string>
  /** Null: never. */
  expiresAt: Date | null
  /** Issued to a connected app, for `/mcp` only. */
  isApp?: boolean
  /** The program that sends the request, as it names itself. */
  agent?: string | undefined
}

const actors = new AsyncLocalStorage<TokenActor | undefined>()

/**
 * Everything that `work` does is done with the token, including what it starts and does not await.
 * @param actor undefined: with no token
 */
export const withToken = <T>(actor: TokenActor | undefined, work: () => T): T => actors.run(actor, work)

export const currentToken = (): TokenActor | undefined => actors.getStore()
