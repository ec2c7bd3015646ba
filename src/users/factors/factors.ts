/**
 * @module Second factors: an authenticator app, passkeys and recovery codes. Signing in with a password ends with
 * `second-factor-required` if the account has a factor; the ticket in that error and one factor then start the session.
 */
import { v7 as uuidv7 } from 'uuid'
import type { Fingerprint } from '../../crypto/fingerprint.ts'
import type { SecretBox } from '../../crypto/secret-box.ts'
import { type Ticket, type TicketPurpose, type Tickets, ticketSeconds } from '../../crypto/ticket.ts'
import { totpContext } from '../../db/sealed-columns.ts'
import { AppError, invalid, notFound } from '../../errors.ts'
import type { Notify } from '../account-mail/account-mail.ts'
import type { User } from '../contract.ts'
import type { Account } from '../repository.ts'
import type { Throttle } from '../throttle.ts'
import type {
  CreatedPasskey,
  FactorAnswer,
  PasskeyAssertion,
  PasskeyAttestation,
  TotpSetup,
} from './contract.ts'
import { type FactorMethod, needsSecondFactor } from './methods.ts'
import {
  type CreationOptions,
  creationOptions,
  type RelyingParty,
  relyingPartyOf,
  type RequestOptions,
  requestOptions,
  signedTicket,
  userOf,
} from './passkey-options.ts'
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts'
import type { FactorRepository, Use } from './repository.ts'
import { matchingStep, newTotpSecret, totpUri } from './totp.ts'

export interface FactorOptions {
  repository: FactorRepository
  tickets: Tickets
  secretBox: SecretBox
  /** Awaited before sealing. */
  keysVerified: () => Promise<void>
  fingerprint: Fingerprint
  throttle: Pick<Throttle, 'claimFactor' | 'clearFactor'>
  publicUrl: string
  /** Keeps work running after the response is sent, and handles its rejection. */
  defer: (work: Promise<unknown>) => void
  notify: Notify
  now: () => Date
}

/** Of an account whose password was right. */
export interface SecondFactorChallenge {
  token: string
  expiresIn: number
  methods: FactorMethod[]
  /** For `navigator.credentials.get()`. Null without a passkey. */
  passkeyOptions: RequestOptions | null
}

export class SecondFactors {
  readonly #options: FactorOptions
  readonly #party: RelyingParty

  constructor(options: FactorOptions) {
    this.#options = options
    this.#party = relyingPartyOf(options.publicUrl)
  }

