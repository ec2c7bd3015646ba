/**
 * @module Throttles password guessing in the database, so that restarts and additional isolates do not reset it. Counts
 * an attempt before it is made, so that parallel attempts cannot all pass. No bucket that a stranger can fill stops the
 * owner: see docs/decisions/0024-sign-in-under-attack.md.
 */
import { eq, type SQL, sql } from 'drizzle-orm'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db } from '../db/client.ts'
import { loginThrottles, users } from '../db/schema/users.ts'
import { AppError } from '../errors.ts'
import { networkOf } from '../lib/network.ts'
import type { Device } from './devices.ts'

type FactorKind = 'totp' | 'recovery-code'

/** The first `free` attempts pass without delay. Each further delay doubles, starting at one second. */
interface Rule {
  free: number | SQL
  maxDelaySeconds: number
  /** Resets the count after this time without an attempt. */
  resetAfterSeconds: number
}

/** One client network and one account, one device, or one session. */
const guessRule = { free: 5, maxDelaySeconds: 900, resetAfterSeconds: 86_400 } satisfies Rule
/** From this many failures on an account, from any network, each network has only its first attempt free. */
const attackFailures = 20
/** Checks from one client network, over all accounts. Successful ones do not count. */
const networkRule = { burst: 30, secondsPerCheck: 20 }
/** Registrations from one client network. High, because offices and universities share addresses. */
const registrationRule: Rule = { free: 1000, maxDelaySeconds: 60, resetAfterSeconds: 3600 }

/** Codes of one kind for one account, by people who know its password. Other kinds and passkeys stay usable meanwhile. */
const factorRule: Rule = { free: 5, maxDelaySeconds: 900, resetAfterSeconds: 86_400 }

