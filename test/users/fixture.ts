import { compare } from '@node-rs/bcrypt'
import { Hono } from 'hono'
import { v7 as uuidv7 } from 'uuid'
import { expect, vi } from 'vitest'
import { createAccessTokens } from '../../src/crypto/access-token.ts'
import { createFingerprint, type Fingerprint } from '../../src/crypto/fingerprint.ts'
import { createPasswordHasher } from '../../src/crypto/password.ts'
import { createRefreshTokens } from '../../src/crypto/refresh-token.ts'
import { nativeScrypt, type Scrypt } from '../../src/crypto/scrypt.ts'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { createTickets } from '../../src/crypto/ticket.ts'
import type { Db } from '../../src/db/client.ts'
import type { FieldError } from '../../src/errors.ts'
import { requireUser } from '../../src/http/auth.ts'
import type { BaseEnv } from '../../src/http/env.ts'
import { NetworkLimit } from '../../src/http/network-limit.ts'
import { createLog } from '../../src/http/log.ts'
import { handleFailures, shell } from '../../src/http/shell.ts'
import type { Mail } from '../../src/mail/mail.ts'
import { AccountLinks } from '../../src/users/account-mail/account-links.ts'
import { AccountMail } from '../../src/users/account-mail/account-mail.ts'
import { LinkTokens } from '../../src/users/account-mail/link-tokens.ts'
import { Recovery } from '../../src/users/account-mail/recovery.ts'
import { recoveryRoutes } from '../../src/users/account-mail/routes.ts'
import { hashNewPassword } from '../../src/users/breached-passwords.ts'
import { purgeDeletedAccounts } from '../../src/users/delete-account.ts'
import { Devices } from '../../src/users/devices.ts'
import { SecondFactors } from '../../src/users/factors/factors.ts'
import { FactorRepository } from '../../src/users/factors/repository.ts'
import { UserRepository } from '../../src/users/repository.ts'
import { authRoutes, meRoutes } from '../../src/users/routes.ts'
import { SessionRepository } from '../../src/users/session-repository.ts'
import { sessionRoutes, signInHistoryRoutes } from '../../src/users/session-routes.ts'
import { SignIn } from '../../src/users/sign-in.ts'
import { Throttle } from '../../src/users/throttle.ts'
import { TokenAccess } from '../../src/users/token-access.ts'
import { TokenRepository } from '../../src/users/token-repository.ts'
import { randomRing } from '../crypto/rings.ts'

export const password = 'correct horse battery'

export interface SignedIn {
  user: { id: string; email: string; name: string | null; createdAt: string }
  accessToken: string
  expiresIn: number
  refreshToken: string
  deviceToken: string
}

/** Possible members of a response body. */
export interface AnswerBody extends SignedIn {
  id: string
  email: string
  name: string | null
  code: string
  requestId: string
  errors: [FieldError, ...FieldError[]]
}

