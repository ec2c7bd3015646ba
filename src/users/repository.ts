/** @module Account queries. An email address belongs to one live account; deleting the account frees it immediately. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { StoredPassword } from '../crypto/password.ts'
import { identifySession } from '../db/actor.ts'
import { auditEvent, auditEventOfUser } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { sessions, userRoutes, users } from '../db/schema/users.ts'
import { accountMoved, AppError } from '../errors.ts'
import type { User } from './contract.ts'
import { type FactorMethod, methodsColumn } from './factors/methods.ts'
import { toUser, userColumns, type UserRow } from './rows.ts'
import type { SessionRepository } from './session-repository.ts'

/** An account with its stored password. Never leaves the server. */
export interface Account {
  user: User
  password: StoredPassword
  /** Second factors and recovery codes that the account has. */
  methods: FactorMethod[]
}

export interface NewAccount {
  email: string
  name: string | null
  password: StoredPassword
}

const columns = { ...userColumns, hash: users.passwordHash, pepperId: users.pepperId }

interface Row extends UserRow {
  hash: string
  pepperId: string
}

const accountColumns = { ...columns, methods: methodsColumn }

const toAccount = ({ hash, pepperId, methods, ...user }: Row & { methods: FactorMethod[] }): Account => ({
  user: toUser(user),
  password: { hash, pepperId },
  methods,
})

export class UserRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #sessions: SessionRepository

  constructor(db: Db, now: () => Date, sessions: SessionRepository) {
    this.#db = db
    this.#now = now
    this.#sessions = sessions
  }

  /**
   * Creates an account and its first session in one batch.
   * @throws {AppError} `email-taken`, `account-moved`
   */
  async create({
    email,
    name,
    password,
  }: NewAccount): Promise<{ user: User; sessionId: string; refreshToken: string }> {
    const createdAt = this.#now()
    const at = sql`${createdAt.toISOString()}::timestamptz`
    const id = uuidv7()
    const session = this.#sessions.plan()
    identifySession(session.id)
    try {
      await this.#db.batch([
        // Inserts nothing for the address of a moved account, and then its session has no user.
        this.#db.execute(sql`
          insert into ${users} (id, email, name, password_hash, pepper_id, created_at, updated_at)
          select ${id}::uuid, ${email}, ${name}, ${password.hash}, ${password.pepperId}, ${at}, ${at}
          where not exists (
            select 1 from ${userRoutes} r where lower(r.email) = lower(${email}) and r.state = 'moved')`),
        this.#db.insert(sessions).values({ ...session, userId: id }),
        auditEvent(this.#db, id, 'user.registered', id),
      ])
    } catch (error) {
      const movedTo = databaseError(error).kind === 'foreign-key' ? await this.movedTo(email) : null
      throw movedTo === null ? emailTaken(error) : accountMoved(movedTo)
    }
    const user = toUser({ id, email, name, createdAt, emailVerifiedAt: null, pendingEmail: null })
    return { user, sessionId: session.id, refreshToken: await this.#sessions.firstToken(session.id) }
  }

  async findByEmail(email: string): Promise<Account | null> {
    const [row] = await this.#db.read
      .select(accountColumns)
      .from(users)
      .where(and(sql`lower(${users.email}) = lower(${email})`, isNull(users.deletedAt)))
    return row ? toAccount(row) : null
  }

  /** URL of the server to which the account with this address was moved. */
  async movedTo(email: string): Promise<string | null> {
    const [row] = await this.#db.read
      .select({ url: userRoutes.url })
      .from(userRoutes)
      .where(and(sql`lower(${userRoutes.email}) = lower(${email})`, eq(userRoutes.state, 'moved')))
    return row?.url ?? null
  }

  async find(userId: string): Promise<Account | null> {
    const [row] = await this.#db.read.select(accountColumns).from(users).where(live(userId))
    return row ? toAccount(row) : null
  }

  /**
   * Omitted fields stay unchanged.
   * @throws {AppError} `email-taken`
   */
  async update(userId: string, change: { name?: string | null; email?: string }): Promise<User | null> {
    if (Object.keys(change).length === 0) return (await this.find(userId))?.user ?? null
    try {
      const [[row]] = await this.#db.batch([
        this.#db.update(users).set(unverified(change)).where(live(userId)).returning(columns),
        auditEventOfUser(this.#db, userId, 'user.updated', userId, { fields: Object.keys(change) }),
      ])
      return row ? toUser(row) : null
    } catch (error) {
      throw emailTaken(error)
    }
  }

  /**
   * Sets the password and ends all sessions except the caller's. False when the password is no longer `from`; the
   * sessions end anyway.
   */
  async changePassword(
    userId: string,
    sessionId: string | undefined,
    from: StoredPassword,
    to: StoredPassword,
  ): Promise<boolean> {
    const [changed] = await this.#db.batch([
      this.#setPassword(userId, from, to),
      this.#sessions.endAllStatement(userId, sessionId),
      auditEventOfUser(this.#db, userId, 'user.password-changed', userId),
    ])
    return changed.length === 1
  }

  /** Operator's reset: sets the password without the old one and ends all sessions. Null without an account. */
  async resetPassword(email: string, to: StoredPassword): Promise<User | null> {
    const account = await this.findByEmail(email)
    if (!account) return null
    const { user, password } = account
    const [changed] = await this.#db.batch([
      this.#setPassword(user.id, password, to),
      this.#sessions.endAllStatement(user.id),
      auditEvent(this.#db, user.id, 'user.password-reset', user.id),
    ])
    if (changed.length === 0)
      throw new AppError('conflict', 'The password was changed concurrently. Try again')
    return user
  }

  /** Stores the same password with the current cost and pepper. */
  async rehashPassword(userId: string, from: StoredPassword, to: StoredPassword): Promise<void> {
    await this.#setPassword(userId, from, to)
  }

  #setPassword(userId: string, from: StoredPassword, { hash, pepperId }: StoredPassword) {
    return this.#db
      .update(users)
      .set({ passwordHash: hash, pepperId })
      .where(and(live(userId), eq(users.passwordHash, from.hash)))
      .returning({ id: users.id })
  }

  /** Prevents sign-in and refresh and frees the email address. `purgeDeletedAccounts` removes the data. */
  async markDeleted(userId: string): Promise<void> {
    await this.#db.batch([
      this.#db.update(users).set({ deletedAt: this.#now() }).where(live(userId)),
      this.#sessions.endAllStatement(userId),
      auditEvent(this.#db, userId, 'user.deleted', userId),
    ])
  }

  async recordFailedLogin(userId: string): Promise<void> {
    await auditEvent(this.#db, userId, 'user.login-failed', userId)
  }
}

/** A new address is not verified. */
const unverified = (change: { name?: string | null; email?: string }) =>
  change.email === undefined ? change : { ...change, emailVerifiedAt: null }

const live = (userId: string) => and(eq(users.id, userId), isNull(users.deletedAt))

/** The error of a taken address; any other error as it is. @param error of the statement, if it was one */
export function emailTaken(error?: unknown): unknown {
  if (error !== undefined && databaseError(error).constraint !== 'users_email_key') return error
  return new AppError(
    'email-taken',
    'An account with this email address already exists. Sign in, or use a different address',
  )
}
