/**
 * @module Authenticates access tokens in one statement, which also counts requests and records the last use. An isolate
 * repeats it after five seconds, or after 5% of the limit. So other isolates reject a revoked token within five
 * seconds, and each isolate can exceed the limit by 5%.
 */
import { type SQL, sql } from 'drizzle-orm'
import { hashApiToken, isApiToken } from '../crypto/api-token.ts'
import type { TokenActor } from '../db/actor.ts'
import { type Db, idempotent } from '../db/client.ts'
import { AppError } from '../errors.ts'

export interface TokenUser extends TokenActor {
  userId: string
}

const freshMs = 5_000
const minuteMs = 60_000
const maximumEntries = 1_000

interface Entry {
  /** Null until the first answer. */
  actor: TokenUser | null
  limit: number
  /** When the secret or the token ends. Null: never. */
  endsMs: number | null
  readAtMs: number
  minute: number
  /** Requests of the minute that the database has counted. */
  counted: number
  /** Requests of the minute that it has not, and those of them that it is being sent. */
  uncounted: number
  sending: number
}

interface Row extends Record<string, unknown> {
  id: string
  userId: string
  name: string
  isApp: boolean
  scopes: string[]
  limit: number
  expiresAtMs: number | null
  endsMs: number | null
  /** Requests of the minute; null while the account is being moved. */
  counted: number | null
}

export class TokenAccess {
  readonly #db: Db
  readonly #now: () => Date
  /** By hash, oldest first. */
  readonly #entries = new Map<string, Entry>()

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /** The owner and the scopes of a valid token; null for any other text. @throws {AppError} `too-many-requests` */
  async authenticate(token: string): Promise<TokenUser | null> {
    if (!isApiToken(token)) return null
    const hash = await hashApiToken(token)
    const nowMs = this.#now().getTime()
    const minute = Math.floor(nowMs / minuteMs)
    const entry = this.#entries.get(hash) ?? this.#add(hash, minute)
    if (entry.endsMs !== null && entry.endsMs <= nowMs) {
      this.#entries.delete(hash)
      return null
    }
    if (entry.minute !== minute) Object.assign(entry, { minute, counted: 0, uncounted: 0, sending: 0 })
    entry.uncounted += 1
    const ordinal = entry.counted + entry.uncounted
    const isFresh = nowMs - entry.readAtMs < freshMs && nowMs >= entry.readAtMs
    if (!isFresh || !entry.actor) return this.#read(hash, nowMs, entry)
    // A rejected request does not count.
    if (ordinal > entry.limit) entry.uncounted -= 1
    else if (entry.uncounted >= portionOf(entry.limit)) return this.#read(hash, nowMs, entry)
    return allowed(entry.actor, entry.limit, ordinal, nowMs)
  }

  /** Reads a changed token again. */
  forget(tokenId: string): void {
    this.#forget((actor) => actor.tokenId === tokenId)
  }

  forgetUser(userId: string): void {
    this.#forget((actor) => actor.userId === userId)
  }

  #forget(matches: (actor: TokenUser) => boolean): void {
    // A pending read may have started before the change.
    for (const [hash, { actor }] of this.#entries) if (!actor || matches(actor)) this.#entries.delete(hash)
  }

  #add(hash: string, minute: number): Entry {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= maximumEntries && oldest !== undefined) this.#entries.delete(oldest)
    const counts = { minute, counted: 0, uncounted: 0, sending: 0 }
    const entry: Entry = { actor: null, limit: 0, endsMs: null, readAtMs: 0, ...counts }
    this.#entries.set(hash, entry)
    return entry
  }

  async #read(hash: string, nowMs: number, entry: Entry): Promise<TokenUser | null> {
    const { minute } = entry
    const requests = entry.uncounted - entry.sending
    const ordinal = entry.counted + entry.uncounted
    entry.sending += requests
    const row = await this.#statement(hash, nowMs, minute, requests).finally(() => {
      if (entry.minute === minute) entry.sending -= requests
    })
    if (!row) {
      this.#entries.delete(hash)
      return null
    }
    const { limit, endsMs } = row
    const actor = actorOf(row)
    Object.assign(entry, { actor, limit, endsMs, readAtMs: nowMs })
    if (row.counted !== null && entry.minute === minute) {
      entry.counted = Math.max(entry.counted, row.counted)
      entry.uncounted -= requests
    }
    return allowed(actor, limit, row.counted ?? ordinal, nowMs)
  }

  /** Adds the requests to the minute. Records the last use at most once a minute. */
  async #statement(hash: string, nowMs: number, minute: number, requests: number): Promise<Row | undefined> {
    const at = sql`${new Date(nowMs).toISOString()}::timestamptz`
    const ms = (time: SQL) => sql`(extract(epoch from ${time}) * 1000)::double precision`
    const { rows } = await idempotent(this.#db).execute<Row>(sql`
      with found as (
        select t.id, t.user_id, t.name, t.is_app, t.requests_per_minute, t.expires_at,
          case when s.scopes is null then t.scopes
            else array(select unnest(t.scopes) intersect select unnest(s.scopes)) end as scopes,
          least(t.expires_at, s.valid_until) as ends_at
        from api_token_secrets s
        join api_tokens t on t.id = s.token_id
        join users o on o.id = t.user_id and o.deleted_at is null
        where s.hash = ${hash} and (t.expires_at is null or t.expires_at > ${at})
          and (s.valid_until is null or s.valid_until > ${at})
      ), counted as (
        update api_token_uses u set minute = ${minute}::integer,
          requests = case when u.minute = ${minute}::integer then u.requests else 0 end + ${requests}::integer,
          last_used_at = case when u.last_used_at > ${at} - interval '1 minute' then u.last_used_at else ${at} end
        from found where u.token_id = found.id
        returning u.requests
      )
      select id, user_id as "userId", name, is_app as "isApp", scopes, requests_per_minute as "limit",
        ${ms(sql`expires_at`)} as "expiresAtMs", ${ms(sql`ends_at`)} as "endsMs",
        (select requests from counted) as counted
      from found`)
    return rows[0]
  }
}

/** Requests that an isolate lets pass before the database has counted them. */
const portionOf = (limit: number): number => Math.max(1, Math.floor(limit / 20))

const actorOf = ({ id, userId, name, isApp, scopes, expiresAtMs }: Row): TokenUser => ({
  tokenId: id,
  userId,
  name,
  scopes: new Set(scopes),
  expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs),
  isApp,
})

function allowed(actor: TokenUser, limit: number, ordinal: number, nowMs: number): TokenUser {
  if (ordinal <= limit) return actor
  const retryAfterSeconds = Math.ceil((minuteMs - (nowMs % minuteMs)) / 1000)
  throw new AppError(
    'too-many-requests',
    `The access token is limited to ${limit} requests per minute. Wait until the next minute, or raise the limit of the token`,
    { retryAfterSeconds, extra: { requestsPerMinute: limit } },
  )
}
