import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { AppError } from '../errors.ts'
import { type Authentication, type AuthEnv, requireUser } from '../http/auth.ts'
import type { BaseEnv } from '../http/env.ts'
import { limited, limitFailures, type NetworkLimit } from '../http/network-limit.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import type { Recovery } from './account-mail/recovery.ts'
import { loadCommonPasswords } from './common-passwords.ts'
import {
  AccountDeletion,
  Login,
  PasswordChange,
  ProfileChange,
  Refreshed,
  RefreshRequest,
  Registration,
  SignedIn,
  User,
} from './contract.ts'
import type { UserRepository } from './repository.ts'
import type { SessionRepository } from './session-repository.ts'
import type { TokenRepository } from './token-repository.ts'
import { accountGone, type SignIn } from './sign-in.ts'

export interface UserRouteDeps extends Authentication {
  users: UserRepository
  sessions: SessionRepository
  signIn: SignIn
  networkLimit: NetworkLimit
  recovery: Recovery
  apiTokens: Pick<TokenRepository, 'revokeAll'>
  /** Starts the purge after the response. The scheduled job finishes it. */
  purgeAccount: (userId: string) => void
}

const noStore = createMiddleware<BaseEnv>(async (c, next) => {
  c.header('Cache-Control', 'no-store')
  await next()
})

/** Before a body with a new password is validated. */
const passwordsLoaded = createMiddleware<BaseEnv>(async (_, next) => {
  await loadCommonPasswords()
  await next()
})

export function authRoutes(deps: UserRouteDeps) {
  const { signIn, sessions, accessTokens, networkLimit } = deps
  return new Hono<AuthEnv>()
    .use(noStore)
    .post(
      '/register',
      describe({
        operationId: 'registerUser',
        tag: 'Authentication',
        summary: 'Register a user',
        description:
          'Signs the new user in. A password has 8 to 1,024 characters of any kind; common passwords are ' +
          'rejected, and so are those in known data breaches if the server checks them.',
        responses: { 201: SignedIn },
        errors: ['email-taken', 'account-moved', 'invalid', 'too-many-requests'],
        public: true,
      }),
      passwordsLoaded,
      valid('json', Registration),
      async (c) => c.json(await signIn.register(c.var.clientIp, c.req.valid('json')), 201),
    )
    .post(
      '/login',
      describe({
        operationId: 'createSession',
        tag: 'Authentication',
        summary: 'Sign in',
        description:
          'From the fifth failed attempt on one account from one network (an IPv4 address or an IPv6 /64), each further ' +
          'attempt has to wait: 1 second, doubling up to 15 minutes. After 20 failures on one account from any network, ' +
          'the waits of each network start with its second attempt; guesses from other networks never delay the first. A ' +
          'network can fail 30 times across all accounts, then once every 20 seconds. Send the `deviceToken` ' +
          'of an earlier sign-in: its attempts are counted separately, so that guesses from the same network do not delay ' +
          'them either.',
        responses: { 200: SignedIn },
        errors: ['bad-credentials', 'account-moved', 'invalid', 'too-many-requests'],
        public: true,
      }),
      valid('json', Login),
      async (c) => c.json(await signIn.login(c.var.clientIp, c.req.valid('json')), 200),
    )
    .post(
      '/refresh',
      describe({
        operationId: 'refreshSession',
        tag: 'Authentication',
        summary: 'Refresh a session',
        description:
          'Returns a new session token and the next refresh token. A refresh token that is used again within ' +
          '10 seconds returns the same successor; used later, it ends the session. A session lasts 30 days. After 100 ' +
          'invalid tokens from one network, returns 429 for more than 10 of them a second.',
        responses: { 200: Refreshed },
        errors: ['invalid-refresh-token', 'invalid', 'too-many-requests'],
        public: true,
      }),
      valid('json', RefreshRequest),
      async (c) => {
        const { refreshToken, ...claim } = await limitFailures(
          networkLimit,
          c.var.clientIp,
          (error) => error instanceof AppError && error.code === 'invalid-refresh-token',
          () => sessions.refresh(c.req.valid('json').refreshToken),
        )
        return c.json({ ...(await accessTokens.sign(claim)), refreshToken }, 200)
      },
    )
    .post(
      '/logout',
      describe({
        operationId: 'endSession',
        tag: 'Authentication',
        summary: 'Sign out',
        description:
          'Ends the session of the refresh token; its session token stops working within 5 seconds. Also returns 204 when ' +
          'there is no such session (RFC 7009 §2.2). A network can send 100 requests, then 10 a second.',
        responses: { 204: null },
        errors: ['invalid', 'too-many-requests'],
        public: true,
      }),
      limited(networkLimit),
      valid('json', RefreshRequest),
      async (c) => {
        await sessions.end(c.req.valid('json').refreshToken)
        return c.body(null, 204)
      },
    )
    .post(
      '/logout-all',
      describe({
        operationId: 'endAllSessions',
        tag: 'Authentication',
        summary: 'Sign out everywhere',
        description: 'Ends all sessions of the user. Their session tokens stop working within 5 seconds.',
        responses: { 204: null },
      }),
      requireUser(deps),
      async (c) => {
        await sessions.endAll(c.var.userId)
        return c.body(null, 204)
      },
    )
}

