/** @module Second factors in SQL. Every use of a factor is one statement, so that exactly one of several concurrent requests succeeds. */
import { and, count, desc, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { SealedBox } from '../../crypto/secret-box.ts'
import type { Ticket } from '../../crypto/ticket.ts'
import { actorColumns, actorValues, auditEvent } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import { passkeys, recoveryCodes, totpFactors, usedTickets } from '../../db/schema/factors.ts'
import { auditEvents } from '../../db/schema/users.ts'
import type { SessionRepository } from '../session-repository.ts'
import type { Factors } from './contract.ts'
import type { StoredPasskey, VerifiedPasskey } from './webauthn.ts'

const maxPasskeys = 20

/** A statement that uses a factor up and returns a row, or none if it is used or does not exist. */
export type Use = SQL

export interface PasskeyDescriptor {
  credentialId: string
  transports: string[]
}

export interface StoredTotp {
  id: string
  secret: SealedBox
  isConfirmed: boolean
}

type FactorEvent =
  | 'factor.totp-added'
  | 'factor.totp-removed'
  | 'factor.passkey-added'
  | 'factor.passkey-removed'
  | 'factor.recovery-codes-created'

/** The first parameter of every method is the owner's ID. */
export class FactorRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #sessions: Pick<SessionRepository, 'endAllStatement'>

  constructor(db: Db, now: () => Date, sessions: Pick<SessionRepository, 'endAllStatement'>) {
    this.#db = db
    this.#now = now
    this.#sessions = sessions
  }

  async list(userId: string): Promise<Factors> {
    const { read } = this.#db
    const [[totp], keys, [codes]] = await Promise.all([
      read
        .select({ confirmedAt: totpFactors.confirmedAt, lastUsedAt: totpFactors.lastUsedAt })
        .from(totpFactors)
        .where(and(eq(totpFactors.userId, userId), isNotNull(totpFactors.confirmedAt))),
      read.select().from(passkeys).where(eq(passkeys.userId, userId)).orderBy(desc(passkeys.id)),
      read.select({ left: count() }).from(recoveryCodes).where(eq(recoveryCodes.userId, userId)),
    ])
    return {
      totp: totp?.confirmedAt
        ? { confirmedAt: totp.confirmedAt.toISOString(), lastUsedAt: totp.lastUsedAt?.toISOString() ?? null }
        : null,
      passkeys: keys.map(({ id, name, isSynced, lastUsedAt, createdAt }) => ({
        id,
        name,
        isSynced,
        lastUsedAt: lastUsedAt?.toISOString() ?? null,
        createdAt: createdAt.toISOString(),
      })),
      recoveryCodesLeft: codes?.left ?? 0,
    }
  }

  async findTotp(userId: string): Promise<StoredTotp | null> {
    const [row] = await this.#db.read
      .select({
        id: totpFactors.id,
        secret: totpFactors.secret,
        isConfirmed: sql<boolean>`${totpFactors.confirmedAt} is not null`,
      })
      .from(totpFactors)
      .where(eq(totpFactors.userId, userId))
    return row ?? null
  }

  /** Replaces an unconfirmed one. False if the account has a confirmed one. */
  async saveTotp(userId: string, id: string, secret: SealedBox): Promise<boolean> {
    const rows = await this.#db
      .insert(totpFactors)
      .values({ id, userId, secret })
      .onConflictDoUpdate({
        target: totpFactors.userId,
        set: { id, secret, lastStep: 0, createdAt: this.#now() },
        setWhere: sql`${totpFactors.confirmedAt} is null`,
      })
      .returning({ id: totpFactors.id })
    return rows.length === 1
  }

  /**
   * @param codes hashes of recovery codes, stored unless the account has some
   * @returns whether it was confirmed, and whether the codes were stored
   */
  confirmTotp(userId: string, id: string, step: number, codes: readonly string[]) {
    const change = sql`
      update ${totpFactors} set confirmed_at = ${this.#at()}, last_step = ${step}::integer
      where user_id = ${userId} and id = ${id} and confirmed_at is null returning id`
    return this.#change(userId, change, { action: 'factor.totp-added', subjectId: id, codes })
  }

  /** @param ticket used up @param codes as for `confirmTotp` */
  addPasskey(
    userId: string,
    passkey: VerifiedPasskey & { id: string; name: string; transports: string[]; createdAt: Date },
    ticket: Ticket,
    codes: readonly string[],
  ) {
    const { id, name, credentialId, publicKey, signCount, transports, isSynced, createdAt } = passkey
    const change = sql`
      insert into ${passkeys} (id, user_id, credential_id, public_key, sign_count, transports, is_synced, name, created_at)
      select ${id}::uuid, ${userId}::uuid, ${credentialId}, ${publicKey}, ${signCount}::bigint, ${textArray(transports)},
        ${isSynced}::boolean, ${name}, ${createdAt.toISOString()}::timestamptz
      from ticket where (select count(*) from ${passkeys} where user_id = ${userId}) < ${maxPasskeys}::integer
      on conflict do nothing returning id`
    return this.#change(userId, change, {
      action: 'factor.passkey-added',
      subjectId: id,
      details: { name },
      codes,
      ticket,
    })
  }

  /** Also deletes the recovery codes if it was the last factor. False without one. */
  async removeTotp(userId: string): Promise<boolean> {
    const change = sql`delete from ${totpFactors} where user_id = ${userId} and confirmed_at is not null returning id`
    const { isDone } = await this.#change(userId, change, { action: 'factor.totp-removed' })
    return isDone
  }

  /** As `removeTotp`. */
  async removePasskey(userId: string, id: string): Promise<boolean> {
    const change = sql`delete from ${passkeys} where user_id = ${userId} and id = ${id} returning id`
    const { isDone } = await this.#change(userId, change, { action: 'factor.passkey-removed', subjectId: id })
    return isDone
  }

  /** Replaces all recovery codes. */
  async replaceCodes(userId: string, codes: readonly string[]): Promise<void> {
    await this.#db.batch([
      this.#db.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)),
      this.#db.insert(recoveryCodes).values(codes.map((hash) => ({ userId, hash }))),
      auditEvent(this.#db, userId, 'factor.recovery-codes-created', null),
    ])
  }

  /** Operator's reset: removes all factors and ends all sessions. */
  async reset(userId: string): Promise<void> {
    await this.#db.batch([
      this.#db.delete(totpFactors).where(eq(totpFactors.userId, userId)),
      this.#db.delete(passkeys).where(eq(passkeys.userId, userId)),
      this.#db.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)),
      this.#sessions.endAllStatement(userId),
      auditEvent(this.#db, userId, 'factor.all-reset', null),
    ])
  }

  descriptors(userId: string): Promise<PasskeyDescriptor[]> {
    return this.#db.read
      .select({ credentialId: passkeys.credentialId, transports: passkeys.transports })
      .from(passkeys)
      .where(eq(passkeys.userId, userId))
  }

  async findPasskey(userId: string, credentialId: string): Promise<StoredPasskey | null> {
    const [row] = await this.#db.read
      .select({
        id: passkeys.id,
        credentialId: passkeys.credentialId,
        publicKey: passkeys.publicKey,
        signCount: passkeys.signCount,
      })
      .from(passkeys)
      .where(and(eq(passkeys.userId, userId), eq(passkeys.credentialId, credentialId)))
    return row ?? null
  }

  totpUse(userId: string, id: string, step: number): Use {
    return sql`
      update ${totpFactors} set last_step = ${step}::integer, last_used_at = ${this.#at()}
      where user_id = ${userId} and id = ${id} and last_step < ${step}::integer and confirmed_at is not null
      returning user_id`
  }

  recoveryCodeUse(userId: string, hash: string): Use {
    return sql`delete from ${recoveryCodes} where user_id = ${userId} and hash = ${hash} returning user_id`
  }

  /** A count that does not increase means that the passkey was copied (WebAuthn §6.1.1). */
  passkeyUse(userId: string, id: string, signCount: number): Use {
    return sql`
      update ${passkeys} set sign_count = ${signCount}::bigint, last_used_at = ${this.#at()}
      where user_id = ${userId} and id = ${id}
        and (sign_count < ${signCount}::bigint or (sign_count = 0 and ${signCount}::bigint = 0))
      returning user_id`
  }

  /**
   * Uses a factor and tickets up.
   * @param event of a successful use
   * @returns whether the factor was unused, and whether all tickets were
   */
  async use(
    userId: string,
    use: Use,
    tickets: readonly Ticket[],
    event: 'factor.recovery-code-used' | null,
  ): Promise<{ isRight: boolean; isFirst: boolean }> {
    const spent = tickets.length === 0 ? sql`select user_id from used` : spend(sql`used`, tickets)
    const { rows: answer } = await this.#db.execute<{ isRight: boolean; isFirst: boolean }>(sql`
      with used as (${use}),
      spent as (${spent})
      ${event === null ? sql`` : sql`, noted as (${this.#event(userId, event, null, null, sql`used`)})`}
      select exists (select from used) as "isRight",
        (select count(*) from spent) = ${Math.max(tickets.length, 1)}::integer as "isFirst"`)
    return answer[0] ?? { isRight: false, isFirst: false }
  }

  async recordFailure(userId: string, method: string): Promise<void> {
    await auditEvent(this.#db, userId, 'factor.failed', null, { method })
  }

  async #change(
    userId: string,
    change: SQL,
    event: {
      action: FactorEvent
      subjectId?: string
      details?: Record<string, unknown>
      codes?: readonly string[]
      ticket?: Ticket
    },
  ): Promise<{ isDone: boolean; hasNewCodes: boolean }> {
    const { action, subjectId = null, details = null, codes, ticket } = event
    const isLast = sql`
      not exists (select from ${passkeys} where user_id = ${userId} and id not in (select id from changed))
      and not exists (select from ${totpFactors} where user_id = ${userId} and confirmed_at is not null
        and id not in (select id from changed))`
    const codesChange = codes
      ? sql`
        insert into ${recoveryCodes} (user_id, hash)
        select ${userId}::uuid, hash from changed, unnest(${textArray(codes)}) as hash
        where not exists (select from ${recoveryCodes} where user_id = ${userId})
        returning hash`
      : sql`
        delete from ${recoveryCodes} where user_id = ${userId} and exists (select from changed) and ${isLast}
        returning hash`
    const { rows } = await this.#db.execute<{ isDone: boolean; hasNewCodes: boolean }>(sql`
      with ${ticket ? sql`ticket as (${spend(sql`(select ${userId}::uuid as user_id) as owner`, [ticket])}),` : sql``}
      changed as (${change}),
      codes as (${codesChange}),
      noted as (${this.#event(userId, action, subjectId, details, sql`changed`)})
      select exists (select from changed) as "isDone", exists (select from codes) as "hasNewCodes"`)
    return rows[0] ?? { isDone: false, hasNewCodes: false }
  }

  /** Inserts an audit event if the source has a row. */
  #event(
    userId: string,
    action: string,
    subjectId: string | null,
    details: Record<string, unknown> | null,
    source: SQL,
  ): SQL {
    return sql`
      insert into ${auditEvents} (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, ${action}, ${subjectId}::uuid,
        ${details && JSON.stringify(details)}::jsonb, ${actorValues()}
      from ${source} limit 1`
  }

  #at(): SQL {
    return sql`${this.#now().toISOString()}::timestamptz`
  }
}

/** Uses tickets up for the owner in `source`. Returns a row per ticket that was unused. */
function spend(source: SQL, tickets: readonly Ticket[]): SQL {
  const rows = tickets.map(({ id, expiresAt }) => sql`(${id}::uuid, ${expiresAt.toISOString()}::timestamptz)`)
  return sql`
    insert into ${usedTickets} (user_id, ticket_id, expires_at)
    select user_id, ticket.* from ${source}, (values ${sql.join(rows, sql`, `)}) as ticket
    on conflict do nothing returning user_id`
}

const textArray = (texts: readonly string[]): SQL =>
  texts.length === 0
    ? sql`'{}'::text[]`
    : sql`array[${sql.join(
        texts.map((text) => sql`${text}`),
        sql`, `,
      )}]::text[]`
