/**
 * @module Sessions: each row is a family of refresh tokens of which only the newest is valid (RFC 9700 §4.14.2).
 * Reusing a replaced token ends the family, because one of its two holders may be a thief. Within a short grace period
 * it returns the same successor instead, because the first response may have been lost.
 */
import { dayMs } from '../lib/time.ts'
import { and, eq, gt, isNull, sql, type SQL } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { AccessClaim } from '../crypto/access-token.ts'
import type { RefreshTokens } from '../crypto/refresh-token.ts'
import { identifySession } from '../db/actor.ts'
import { actorColumns, actorValues, auditEvent, auditEventOfUser } from '../db/audit.ts'
import { type Db, idempotent } from '../db/client.ts'
import { sessions, users } from '../db/schema/users.ts'
import { AppError } from '../errors.ts'
import type { User } from './contract.ts'

export interface SessionOptions {
  refreshTokens: RefreshTokens
  /** Key that signs session tokens and cookies. */
  accessKeyId: string
  /** Grace period in which a replaced token returns its successor. */
  graceSeconds?: number
  /** Lifetime of a session. A refresh does not extend it. */
  lifetimeDays?: number
}

/** Also the lifetime of the dashboard's cookie. */
export const sessionLifetimeDays = 30

export class SessionRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #tokens: RefreshTokens
  /** Stored with each session, so that a key is not dropped while sessions need it. */
  readonly #keyIds: { refreshKeyId: string; accessKeyId: string }
  readonly #graceSeconds: number
  readonly #lifetimeDays: number

  constructor(
    db: Db,
    now: () => Date,
    { refreshTokens, accessKeyId, graceSeconds = 10, lifetimeDays = sessionLifetimeDays }: SessionOptions,
  ) {
    this.#db = db
    this.#now = now
    this.#tokens = refreshTokens
    this.#keyIds = { refreshKeyId: refreshTokens.activeKeyId, accessKeyId }
    this.#graceSeconds = graceSeconds
    this.#lifetimeDays = lifetimeDays
  }

  /**
   * Starts a session and returns its first refresh token; null when the account is deleted or its password is no longer
   * `passwordHash`. The lock makes a concurrent password change wait, so that it ends this session too.
   */
  async start(
    userId: string,
    passwordHash: string,
  ): Promise<{ sessionId: string; refreshToken: string } | null> {
    const { id, rotatedAt, expiresAt, refreshKeyId, accessKeyId } = this.plan()
    identifySession(id)
    const owner = sql`select id from ${users} where id = ${userId} and password_hash = ${passwordHash}
      and deleted_at is null for share`
    const { rows } = await this.#db.execute(sql`
      with owner as (${owner}),
      started as (
        insert into ${sessions} (id, user_id, rotated_at, expires_at, refresh_key_id, access_key_id)
        select ${id}::uuid, owner.id, ${rotatedAt.toISOString()}::timestamptz, ${expiresAt.toISOString()}::timestamptz,
          ${refreshKeyId}, ${accessKeyId}
        from owner returning user_id
      )
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, 'session.started', ${id}::uuid, ${actorValues()} from started returning id`)
    return rows.length === 1 ? { sessionId: id, refreshToken: await this.firstToken(id) } : null
  }

  /** Values of a new session, for the batch that also inserts its account. */
  plan() {
    const rotatedAt = this.#now()
    const expiresAt = new Date(rotatedAt.getTime() + this.#lifetimeDays * dayMs)
    return { id: uuidv7(), rotatedAt, expiresAt, ...this.#keyIds }
  }

  firstToken(sessionId: string): Promise<string> {
    return this.#tokens.issue({ sessionId, generation: 1 })
  }

  /**
   * One statement: of concurrent refreshes with the same token, exactly one advances the generation.
   * @throws {AppError} `invalid-refresh-token`
   */
  async refresh(token: string): Promise<AccessClaim & { refreshToken: string }> {
    const claim = await this.#tokens.read(token)
    if (!claim) throw refused()
    const row = await this.#rotate(claim)
    if (!row) throw refused()
    if (row.revokedAt) {
      await auditEvent(this.#db, row.userId, 'session.token-reused', claim.sessionId)
      throw refused()
    }
    const refreshToken = await this.#tokens.issue({ sessionId: claim.sessionId, generation: row.generation })
    return { userId: row.userId, sessionId: claim.sessionId, refreshToken }
  }

  async #rotate({ sessionId, generation }: { sessionId: string; generation: number }) {
    const now = this.#now()
    const at = sql`${now.toISOString()}::timestamptz`
    const isNewest = sql`${sessions.generation} = ${generation}`
    // `greatest`, because a request that waited for the row lock read its clock before the rotation.
    const isInGrace = sql`${sessions.generation} = ${generation + 1} and ${sessions.rotatedAt}
      > greatest(${at}, ${sessions.rotatedAt}) - make_interval(secs => ${this.#graceSeconds})`
    const [row] = await idempotent(this.#db)
      .update(sessions)
      .set({
        ...this.#keyIds,
        generation: sql`case when ${isNewest} then ${sessions.generation} + 1 else ${sessions.generation} end`,
        rotatedAt: sql`case when ${isNewest} then ${at} else ${sessions.rotatedAt} end`,
        revokedAt: sql`case when ${isNewest} or (${isInGrace}) then null else ${at} end`,
      })
      .where(
        and(
          eq(sessions.id, sessionId),
          isNull(sessions.revokedAt),
          gt(sessions.expiresAt, now),
          sql`exists (select 1 from ${users} where ${users.id} = ${sessions.userId} and ${users.deletedAt} is null)`,
        ),
      )
      .returning({
        userId: sessions.userId,
        generation: sessions.generation,
        revokedAt: sessions.revokedAt,
      })
    return row
  }

  /** The user of a live session. One lookup by key; does not check tokens. */
  async findLive({ sessionId, userId }: AccessClaim): Promise<User | null> {
    const [row] = await this.#db.read
      .select({ id: users.id, email: users.email, name: users.name, createdAt: users.createdAt })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          this.#live(and(eq(sessions.id, sessionId), eq(sessions.userId, userId))),
          gt(sessions.expiresAt, this.#now()),
          isNull(users.deletedAt),
        ),
      )
    return row ? { ...row, createdAt: row.createdAt.toISOString() } : null
  }

  /** Ends one of the user's sessions. */
  async endOne({ sessionId, userId }: AccessClaim): Promise<void> {
    await this.#end(and(eq(sessions.id, sessionId), eq(sessions.userId, userId)))
  }

  /** Ends the session of any token in its family. Ignores invalid tokens (RFC 7009 §2.2). */
  async end(token: string): Promise<void> {
    const claim = await this.#tokens.read(token)
    if (!claim) return
    identifySession(claim.sessionId)
    await this.#end(eq(sessions.id, claim.sessionId))
  }

  async #end(condition: SQL | undefined): Promise<void> {
    await this.#db.execute(sql`
      with ended as (
        update ${sessions} set revoked_at = ${this.#now().toISOString()}::timestamptz where ${this.#live(condition)}
        returning id, user_id
      )
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select uuid_v7(), user_id, 'session.ended', id, ${actorValues()} from ended`)
  }

  async endAll(userId: string): Promise<void> {
    await this.#db.batch([
      this.endAllStatement(userId),
      auditEventOfUser(this.#db, userId, 'session.all-ended', null),
    ])
  }

  /** Statement that ends all of a user's sessions, or all but one, and revokes their device tokens, for a batch. */
  endAllStatement(userId: string, exceptSessionId?: string) {
    const at = sql`${this.#now().toISOString()}::timestamptz`
    const others = exceptSessionId === undefined ? undefined : sql`and id <> ${exceptSessionId}`
    return this.#db.execute(sql`
      with devices as (update ${users} set devices_valid_from = ${at} where id = ${userId})
      update ${sessions} set revoked_at = ${at} where user_id = ${userId} and revoked_at is null ${others}`)
  }

  #live(condition: SQL | undefined) {
    return and(condition, isNull(sessions.revokedAt))
  }
}

const refused = () =>
  new AppError('invalid-refresh-token', 'The refresh token is expired, used or revoked. Sign in again')
