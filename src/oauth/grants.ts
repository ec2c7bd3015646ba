/**
 * @module Connected apps. Approving one creates an access token without a secret, and a code. The code is exchanged for the
 * first secret, which ends after an hour, and a refresh token, which is exchanged for the next ones. A code or a refresh
 * token that is used twice disconnects the app, because one of its two holders may be a thief (RFC 9700 §4.14.2).
 */
import { sql } from 'drizzle-orm'
import { base64url } from 'jose'
import { v7 as uuidv7 } from 'uuid'
import { hashApiToken, newApiToken } from '../crypto/api-token.ts'
import type { RefreshTokens } from '../crypto/refresh-token.ts'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { idempotentCreate } from '../db/idempotent-create.ts'
import { oauthGrants } from '../db/schema/oauth.ts'
import { apiTokens, apiTokenUses } from '../db/schema/users.ts'
import type { Scope } from '../http/scopes.ts'
import { sha256, sha256Hex } from '../lib/encoding.ts'
import { dayMs } from '../lib/time.ts'
import type { TokenAccess } from '../users/token-access.ts'
import { maximumLifetimeMs } from '../users/token-contract.ts'
import type { ClientAssertions } from './client-assertion.ts'
import type { OAuthClient } from './clients.ts'
import { OAuthError } from './oauth-error.ts'
import { renewedScopes } from './scopes.ts'

const codeSeconds = 60
const accessSeconds = 3600
/** An app that does not renew its token for this long is disconnected. */
const idleMs = 30 * dayMs
/** Earlier secrets end soon after a renewal, for requests that are in flight. */
const overlapSeconds = 60
const requestsPerMinute = 600

export interface Approval {
  client: OAuthClient
  redirectUri: string
  resource: string
  scopes: readonly Scope[]
  codeChallenge: string
}

export interface IssuedTokens {
  accessToken: string
  refreshToken: string
  expiresInSeconds: number
  scopes: string[]
}

interface GrantRow extends Record<string, unknown> {
  tokenId: string
  userId: string
  name: string
  clientId: string
  redirectUri: string
  codeChallenge: string
  isUsed: boolean
  isExpired: boolean
  generation: number
  scopes: string[]
  jwksUri: string | null
}

export interface OAuthGrantOptions {
  access: TokenAccess
  refreshTokens: RefreshTokens
  assertions: ClientAssertions
  quota: number
}

export class OAuthGrants {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: OAuthGrantOptions

  constructor(db: Db, now: () => Date, options: OAuthGrantOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /** @returns the code @throws {AppError} `quota-exceeded`, `unauthenticated` */
  async approve(userId: string, { client, scopes, ...approved }: Approval): Promise<string> {
    const id = uuidv7()
    const createdAt = this.#now()
    const codeExpiresAt = new Date(createdAt.getTime() + codeSeconds * 1000)
    const code = base64url.encode(crypto.getRandomValues(new Uint8Array(32)))
    const { name, id: clientId, jwksUri } = client
    const granted = [...scopes]
    await idempotentCreate(
      this.#db,
      { userId, resourceId: id, key: undefined, quota: { table: 'api_tokens', limit: this.#options.quota } },
      [
        this.#db.insert(apiTokens).values({
          id,
          userId,
          name,
          kind: 'personal',
          isApp: true,
          scopes: granted,
          hint: '',
          requestsPerMinute,
          expiresAt: codeExpiresAt,
          createdAt,
        }),
        this.#db.insert(apiTokenUses).values({ tokenId: id, userId }),
        this.#db.insert(oauthGrants).values({
          ...approved,
          tokenId: id,
          userId,
          clientId,
          jwksUri,
          codeHash: await sha256Hex(code),
          codeExpiresAt,
          createdAt,
        }),
        auditEvent(this.#db, userId, 'app.connected', id, { name, clientId, scopes: granted }),
      ],
    )
    return code
  }

  /** @throws {OAuthError} `invalid_grant`, `invalid_client` */
  async exchange(request: {
    code: string
    clientId: string
    redirectUri: string
    codeVerifier: string
    assertion: string | undefined
  }): Promise<IssuedTokens> {
    const codeHash = await sha256Hex(request.code)
    const grant = await this.#find(sql`g.code_hash = ${codeHash}`)
    if (!grant || grant.clientId !== request.clientId) throw invalidGrant()
    await this.#authenticate(grant, request.assertion)
    if (grant.isUsed) return this.#reject(grant)
    const challenge = base64url.encode(await sha256(request.codeVerifier))
    if (grant.isExpired || grant.redirectUri !== request.redirectUri || grant.codeChallenge !== challenge) {
      throw invalidGrant()
    }
    return this.#issue(grant, grant.scopes, sql`code_used_at is null`)
  }

