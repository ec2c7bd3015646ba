/**
 * @module Slows guessing down, in the database, so that restarts and further isolates change nothing. An attempt is
 * counted before it is made, so that parallel attempts cannot all pass, and taken back when it succeeds.
 */
import { inArray, type SQL, sql } from 'drizzle-orm'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db } from '../db/client.ts'
import { loginThrottles } from '../db/schema/users.ts'
import { AppError } from '../errors.ts'

/** `free` attempts pass unhindered; each one after waits twice as long as the one before, from a second up. */
interface Rule {
  free: number
  maxDelaySeconds: number
  /** After so long without an attempt the count starts again. */
  resetAfterSeconds: number
}

/** One address at one account: the usual guessing. */
const pairRule: Rule = { free: 5, maxDelaySeconds: 900, resetAfterSeconds: 86_400 }
/** All addresses at one account: softer, so that nobody can lock an owner out for longer than half a minute. */
const accountRule: Rule = { free: 20, maxDelaySeconds: 30, resetAfterSeconds: 86_400 }
/** New accounts from one address: generous, because offices and universities share one. */
const registrationRule: Rule = { free: 1000, maxDelaySeconds: 60, resetAfterSeconds: 3600 }

export class Throttle {
  readonly #db: Db
  readonly #now: () => Date
  readonly #fingerprint: Fingerprint

  constructor(db: Db, now: () => Date, fingerprint: Fingerprint) {
    this.#db = db
    this.#now = now
    this.#fingerprint = fingerprint
  }

  /**
   * Counts one check of a password. `email` need not be an account's.
   * @throws {AppError} `too-many-requests`; nothing is counted then
   */
  async claimLogin(clientIp: string, email: string): Promise<void> {
    const { pair, account } = await this.#loginBuckets(clientIp, email)
    const at = this.#at()
    const isFree = (bucket: string) =>
      sql`not exists (select 1 from ${loginThrottles} where bucket = ${bucket} and blocked_until > ${at})`
    // The pair's row is locked before the account's, and a blocked pair leaves the account's count alone: an address
    // that keeps knocking slows only itself.
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with pair as (${this.#count(pair, pairRule, sql`select where ${isFree(account)}`)}),
      account as (${this.#count(account, accountRule, sql`select from pair`)})
      select exists (select 1 from account) as "passed", (
        select ceil(extract(epoch from max(blocked_until) - ${at}))::integer from ${loginThrottles}
        where bucket in (${pair}, ${account})
      ) as "waitSeconds"`)
    this.#settle(rows[0], 'Too many attempts to sign in; wait before the next one')
  }

  /** @throws {AppError} `too-many-requests` */
  async claimRegistration(clientIp: string): Promise<void> {
    const bucket = await this.#fingerprint('throttle-registration', clientIp)
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with address as (${this.#count(bucket, registrationRule, sql`select`)})
      select exists (select 1 from address) as "passed", (
        select ceil(extract(epoch from blocked_until - ${this.#at()}))::integer from ${loginThrottles}
        where bucket = ${bucket}
      ) as "waitSeconds"`)
    this.#settle(rows[0], 'Too many new accounts from this address; wait before the next one')
  }

  /** The password was right: the counts start again. */
  async clearLogin(clientIp: string, email: string): Promise<void> {
    const { pair, account } = await this.#loginBuckets(clientIp, email)
    await this.#db.delete(loginThrottles).where(inArray(loginThrottles.bucket, [pair, account]))
  }

  /** The password could not be checked: the attempt does not count. */
  async releaseLogin(clientIp: string, email: string): Promise<void> {
    const { pair, account } = await this.#loginBuckets(clientIp, email)
    await this.#db
      .update(loginThrottles)
      .set({ failures: sql`greatest(${loginThrottles.failures} - 1, 0)`, blockedUntil: null })
      .where(inArray(loginThrottles.bucket, [pair, account]))
  }

  /** Inserts or raises a count once for each row of `source`, unless the bucket is blocked; returns a row if it did. */
  #count(bucket: string, { free, maxDelaySeconds, resetAfterSeconds }: Rule, source: SQL): SQL {
    const at = this.#at()
    const failures = sql`case when t.last_failed_at < ${at} - make_interval(secs => ${resetAfterSeconds}) then 1
      else t.failures + 1 end`
    const delaySeconds = (count: SQL) =>
      sql`case when ${count} >= ${free}::integer then least(${maxDelaySeconds}::integer,
        power(2, least(${count} - ${free}::integer, 20))) end`
    return sql`
      insert into ${loginThrottles} as t (bucket, failures, last_failed_at, blocked_until)
      select ${bucket}, 1, ${at}, null from (${source}) source
      on conflict (bucket) do update set
        failures = ${failures},
        last_failed_at = ${at},
        blocked_until = ${at} + make_interval(secs => ${delaySeconds(sql`(${failures})`)})
      where t.blocked_until is null or t.blocked_until <= ${at}
      returning 1`
  }

  /** Seconds are read from before the statement; a block that came meanwhile is of a second or more. */
  #settle(row: { passed: boolean; waitSeconds: number | null } | undefined, message: string): void {
    if (row?.passed) return
    throw new AppError('too-many-requests', message, {
      retryAfterSeconds: Math.max(row?.waitSeconds ?? 1, 1),
    })
  }

  async #loginBuckets(clientIp: string, email: string): Promise<{ pair: string; account: string }> {
    const name = email.toLowerCase()
    return {
      pair: await this.#fingerprint('throttle-login-pair', JSON.stringify([clientIp, name])),
      account: await this.#fingerprint('throttle-login-account', name),
    }
  }

  #at(): SQL {
    return sql`${this.#now().toISOString()}::timestamptz`
  }
}
