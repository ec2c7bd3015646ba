/**
 * @module Who makes a change, and with which request. Passed on through the asynchronous context, because every audit event
 * names both. Jobs have no request.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface RequestContext {
  requestId: string
  clientAddress: string
  userAgent: string | undefined
  /** Set when the session is known. */
  sessionId?: string
}

export interface TokenActor {
  tokenId: string
  name: string
  scopes: ReadonlySet<string>
  /** Null: never. */
  expiresAt: Date | null
  /** Issued to a connected app, for `/mcp` only. */
  isApp?: boolean
}

/** `unknown`: a request without a session or token, such as a failed sign-in. */
export const actorKinds = ['user', 'token', 'app', 'operator', 'job', 'unknown'] as const
export type ActorKind = (typeof actorKinds)[number]

interface Context {
  request?: RequestContext
  /** Absent for a session, which may do everything, and for jobs. */
  token?: TokenActor | undefined
  /** The approval that the change uses. */
  approvalId?: string
  isOperator?: boolean
}

const contexts = new AsyncLocalStorage<Context>()
const current = (): Context => contexts.getStore() ?? {}

/** Everything that `work` does belongs to the request, including what it starts and does not await. */
export const withRequest = <T>(request: RequestContext, work: () => T): T => contexts.run({ request }, work)

/** @param token undefined: with no token @param approvalId that lends the token scopes */
export const withToken = <T>(token: TokenActor | undefined, work: () => T, approvalId?: string): T =>
  contexts.run({ ...current(), token, ...(approvalId !== undefined && { approvalId }) }, work)

/** For what Flowkeep does by itself, even during a request. */
export const asJob = <T>(work: () => T): T => contexts.run({}, work)

/** For commands of the server's operator. */
export const asOperator = <T>(work: () => T): T => contexts.run({ isOperator: true }, work)

/** Names the session of the current request, once it is known. */
export function identifySession(sessionId: string): void {
  const { request } = current()
  if (request) request.sessionId = sessionId
}

export const currentToken = (): TokenActor | undefined => current().token
export const currentRequest = (): RequestContext | undefined => current().request

const maxAgentChars = 256

/** What an audit event stores of the current context. */
export function currentActor() {
  const context = current()
  const { request, token, approvalId } = context
  return {
    tokenId: token?.tokenId ?? null,
    tokenName: token?.name ?? null,
    actor: kindOf(context),
    approvalId: approvalId ?? null,
    sessionId: (!token && request?.sessionId) || null,
    requestId: request?.requestId ?? null,
    clientAddress: request?.clientAddress ?? null,
    userAgent: request?.userAgent?.slice(0, maxAgentChars) ?? null,
  }
}

function kindOf({ request, token, isOperator }: Context): ActorKind {
  if (token) return token.isApp ? 'app' : 'token'
  if (request) return request.sessionId === undefined ? 'unknown' : 'user'
  return isOperator ? 'operator' : 'job'
}
