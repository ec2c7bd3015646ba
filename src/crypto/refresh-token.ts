/**
 * @module Refresh tokens: `fkr_<key id>_<session id>_<generation>_<mac>`. The MAC is derived from the session and its
 * generation, so the database stores no tokens and the same successor can be issued again.
 */
import { isCanonicalBase64url, toHex } from '../lib/encoding.ts'
import { base64url } from 'jose'
import { parse } from 'uuid'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** Contents of a refresh token. */
export interface RefreshClaim {
  /** Of a session, or of the access token of a connected app. */
  sessionId: string
  /** 1 for the first token, incremented by each refresh. */
  generation: number
}

export interface RefreshTokens {
  readonly activeKeyId: string
  issue(claim: RefreshClaim): Promise<string>
  /** Null for tokens that this server did not issue. Does not check the session's state. */
  read(token: string): Promise<RefreshClaim | null>
}

const form = /^fkr_([a-z0-9]{1,16})_([A-Za-z0-9_-]{22})_([1-9]\d{0,8})_([A-Za-z0-9_-]{43})$/

/** @param purpose part of what is signed, so that a token has no other use */
export function createRefreshTokens(
  ring: KeyRing,
  purpose: 'refresh-token' | 'app-refresh-token' = 'refresh-token',
): RefreshTokens {
  const keyOf = importKeys(ring, { name: 'HMAC', hash: 'SHA-256' }, ['sign', 'verify'])

  return {
    activeKeyId: ring.active,

    async issue(claim) {
      const key = await keyOf(ring.active)
      if (!key) throw new Error('The key ring does not contain its active key')
      const mac = await crypto.subtle.sign('HMAC', key, message(purpose, claim))
      const session = base64url.encode(parse(claim.sessionId))
      return `fkr_${ring.active}_${session}_${claim.generation}_${base64url.encode(new Uint8Array(mac))}`
    },

    async read(token) {
      const [, keyId, session, generation, mac] = form.exec(token) ?? []
      if (!keyId || !session || !generation || !mac) return null
      if (!isCanonicalBase64url(session) || !isCanonicalBase64url(mac)) return null
      const key = await keyOf(keyId)
      if (!key) return null
      const claim = { sessionId: uuidText(base64url.decode(session)), generation: Number(generation) }
      const genuine = await crypto.subtle.verify(
        'HMAC',
        key,
        Uint8Array.from(base64url.decode(mac)),
        message(purpose, claim),
      )
      return genuine ? claim : null
    },
  }
}

const message = (purpose: string, { sessionId, generation }: RefreshClaim) =>
  new TextEncoder().encode(JSON.stringify([purpose, 'v1', sessionId, generation]))

/** Accepts any 16 bytes, unlike the uuid package. The MAC is verified afterwards. */
function uuidText(bytes: Uint8Array): string {
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
