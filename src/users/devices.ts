/**
 * @module Device tokens: `fkd_<user id>_<time>_<mac>`. A sign-in returns one; the next sign-in sends it, so that guesses from
 * elsewhere do not delay it. It proves no identity, and does not replace the password.
 */
import { base64url } from 'jose'
import { parse, stringify } from 'uuid'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { dayMs } from '../lib/time.ts'

/** A device on which a user signed in. */
export interface Device {
  userId: string
  issuedAt: Date
  token: string
}

/** Also the lifetime of the dashboard's cookie. */
export const deviceLifetimeDays = 180

const form = /^fkd_([A-Za-z0-9_-]{22})_([a-z0-9]{1,9})_([0-9a-f]{64})$/

export class Devices {
  readonly #fingerprint: Fingerprint
  readonly #now: () => Date

  constructor(fingerprint: Fingerprint, now: () => Date) {
    this.#fingerprint = fingerprint
    this.#now = now
  }

  /** The time to issue a token with. Read it before the password is checked, so that a concurrent change revokes the token. */
  now(): Date {
    return this.#now()
  }

  issue(userId: string, issuedAt: Date): Promise<string> {
    return this.#tokenOf(userId, issuedAt)
  }

  /** Null unless this server issued the token within its lifetime. It may be revoked. */
  async read(token: string | undefined): Promise<Device | null> {
    const [, user, time] = form.exec(token ?? '') ?? []
    if (token === undefined || !user || !time) return null
    const userId = stringify(base64url.decode(user))
    const issuedAt = new Date(Number.parseInt(time, 36))
    if (this.#now().getTime() - issuedAt.getTime() > deviceLifetimeDays * dayMs) return null
    // Compares digests, whose common beginnings reveal nothing about the token.
    const [sent, expected] = await Promise.all(
      [token, await this.#tokenOf(userId, issuedAt)].map((each) => this.#fingerprint('device-token', each)),
    )
    return sent === expected ? { userId, issuedAt, token } : null
  }

  async #tokenOf(userId: string, issuedAt: Date): Promise<string> {
    const time = issuedAt.getTime().toString(36)
    const mac = await this.#fingerprint('device', `${userId} ${time}`)
    return `fkd_${base64url.encode(parse(userId))}_${time}_${mac}`
  }
}
