import { foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, instant } from './columns.ts'
import { apiTokens } from './users.ts'

/** Apps that may ask for access: registered ones until they expire, and metadata documents while they are cached. */
export const oauthClients = pgTable(
  'oauth_clients',
  {
    /** The URL of a metadata document, or a random text. */
    id: text('id').primaryKey(),
    /** Chosen by the app. */
    name: text('name').notNull(),
    redirectUris: text('redirect_uris').array().notNull(),
    /** Where an app publishes the keys that it authenticates with. Null for a public client. */
    jwksUri: text('jwks_uri'),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [index('oauth_clients_expires_at_idx').on(t.expiresAt)],
)

/** A connected app: what its access token (`api_tokens`) was approved for. Ends with that token. */
export const oauthGrants = pgTable(
  'oauth_grants',
  {
    tokenId: uuid('token_id').primaryKey(),
    userId: uuid('user_id').notNull(),
    clientId: text('client_id').notNull(),
    redirectUri: text('redirect_uri').notNull(),
    resource: text('resource').notNull(),
    jwksUri: text('jwks_uri'),
    /** SHA-256 of the authorization code, hex. Stays after its use, so that a second use is noticed. */
    codeHash: text('code_hash').notNull(),
    /** SHA-256 of the verifier, base64url (RFC 7636). */
    codeChallenge: text('code_challenge').notNull(),
    codeExpiresAt: instant('code_expires_at').notNull(),
    codeUsedAt: instant('code_used_at'),
    /** Of the newest refresh token, which is derived from it. Zero before the code is used. */
    generation: integer('generation').notNull().default(0),
    /** The key that signed the newest refresh token. */
    refreshKeyId: text('refresh_key_id'),
    createdAt: createdAt(),
  },
  (t) => [
    foreignKey({
      name: 'oauth_grants_token_fkey',
      columns: [t.userId, t.tokenId],
      foreignColumns: [apiTokens.userId, apiTokens.id],
    }).onDelete('cascade'),
    unique('oauth_grants_code_hash_key').on(t.codeHash),
    index('oauth_grants_token_idx').on(t.userId, t.tokenId),
  ],
)