/** The user routes with a clock that the test controls. */
export function createAccounts(
  db: Db,
  options: { graceSeconds?: number; fingerprint?: Fingerprint; canSend?: boolean } = {},
) {
  let time = Date.now()
  const now = () => new Date(time)
  /** Called once for each password that is checked or set. */
  const scrypt = vi.fn<Scrypt>(nativeScrypt)
  const peppers = randomRing('p1', 'p2')
  const hasher = createPasswordHasher({
    compareBcrypt: compare,
    scrypt,
    peppers,
    cost: 4,
    maxWaiting: 1000,
    maxWaitMs: 30_000,
  })
  const hashNew = hashNewPassword(hasher, { url: undefined, fetch, onFailure: () => undefined })
  const accessTokens = createAccessTokens(randomRing('a1'), {
    issuer: 'https://flowkeep.test',
    audience: 'flowkeep',
    now,
  })
  const refreshTokens = createRefreshTokens(randomRing('r1'))
  const { graceSeconds, fingerprint = createFingerprint(crypto.getRandomValues(new Uint8Array(32))) } =
    options
  const sessions = new SessionRepository(db, now, {
    refreshTokens,
    accessKeyId: accessTokens.activeKeyId,
    ...(graceSeconds !== undefined && { graceSeconds }),
  })
  const users = new UserRepository(db, now, sessions)
  const throttle = new Throttle(db, now, fingerprint)
  const deferred: Promise<unknown>[] = []
  const defer = (work: Promise<unknown>) => void deferred.push(work)
  const devices = new Devices(fingerprint, now)
  const linkTokens = new LinkTokens(fingerprint)
  const mails: Mail[] = []
  const mail = new AccountMail(db, now, {
    links: linkTokens,
    publicUrl: 'https://flowkeep.test',
    sendMail: options.canSend ? async (sent) => void mails.push(sent) : null,
    defer,
  })
  const links = new AccountLinks(db, now, linkTokens, mail)
  const recovery = new Recovery({ users, throttle, hashNew, links, mail })
  const { notify } = mail
  const factors = new SecondFactors({
    repository: new FactorRepository(db, now, sessions),
    tickets: createTickets(randomRing('t1'), 'https://flowkeep.test', now),
    secretBox: createSecretBox(randomRing('c1')),
    keysVerified: async () => undefined,
    fingerprint,
    throttle,
    publicUrl: 'https://flowkeep.test',
    defer,
    notify,
    now,
  })
  const signIn = new SignIn({
    users,
    sessions,
    throttle,
    devices,
    hasher,
    hashNew,
    accessTokens,
    factors,
    defer,
    notify,
    welcome: (user) => recovery.welcome(user),
  })
  const purgeAccount = (userId: string) => defer(purgeDeletedAccounts(db, { userId }))
  const apiTokens = new TokenRepository(db, now, { access: new TokenAccess(db, now), quota: 100, notify })
  const deps = {
    users,
    sessions,
    signIn,
    accessTokens,
    authenticateToken: async () => null,
    networkLimit: new NetworkLimit(now),
    claimRequest: () => null,
    apiTokens,
    recovery,
    purgeAccount,
  }

  const logged: string[] = []
  const log = createLog('debug', (line) => logged.push(line), now)
  const app = new Hono<BaseEnv>()
  app.use(...shell({ log, corsOrigins: [], clientIp: (c) => c.req.header('X-Test-Ip') ?? '192.0.2.1' }))
  app.use('/v1/me/*', requireUser(deps))
  handleFailures(app, log)
  app
    .route('/v1/auth', authRoutes(deps))
    .route('/v1/auth', recoveryRoutes(recovery))
    .route('/v1/me', meRoutes(deps))
    .route('/v1/me/sessions', sessionRoutes(sessions))
    .route('/v1/me/sign-ins', signInHistoryRoutes(db.read))

  /** Sends JSON, with `token` in the Authorization header. */
  async function call(
    method: string,
    path: string,
    body?: unknown,
    { token, ip, headers }: { token?: string; ip?: string; headers?: Record<string, string> } = {},
  ) {
    const response = await app.request(path, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(ip && { 'X-Test-Ip': ip }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const answerBody: AnswerBody = JSON.parse(text || '{}')
    return { status: response.status, headers: response.headers, text, body: answerBody }
  }

  /** Registers a new account. */
  async function register(change: object = {}): Promise<SignedIn> {
    const answer = await call('POST', '/v1/auth/register', { email: newEmail(), password, ...change })
    expect(answer.text).toContain('refreshToken')
    expect(answer.status).toBe(201)
    return answer.body
  }

  return {
    call,
    register,
    users,
    sessions,
    throttle,
    hasher,
    hashNew,
    refreshTokens,
    scrypt,
    links,
    mail,
    mails,
    logged,
    peppers,
    login: (email: string, secret = password, ip?: string) =>
      call('POST', '/v1/auth/login', { email, password: secret }, ip ? { ip } : {}),
    refresh: (refreshToken: string) => call('POST', '/v1/auth/refresh', { refreshToken }),
    me: (token: string) => call('GET', '/v1/me', undefined, { token }),
    advance: (ms: number) => {
      time += ms
    },
    settled: async () => {
      while (deferred.length > 0) await deferred.shift()
    },
  }
}

export type Accounts = ReturnType<typeof createAccounts>

export const newEmail = () => `user-${uuidv7()}@example.com`
