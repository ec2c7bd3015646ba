/** @module Apps: registered ones (RFC 7591), and those whose ID is the URL of a metadata document. */
import { and, eq, gt } from 'drizzle-orm'
import { base64url } from 'jose'
import type { Db } from '../db/client.ts'
import { oauthClients } from '../db/schema/oauth.ts'
import { dayMs } from '../lib/time.ts'
import { type ClientMetadata, invalidMetadata, readMetadata } from './client-metadata.ts'
import { checkedUrl, fetchJson, type GuardedJsonOptions } from './guarded-json.ts'
import { isObject } from '../lib/json-object.ts'

export interface OAuthClient extends ClientMetadata {
  id: string
  /** The host of its metadata document, which proves who publishes the app. Null if it registered itself. */
  host: string | null
}

/** A registration without any approval ends after this time. */
const unusedMs = dayMs
/** Longer than any app stays connected without a new approval. */
const usedMs = 400 * dayMs

export interface OAuthClientOptions extends GuardedJsonOptions {
  /** Counts a fetched document. @throws {AppError} `too-many-requests` */
  claimLookup: (userId: string) => Promise<void>
}

export class OAuthClients {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: OAuthClientOptions

  constructor(db: Db, now: () => Date, options: OAuthClientOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  async register(metadata: ClientMetadata): Promise<{ id: string; createdAt: Date }> {
    const id = `app_${base64url.encode(crypto.getRandomValues(new Uint8Array(18)))}`
    const createdAt = this.#now()
    const expiresAt = new Date(createdAt.getTime() + unusedMs)
    await this.#db.insert(oauthClients).values({ ...metadata, jwksUri: null, id, createdAt, expiresAt })
    return { id, createdAt }
  }

  /**
   * @param userId counts the documents that are fetched for a user; null to fetch none
   * @returns null for an unknown app
   * @throws {OAuthError} `invalid_client_metadata`; `AppError` `too-many-requests`
   */
  async find(id: string, userId: string | null): Promise<OAuthClient | 'not-fetched' | null> {
    const host = hostOf(id)
    const [row] = await this.#db.read
      .select()
      .from(oauthClients)
      .where(and(eq(oauthClients.id, id), gt(oauthClients.expiresAt, this.#now())))
    if (row) {
      const { name, redirectUris, jwksUri } = row
      return { id, host, name, redirectUris, jwksUri }
    }
    if (host === null) return null
    return userId === null ? 'not-fetched' : { id, host, ...(await this.#fetch(id, userId)) }
  }

  /** Keeps the registration of an app that a user has approved. */
  async keep({ id, host }: OAuthClient): Promise<void> {
    if (host !== null) return
    const expiresAt = new Date(this.#now().getTime() + usedMs)
    await this.#db.update(oauthClients).set({ expiresAt }).where(eq(oauthClients.id, id))
  }

  async #fetch(id: string, userId: string): Promise<ClientMetadata> {
    requireDocumentUrl(id)
    checkedUrl(id, this.#options.rules)
    await this.#options.claimLookup(userId)
    const { value, cacheSeconds } = await fetchJson(id, this.#options)
    const metadata = readDocument(id, value)
    if (cacheSeconds > 0) {
      const createdAt = this.#now()
      const row = { ...metadata, createdAt, expiresAt: new Date(createdAt.getTime() + cacheSeconds * 1000) }
      await this.#db
        .insert(oauthClients)
        .values({ id, ...row })
        .onConflictDoUpdate({ target: oauthClients.id, set: row })
    }
    return metadata
  }
}

const hostOf = (id: string): string | null =>
  /^https?:\/\//i.test(id) && URL.canParse(id) ? new URL(id).host : null

/** The URL that is shown and compared must be the one that is fetched. */
function requireDocumentUrl(id: string): void {
  const url = new URL(id)
  if (url.href !== id || url.hash !== '' || id.includes('#') || url.pathname === '/') {
    throw invalidMetadata(
      'client_id must be the exact URL of a document: with a path, without dot segments and without a fragment',
    )
  }
}

/** @throws {OAuthError} `invalid_client_metadata` */
function readDocument(id: string, value: unknown): ClientMetadata {
  if (!isObject(value) || value['client_id'] !== id) {
    throw invalidMetadata('client_id in the document must equal its URL')
  }
  if (typeof value['client_name'] !== 'string') throw invalidMetadata('client_name is required')
  if (value['client_secret'] !== undefined) throw invalidMetadata('The document must not contain a secret')
  const metadata = readMetadata(value)
  const method = value['token_endpoint_auth_method'] ?? 'none'
  if (method === 'none') return { ...metadata, jwksUri: null }
  if (method !== 'private_key_jwt' || metadata.jwksUri === null) {
    throw invalidMetadata('token_endpoint_auth_method must be none, or private_key_jwt with jwks_uri')
  }
  return metadata
}
