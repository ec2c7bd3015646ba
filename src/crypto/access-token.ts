/**
 * @module Signed tokens that identify a user and a session: JWTs signed with HS256 by a ring key. Session tokens
 * follow the profile of RFC 9068 and are valid for five minutes. Tokens for other purposes have their own type and
 * audience and are never valid as session tokens.
 */
import { errors, jwtVerify, SignJWT } from 'jose'
import { validate, v4 as uuidv4 } from 'uuid'
import { isCanonicalBase64url } from '../lib/encoding.ts'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'

export interface AccessClaim {
  userId: string
  /** The token's session, which may have ended. */
  sessionId: string
}

export interface AccessTokens {
  readonly activeKeyId: string
  /** `expiresIn` is in seconds. */
  sign(claim: AccessClaim): Promise<{ accessToken: string; expiresIn: number }>
  /** The signed claim; null for an invalid token. */
  verify(token: string): Promise<AccessClaim | null>
}

export interface AccessTokenOptions {
  issuer: string
  audience: string
  now: () => Date
  /** The header's `typ`. */
  type?: string
  lifetimeSeconds?: number
}

/** Rejects tokens whose lifetime is longer than this multiple of ours. */
const maxLifetimes = 3
const clockToleranceSeconds = 5
const maxTokenChars = 2048
const headerNames = new Set(['alg', 'kid', 'typ'])
/** Tokens whose signature is not checked again. */
const maxVerified = 1000

interface Verified {
  claim: AccessClaim
  /** Seconds since 1970, both included. */
  from: number
  until: number
}

export function createAccessTokens(
  ring: KeyRing,
  { issuer, audience, now, type = 'at+jwt', lifetimeSeconds = 300 }: AccessTokenOptions,
): AccessTokens {
  const maxLifetimeSeconds = lifetimeSeconds * maxLifetimes
  const keyOf = importKeys(ring, { name: 'HMAC', hash: 'SHA-256' }, ['sign', 'verify'])
  const verified = new Map<string, Verified>()
  const remember = (token: string, each: Verified) => {
    if (verified.size >= maxVerified) verified.delete(verified.keys().next().value as string)
    verified.set(token, each)
  }

  return {
    activeKeyId: ring.active,

    async sign({ userId, sessionId }) {
      const key = await keyOf(ring.active)
      if (!key) throw new Error('The key ring does not contain its active key')
      const issuedAt = Math.floor(now().getTime() / 1000)
      const accessToken = await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: 'HS256', kid: ring.active, typ: type })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setJti(uuidv4())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .sign(key)
      return { accessToken, expiresIn: lifetimeSeconds }
    },

    async verify(token) {
      const known = verified.get(token)
      const atSeconds = Math.floor(now().getTime() / 1000)
      if (known && atSeconds >= known.from && atSeconds <= known.until) return known.claim
      if (token.length > maxTokenChars || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}$/.test(token)) return null
      if (!token.split('.').every(isCanonicalBase64url)) return null
      try {
        const { payload } = await jwtVerify(
          token,
          async (header) => {
            const key = typeof header.kid === 'string' ? await keyOf(header.kid) : null
            if (!key || !Object.keys(header).every((name) => headerNames.has(name))) {
              throw new errors.JWSInvalid('Unexpected token header')
            }
            return key
          },
          {
            algorithms: ['HS256'],
            typ: type,
            issuer,
            audience,
            requiredClaims: ['sub', 'sid', 'jti', 'iat', 'exp'],
            maxTokenAge: maxLifetimeSeconds,
            clockTolerance: clockToleranceSeconds,
            currentDate: now(),
          },
        )
        const { sub, sid, iat = 0, exp = 0 } = payload
        if (exp <= iat || exp - iat > maxLifetimeSeconds) return null
        if (typeof sub !== 'string' || typeof sid !== 'string' || !validate(sub) || !validate(sid))
          return null
        const claim = { userId: sub, sessionId: sid }
        remember(token, {
          claim,
          from: iat - clockToleranceSeconds,
          until: Math.min(exp - 1, iat + maxLifetimeSeconds) + clockToleranceSeconds,
        })
        return claim
      } catch (error) {
        if (error instanceof errors.JOSEError) return null
        throw error
      }
    },
  }
}
