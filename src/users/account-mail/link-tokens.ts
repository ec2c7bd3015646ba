/**
 * @module Tokens of account links: `fkl_<link id>_<mac>`. The MAC is derived from the purpose and the ID, so the database
 * stores no tokens, a token has no other use, and forged ones cost no statement.
 */
import { base64url } from 'jose'
import { parse, stringify } from 'uuid'
import type { Fingerprint } from '../../crypto/fingerprint.ts'
import { isCanonicalBase64url } from '../../lib/encoding.ts'
import type { LinkPurpose } from './texts.ts'

const form = /^fkl_([A-Za-z0-9_-]{22})_([0-9a-f]{64})$/

export class LinkTokens {
  readonly #fingerprint: Fingerprint

  constructor(fingerprint: Fingerprint) {
    this.#fingerprint = fingerprint
  }

  async issue(purpose: LinkPurpose, id: string): Promise<string> {
    return `fkl_${base64url.encode(parse(id))}_${await this.#fingerprint(`account-link ${purpose}`, id)}`
  }

  /** The link's ID; null for a token that this server did not issue for the purpose. The link may be used or expired. */
  async read(purpose: LinkPurpose, token: string): Promise<string | null> {
    const [, encoded] = form.exec(token) ?? []
    if (!encoded || !isCanonicalBase64url(encoded)) return null
    let id: string
    try {
      id = stringify(base64url.decode(encoded))
    } catch {
      return null
    }
    // Compares digests, whose common beginnings reveal nothing about the token.
    const both = [token, await this.issue(purpose, id)]
    const [sent, expected] = await Promise.all(both.map((each) => this.#fingerprint('account-link', each)))
    return sent === expected ? id : null
  }
}
