/**
 * @module Sessions: each row is a family of refresh tokens of which only the newest is valid (RFC 9700 §4.14.2).
 * Reusing a replaced token ends the family, because one of its two holders may be a thief. Within a short grace period
 * it returns the same successor instead, because the first response may have been lost.
 */
import { dayMs, minuteMs } from '../lib/time.ts'
import { and, desc, eq, gt, isNull, lt, sql, type SQL } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { AccessClaim } from '../crypto/access-token.ts'
import type { RefreshTokens } from '../crypto/refresh-token.ts'
import { currentRequest, identifySession } from '../db/actor.ts'
import { actorColumns, actorValues, auditEvent, auditEventOfUser } from '../db/audit.ts'
import { type Db, idempotent } from '../db/client.ts'
import { sessions, users } from '../db/schema/users.ts'
import { AppError } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Session, User } from './contract.ts'
import { deviceName } from './device-name.ts'
import type { FactorMethod } from './factors/methods.ts'
import { toUser, userColumns } from './rows.ts'

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

const seenMs = 5 * minuteMs
const freshMs = 5_000
const maximumChecked = 1_000

/** The client that sends the current request. */
function clientOf(): { device: string | null; clientAddress: string | null } {
  const request = currentRequest()
  return { device: deviceName(request?.userAgent), clientAddress: request?.clientAddress ?? null }
}

