/**
 * @module Email to the owners of accounts, through a queue: a response never waits for it, so its time reveals nothing
 * about accounts. A message is tried again at increasing intervals for a day, always with the same ID.
 */
import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { currentRequest } from '../../db/actor.ts'
import type { Db } from '../../db/client.ts'
import { deliveryWaitMs } from '../../lib/retry.ts'
import { dayMs, minuteMs } from '../../lib/time.ts'
import type { SendMail } from '../../mail/mail.ts'
import { deviceName } from '../device-name.ts'
import type { LinkTokens } from './link-tokens.ts'
import { accountMailOf, type Details, isAccountMailKind, type LinkPurpose } from './texts.ts'

/** A security notice without a link of its own. */
export type NoticeKind = 'new-device' | 'password-changed' | 'token-created' | 'factors-changed'

/** Tells the owner about a change, after the response. */
export type Notify = (userId: string, kind: NoticeKind, details?: Details) => void

export interface AccountMailOptions {
  links: LinkTokens
  publicUrl: string
  /** Null: the server cannot send email. */
  sendMail: SendMail | null
  /** Keeps work running after the response is sent, and handles its rejection. */
  defer: (work: Promise<unknown>) => void
}

/** Longer than an attempt takes. */
const leaseMs = 2 * minuteMs
/** Workers allow six open connections. */
const atOnce = 4

interface DueMail extends Record<string, unknown> {
  id: string
  user_id: string
  kind: string
  recipient: string
  details: Details | null
  attempts: number
  created_ms: number
  purpose: LinkPurpose | null
  link_id: string | null
}

export interface MailDelivery {
  /** Messages to send. */
  limit: number
  /** Milliseconds after which no further attempt starts. */
  budgetMs?: number
  signal?: AbortSignal
}

export class AccountMail {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: AccountMailOptions

  constructor(db: Db, now: () => Date, options: AccountMailOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  get canSend(): boolean {
    return this.#options.sendMail !== null
  }

  readonly notify: Notify = (userId, kind, details = {}) => {
    if (!this.canSend) return
    const request = currentRequest()
    const known = {
      device: deviceName(request?.userAgent),
      address: request?.clientAddress ?? null,
      ...details,
    }
    const at = sql`${this.#now().toISOString()}::timestamptz`
    this.sendAfter(async () => {
      await this.#db.execute(sql`
        insert into account_mails (id, user_id, kind, recipient, details, next_attempt_at, created_at)
        select ${uuidv7()}::uuid, id, ${kind}, email, ${JSON.stringify(known)}::jsonb, ${at}, ${at}
        from users where id = ${userId} and deleted_at is null`)
    })
  }

  /** Runs `queue`, which queues messages, after the response, and then sends a few. The scheduled job sends the rest. */
  sendAfter(queue: () => Promise<unknown> = async () => undefined): void {
    this.#options.defer(queue().then(() => this.deliverDue({ limit: atOnce })))
  }

  /** Sends the messages that are due, longest due first. @returns the number of attempts */
  async deliverDue({ limit, budgetMs = Infinity, signal }: MailDelivery): Promise<number> {
    const { sendMail } = this.#options
    if (!sendMail) return 0
    const startedAtMs = this.#now().getTime()
    const isStopped = () => signal?.aborted === true || this.#now().getTime() - startedAtMs >= budgetMs
    let attempts = 0
    while (attempts < limit && !isStopped()) {
      const most = Math.min(atOnce, limit - attempts)
      const due = await this.#claim(most)
      attempts += due.length
      await Promise.all(due.map((mail) => this.#attempt(sendMail, mail)))
      if (due.length < most) break
    }
    return attempts
  }

  /** The time of the next attempt is also the lease: until then, no other server sends the message. */
  async #claim(limit: number): Promise<DueMail[]> {
    const at = (plusMs = 0) => sql`${new Date(this.#now().getTime() + plusMs).toISOString()}::timestamptz`
    const { rows } = await this.#db.execute<DueMail>(sql`
      with claimed as (
        update account_mails set attempts = attempts + 1, next_attempt_at = ${at(leaseMs)}
        where id in (
          select id from account_mails where next_attempt_at <= ${at()}
          order by next_attempt_at limit ${limit} for update skip locked)
        returning *
      )
      select m.id, m.user_id, m.kind, m.recipient, m.details, m.attempts, m.link_id, l.purpose,
        (extract(epoch from m.created_at) * 1000)::float8 as created_ms
      from claimed m left join account_links l on l.user_id = m.user_id and l.id = m.link_id`)
    return rows
  }

  async #attempt(sendMail: SendMail, mail: DueMail): Promise<void> {
    const isOver = (await this.#send(sendMail, mail)) || this.#now().getTime() > mail.created_ms + dayMs
    const own = sql`user_id = ${mail.user_id} and id = ${mail.id} and attempts = ${mail.attempts}`
    const next = new Date(this.#now().getTime() + deliveryWaitMs(mail.attempts)).toISOString()
    await this.#db.execute(
      isOver
        ? sql`delete from account_mails where ${own}`
        : sql`update account_mails set next_attempt_at = ${next}::timestamptz where ${own}`,
    )
  }

  async #send(sendMail: SendMail, mail: DueMail): Promise<boolean> {
    const { id, kind, recipient, details, purpose, link_id: linkId } = mail
    // A release that was rolled back does not know the kind.
    if (!isAccountMailKind(kind)) return true
    const { links, publicUrl } = this.#options
    const link = purpose && linkId ? { purpose, token: await links.issue(purpose, linkId) } : null
    const message = { id, kind, recipient, details: details ?? {}, at: new Date(mail.created_ms), link }
    try {
      await sendMail(accountMailOf(message, publicUrl))
      return true
    } catch {
      return false
    }
  }
}
