/**
 * @module Links to an account that work once: they confirm or restore its email address, or set its password. Using one is
 * one statement that deletes it, so exactly one of several concurrent uses succeeds.
 */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { StoredPassword } from '../../crypto/password.ts'
import { actorColumns, actorValues } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import { AppError, invalid } from '../../errors.ts'
import { dayMs, minuteMs } from '../../lib/time.ts'
import { emailTaken } from '../repository.ts'
import type { AccountMail } from './account-mail.ts'
import type { LinkTokens } from './link-tokens.ts'
import type { AccountMailKind, LinkPurpose } from './texts.ts'

const lifetimeMs: Record<LinkPurpose, number> = {
  'confirm-email': dayMs,
  'undo-email': 7 * dayMs,
  'reset-password': 30 * minuteMs,
}

/** Matches no password. */
const noPassword = 'reset'

export class AccountLinks {
  readonly #db: Db
  readonly #now: () => Date
  readonly #tokens: LinkTokens
  readonly #mail: AccountMail

  constructor(db: Db, now: () => Date, tokens: LinkTokens, mail: AccountMail) {
    this.#db = db
    this.#now = now
    this.#tokens = tokens
    this.#mail = mail
  }

  /** Sends a link to the account with this address, if there is one, after the response. */
  requestReset(email: string): void {
    const link = this.#newLink('reset-password')
    this.#mail.sendAfter(() =>
      this.#db.execute(sql`
        with owner as (select id, email from users where lower(email) = lower(${email}) and deleted_at is null),
        link as (${link.insert(sql`select id as user_id, email from owner`)}),
        mail as (${this.#insertMail('reset-password', sql`select user_id, email, id from link`)})
        ${this.#audit('user.reset-requested', sql`link`)}`),
    )
  }

  /** A link for the operator to hand over. Null without an account. */
  async issueReset(email: string): Promise<{ email: string; token: string } | null> {
    const link = this.#newLink('reset-password')
    const { rows } = await this.#db.execute<{ email: string }>(sql`
      with owner as (select id, email from users where lower(email) = lower(${email}) and deleted_at is null),
      link as (${link.insert(sql`select id as user_id, null as email from owner`)}),
      audit as (${this.#audit('user.reset-requested', sql`link`)})
      select email from owner`)
    const [owner] = rows
    return owner ? { email: owner.email, token: await this.#tokens.issue('reset-password', link.id) } : null
  }

  /**
   * Queues a link that confirms the address, which becomes the address of the account. It replaces an earlier link of the
   * same kind: for the current address, or for a new one.
   */
  async requestConfirmation(userId: string, email: string): Promise<void> {
    const link = this.#newLink('confirm-email')
    const isNew = (address: SQL) => sql`(lower(${address}) <> lower(u.email))`
    await this.#db.execute(sql`
      with owner as (select id, email from users u where id = ${userId} and deleted_at is null),
      earlier as (
        delete from account_links l using owner u where l.user_id = u.id and l.purpose = 'confirm-email'
          and ${isNew(sql`l.email`)} = ${isNew(sql`${email}`)}),
      link as (${link.insert(sql`select id as user_id, ${email}::text as email from owner`)})
      ${this.#insertMail('confirm-email', sql`select user_id, email, id from link`)}`)
  }

  /**
   * Confirms the address of the link. If it is new, it replaces the account's address, which gets a link to undo that.
   * @throws {AppError} `invalid`, `email-taken`
   */
  async confirmEmail(token: string): Promise<{ email: string }> {
    const id = await this.#read('confirm-email', token)
    const undo = this.#newLink('undo-email')
    const own = this.#own(id, 'confirm-email')
    try {
      const { rows } = await this.#db.execute<{ email: string }>(sql`
        with own as (${own}),
        used as (
          delete from account_links l using own where l.user_id = own.user_id
            and (l.id = own.id or (own.is_new and l.purpose in ('confirm-email', 'reset-password')))),
        changed as (
          update users u set email = own.email, email_verified_at = ${this.#at()} from own where u.id = own.user_id
          returning u.email),
        link as (${undo.insert(sql`select user_id, before as email from own where is_new`)}),
        mail as (${this.#insertMail('email-changed', sql`select link.user_id, link.email, link.id from link`, sql`(select jsonb_build_object('email', email) from own)`)}),
        audit as (${this.#audit(sql`case when is_new then 'user.email-changed' else 'user.email-verified' end`, sql`own`)})
        select email from changed`)
      const [changed] = rows
      if (!changed) throw unusable()
      this.#mail.sendAfter()
      return changed
    } catch (error) {
      throw emailTaken(error)
    }
  }

  /**
   * Restores the address that the link was sent to, ends all sessions, and sends a link for a new password, without which
   * no one can sign in. Later changes of the address can no longer be undone, earlier ones can.
   * @throws {AppError} `invalid`, `email-taken`
   */
  async undoEmailChange(token: string): Promise<{ email: string }> {
    const id = await this.#read('undo-email', token)
    const reset = this.#newLink('reset-password')
    const at = this.#at()
    try {
      const { rows } = await this.#db.execute<{ email: string }>(sql`
        with own as (${this.#own(id, 'undo-email')}),
        used as (
          delete from account_links l using own where l.user_id = own.user_id
            and (l.purpose <> 'undo-email' or l.id >= own.id)),
        changed as (
          update users u set email = own.email, email_verified_at = ${at}, password_hash = ${noPassword},
            devices_valid_from = ${at}
          from own where u.id = own.user_id returning u.email),
        ended as (
          update sessions s set revoked_at = ${at} from own where s.user_id = own.user_id and s.revoked_at is null),
        link as (${reset.insert(sql`select user_id, email from own`)}),
        mail as (${this.#insertMail('email-restored', sql`select user_id, email, id from link`)}),
        audit as (${this.#audit('user.email-restored', sql`own`)})
        select email from changed`)
      const [changed] = rows
      if (!changed) throw unusable()
      this.#mail.sendAfter()
      return changed
    } catch (error) {
      throw emailTaken(error)
    }
  }

  /** Before the new password is hashed. @throws {AppError} `invalid` */
  async requireReset(token: string): Promise<{ userId: string }> {
    const id = await this.#read('reset-password', token)
    const { rows } = await this.#db.read.execute<{ userId: string }>(sql`
      select l.user_id as "userId" from account_links l join users u on u.id = l.user_id and u.deleted_at is null
      where l.id = ${id} and l.purpose = 'reset-password' and l.expires_at > ${this.#at()}`)
    if (!rows[0]) throw unusable()
    return rows[0]
  }

  /**
   * Sets the password, and ends all sessions and all reset links of the account. A link that was sent confirms the address.
   * @throws {AppError} `invalid`
   */
  async resetPassword(token: string, { hash, pepperId }: StoredPassword): Promise<{ userId: string }> {
    const id = await this.#read('reset-password', token)
    const at = this.#at()
    const { rows } = await this.#db.execute<{ userId: string }>(sql`
      with own as (${this.#own(id, 'reset-password')}),
      used as (
        delete from account_links l using own where l.user_id = own.user_id and l.purpose = 'reset-password'),
      changed as (
        update users u set password_hash = ${hash}, pepper_id = ${pepperId}, devices_valid_from = ${at},
          email_verified_at = case when own.email = u.email then coalesce(u.email_verified_at, ${at})
            else u.email_verified_at end
        from own where u.id = own.user_id returning u.id),
      ended as (
        update sessions s set revoked_at = ${at} from own where s.user_id = own.user_id and s.revoked_at is null),
      audit as (${this.#audit('user.password-reset-by-link', sql`own`)})
      select id as "userId" from changed`)
    if (!rows[0]) throw unusable()
    return rows[0]
  }

  async #read(purpose: LinkPurpose, token: string): Promise<string> {
    const id = await this.#tokens.read(purpose, token)
    if (id === null) throw unusable()
    return id
  }

  /** The live link, locked with its account. */
  #own(id: string, purpose: LinkPurpose): SQL {
    return sql`
      select l.id, l.user_id, l.email, u.email as before, lower(l.email) <> lower(u.email) as is_new
      from account_links l join users u on u.id = l.user_id
      where l.id = ${id} and l.purpose = ${purpose} and l.expires_at > ${this.#at()} and u.deleted_at is null
      for update`
  }

  #newLink(purpose: LinkPurpose) {
    const id = uuidv7()
    const expiresAt = new Date(this.#now().getTime() + lifetimeMs[purpose]).toISOString()
    return {
      id,
      /** @param source `user_id` and `email` of at most one row */
      insert: (source: SQL) => sql`
        insert into account_links (id, user_id, purpose, email, expires_at, created_at)
        select ${id}::uuid, source.user_id, ${purpose}, source.email, ${expiresAt}::timestamptz, ${this.#at()}
        from (${source}) source returning id, user_id, email`,
    }
  }

  /** @param source user, recipient and link of at most one row */
  #insertMail(kind: AccountMailKind, source: SQL, details: SQL = sql`null::jsonb`): SQL {
    return sql`
      insert into account_mails (user_id, recipient, link_id, id, kind, details, next_attempt_at, created_at)
      select source.*, ${uuidv7()}::uuid, ${kind}, ${details}, ${this.#at()}, ${this.#at()} from (${source}) source`
  }

  /** @param source a row with `user_id` */
  #audit(action: string | SQL, source: SQL): SQL {
    return sql`
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, ${action}, user_id, ${actorValues()} from ${source}`
  }

  #at(): SQL {
    return sql`${this.#now().toISOString()}::timestamptz`
  }
}

const unusable = (): AppError =>
  invalid('/token', 'The link is invalid, expired or already used. Request a new one')