export class SessionRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #tokens: RefreshTokens
  /** Stored with each session, so that a key is not dropped while sessions need it. */
  readonly #keyIds: { refreshKeyId: string; accessKeyId: string }
  readonly #graceSeconds: number
  readonly #lifetimeDays: number
  /** Live sessions and when they were checked, oldest first. */
  readonly #checked = new Map<string, number>()

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
   * `passwordHash`. `isFamiliar`: an earlier session had the same device and address. The lock makes a concurrent password change wait, so that it ends this session too.
   * @param method of the factor that was used, for the audit event
   */
  async start(
    userId: string,
    passwordHash: string,
    method: FactorMethod | null = null,
  ): Promise<{ sessionId: string; refreshToken: string; isFamiliar: boolean } | null> {
    const { id, rotatedAt, expiresAt, refreshKeyId, accessKeyId, device, clientAddress } = this.plan()
    const at = sql`${rotatedAt.toISOString()}::timestamptz`
    identifySession(id)
    const owner = sql`select id from ${users} where id = ${userId} and password_hash = ${passwordHash}
      and deleted_at is null for share`
    const { rows } = await this.#db.execute<{ isFamiliar: boolean }>(sql`
      with owner as (${owner}),
      started as (
        insert into ${sessions} (id, user_id, rotated_at, expires_at, refresh_key_id, access_key_id, device,
          client_address, last_seen_at)
        select ${id}::uuid, owner.id, ${at}, ${expiresAt.toISOString()}::timestamptz, ${refreshKeyId}, ${accessKeyId},
          ${device}::text, ${clientAddress}::text, ${at}
        from owner returning user_id
      ),
      audit as (
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}::uuid, user_id, 'session.started', ${id}::uuid,
          ${method && JSON.stringify({ method })}::jsonb, ${actorValues()}
        from started
      )
      select exists (
        select from ${sessions} s where s.user_id = owner.id and s.device is not distinct from ${device}::text
          and s.client_address = ${clientAddress}::text
      ) as "isFamiliar" from owner`)
    const [started] = rows
    return started ? { sessionId: id, refreshToken: await this.firstToken(id), ...started } : null
  }

  /** Values of a new session, for the batch that also inserts its account. */
  plan() {
    const rotatedAt = this.#now()
    const expiresAt = new Date(rotatedAt.getTime() + this.#lifetimeDays * dayMs)
    return { id: uuidv7(), rotatedAt, expiresAt, lastSeenAt: rotatedAt, ...clientOf(), ...this.#keyIds }
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
    const { clientAddress } = clientOf()
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
        lastSeenAt: sql`case when ${isNewest} then ${at} else ${sessions.lastSeenAt} end`,
        clientAddress: sql`case when ${isNewest} then ${clientAddress}::text else ${sessions.clientAddress} end`,
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
  async findLive({ sessionId, userId }: AccessClaim): Promise<{ user: User; isSeen: boolean } | null> {
    const now = this.#now()
    const [row] = await this.#db.read
      .select({ ...userColumns, lastSeenAt: sessions.lastSeenAt })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          this.#live(and(eq(sessions.id, sessionId), eq(sessions.userId, userId))),
          gt(sessions.expiresAt, now),
          isNull(users.deletedAt),
        ),
      )
    if (!row) return null
    const isSeen = row.lastSeenAt !== null && now.getTime() - row.lastSeenAt.getTime() < seenMs
    return { user: toUser(row), isSeen }
  }

  /** Whether the session of a valid session token has not ended. An isolate repeats the check after five seconds. */
  async isLive(claim: AccessClaim): Promise<boolean> {
    const nowMs = this.#now().getTime()
    const checkedMs = this.#checked.get(claim.sessionId) ?? Number.NEGATIVE_INFINITY
    if (nowMs - checkedMs < freshMs && nowMs >= checkedMs) return true
    this.#checked.delete(claim.sessionId)
    const { rows } = await this.#db.read.execute(sql`
      select 1 from ${sessions} s join ${users} u on u.id = s.user_id
      where s.id = ${claim.sessionId} and s.user_id = ${claim.userId} and (s.revoked_at is not null
        or u.deleted_at is not null or s.expires_at <= ${new Date(nowMs).toISOString()}::timestamptz)`)
    if (rows.length > 0) return false
    const [oldest] = this.#checked.keys()
    if (this.#checked.size >= maximumChecked && oldest !== undefined) this.#checked.delete(oldest)
    this.#checked.set(claim.sessionId, nowMs)
    return true
  }

  /** Records that the session is in use. */
  async touch({ sessionId, userId }: AccessClaim): Promise<void> {
    const { clientAddress } = clientOf()
    await this.#db
      .update(sessions)
      .set({ lastSeenAt: this.#now(), clientAddress })
      .where(this.#live(and(eq(sessions.id, sessionId), eq(sessions.userId, userId))))
  }

  /** Live sessions, newest first. */
  async list(userId: string, currentId: string | undefined, page: Page): Promise<Slice<Session>> {
    const rows = await this.#db.read
      .select()
      .from(sessions)
      .where(
        and(
          this.#live(eq(sessions.userId, userId)),
          gt(sessions.expiresAt, this.#now()),
          page.after === null ? undefined : lt(sessions.id, page.after),
        ),
      )
      .orderBy(desc(sessions.id))
      .limit(page.limit + 1)
    const items = rows.map(
      ({ id, device, clientAddress, createdAt, lastSeenAt, rotatedAt, expiresAt }): Session => ({
        id,
        device,
        clientAddress,
        current: id === currentId,
        createdAt: createdAt.toISOString(),
        lastSeenAt: (lastSeenAt ?? rotatedAt).toISOString(),
        expiresAt: expiresAt.toISOString(),
      }),
    )
    return slice(items, page.limit)
  }

  /** Ends one of the user's sessions and records it. False when the user has no such live session. */
  async endById(userId: string, id: string): Promise<boolean> {
    this.#checked.delete(id)
    const at = sql`${this.#now().toISOString()}::timestamptz`
    const { rows } = await this.#db.execute(sql`
      with ended as (
        update ${sessions} set revoked_at = ${at}
        where id = ${id} and user_id = ${userId} and revoked_at is null and expires_at > ${at}
        returning id, user_id
      )
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, 'session.ended', id, ${actorValues()} from ended returning id`)
    return rows.length === 1
  }

  /** Ends all of the user's sessions except this one. */
  async endOthers(userId: string, sessionId: string | undefined): Promise<void> {
    await this.#db.batch([
      this.endAllStatement(userId, sessionId),
      auditEventOfUser(this.#db, userId, 'session.others-ended', null),
    ])
  }

  /** Ends one of the user's sessions. */
  async endOne({ sessionId, userId }: AccessClaim): Promise<void> {
    this.#checked.delete(sessionId)
    await this.#end(and(eq(sessions.id, sessionId), eq(sessions.userId, userId)))
  }

  /** Ends the session of any token in its family. Ignores invalid tokens (RFC 7009 §2.2). */
  async end(token: string): Promise<void> {
    const claim = await this.#tokens.read(token)
    if (!claim) return
    this.#checked.delete(claim.sessionId)
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
    this.#checked.clear()
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
