/** @module Rate-limited password checks that start sessions. */
import type * as z from 'zod'
import type { AccessTokens } from '../crypto/access-token.ts'
import type { PasswordHasher, StoredPassword } from '../crypto/password.ts'
import { accountMoved, AppError } from '../errors.ts'
import { networkOf } from '../lib/network.ts'
import type { Notify } from './account-mail/account-mail.ts'
import type { HashNewPassword } from './breached-passwords.ts'
import type { User } from './contract.ts'
import type { Device, Devices } from './devices.ts'
import type { FactorAnswer, PasskeySignIn, SecondFactor } from './factors/contract.ts'
import type { SecondFactors } from './factors/factors.ts'
import { type FactorMethod, needsSecondFactor } from './factors/methods.ts'
import type { Account, UserRepository } from './repository.ts'
import type { SessionRepository } from './session-repository.ts'
import type { Attempt, Throttle } from './throttle.ts'

export interface SignInOptions {
  users: UserRepository
  sessions: SessionRepository
  throttle: Throttle
  devices: Devices
  hasher: PasswordHasher
  hashNew: HashNewPassword
  accessTokens: AccessTokens
  factors: SecondFactors
  /** Keeps work running after the response is sent, and handles its rejection. */
  defer: (work: Promise<unknown>) => void
  notify: Notify
  /** Called for each new account. */
  welcome: (user: User) => void
}

export interface SignedInUser {
  user: User
  accessToken: string
  expiresIn: number
  refreshToken: string
  deviceToken: string
}

/** A new session without a session token. */
export interface StartedSession {
  user: User
  sessionId: string
  refreshToken: string
  /** Marks the device as known at the next sign-in. */
  deviceToken: string
}

/** The signed-in user and session that a request belongs to. */
export interface Confirming {
  userId: string
  /** Undefined for a request with an access token. */
  sessionId?: string | undefined
}

export class SignIn {
  readonly #options: SignInOptions

  constructor(options: SignInOptions) {
    this.#options = options
  }

  /**
   * Hashes before the lookup, so that taken and free addresses take the same time.
   * @throws {AppError} `email-taken`, `account-moved`, `invalid` for a breached password, `too-many-requests`
   */
  async createAccount(
    clientIp: string,
    input: { email: string; password: string; name?: string | null | undefined },
  ): Promise<StartedSession> {
    const { users, throttle, devices, hashNew } = this.#options
    const at = devices.now()
    await throttle.claimRegistration(clientIp)
    const password = await hashNew(input.password, networkOf(clientIp), '/password')
    const session = await users.create({ email: input.email, name: input.name ?? null, password })
    this.#options.welcome(session.user)
    return { ...session, deviceToken: await devices.issue(session.user.id, at) }
  }

  /** `createAccount`, plus a session token. */
  async register(clientIp: string, input: Parameters<SignIn['createAccount']>[1]): Promise<SignedInUser> {
    return this.#signed(await this.createAccount(clientIp, input))
  }

  /**
   * An unknown address, a wrong password and a damaged hash take the same time and give the same error.
   * @param deviceToken of an earlier sign-in on the same device. An invalid one has no effect
   * @throws {AppError} `bad-credentials`, `account-moved`, `too-many-requests`; `second-factor-required` if the password
   * was right and the account has a second factor
   */
  async startSession(
    clientIp: string,
    { email, password, deviceToken }: { email: string; password: string; deviceToken?: string | undefined },
  ): Promise<StartedSession> {
    const { users, throttle, devices, hasher, factors, defer } = this.#options
    const device = await devices.read(deviceToken)
    const attempt = await throttle.claimLogin(clientIp, email, device)
    const account = await this.#checkPassword(attempt, email, password, () => users.findByEmail(email))
    const isOutdated = hasher.isOutdated(account.password)
    if (needsSecondFactor(account.methods)) {
      // Not deferred, because the token depends on the stored hash.
      if (isOutdated) account.password = await this.#rehash(account, password)
      throw await factors.challenge(account)
    }
    const session = await this.#start(account, device)
    if (isOutdated) defer(this.#rehash(account, password))
    return session
  }

  /**
   * The second step after `second-factor-required`.
   * @param deviceToken as for `startSession`
   * @throws {AppError} `sign-in-expired`, `invalid-second-factor`, `too-many-requests`
   */
  async finishSession({
    token,
    deviceToken,
    ...answer
  }: z.output<typeof SecondFactor>): Promise<StartedSession> {
    const { users, devices, factors } = this.#options
    const { account, method } = await factors.complete(token, answer, (userId) => users.find(userId))
    return this.#start(account, await devices.read(deviceToken), method)
  }

  /** `finishSession`, plus a session token. */
  async finishLogin(input: z.output<typeof SecondFactor>): Promise<SignedInUser> {
    return this.#signed(await this.finishSession(input))
  }

  /**
   * Without a password: a passkey verifies its user.
   * @param deviceToken as for `startSession`
   * @throws {AppError} `invalid-second-factor`
   */
  async startPasskeySession({
    passkey,
    deviceToken,
  }: z.output<typeof PasskeySignIn>): Promise<StartedSession> {
    const { users, devices, factors } = this.#options
    const account = await users.find(await factors.passkeySignIn(passkey))
    if (!account) throw accountGone()
    return this.#start(account, await devices.read(deviceToken), 'passkey')
  }

  /** `startPasskeySession`, plus a session token. */
  async passkeyLogin(input: z.output<typeof PasskeySignIn>): Promise<SignedInUser> {
    return this.#signed(await this.startPasskeySession(input))
  }

  async #start(
    { user, password }: Account,
    device: Device | null,
    factor?: FactorMethod,
  ): Promise<StartedSession> {
    const { sessions, devices, notify } = this.#options
    const at = devices.now()
    const session = await sessions.start(user.id, password.hash, factor)
    if (!session) throw badCredentials()
    if (!session.isFamiliar && device?.userId !== user.id) notify(user.id, 'new-device')
    const { sessionId, refreshToken } = session
    return { user, sessionId, refreshToken, deviceToken: await devices.issue(user.id, at) }
  }