/** Requires `requireUser`. */
export function meRoutes({ signIn, users, recovery, apiTokens, purgeAccount }: UserRouteDeps) {
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'getCurrentUser',
        tag: 'Account',
        summary: 'Get the signed-in user',
        description: 'Returns the user that the token belongs to.',
        responses: { 200: User },
      }),
      async (c) => {
        const account = await users.find(c.var.userId)
        if (!account) throw accountGone()
        return c.json(account.user, 200)
      },
    )
    .patch(
      '/',
      describe({
        operationId: 'updateCurrentUser',
        tag: 'Account',
        summary: 'Update the signed-in user',
        description:
          'Changes the name or the email address. A new email address requires the current password. If the server can send ' +
          'email, the new address takes effect when it is confirmed; until then it is in `pendingEmail`.',
        responses: { 200: User },
        errors: ['bad-credentials', 'email-taken', 'invalid', 'too-many-requests'],
      }),
      valid('json', ProfileChange),
      async (c) => {
        const { name, email, currentPassword } = c.req.valid('json')
        if (currentPassword !== undefined) {
          await signIn.confirmPassword(c.var, currentPassword)
        }
        const change = { ...(name !== undefined && { name }), ...(email !== undefined && { email }) }
        return c.json(await recovery.updateProfile(c.var.userId, change), 200)
      },
    )
    .post(
      '/verify-email',
      describe({
        operationId: 'sendEmailConfirmation',
        tag: 'Account',
        summary: 'Send a link that confirms the email address',
        description:
          'The link works once, within 24 hours. Does nothing if the address is confirmed. At most 5 per hour.',
        responses: { 202: null },
        errors: ['conflict', 'too-many-requests'],
      }),
      async (c) => {
        const account = await users.find(c.var.userId)
        if (!account) throw accountGone()
        await recovery.verifyEmail(account.user)
        return c.body(null, 202)
      },
    )
    .post(
      '/password',
      describe({
        operationId: 'changePassword',
        tag: 'Account',
        summary: 'Change the password',
        description:
          'Ends all other sessions of the user. The current session continues, and so do access tokens unless ' +
          '`revokeTokens` is true.',
        responses: { 204: null },
        errors: ['bad-credentials', 'invalid', 'conflict', 'too-many-requests'],
      }),
      passwordsLoaded,
      valid('json', PasswordChange),
      async (c) => {
        const change = c.req.valid('json')
        await signIn.changePassword(c.var, change)
        if (change.revokeTokens) await apiTokens.revokeAll(c.var.userId)
        return c.body(null, 204)
      },
    )
    .post(
      '/delete',
      describe({
        operationId: 'deleteAccount',
        tag: 'Account',
        summary: 'Delete the account',
        description:
          'Ends all sessions and access tokens, and frees the email address immediately. The data is purged ' +
          'afterwards.',
        responses: { 204: null },
        errors: ['bad-credentials', 'invalid', 'too-many-requests'],
      }),
      valid('json', AccountDeletion),
      async (c) => {
        await signIn.confirmPassword(c.var, c.req.valid('json').password)
        await users.markDeleted(c.var.userId)
        purgeAccount(c.var.userId)
        return c.body(null, 204)
      },
    )
}
