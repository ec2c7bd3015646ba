/** @module The credentials that a user can bind, by type, and whether each one is ready to send to n8n. */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { credentials } from '../db/schema/credentials.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import type { CredentialRepository } from './repository.ts'

/** How many OAuth credentials are decrypted to check for a token. */
const maximumOpened = 20

export interface AvailableCredential {
  id: string
  type: string
  name: string
  status: 'untested' | 'valid' | 'invalid'
  /** False for an OAuth credential without a token: the user signs in inside n8n. */
  usable: boolean
}

export class AvailableCredentials {
  readonly #db: Db
  readonly #credentials: Pick<CredentialRepository, 'open'>
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(
    db: Db,
    credentialRepository: Pick<CredentialRepository, 'open'>,
    loadCatalogue: () => Promise<Catalogue>,
  ) {
    this.#db = db
    this.#credentials = credentialRepository
    this.#loadCatalogue = loadCatalogue
  }

  /** The user's credentials of these types, newest first. */
  async find(userId: string, types: Iterable<string>): Promise<AvailableCredential[]> {
    const wanted = [...new Set(types)]
    if (wanted.length === 0) return []
    const rows = await this.#db.read
      .select({
        id: credentials.id,
        type: credentials.type,
        name: credentials.name,
        status: credentials.status,
      })
      .from(credentials)
      .where(and(eq(credentials.userId, userId), inArray(credentials.type, wanted)))
      .orderBy(desc(credentials.id))
    const catalogue = await this.#loadCatalogue()
    const isOauth = (type: string) => catalogue.credentialType(type)?.oauth ?? false
    const oauth = new Set(wanted.filter(isOauth))
    const opened = new Set(rows.filter(({ type }) => oauth.has(type)).slice(0, maximumOpened))
    return Promise.all(
      rows.map(async (row) => {
        const usable =
          !oauth.has(row.type) || (opened.has(row) && (await this.#needsNoConsent(userId, row.id)))
        return Object.assign(row, { usable })
      }),
    )
  }

  /** True when the credential already holds a token or its grant type needs no consent. */
  async #needsNoConsent(userId: string, credentialId: string): Promise<boolean> {
    const opened = await this.#credentials.open(userId, credentialId)
    const data = opened?.data.reveal() ?? {}
    return data.grantType === 'clientCredentials' || Boolean(data.oauthTokenData)
  }
}
