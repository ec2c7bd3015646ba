/** @module Rate-limited password checks that start sessions. */
import type { AccessTokens } from '../crypto/access-token.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import { accountMoved, AppError } from '../errors.ts'
import type { User } from './contract.ts'
import type { Account, UserRepository } from './repository.ts'
import type { SessionRepository } from './session-repository.ts'
import type { Throttle } from './throttle.ts'

export interface SignInOptions {
  users: UserRepository
  sessions: SessionRepository
  throttle: Throttle
  hasher: PasswordHasher
  accessTokens: AccessTokens
  /** Keeps work running after the response is sent, and handles its rejection. */
  defer: (work: Promise<unknown>) => void
}

export interface SignedInUser {
  user: User
  accessToken: string
  expiresIn: number
  refreshToken: string
}

/** A new session without a session token. */
export interface StartedSession {
  user: User
  sessionId: string
  refreshToken: string
}

export class SignIn {
  readonly #options: SignInOptions

  constructor(options: SignInOptions) {
    this.#options = options
  }

  /**
   * Hashes before the lookup, so that taken and free addresses take the same time.
   * @throws {AppError} `email-taken`, `account-moved`, `too-many-requests`
   */
  async createAccount(
    clientIp: string,
    input: { email: string; password: string; name?: string | null | undefined },
  ): Promise<StartedSession> {
    const { users, throttle, hasher } = this.#options
    await throttle.claimRegistration(clientIp)
    const password = await hasher.hash(input.password)
    return users.create({ email: input.email, name: input.name ?? null, password })
  }

  /** `createAccount`, plus a session token. */
  async register(clientIp: string, input: Parameters<SignIn['createAccount']>[1]): Promise<SignedInUser> {
    return this.#signed(await this.createAccount(clientIp, input))
  }

  /**
   * An unknown address, a wrong password and a damaged hash take the same time and give the same error.
   * @throws {AppError} `bad-credentials`, `account-moved`, `too-many-requests`
   */
  async startSession(
    clientIp: string,
    { email, password }: { email: string; password: string },
  ): Promise<StartedSession> {
    const { users, sessions, hasher, defer } = this.#options
    const account = await this.#checkPassword(clientIp, email, password, () => users.findByEmail(email))
    const { user, password: stored } = account
    const session = await sessions.start(user.id, stored.hash)
    if (!session) throw badCredentials()
    if (hasher.isOutdated(stored)) defer(this.#rehash(user.id, account, password))
    return { user, ...session }
  }

  /** `startSession`, plus a session token. */
  async login(clientIp: string, input: { email: string; password: string }): Promise<SignedInUser> {
    return this.#signed(await this.startSession(clientIp, input))
  }

  async #signed({ user, sessionId, refreshToken }: StartedSession): Promise<SignedInUser> {
    const token = await this.#options.accessTokens.sign({ userId: user.id, sessionId })
    return { user, ...token, refreshToken }
  }

  /**
   * Verifies a signed-in user's password before a change that a stolen session token must not make. Counts as a
   * sign-in.
   * @throws {AppError} `bad-credentials`, `too-many-requests`, `unauthenticated` when the account is deleted
   */
  async confirmPassword(clientIp: string, userId: string, password: string): Promise<Account> {
    const account = await this.#options.users.find(userId)
    if (!account) throw accountGone()
    return this.#checkPassword(clientIp, account.user.email, password, async () => account)
  }

  async #checkPassword(
    clientIp: string,
    email: string,
    password: string,
    find: () => Promise<Account | null>,
  ): Promise<Account> {
    const { users, throttle, hasher, defer } = this.#options
    await throttle.claimLogin(clientIp, email)
    const account = await find()
    const isRight = await hasher.verify(password, account?.password ?? null).catch(async (error: unknown) => {
      await throttle.releaseLogin(clientIp, email)
      throw error
    })
    if (!account || !isRight) {
      // Also for an existing account, so that the time is the same.
      const movedTo = await users.movedTo(email)
      if (movedTo !== null) throw accountMoved(movedTo)
      // Deferred, so that an extra statement does not reveal whether the account exists.
      if (account) defer(users.recordFailedLogin(account.user.id))
      throw badCredentials()
    }
    await throttle.clearLogin(clientIp, email)
    return account
  }

  async #rehash(userId: string, { password: stored }: Account, password: string): Promise<void> {
    const { users, hasher } = this.#options
    await users.rehashPassword(userId, stored, await hasher.hash(password))
  }
}

const badCredentials = () =>
  new AppError('bad-credentials', 'No account matches this email address and password')

export const accountGone = () => new AppError('unauthenticated', 'The account was deleted')
