/**
 * @module Counts the requests of users in calendar minutes. Requests that call other servers are counted in the database,
 * so that the limit is exact over all isolates and processes. The others are counted in memory, by each isolate or process
 * for itself, because a statement would cost more than they do.
 */
import { sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { requestCounts } from '../db/schema/budgets.ts'
import type { RateClass } from '../http/rate-classes.ts'
import { type Rate, windowSeconds } from '../http/rate-limit.ts'

/** Requests per minute; 0: no limit. */
export type RateLimits = Record<RateClass, number>

const windowMs = windowSeconds * 1000

export class RequestRates {
  readonly #db: Db
  readonly #now: () => Date
  readonly #limits: RateLimits
  #minute = 0
  /** Requests of the minute by class and user. */
  readonly #counts = new Map<string, number>()

  constructor(db: Db, now: () => Date, limits: RateLimits) {
    this.#db = db
    this.#now = now
    this.#limits = limits
  }

  /** Counts a request, unless it is one too many: then `remaining` is negative. */
  claim(userId: string, of: RateClass): Rate | null | Promise<Rate | null> {
    const limit = this.#limits[of]
    if (limit === 0) return null
    const nowMs = this.#now().getTime()
    const minute = Math.floor(nowMs / windowMs)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#counts.clear()
    }
    const key = `${of} ${userId}`
    const requests = (this.#counts.get(key) ?? 0) + 1
    const resetSeconds = Math.ceil((windowMs - (nowMs % windowMs)) / 1000)
    const rate = (count: number): Rate => ({ class: of, limit, remaining: limit - count, resetSeconds })
    if (requests > limit) return rate(requests)
    this.#counts.set(key, requests)
    if (of !== 'outgoing') return rate(requests)
    return this.#count(userId, of, minute, limit).then((counted) => {
      if (this.#minute === minute) {
        this.#counts.set(key, Math.max(this.#counts.get(key) ?? 0, Math.min(counted, limit)))
      }
      return rate(counted)
    })
  }

  /** Returns the requests of the minute; more than the limit if this one is not counted. */
  async #count(userId: string, of: RateClass, minute: number, limit: number): Promise<number> {
    // A server whose clock is behind counts in the newer minute. A deleted account has no row, and nothing to call.
    const { rows } = await this.#db.execute<{ requests: number | null; isUser: boolean }>(sql`
      with owner as (select id from users where id = ${userId}),
      counted as (
        insert into ${requestCounts} as c (user_id, class, minute, requests)
        select id, ${of}::text, ${minute}::integer, 1 from owner
        on conflict (user_id, class) do update set
          requests = case when c.minute >= excluded.minute then c.requests else 0 end + 1,
          minute = greatest(c.minute, excluded.minute)
        where c.minute < excluded.minute or c.requests < ${limit}::integer
        returning requests
      )
      select (select requests from counted) as requests, exists (select from owner) as "isUser"`)
    const [row] = rows
    return row?.requests ?? (row?.isUser === false ? 1 : limit + 1)
  }
}
