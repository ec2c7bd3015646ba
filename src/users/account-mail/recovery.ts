/** @module Recovery of an account by email: a new password without the old one, and the confirmation of addresses. */
import { AppError } from '../../errors.ts'
import type { User } from '../contract.ts'
import type { HashNewPassword } from '../breached-passwords.ts'
import { emailTaken, type UserRepository } from '../repository.ts'
import { accountGone } from '../sign-in.ts'
import type { Throttle } from '../throttle.ts'
import type { AccountLinks } from './account-links.ts'
import type { AccountMail } from './account-mail.ts'

export interface RecoveryOptions {
  users: UserRepository
  throttle: Throttle
  hashNew: HashNewPassword
  links: AccountLinks
  mail: AccountMail
}

export class Recovery {
  readonly #options: RecoveryOptions

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /** Whether this server can send email. */
  get canSend(): boolean {
    return this.#options.mail.canSend
  }

  /**
   * Sends a reset link to the account with this address, if there is one. Does the same whether or not there is.
   * @throws {AppError} `conflict` when the server cannot send email, `too-many-requests`
   */
  async forgotPassword(clientIp: string, email: string): Promise<void> {
    this.#requireMail()
    await this.#options.throttle.claimReset(clientIp, email)
    this.#options.links.requestReset(email)
  }

  /**
   * Ends all sessions. A second factor is still required at the next sign-in.
   * @throws {AppError} `invalid` for a link that is not valid or a breached password, `too-many-requests`
   */
  async resetPassword(token: string, newPassword: string): Promise<void> {
    const { links, hashNew, mail } = this.#options
    const { userId } = await links.requireReset(token)
    await links.resetPassword(token, await hashNew(newPassword, userId, '/newPassword'))
    mail.notify(userId, 'password-changed')
  }

  /**
   * Sends a link that confirms the current address. Does nothing if it is confirmed.
   * @throws {AppError} `conflict` when the server cannot send email, `too-many-requests`
   */
  async verifyEmail({ id, email, emailVerified }: User): Promise<void> {
    if (emailVerified) return
    this.#requireMail()
    await this.#options.throttle.claimConfirmationMail(id)
    this.#options.mail.sendAfter(() => this.#options.links.requestConfirmation(id, email))
  }

  /** Sends the link to a new account, after the response. */
  welcome({ id, email }: User): void {
    const { links, mail } = this.#options
    if (mail.canSend) mail.sendAfter(() => links.requestConfirmation(id, email))
  }

  /**
   * Omitted fields stay unchanged. A new address takes effect when its owner confirms it; immediately, if the server cannot
   * send email.
   * @throws {AppError} `email-taken`, `too-many-requests`
   */
  async updateProfile(userId: string, change: { name?: string | null; email?: string }): Promise<User> {
    const { users, throttle, links, mail } = this.#options
    const { email, ...rest } = change
    if (email === undefined || !this.canSend) {
      const user = await users.update(userId, change)
      if (!user) throw accountGone()
      return user
    }
    const owner = await users.findByEmail(email)
    if (owner && owner.user.id !== userId) throw emailTaken()
    await throttle.claimConfirmationMail(userId)
    await links.requestConfirmation(userId, email)
    mail.sendAfter()
    const user = await users.update(userId, rest)
    if (!user) throw accountGone()
    return user
  }

  /** @throws {AppError} `invalid`, `email-taken` */
  confirmEmail(token: string): Promise<{ email: string }> {
    return this.#options.links.confirmEmail(token)
  }

  /** @throws {AppError} `invalid`, `email-taken` */
  undoEmailChange(token: string): Promise<{ email: string }> {
    return this.#options.links.undoEmailChange(token)
  }

  #requireMail(): void {
    if (this.canSend) return
    throw new AppError(
      'conflict',
      'This server is not configured to send email. Ask its operator to run: flowkeep users reset-password',
    )
  }
}
