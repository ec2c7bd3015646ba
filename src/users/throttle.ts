/**
 * @module Throttles password guessing in the database, so that restarts and additional isolates do not reset it. Counts
 * an attempt before it is made, so that parallel attempts cannot all pass, and resets the count when it succeeds.
 */
import { inArray, type SQL, sql } from 'drizzle-orm'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db } from '../db/client.ts'
import { loginThrottles } from '../db/schema/users.ts'
import { AppError } from '../errors.ts'

/** The first `free` attempts pass without delay. Each further delay doubles, starting at one second. */
interface Rule {
  free: number
  maxDelaySeconds: number
  /** Resets the count after this time without an attempt. */
  resetAfterSeconds: number
}

/** One client address and one account: typical guessing. */
const pairRule: Rule = { free: 5, maxDelaySeconds: 900, resetAfterSeconds: 86_400 }
/** All client addresses and one account. Its low maximum prevents lockouts of the owner. */
const accountRule: Rule = { free: 20, maxDelaySeconds: 30, resetAfterSeconds: 86_400 }
/** Registrations from one client address. High, because offices and universities share addresses. */
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
   * Counts one password check. `email` need not belong to an account.
   * @throws {AppError} `too-many-requests`, without counting the attempt
   */
  async claimLogin(clientIp: string, email: string): Promise<void> {
    const { pair, account } = await this.#loginBuckets(clientIp, email)
    const at = this.#at()
    const isFree = (bucket: string) =>
      sql`not exists (select 1 from ${loginThrottles} where bucket = ${bucket} and blocked_until > ${at})`
    // Locks the pair's row before the account's. A blocked pair does not increase the account's count, so an address that
    // keeps trying slows only itself.
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with pair as (${this.#count(pair, pairRule, sql`select where ${isFree(account)}`)}),
      account as (${this.#count(account, accountRule, sql`select from pair`)})
      select exists (select 1 from account) as "passed", (
        select ceil(extract(epoch from max(blocked_until) - ${at}))::integer from ${loginThrottles}
        where bucket in (${pair}, ${account})
      ) as "waitSeconds"`)
    this.#settle(rows[0], 'Too many sign-in attempts. Wait, then try again')
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
    this.#settle(rows[0], 'Too many registrations from this address. Wait, then try again')
  }

  /**
   * Counts a check without an account, within fixed minutes.
   * @throws {AppError} `too-many-requests`, without counting it
   */
  async claimAnonymousCheck(clientIp: string, perMinute: number): Promise<void> {
    await this.#claimInWindow(
      await this.#fingerprint('throttle-anonymous-check', clientIp),
      { limit: perMinute, seconds: 60 },
      'Too many checks without an account from this address. Wait, or sign in',
    )
  }

  /** Counts the registration of an app. @throws {AppError} `too-many-requests`, without counting it */
  async claimAppRegistration(clientIp: string): Promise<void> {
    await this.#claimInWindow(
      await this.#fingerprint('throttle-app-registration', networkOf(clientIp)),
      { limit: 60, seconds: 3600 },
      'Too many app registrations from this address. Wait, then try again',
    )
  }

  /** Counts a request for the metadata of an app. @throws {AppError} `too-many-requests`, without counting it */
  async claimAppLookup(userId: string): Promise<void> {
    await this.#claimInWindow(
      await this.#fingerprint('throttle-app-lookup', userId),
      { limit: 20, seconds: 60 },
      'Too many apps in a minute. Wait, then try again',
    )
  }

  /** Counts within fixed windows of time. */
  async #claimInWindow(
    bucket: string,
    { limit, seconds }: { limit: number; seconds: number },
    message: string,
  ): Promise<void> {
    const at = this.#at()
    const windowEnd = sql`last_failed_at + make_interval(secs => ${seconds}::integer)`
    const isOver = sql`t.${windowEnd} <= ${at}`
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with claimed as (
        insert into ${loginThrottles} as t (bucket, failures, last_failed_at) values (${bucket}, 1, ${at})
        on conflict (bucket) do update set
          failures = case when ${isOver} then 1 else t.failures + 1 end,
          last_failed_at = case when ${isOver} then ${at} else t.last_failed_at end
        where ${isOver} or t.failures < ${limit}::integer
        returning 1
      )
      select exists (select 1 from claimed) as "passed", (
        select ceil(extract(epoch from ${windowEnd} - ${at}))::integer from ${loginThrottles}
        where bucket = ${bucket}
      ) as "waitSeconds"`)
    this.#settle(rows[0], message)
  }

  /** Resets the counts after a successful check. */
  async clearLogin(clientIp: string, email: string): Promise<void> {
    const { pair, account } = await this.#loginBuckets(clientIp, email)
    await this.#db.delete(loginThrottles).where(inArray(loginThrottles.bucket, [pair, account]))
  }

  /** Reverts the count of an attempt whose password could not be checked. */
  async releaseLogin(clientIp: string, email: string): Promise<void> {
    const { pair, account } = await this.#loginBuckets(clientIp, email)
    await this.#db
      .update(loginThrottles)
      .set({ failures: sql`greatest(${loginThrottles.failures} - 1, 0)`, blockedUntil: null })
      .where(inArray(loginThrottles.bucket, [pair, account]))
  }

  /** Increments the count once per row of `source` and returns a row, unless the bucket is blocked. */
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

  /** The wait was read before the statement ran, so a block set meanwhile reads as at least one second. */
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

/** An IPv4 address, or the /64 network of an IPv6 address, which one person usually has to themselves. */
export function networkOf(address: string): string {
  const v4 = /(?:\d+\.){3}\d+$/.exec(address)?.[0]
  if (v4 !== undefined || !address.includes(':')) return v4 ?? address
  const [head, tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = tail ? Array.from({ length: 8 - (head?.length ?? 0) - tail.length }, () => '0') : []
  const groups = [...(head ?? []), ...zeros, ...(tail ?? [])]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