  /** `startSession`, plus a session token. */
  async login(clientIp: string, input: Parameters<SignIn['startSession']>[1]): Promise<SignedInUser> {
    return this.#signed(await this.startSession(clientIp, input))
  }

  async #signed({ user, sessionId, refreshToken, deviceToken }: StartedSession): Promise<SignedInUser> {
    const token = await this.#options.accessTokens.sign({ userId: user.id, sessionId })
    return { user, ...token, refreshToken, deviceToken }
  }

  /**
   * Verifies a signed-in user's password before a change that a stolen session token must not make. Wrong passwords
   * delay the session that sent them, and no other.
   * @throws {AppError} `bad-credentials`, `too-many-requests`, `unauthenticated` when the account is deleted
   */
  async confirmPassword({ userId, sessionId }: Confirming, password: string): Promise<Account> {
    const { users, throttle } = this.#options
    const account = await users.find(userId)
    if (!account) throw accountGone()
    const attempt = await throttle.claimConfirmation(userId, sessionId)
    return this.#checkPassword(attempt, account.user.email, password, async () => account)
  }

  /**
   * Ends all other sessions of the user.
   * @throws {AppError} as `confirmPassword`; `invalid` for a breached password, `conflict` after a concurrent change
   */
  async changePassword(
    confirming: Confirming,
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
  ): Promise<void> {
    const { users, hashNew, notify } = this.#options
    const { user, password } = await this.confirmPassword(confirming, currentPassword)
    const hashed = await hashNew(newPassword, user.id, '/newPassword')
    if (!(await users.changePassword(user.id, confirming.sessionId, password, hashed)))
      throw new AppError('conflict', 'The password was changed concurrently. Sign in again')
    notify(user.id, 'password-changed')
  }

  /**
   * Verifies who changes how the account is signed in to: the password, and a second factor if the account has one.
   * @throws {AppError} as `confirmPassword`; `second-factor-required`, `invalid-second-factor`
   */
  async confirmOwner(
    confirming: Confirming,
    { password, ...answer }: FactorAnswer & { password: string },
  ): Promise<Account> {
    const account = await this.confirmPassword(confirming, password)
    await this.#options.factors.confirm(account, answer)
    return account
  }

  async #checkPassword(
    attempt: Attempt,
    email: string,
    password: string,
    find: () => Promise<Account | null>,
  ): Promise<Account> {
    const { users, hasher, defer } = this.#options
    const account = await find()
    const isRight = await hasher
      .verify(password, account?.password ?? null, attempt.lane, attempt.isKnown)
      .catch(async (error: unknown) => {
        await attempt.release()
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
    await attempt.succeed()
    return account
  }

  async #rehash({ user, password: stored }: Account, password: string): Promise<StoredPassword> {
    const { users, hasher } = this.#options
    const fresh = await hasher.hash(password, user.id)
    await users.rehashPassword(user.id, stored, fresh)
    return fresh
  }
}

const badCredentials = () =>
  new AppError('bad-credentials', 'No account matches this email address and password')

export const accountGone = () => new AppError('unauthenticated', 'The account was deleted')
