/** @module Bearer authentication, required on every `/v1` route except the auth routes. */
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { AccessClaim, AccessTokens } from '../crypto/access-token.ts'
import { currentToken, identifySession, type TokenActor, withToken } from '../db/actor.ts'
import { AppError } from '../errors.ts'
import type { BaseEnv } from './env.ts'
import { type ClaimRequest, countRequest } from './rate-limit.ts'
import { isScopedWithin, requireScope, scopeOf } from './scopes.ts'

export interface AuthEnv extends BaseEnv {
  Variables: BaseEnv['Variables'] & {
    userId: string
    /** Undefined for a request with an access token. */
    sessionId?: string
  }
}

export interface Authentication {
  /** Tokens of sessions. */
  accessTokens: AccessTokens
  sessions: {
    /** Whether the session of a valid token has not ended. */
    isLive: (claim: AccessClaim) => Promise<boolean>
  }
  /** @returns null unless it is a valid access token @throws {AppError} `too-many-requests` */
  authenticateToken: (token: string) => Promise<(TokenActor & { userId: string }) | null>
  claimRequest: ClaimRequest
}

/**
 * Accepts a session token, or an access token (`fk_…`) with the scope of the route. The rest of the request runs
 * with the scopes of the access token.
 * @throws {AppError} `unauthenticated`, `insufficient-scope`, `too-many-requests`
 */
export function requireUser({
  accessTokens,
  sessions,
  authenticateToken,
  claimRequest,
}: Authentication): MiddlewareHandler<AuthEnv> {
  return async (c, next) => {
    c.header('Cache-Control', 'no-store')
    const token = bearerToken(c.req.header('Authorization'))
    if (token?.startsWith('fk_')) {
      const actor = await authenticateToken(token)
      if (!actor) throw unauthenticated()
      c.set('userId', actor.userId)
      c.set('tokenId', actor.tokenId)
      await withToken(actor, async () => {
        requireScopeOfRoute(c)
        await countRequest(c, actor.userId, claimRequest)
        return next()
      })
      return
    }
    const claim = token === null ? null : await accessTokens.verify(token)
    if (claim === null || !(await sessions.isLive(claim))) throw unauthenticated()
    c.set('userId', claim.userId)
    c.set('sessionId', claim.sessionId)
    identifySession(claim.sessionId)
    await countRequest(c, claim.userId, claimRequest)
    await next()
  }
}

/** The route is the first handler that is not middleware. Without one, the response is 404 or 405 for every caller. */
function requireScopeOfRoute(c: Context): void {
  const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')
  if (!route) return
  if (currentToken()?.isApp && route.path !== '/mcp') {
    throw new AppError(
      'unauthenticated',
      'The tokens of connected apps work only at /mcp. Create an access token',
    )
  }
  if (isScopedWithin(route.method, route.path)) return
  const scope = scopeOf(route.method, route.path)
  if (!scope) throw new AppError('insufficient-scope', 'No access token can use this route. Sign in')
  requireScope(scope)
}

const unauthenticated = () =>
  new AppError(
    'unauthenticated',
    'Send a valid session token or access token in the header: Authorization: Bearer <token>',
  )

/** The token of an `Authorization: Bearer …` header (RFC 6750 §2.1), or null. */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? '')?.[1] ?? null
}
