/**
 * @module Tickets: signed statements for one purpose that expire after minutes, such as "this user entered the correct password".
 * They are JWTs of their own type, so that no ticket is valid as a session token or for another purpose. The server stores
 * only the IDs of used ones.
 */
import { errors, jwtVerify, SignJWT } from 'jose'
import { v7 as uuidv7, validate } from 'uuid'
import { isCanonicalBase64url } from '../lib/encoding.ts'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** What the ticket entitles to. */
export type TicketPurpose = 'second-factor' | 'passkey-sign-in' | 'passkey-check' | 'passkey-registration'

export interface Ticket {
  id: string
  /** Empty for anyone. */
  subject: string
  /** A digest of what the ticket depends on; empty if nothing. */
  bound: string
  expiresAt: Date
}

export interface Tickets {
  issue(purpose: TicketPurpose, subject: string, bound?: string): Promise<string>
  /** Null for an invalid or expired ticket, or one for another purpose. */
  read(purpose: TicketPurpose, ticket: string): Promise<Ticket | null>
}

export const ticketSeconds = 300
const maxTicketChars = 1024

export function createTickets(ring: KeyRing, issuer: string, now: () => Date): Tickets {
  const keyOf = importKeys(ring, { name: 'HMAC', hash: 'SHA-256' }, ['sign', 'verify'])

  return {
    async issue(purpose, subject, bound = '') {
      const key = await keyOf(ring.active)
      if (!key) throw new Error('The key ring does not contain its active key')
      const issuedAt = Math.floor(now().getTime() / 1000)
      return new SignJWT({ bound })
        .setProtectedHeader({ alg: 'HS256', kid: ring.active, typ: 'ticket+jwt' })
        .setIssuer(issuer)
        .setAudience(purpose)
        .setSubject(subject)
        .setJti(uuidv7())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ticketSeconds)
        .sign(key)
    },

    async read(purpose, ticket) {
      if (ticket.length > maxTicketChars || !ticket.split('.').every(isCanonicalBase64url)) return null
      try {
        const { payload } = await jwtVerify(
          ticket,
          async ({ kid }) => {
            const key = kid === undefined ? null : await keyOf(kid)
            if (!key) throw new errors.JWSInvalid('Unknown key')
            return key
          },
          {
            algorithms: ['HS256'],
            typ: 'ticket+jwt',
            issuer,
            audience: purpose,
            requiredClaims: ['sub', 'jti', 'iat', 'exp', 'bound'],
            maxTokenAge: ticketSeconds,
            currentDate: now(),
          },
        )
        const { sub, jti, exp = 0, bound } = payload
        if (typeof sub !== 'string' || typeof bound !== 'string' || !validate(jti)) return null
        return { id: jti as string, subject: sub, bound, expiresAt: new Date(exp * 1000) }
      } catch (error) {
        if (error instanceof errors.JOSEError) return null
        throw error
      }
    },
  }
}
