/**
 * @module Authenticates access tokens in one statement, which also counts their requests and records their use. An isolate
 * repeats it after five seconds, or after a twentieth of the limit. So a revoked token ends within five seconds in other
 * isolates, and each of them may exceed the limit by a twentieth.
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
  actor: TokenUser
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
  scopes: string[]
  limit: number
  expiresAtMs: number | null
  endsMs: number | null
  /** Requests of the minute before this statement. */
  counted: number
  /** With this statement's; null when it did not write. */
  written: number | null
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
    const entry = this.#entries.get(hash)
    if (!entry) return this.#read(hash, nowMs, minute)
    if (entry.endsMs !== null && entry.endsMs <= nowMs) {
      this.#entries.delete(hash)
      return null
    }
    if (entry.minute !== minute) Object.assign(entry, { minute, counted: 0, uncounted: 0, sending: 0 })
    entry.uncounted += 1
    const isFresh = nowMs - entry.readAtMs < freshMs && nowMs >= entry.readAtMs
    const isOver = entry.counted + entry.uncounted > entry.limit
    if (isFresh && (isOver || entry.uncounted - entry.sending < portionOf(entry.limit))) {
      return allowed(entry, entry.counted + entry.uncounted, nowMs)
    }
    return this.#read(hash, nowMs, minute, entry)
  }

  /** Reads a changed token again. */
  forget(tokenId: string): void {
    this.#forget(({ actor }) => actor.tokenId === tokenId)
  }

  forgetUser(userId: string): void {
    this.#forget(({ actor }) => actor.userId === userId)
  }

  #forget(matches: (entry: Entry) => boolean): void {
    for (const [hash, entry] of this.#entries) if (matches(entry)) this.#entries.delete(hash)
  }

  async #read(hash: string, nowMs: number, minute: number, known?: Entry): Promise<TokenUser | null> {
    const sent = known ? known.uncounted - known.sending : 1
    if (known) known.sending += sent
    const row = await this.#statement(hash, nowMs, minute, sent).finally(() => {
      if (known?.minute === minute) known.sending -= sent
    })
    if (!row) {
      this.#entries.delete(hash)
      return null
    }
    const stored = this.#entries.get(hash)
    const entry = stored ?? newEntry(row, minute)
    // Another request has begun the next minute.
    if (entry.minute !== minute) return allowed(entry, row.written ?? row.counted + sent, nowMs)
    if (entry !== known) entry.uncounted += sent
    const ordinal = row.written ?? row.counted + entry.uncounted
    entry.counted = Math.max(entry.counted, row.written ?? row.counted)
    if (row.written !== null) entry.uncounted -= sent
    Object.assign(entry, { ...detailsOf(row), readAtMs: nowMs })
    if (!stored) this.#add(hash, entry)
    return allowed(entry, ordinal, nowMs)
  }

  #add(hash: string, entry: Entry): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= maximumEntries && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(hash, entry)
  }

  /** Writes at most once a minute, and once for each portion of the limit. */
  async #statement(hash: string, nowMs: number, minute: number, requests: number): Promise<Row | undefined> {
    const at = sql`${new Date(nowMs).toISOString()}::timestamptz`
    const isUnrecorded = sql`(u.last_used_at is null or u.last_used_at <= ${at} - interval '1 minute')`
    const ms = (time: SQL) => sql`(extract(epoch from ${time}) * 1000)::double precision`
    const { rows } = await idempotent(this.#db).execute<Row>(sql`
      with found as (
        select t.id, t.user_id, t.name, t.scopes, t.requests_per_minute, t.expires_at,
          least(t.expires_at, s.valid_until) as ends_at
        from api_token_secrets s
        join api_tokens t on t.id = s.token_id
        join users o on o.id = t.user_id and o.deleted_at is null
        where s.hash = ${hash} and (t.expires_at is null or t.expires_at > ${at})
          and (s.valid_until is null or s.valid_until > ${at})
      ), written as (
        update api_token_uses u set minute = ${minute}::integer,
          requests = case when u.minute = ${minute}::integer then u.requests else 0 end + ${requests}::integer,
          last_used_at = case when ${isUnrecorded} then ${at} else u.last_used_at end
        from found where u.token_id = found.id
          and (${isUnrecorded} or ${requests}::integer >= greatest(1, found.requests_per_minute / 20))
        returning u.requests
      )
      select id, user_id as "userId", name, scopes, requests_per_minute as "limit",
        ${ms(sql`expires_at`)} as "expiresAtMs", ${ms(sql`ends_at`)} as "endsMs",
        coalesce((select requests from api_token_uses u where u.token_id = found.id and u.minute = ${minute}::integer), 0)
          as counted,
        (select requests from written) as written
      from found`)
    return rows[0]
  }
}

/** Requests that an isolate counts alone. */
const portionOf = (limit: number): number => Math.max(1, Math.floor(limit / 20))

const detailsOf = ({ id, userId, name, scopes, limit, expiresAtMs, endsMs }: Row) => ({
  actor: {
    tokenId: id,
    userId,
    name,
    scopes: new Set(scopes),
    expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs),
  },
  limit,
  endsMs,
})

const newEntry = (row: Row, minute: number): Entry => ({
  ...detailsOf(row),
  readAtMs: 0,
  minute,
  counted: 0,
  uncounted: 0,
  sending: 0,
})

function allowed({ actor, limit }: Entry, ordinal: number, nowMs: number): TokenUser {
  if (ordinal <= limit) return actor
  const retryAfterSeconds = Math.ceil((minuteMs - (nowMs % minuteMs)) / 1000)
  throw new AppError(
    'too-many-requests',
    `The access token is limited to ${limit} requests per minute. Wait until the next minute, or raise the limit of the token`,
    { retryAfterSeconds, extra: { requestsPerMinute: limit } },
  )
}