  /**
   * @param scope the parameter of the request
   * @throws {OAuthError} `invalid_grant`, `invalid_client`, `invalid_scope`
   */
  async refresh(request: {
    refreshToken: string
    clientId: string
    scope: string | undefined
    assertion: string | undefined
  }): Promise<IssuedTokens> {
    const claim = await this.#options.refreshTokens.read(request.refreshToken)
    const grant = claim && (await this.#find(sql`g.token_id = ${claim.sessionId}`))
    if (!grant || grant.clientId !== request.clientId) throw invalidGrant()
    await this.#authenticate(grant, request.assertion)
    if (claim.generation !== grant.generation) return this.#reject(grant)
    const scopes = renewedScopes(request.scope, grant.scopes)
    if (!scopes)
      throw new OAuthError('invalid_scope', 'A renewed token cannot have more scopes. Connect again')
    return this.#issue(grant, scopes, sql`generation = ${grant.generation}::integer`)
  }

  /** Disconnects the app of an access token or a refresh token. Ignores other tokens (RFC 7009 §2.2). */
  async revoke(token: string, clientId: string): Promise<void> {
    const claim = await this.#options.refreshTokens.read(token)
    const grant = await this.#find(
      claim
        ? sql`g.token_id = ${claim.sessionId}`
        : sql`g.token_id = (select token_id from api_token_secrets where hash = ${await hashApiToken(token)})`,
    )
    if (grant?.clientId === clientId) await this.#disconnect(grant, 'app.disconnected-itself')
  }

  async #find(condition: ReturnType<typeof sql>): Promise<GrantRow | undefined> {
    const at = sql`${this.#now().toISOString()}::timestamptz`
    const { rows } = await this.#db.read.execute<GrantRow>(sql`
      select g.token_id as "tokenId", g.user_id as "userId", t.name, g.client_id as "clientId",
        g.redirect_uri as "redirectUri", g.code_challenge as "codeChallenge", g.code_used_at is not null as "isUsed",
        g.code_expires_at <= ${at} as "isExpired", g.generation, t.scopes, g.jwks_uri as "jwksUri"
      from oauth_grants g
      join api_tokens t on t.user_id = g.user_id and t.id = g.token_id and t.expires_at > ${at}
      join users u on u.id = g.user_id and u.deleted_at is null
      where ${condition}`)
    return rows[0]
  }

  /** @throws {OAuthError} `invalid_client` */
  async #authenticate({ clientId, jwksUri }: GrantRow, assertion: string | undefined): Promise<void> {
    if (jwksUri !== null) await this.#options.assertions.verify({ clientId, jwksUri, assertion })
  }

  /** One statement: of concurrent requests, only one finds the row unchanged. The others used the same code or token. */
  async #issue(
    grant: GrantRow,
    scopes: readonly string[],
    isUnused: ReturnType<typeof sql>,
  ): Promise<IssuedTokens> {
    const { tokenId, userId, generation: before } = grant
    const { refreshTokens, access } = this.#options
    const { token, hash, hint } = await newApiToken()
    const nowMs = this.#now().getTime()
    const at = (ms: number) => sql`${new Date(ms).toISOString()}::timestamptz`
    const now = at(nowMs)
    const narrowed =
      scopes.length < grant.scopes.length ? sql`${JSON.stringify(scopes)}::jsonb` : sql`null::jsonb`
    const { rows } = await this.#db.execute<{ generation: number }>(sql`
      with advanced as (
        update oauth_grants set generation = generation + 1, refresh_key_id = ${refreshTokens.activeKeyId},
          code_used_at = coalesce(code_used_at, ${now})
        where user_id = ${userId} and token_id = ${tokenId} and ${isUnused}
        returning user_id, token_id, generation
      ), renewed as (
        update api_tokens t set hint = ${hint},
          rotated_at = case when a.generation > 1 then ${now} end,
          expires_at = least(${at(nowMs + idleMs)}, t.created_at + make_interval(secs => ${maximumLifetimeMs / 1000}))
        from advanced a where t.user_id = a.user_id and t.id = a.token_id
      ), ended as (
        update api_token_secrets s set valid_until = least(s.valid_until, ${at(nowMs + overlapSeconds * 1000)})
        from advanced a where s.user_id = a.user_id and s.token_id = a.token_id
      ), added as (
        insert into api_token_secrets (hash, user_id, token_id, valid_until, scopes, created_at)
        select ${hash}, user_id, token_id, ${at(nowMs + accessSeconds * 1000)},
          case when ${narrowed} is not null then array(select jsonb_array_elements_text(${narrowed})) end, ${now}
        from advanced
      )
      select generation from advanced`)
    access.forget(tokenId)
    const generation = rows[0]?.generation
    if (generation !== before + 1) return this.#reject(grant)
    const refreshToken = await refreshTokens.issue({ sessionId: tokenId, generation })
    return { accessToken: token, refreshToken, expiresInSeconds: accessSeconds, scopes: [...scopes] }
  }

  /** @throws {OAuthError} `invalid_grant` */
  async #reject(grant: GrantRow): Promise<never> {
    await this.#disconnect(grant, 'app.token-reused')
    throw invalidGrant()
  }

  async #disconnect({ userId, tokenId }: GrantRow, action: string): Promise<void> {
    await this.#db.execute(sql`
      with revoked as (
        delete from api_tokens where user_id = ${userId} and id = ${tokenId} returning id, user_id, name
      )
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, ${action}, id, jsonb_build_object('name', name), ${actorValues()} from revoked`)
    this.#options.access.forget(tokenId)
  }
}

const invalidGrant = () =>
  new OAuthError(
    'invalid_grant',
    'The code or refresh token is invalid, expired, already used, or belongs to another app',
  )