  /** `second-factor-required`, for an account with a factor whose password was right. */
  async challenge({ user, password, methods }: Account): Promise<AppError> {
    const { tickets } = this.#options
    const secondFactor: SecondFactorChallenge = {
      token: await tickets.issue('second-factor', user.id, await this.#markOf(password.hash)),
      expiresIn: ticketSeconds,
      methods,
      passkeyOptions: methods.includes('passkey') ? await this.checkOptions(user.id) : null,
    }
    return new AppError(
      'second-factor-required',
      'The account requires a second factor. Send the token with a code, a recovery code or a passkey to POST /v1/auth/second-factor',
      { extra: { secondFactor } },
    )
  }

  /**
   * The second step of signing in.
   * @param find the live account
   * @throws {AppError} `sign-in-expired`, `invalid-second-factor`, `too-many-requests`
   */
  async complete(
    token: string,
    answer: FactorAnswer,
    find: (userId: string) => Promise<Account | null>,
  ): Promise<{ account: Account; method: FactorMethod }> {
    const ticket = await this.#options.tickets.read('second-factor', token)
    const account = ticket && (await find(ticket.subject))
    if (!account || ticket.bound !== (await this.#markOf(account.password.hash))) throw expired()
    return { account, method: await this.#verify(account.user.id, answer, [ticket]) }
  }

  /** For any passkey of this site. */
  async signInOptions(): Promise<RequestOptions> {
    return requestOptions(this.#party.rpId, await this.#options.tickets.issue('passkey-sign-in', ''), [])
  }

  /**
   * Signs in without a password.
   * @returns the user's ID
   * @throws {AppError} `invalid-second-factor`
   */
  async passkeySignIn(assertion: PasskeyAssertion): Promise<string> {
    const userId = userOf(assertion.response.userHandle)
    if (userId === null) throw wrongPasskey()
    await this.#verifyPasskey(userId, assertion, 'passkey-sign-in', [])
    return userId
  }

  /** For the passkeys of the user, to confirm who is there. */
  async checkOptions(userId: string): Promise<RequestOptions> {
    const { tickets, repository } = this.#options
    const [ticket, allowed] = await Promise.all([
      tickets.issue('passkey-check', userId),
      repository.descriptors(userId),
    ])
    return requestOptions(this.#party.rpId, ticket, allowed)
  }

  /**
   * Before a change to the factors of an account, whose password was just checked.
   * @throws {AppError} `second-factor-required` without an answer, `invalid-second-factor`, `too-many-requests`
   */
  async confirm({ user, methods }: Account, answer: FactorAnswer): Promise<void> {
    if (!needsSecondFactor(methods)) return
    if (answer.code === undefined && answer.recoveryCode === undefined && answer.passkey === undefined) {
      throw new AppError(
        'second-factor-required',
        'Also send a code, a recovery code or a passkey of the account',
        { extra: { methods } },
      )
    }
    await this.#verify(user.id, answer, [])
  }

  /** Starts over if one was not confirmed. @throws {AppError} `conflict` if the account has an authenticator app */
  async startTotp({ id: userId, email }: User): Promise<TotpSetup> {
    const { repository, secretBox, keysVerified } = this.#options
    const [id, secret] = [uuidv7(), newTotpSecret()]
    await keysVerified()
    const sealed = await secretBox.seal(totpContext(userId, id), secret)
    if (!(await repository.saveTotp(userId, id, sealed))) {
      throw new AppError('conflict', 'The account already has an authenticator app. Remove it first')
    }
    return { secret, uri: totpUri(secret, 'Flowkeep', email) }
  }

  /** The setup that is not confirmed yet, to show it again. */
  async pendingTotp({ id: userId, email }: User): Promise<TotpSetup | null> {
    const totp = await this.#options.repository.findTotp(userId)
    if (!totp || totp.isConfirmed) return null
    const secret = await this.#openTotp(userId, totp)
    return { secret, uri: totpUri(secret, 'Flowkeep', email) }
  }

  /**
   * @returns recovery codes with the first factor; otherwise null
   * @throws {AppError} `invalid` for a wrong code, `conflict` without a setup, `too-many-requests`
   */
  async confirmTotp(userId: string, code: string): Promise<string[] | null> {
    const { repository, throttle, now } = this.#options
    const totp = await repository.findTotp(userId)
    if (!totp || totp.isConfirmed) {
      throw new AppError('conflict', 'No authenticator app is waiting for a code. Start the setup again')
    }
    await throttle.claimFactor(userId, 'totp')
    const step = await matchingStep(await this.#openTotp(userId, totp), code, now())
    if (step === null) throw invalid('/code', 'Incorrect code. Check that the clock of the device is correct')
    await throttle.clearFactor(userId, 'totp')
    const { codes, hashes } = await this.#newCodes(userId)
    const { isDone, hasNewCodes } = await repository.confirmTotp(userId, totp.id, step, hashes)
    if (!isDone) throw new AppError('conflict', 'The setup changed in the meantime. Start it again')
    this.#tellOwner(userId, 'an authenticator app was added')
    return hasNewCodes ? codes : null
  }

  /** @throws {AppError} `not-found` */
  async removeTotp(userId: string): Promise<void> {
    if (!(await this.#options.repository.removeTotp(userId))) throw notFound('Authenticator app')
    this.#tellOwner(userId, 'the authenticator app was removed')
  }

  async creationOptions(user: User): Promise<CreationOptions> {
    const { tickets, repository } = this.#options
    const [ticket, existing] = await Promise.all([
      tickets.issue('passkey-registration', user.id),
      repository.descriptors(user.id),
    ])
    return creationOptions(this.#party.rpId, ticket, user, existing)
  }

  /**
   * @throws {AppError} `invalid` for a passkey that was not created with options of this user in the last five minutes,
   * `conflict` for one that exists or beyond 20
   */
  async addPasskey(userId: string, name: string, passkey: PasskeyAttestation): Promise<CreatedPasskey> {
    const { repository, now } = this.#options
    const signed = await this.#ticketOf(passkey.response.clientDataJSON, 'passkey-registration', userId)
    const { verifyNewPasskey } = await import('./webauthn.ts')
    const verified = signed && (await verifyNewPasskey(this.#party, signed.challenge, passkey))
    if (!signed || !verified) throw invalid('/passkey', 'The passkey could not be verified. Create it again')
    const { codes, hashes } = await this.#newCodes(userId)
    const [id, createdAt] = [uuidv7(), now()]
    const { isDone, hasNewCodes } = await repository.addPasskey(
      userId,
      { ...verified, id, name, transports: passkey.response.transports ?? [], createdAt },
      signed.ticket,
      hashes,
    )
    if (!isDone) {
      throw new AppError(
        'conflict',
        'The account already has this passkey or 20 passkeys, or the challenge was used. Start again',
      )
    }
    this.#tellOwner(userId, 'a passkey was added')
    const { isSynced } = verified
    return {
      passkey: { id, name, isSynced, lastUsedAt: null, createdAt: createdAt.toISOString() },
      recoveryCodes: hasNewCodes ? codes : null,
    }
  }

  /** @throws {AppError} `not-found` */
  async removePasskey(userId: string, id: string): Promise<void> {
    if (!(await this.#options.repository.removePasskey(userId, id))) throw notFound('Passkey')
    this.#tellOwner(userId, 'a passkey was removed')
  }

  /** Replaces all codes. @throws {AppError} `conflict` for an account without a factor */
  async newRecoveryCodes({ user, methods }: Account): Promise<string[]> {
    if (!needsSecondFactor(methods)) {
      throw new AppError('conflict', 'Recovery codes need an authenticator app or a passkey. Add one first')
    }
    const { codes, hashes } = await this.#newCodes(user.id)
    await this.#options.repository.replaceCodes(user.id, hashes)
    this.#tellOwner(user.id, 'new recovery codes were created')
    return codes
  }

  async #newCodes(userId: string) {
    const codes = newRecoveryCodes()
    const hashes = await Promise.all(
      codes.map((code) => hashRecoveryCode(this.#options.fingerprint, userId, code)),
    )
    return { codes, hashes }
  }

  async #openTotp(userId: string, { id, secret }: { id: string; secret: unknown }): Promise<string> {
    return (await this.#options.secretBox.open(totpContext(userId, id), secret)) as string
  }

  async #verify(
    userId: string,
    { code, recoveryCode, passkey }: FactorAnswer,
    tickets: Ticket[],
  ): Promise<FactorMethod> {
    const { repository, fingerprint } = this.#options
    if (code !== undefined) {
      await this.#verifyCode(userId, 'totp', () => this.#totpUse(userId, code), tickets)
      return 'totp'
    }
    if (recoveryCode !== undefined) {
      const use = async () =>
        repository.recoveryCodeUse(userId, await hashRecoveryCode(fingerprint, userId, recoveryCode))
      await this.#verifyCode(userId, 'recovery-code', use, tickets)
      return 'recovery-code'
    }
    if (passkey === undefined) throw new TypeError('The response contains no factor')
    await this.#verifyPasskey(userId, passkey, 'passkey-check', tickets)
    return 'passkey'
  }

  /** Codes can be guessed, so each kind has its own limit. Only people who know the password get here. */
  async #verifyCode(
    userId: string,
    method: 'totp' | 'recovery-code',
    use: () => Promise<Use | null>,
    tickets: Ticket[],
  ): Promise<void> {
    const { repository, throttle } = this.#options
    await throttle.claimFactor(userId, method)
    const event = method === 'recovery-code' ? 'factor.recovery-code-used' : null
    const statement = await use()
    const { isRight, isFirst } = statement
      ? await repository.use(userId, statement, tickets, event)
      : { isRight: false, isFirst: false }
    if (!isRight) throw this.#failed(userId, method, 'The code is incorrect or was already used')
    await throttle.clearFactor(userId, method)
    if (method === 'recovery-code') this.#tellOwner(userId, 'a recovery code was used')
    if (!isFirst) throw expired()
  }

  async #totpUse(userId: string, code: string): Promise<Use | null> {
    const { repository, now } = this.#options
    const totp = await repository.findTotp(userId)
    if (!totp?.isConfirmed) return null
    const step = await matchingStep(await this.#openTotp(userId, totp), code, now())
    return step === null ? null : repository.totpUse(userId, totp.id, step)
  }

  async #verifyPasskey(
    userId: string,
    assertion: PasskeyAssertion,
    purpose: 'passkey-sign-in' | 'passkey-check',
    tickets: Ticket[],
  ): Promise<void> {
    const { repository } = this.#options
    const subject = purpose === 'passkey-sign-in' ? '' : userId
    const signed = await this.#ticketOf(assertion.response.clientDataJSON, purpose, subject)
    if (!signed) throw wrongPasskey()
    const stored = await repository.findPasskey(userId, assertion.id)
    if (!stored) throw wrongPasskey()
    const { verifyAssertion } = await import('./webauthn.ts')
    const signCount = await verifyAssertion(this.#party, signed.challenge, assertion, stored)
    if (signCount === null) throw this.#failed(userId, 'passkey', wrongPasskey().message)
    const use = repository.passkeyUse(userId, stored.id, signCount)
    const { isRight, isFirst } = await repository.use(userId, use, [...tickets, signed.ticket], null)
    if (!isRight || !isFirst) throw wrongPasskey()
  }

  async #ticketOf(
    clientDataJSON: string,
    purpose: TicketPurpose,
    subject: string,
  ): Promise<{ ticket: Ticket; challenge: string } | null> {
    const signed = signedTicket(clientDataJSON)
    const ticket = signed && (await this.#options.tickets.read(purpose, signed.ticket))
    return signed && ticket?.subject === subject ? { ticket, challenge: signed.challenge } : null
  }

  #tellOwner(userId: string, change: string): void {
    this.#options.notify(userId, 'factors-changed', { change })
  }

  #failed(userId: string, method: FactorMethod, message: string): AppError {
    const { repository, defer } = this.#options
    defer(repository.recordFailure(userId, method))
    return new AppError('invalid-second-factor', message)
  }

  /** Binds a ticket to a password, so that changing the password ends it. */
  #markOf(passwordHash: string): Promise<string> {
    return this.#options.fingerprint('second-factor-password', passwordHash)
  }
}

const wrongPasskey = () =>
  new AppError(
    'invalid-second-factor',
    'The passkey does not belong to this account or its challenge expired. Try again',
  )

const expired = () =>
  new AppError('sign-in-expired', 'The sign-in has expired or was completed. Sign in with the password again')
