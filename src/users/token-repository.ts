/** @module Access tokens of a user. Each change takes effect in this isolate immediately, in others within five seconds. */
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { newApiToken } from '../crypto/api-token.ts'
import { currentToken } from '../db/actor.ts'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { type CreationKey, idempotentCreate } from '../db/idempotent-create.ts'
import { oauthGrants } from '../db/schema/oauth.ts'
import { apiTokens, apiTokenSecrets, apiTokenUses } from '../db/schema/users.ts'
import { AppError, invalid } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import { requireScope, type Scope, scopes as allScopes } from '../http/scopes.ts'
import type { Notify } from './account-mail/account-mail.ts'
import type { TokenAccess } from './token-access.ts'
import {
  type ApiToken,
  type CreatedToken,
  defaultLifetimeMs,
  maximumLifetimeMs,
  type NewToken,
  type RotatedToken,
  type TokenChange,
  type TokenRotation,
} from './token-contract.ts'

const maximumSecrets = 10

const columns = {
  id: apiTokens.id,
  name: apiTokens.name,
  kind: apiTokens.kind,
  isApp: apiTokens.isApp,
  scopes: apiTokens.scopes,
  hint: apiTokens.hint,
  requestsPerMinute: apiTokens.requestsPerMinute,
  expiresAt: apiTokens.expiresAt,
  lastUsedAt: apiTokenUses.lastUsedAt,
  rotatedAt: apiTokens.rotatedAt,
  clientId: oauthGrants.clientId,
  createdAt: apiTokens.createdAt,
}

type Row = Pick<typeof apiTokens.$inferSelect, Exclude<keyof typeof columns, 'lastUsedAt' | 'clientId'>> & {
  lastUsedAt: Date | null
  clientId: string | null
}

export interface TokenOptions {
  access: TokenAccess
  quota: number
  notify?: Notify
}

