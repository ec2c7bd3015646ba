/** @module Bearer authentication, required on every `/v1` route except the auth routes. */
import type { MiddlewareHandler } from 'hono'
import type { AccessTokens } from '../crypto/access-token.ts'
import { AppError } from '../errors.ts'
import type { BaseEnv } from './env.ts'

export interface AuthEnv extends BaseEnv {
  Variables: BaseEnv['Variables'] & { userId: string; sessionId: string }
}

/** @throws {AppError} `unauthenticated` when the Authorization header has no valid access token */
export function requireUser(tokens: AccessTokens): MiddlewareHandler<AuthEnv> {
  return async (c, next) => {
    const token = bearerToken(c.req.header('Authorization'))
    const claim = token === null ? null : await tokens.verify(token)
    if (claim === null)
      throw new AppError(
        'unauthenticated',
        'Send a valid access token in the header: Authorization: Bearer <token>',
      )
    c.set('userId', claim.userId)
    c.set('sessionId', claim.sessionId)
    c.header('Cache-Control', 'no-store')
    await next()
  }
}

/** The token of an `Authorization: Bearer …` header (RFC 6750 §2.1), or null. */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? '')?.[1] ?? null
}
