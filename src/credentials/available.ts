/** @module The credentials that a user could bind, by type, and whether each can be sent as it is. */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { credentials } from '../db/schema/credentials.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import type { CredentialRepository } from './repository.ts'

/** How many credentials of OAuth types are opened to see whether they hold a token. */
const maximumOpened = 20

export interface AvailableCredential {
  id: string
  type: string
  name: string
  status: 'untested' | 'valid' | 'invalid'
  /** False for a type that signs in through OAuth and has no token yet: consent is given inside n8n. */
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

  /** The owner's of these types, newest first. */
  async find(userId: string, types: Iterable<string>): Promise<AvailableCredential[]> {
    const wanted = [...new Set(types)]
    if (wanted.length === 0) return []
    const rows = await this.#db
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

  /** It holds a token already, or its kind of grant asks nobody. */
  async #needsNoConsent(userId: string, credentialId: string): Promise<boolean> {
    const opened = await this.#credentials.open(userId, credentialId)
    const data = opened?.data.reveal() ?? {}
    return data.grantType === 'clientCredentials' || Boolean(data.oauthTokenData)
  }
}