/** Every method takes the owner first and reads only that user's rows. */
export class TokenRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: TokenOptions

  constructor(db: Db, now: () => Date, options: TokenOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /** @throws {AppError} `invalid`, `insufficient-scope`, `quota-exceeded`, `idempotency-key-reused`, `conflict` */
  async create(userId: string, body: NewToken, key?: CreationKey): Promise<CreatedToken> {
    const { name, kind, scopes, requestsPerMinute } = body
    requireScopes(scopes)
    const id = uuidv7()
    const createdAt = this.#now()
    const expiresAt = this.#expiry(kind, body.expiresAt) ?? null
    const { token, hash, hint } = await newApiToken()
    const row = { id, name, kind, scopes, hint, requestsPerMinute, expiresAt, rotatedAt: null, createdAt }
    const quota = { table: 'api_tokens', limit: this.#options.quota } as const
    const created = await idempotentCreate(this.#db, { userId, resourceId: id, key, quota }, [
      this.#db.insert(apiTokens).values({ ...row, userId }),
      this.#db.insert(apiTokenSecrets).values({ hash, userId, tokenId: id, createdAt }),
      this.#db.insert(apiTokenUses).values({ tokenId: id, userId }),
      auditEvent(this.#db, userId, 'token.created', id, {
        name,
        kind,
        scopes,
        expiresAt: expiresAt?.toISOString() ?? null,
      }),
    ])
    if (!created.replayed) {
      this.#options.notify?.(userId, 'token-created', { name })
      return { ...toToken({ ...row, isApp: false, lastUsedAt: null, clientId: null }), token }
    }
    const earlier = await this.find(userId, created.id)
    if (!earlier) {
      throw new AppError(
        'conflict',
        'The access token created with this Idempotency-Key was revoked. Use a new key',
      )
    }
    return { ...earlier, token: null }
  }

  async find(userId: string, id: string): Promise<ApiToken | null> {
    const [row] = await this.#select().where(owned(userId, id))
    return row ? toToken(row) : null
  }

  async list(userId: string, page: Page): Promise<Slice<ApiToken>> {
    const rows = await this.#select()
      .where(
        and(eq(apiTokens.userId, userId), page.after === null ? undefined : lt(apiTokens.id, page.after)),
      )
      .orderBy(desc(apiTokens.id))
      .limit(page.limit + 1)
    return slice(rows.map(toToken), page.limit)
  }

  /** @throws {AppError} `invalid`, `insufficient-scope` */
  async update(userId: string, id: string, change: TokenChange): Promise<ApiToken | null> {
    if (change.scopes) requireScopes(change.scopes)
    const before = await this.find(userId, id)
    if (!before || Object.keys(change).length === 0) return before
    if (before.kind === 'app' && change.expiresAt !== undefined) {
      throw invalid('/expiresAt', 'The app renews its token. Omit expiresAt')
    }
    const expiresAt = change.expiresAt === undefined ? undefined : this.#expiry(before.kind, change.expiresAt)
    await this.#db.batch([
      this.#db
        .update(apiTokens)
        .set({ ...change, ...(expiresAt !== undefined && { expiresAt }) })
        .where(owned(userId, id)),
      this.#db.execute(sql`
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}::uuid, user_id, 'token.updated', id, ${JSON.stringify({
          name: before.name,
          changed: Object.keys(change),
          ...(change.scopes && { from: before.scopes, to: change.scopes }),
        })}::jsonb, ${actorValues()}
        from api_tokens where user_id = ${userId} and id = ${id}`),
    ])
    this.#options.access.forget(id)
    return this.find(userId, id)
  }

  /**
   * Replaces the secret. Earlier ones work until the overlap ends, unless they end before. Without `expiresAt`, the new one
   * lasts as long as the replaced one did.
   * @throws {AppError} `invalid`; `conflict` for a connected app, and while too many replaced secrets work
   */
  async rotate(userId: string, id: string, rotation: TokenRotation): Promise<RotatedToken | null> {
    const before = await this.find(userId, id)
    if (!before) return null
    if (before.kind === 'app') {
      throw new AppError('conflict', 'The app renews its token. Revoke the token to disconnect the app')
    }
    const { overlapSeconds, expiresAt: wanted } = rotation
    const now = this.#now()
    const lastsMs =
      before.expiresAt === null
        ? null
        : Date.parse(before.expiresAt) - Date.parse(before.rotatedAt ?? before.createdAt)
    const renewed =
      lastsMs === null ? null : new Date(now.getTime() + Math.min(lastsMs, maximumLifetimeMs - 1000))
    const expiresAt =
      wanted === undefined ? earliest(renewed, currentToken()?.expiresAt) : this.#expiry(before.kind, wanted)
    const { token, hash, hint } = await newApiToken()
    const at = sql`${now.toISOString()}::timestamptz`
    const live = sql`token_id = ${id} and user_id = ${userId} and (valid_until is null or valid_until > ${at})`
    const { rows } = await this.#db.execute(sql`
      with rotated as (
        update api_tokens t set hint = ${hint}, rotated_at = ${at},
          expires_at = ${expiresAt?.toISOString() ?? null}::timestamptz
        where t.user_id = ${userId} and t.id = ${id} and (${overlapSeconds}::integer = 0
          or (select count(*) from api_token_secrets where ${live}) < ${maximumSecrets}::integer)
        returning t.id, t.user_id
      ), replaced as (
        update api_token_secrets s set valid_until = least(s.valid_until, ${before.expiresAt}::timestamptz,
          ${at} + make_interval(secs => ${overlapSeconds}::integer))
        from rotated where s.user_id = rotated.user_id and s.token_id = rotated.id
      ), added as (
        insert into api_token_secrets (hash, user_id, token_id, created_at)
        select ${hash}, user_id, id, ${at} from rotated
      )
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, 'token.rotated', id,
        ${JSON.stringify({ name: before.name, overlapSeconds })}::jsonb, ${actorValues()}
      from rotated returning subject_id`)
    this.#options.access.forget(id)
    if (rows.length === 0) {
      if (!(await this.find(userId, id))) return null
      throw new AppError(
        'conflict',
        `${maximumSecrets} secrets of the access token still work. Wait until the earlier ones expire, or rotate it with overlapSeconds 0`,
      )
    }
    return {
      ...before,
      hint,
      rotatedAt: now.toISOString(),
      expiresAt: expiresAt?.toISOString() ?? null,
      token,
    }
  }

  /** Deletes the token. False when the user has no such token. */
  async revoke(userId: string, id: string): Promise<boolean> {
    const { rows } = await this.#db.execute(sql`
      with revoked as (
        delete from api_tokens where user_id = ${userId} and id = ${id} returning id, user_id, name, is_app
      )
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, case when is_app then 'app.disconnected' else 'token.revoked' end, id,
        jsonb_build_object('name', name), ${actorValues()}
      from revoked returning subject_id`)
    this.#options.access.forget(id)
    return rows.length > 0
  }

  /** Records one audit event with the names of the revoked tokens. */
  async revokeAll(userId: string): Promise<void> {
    await this.#db.execute(sql`
      with revoked as (delete from api_tokens where user_id = ${userId} returning name)
      insert into audit_events (id, user_id, action, details, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, 'token.all-revoked', jsonb_build_object('names', jsonb_agg(name)),
        ${actorValues()}
      from revoked having count(*) > 0`)
    this.#options.access.forgetUser(userId)
  }

  #select() {
    return this.#db.read
      .select(columns)
      .from(apiTokens)
      .innerJoin(
        apiTokenUses,
        and(eq(apiTokenUses.userId, apiTokens.userId), eq(apiTokenUses.tokenId, apiTokens.id)),
      )
      .leftJoin(
        oauthGrants,
        and(eq(oauthGrants.userId, apiTokens.userId), eq(oauthGrants.tokenId, apiTokens.id)),
      )
      .$dynamic()
  }

  /** A token that creates or extends another one cannot grant more time than it has. @throws {AppError} `invalid` */
  #expiry(kind: ApiToken['kind'], wanted: Date | null | undefined): Date | null {
    const nowMs = this.#now().getTime()
    const limit = currentToken()?.expiresAt
    if (wanted === undefined) return earliest(new Date(nowMs + defaultLifetimeMs), limit)
    if (wanted === null && kind !== 'service') {
      throw invalid('/expiresAt', 'Only a service token can have no expiry. Set a time within a year')
    }
    if (wanted && wanted.getTime() <= nowMs) throw invalid('/expiresAt', 'Must be in the future')
    if (wanted && wanted.getTime() > nowMs + maximumLifetimeMs) {
      throw invalid('/expiresAt', 'Must be within a year')
    }
    if (limit && (wanted === null || wanted > limit)) {
      throw invalid(
        '/expiresAt',
        `Must not be later than ${limit.toISOString()}, when your own token expires`,
      )
    }
    return wanted
  }
}

/** A token cannot grant a scope that it lacks. @throws {AppError} `insufficient-scope` */
function requireScopes(wanted: readonly Scope[]): void {
  for (const scope of wanted) requireScope(scope)
}

const earliest = (time: Date | null, limit: Date | null | undefined): Date | null =>
  limit && (time === null || limit < time) ? limit : time

const owned = (userId: string, id: string) => and(eq(apiTokens.userId, userId), eq(apiTokens.id, id))

const toToken = ({
  kind,
  isApp,
  scopes,
  expiresAt,
  lastUsedAt,
  rotatedAt,
  createdAt,
  ...row
}: Row): ApiToken => ({
  ...row,
  kind: isApp ? 'app' : kind,
  // A scope that this release does not know grants nothing.
  scopes: allScopes.filter((scope) => scopes.includes(scope)),
  expiresAt: expiresAt?.toISOString() ?? null,
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
  rotatedAt: rotatedAt?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
})