/** A counted attempt to check a password. */
export interface Attempt {
  /** Whose turn it is when password checks wait: a network, a device or a session. */
  lane: string
  /** The lane is a known device or a session. */
  isKnown: boolean
  /** The password was right. */
  succeed: () => Promise<void>
  /** The password could not be checked. */
  release: () => Promise<void>
}

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
   * @param device a device on which the account was signed in to before. Has a bucket of its own
   * @throws {AppError} `too-many-requests`, without counting the attempt
   */
  async claimLogin(clientIp: string, email: string, device: Device | null = null): Promise<Attempt> {
    return (device && (await this.#claimOnDevice(device, email))) ?? (await this.#claimFrom(clientIp, email))
  }

  /**
   * Counts the check of a signed-in user's password.
   * @throws {AppError} `too-many-requests`, without counting the attempt
   */
  async claimConfirmation(userId: string, sessionId: string | undefined): Promise<Attempt> {
    const bucket = await this.#fingerprint(
      'throttle-confirmation',
      JSON.stringify([userId, sessionId ?? null]),
    )
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with session as (${this.#count(bucket, guessRule, sql`select`)})
      select exists (select 1 from session) as "passed", (
        select ceil(extract(epoch from blocked_until - ${this.#at()}))::integer from ${loginThrottles}
        where bucket = ${bucket}
      ) as "waitSeconds"`)
    this.#settle(rows[0], 'Too many incorrect passwords. Wait, then try again')
    return this.#attempt(bucket)
  }

  async #claimFrom(clientIp: string, email: string): Promise<Attempt> {
    const lane = networkOf(clientIp)
    const name = email.toLowerCase()
    const [network, pair, account] = await Promise.all([
      this.#fingerprint('throttle-login-network', lane),
      this.#fingerprint('throttle-login-pair', JSON.stringify([lane, name])),
      this.#fingerprint('throttle-login-account', name),
    ])
    const at = this.#at()
    const { burst, secondsPerCheck } = networkRule
    const perCheck = sql`make_interval(secs => ${secondsPerCheck}::integer)`
    /** A network whose allowance is full later than this has used it up. */
    const latestFull = sql`make_interval(secs => ${secondsPerCheck * (burst - 1)}::integer)`
    const isAttacked = sql`exists (select 1 from ${loginThrottles} where bucket = ${account}
      and failures >= ${attackFailures}::integer
      and last_failed_at > ${at} - make_interval(secs => ${guessRule.resetAfterSeconds}))`
    const free = sql`(case when ${isAttacked} then 1 else ${guessRule.free}::integer end)`
    // A blocked pair counts nowhere, and a blocked network stores no row of the account.
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with network as (
        insert into ${loginThrottles} as t (bucket, failures, last_failed_at, blocked_until)
        select ${network}, 1, ${at}, ${at} + ${perCheck}
        where not exists (select 1 from ${loginThrottles} where bucket = ${pair} and blocked_until > ${at})
        on conflict (bucket) do update set
          last_failed_at = ${at}, blocked_until = greatest(t.blocked_until, ${at}) + ${perCheck}
        where greatest(t.blocked_until, ${at}) <= ${at} + ${latestFull}
        returning 1
      ),
      pair as (${this.#count(pair, { ...guessRule, free }, sql`select from network`)}),
      account as (
        insert into ${loginThrottles} as t (bucket, failures, last_failed_at) select ${account}, 1, ${at} from pair
        on conflict (bucket) do update set
          failures = case when ${this.#isReset(guessRule)} then 1 else t.failures + 1 end, last_failed_at = ${at}
      )
      select exists (select 1 from pair) as "passed", (
        select ceil(extract(epoch from max(
          blocked_until - case when bucket = ${network} then ${latestFull} else interval '0' end
        ) - ${at}))::integer
        from ${loginThrottles} where bucket in (${network}, ${pair})
      ) as "waitSeconds"`)
    this.#settle(rows[0], 'Too many sign-in attempts. Wait, then try again')
    return {
      lane,
      isKnown: false,
      succeed: async () => {
        await this.#db.execute(sql`
          with cleared as (
            delete from ${loginThrottles}
            where bucket = ${pair} or (bucket = ${account} and failures <= 1)
          ),
          account as (
            update ${loginThrottles} set failures = failures - 1 where bucket = ${account} and failures > 1
          )
          update ${loginThrottles} set blocked_until = blocked_until - ${perCheck} where bucket = ${network}`)
      },
      // The network's count stays: otherwise one network could ask for checks without end while the server is busy.
      release: () => this.#uncount([pair, account]),
    }
  }

  /** Null if the device is not known to the account, or has no attempt left. */
  async #claimOnDevice({ userId, issuedAt, token }: Device, email: string): Promise<Attempt | null> {
    const bucket = await this.#fingerprint('throttle-login-device', token)
    const owner = sql`select from ${users} where id = ${userId} and lower(email) = lower(${email}) and deleted_at is null
      and (devices_valid_from is null or devices_valid_from < ${issuedAt.toISOString()}::timestamptz)`
    const { rows } = await this.#db.execute(sql`${this.#count(bucket, guessRule, owner)}`)
    return rows.length === 1 ? this.#attempt(bucket) : null
  }

  /** An attempt that is counted in one bucket. */
  #attempt(bucket: string): Attempt {
    return {
      lane: bucket,
      isKnown: true,
      succeed: async () => {
        await this.#db.delete(loginThrottles).where(sql`bucket = ${bucket}`)
      },
      release: () => this.#uncount([bucket]),
    }
  }

  async #uncount(buckets: string[]): Promise<void> {
    const those = sql`bucket in (${sql.join(
      buckets.map((bucket) => sql`${bucket}`),
      sql`, `,
    )})`
    await this.#db.execute(sql`
      with emptied as (delete from ${loginThrottles} where ${those} and failures <= 1)
      update ${loginThrottles} set failures = failures - 1, blocked_until = null where ${those} and failures > 1`)
  }

  /** @throws {AppError} `too-many-requests` */
  async claimRegistration(clientIp: string): Promise<void> {
    const bucket = await this.#fingerprint('throttle-registration', networkOf(clientIp))
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
      await this.#fingerprint('throttle-anonymous-check', networkOf(clientIp)),
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
      'Too many app lookups in a minute. Wait, then try again',
    )
  }

  /**
   * Counts a request for a password reset by the network and by the address, which need not belong to an account.
   * @throws {AppError} `too-many-requests`, without counting it
   */
  async claimReset(clientIp: string, email: string): Promise<void> {
    const message = 'Too many password resets. Use the newest email, or wait, then try again'
    const network = await this.#fingerprint('throttle-reset-network', networkOf(clientIp))
    await this.#claimInWindow(network, { limit: 20, seconds: 3600 }, message)
    const address = await this.#fingerprint('throttle-reset-address', email.toLowerCase())
    await this.#claimInWindow(address, { limit: 5, seconds: 3600 }, message)
  }

  /** Counts a confirmation email. @throws {AppError} `too-many-requests`, without counting it */
  async claimConfirmationMail(userId: string): Promise<void> {
    await this.#claimInWindow(
      await this.#fingerprint('throttle-confirmation-mail', userId),
      { limit: 5, seconds: 3600 },
      'Too many confirmation emails. Use the newest one, or wait, then try again',
    )
  }

  /** Counts one check of a code. @throws {AppError} `too-many-requests`, without counting it */
  async claimFactor(userId: string, kind: FactorKind): Promise<void> {
    const bucket = await this.#factorBucket(userId, kind)
    const { rows } = await this.#db.execute<{ passed: boolean; waitSeconds: number | null }>(sql`
      with code as (${this.#count(bucket, factorRule, sql`select`)})
      select exists (select 1 from code) as "passed", (
        select ceil(extract(epoch from blocked_until - ${this.#at()}))::integer from ${loginThrottles}
        where bucket = ${bucket}
      ) as "waitSeconds"`)
    this.#settle(rows[0], 'Too many incorrect codes. Wait, or use another second factor')
  }

  /** Resets the count after a correct code. */
  async clearFactor(userId: string, kind: FactorKind): Promise<void> {
    const bucket = await this.#factorBucket(userId, kind)
    await this.#db.delete(loginThrottles).where(eq(loginThrottles.bucket, bucket))
  }

  #factorBucket(userId: string, kind: FactorKind): Promise<string> {
    return this.#fingerprint('throttle-second-factor', JSON.stringify([userId, kind]))
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

  /** Increments the count once per row of `source` and returns a row, unless the bucket is blocked. */
  #count(bucket: string, rule: Rule, source: SQL): SQL {
    const at = this.#at()
    const { free, maxDelaySeconds } = rule
    const failures = sql`case when ${this.#isReset(rule)} then 1 else t.failures + 1 end`
    const delay = (count: SQL) =>
      sql`make_interval(secs => case when ${count} >= ${free}::integer then least(${maxDelaySeconds}::integer,
        power(2, least(${count} - ${free}::integer, 20))) end)`
    return sql`
      insert into ${loginThrottles} as t (bucket, failures, last_failed_at, blocked_until)
      select ${bucket}, 1, ${at}, ${at} + ${delay(sql`1`)} from (${source}) source
      on conflict (bucket) do update set
        failures = ${failures}, last_failed_at = ${at}, blocked_until = ${at} + ${delay(sql`(${failures})`)}
      where t.blocked_until is null or t.blocked_until <= ${at}
      returning 1`
  }

  #isReset({ resetAfterSeconds }: Rule): SQL {
    return sql`t.last_failed_at < ${this.#at()} - make_interval(secs => ${resetAfterSeconds})`
  }

  /** The wait was read before the statement ran, so a block set meanwhile reads as at least one second. */
  #settle(row: { passed: boolean; waitSeconds: number | null } | undefined, message: string): void {
    if (row?.passed) return
    throw new AppError('too-many-requests', message, {
      retryAfterSeconds: Math.max(row?.waitSeconds ?? 1, 1),
    })
  }

  #at(): SQL {
    return sql`${this.#now().toISOString()}::timestamptz`
  }
}
